"""The museum's page, learn/museum/README.md, written from the catalogue.

python3 -m learn.museum.page --write
"""

import sys
from urllib.parse import quote

from learn.museum.catalogue import EXHIBITS, HERE, Exhibit

PAGE = HERE / "README.md"
TEXT = """# The bug museum

{count} small servers and clients of this protocol. Each is complete, and each has exactly one fault
that a well-known program has or had; everything else in it is right. The first line of each file
says what is wrong, and the line with the fault is marked.

    make museum                          list them
    make exhibit N=8                     show the symptom, with a sentence that says what happened
    make grade SERVER=exhibit:8          grade it; repair it until its rows are green
    make exhibit N=8 SERVER=mine/8.py    does my repaired copy still have the symptom?

The programs in [sound](sound) are the same without the faults. The difference is at most ten lines;
`python3 -m learn.museum --repaired 8` shows it. "Run" means that the symptom was seen in the named
program in an experiment, "read" that the fault was found in its code. Most of these programs are
short on purpose and teach well what they set out to teach.

| | what is wrong | found in | what that program does | chapter |
|---|---|---|---|---|
{lines}
"""


def page() -> str:
    """Return the page."""
    return TEXT.format(count=len(EXHIBITS), lines="\n".join(map(_line, EXHIBITS)))


def _line(one: Exhibit) -> str:
    """Return an exhibit's line of the table."""
    repository, rest = one.source.split(" ", 1)
    path, commit = rest.rsplit(" ", 1)
    link = f"[{repository}, {path.rpartition('/')[2]}]({_address(repository, path, commit)})"
    number = f"[{one.number}]({one.path.name})"
    return f"| {number} | {one.fault} | {link} | {one.fact} | {one.chapter} |"


def _address(repository: str, path: str, commit: str) -> str:
    """Return where that file is on the web, at that commit."""
    return f"https://github.com/{repository}/blob/{commit}/{quote(path)}"


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")
