"""The documents, cut into the pages of the book.

A document is one page, except for docs/protocol.md, which is one page for each `##` heading. What
comes before the first of them is a page of its own. A `#` heading after the first begins a part.
"""

import re
from itertools import chain
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
CHAPTERS = "docs/protocol.md"  # the one that is cut
OTHERS = ("docs/*.md", "learn/*/*.md")
FENCE = re.compile(r"^\s*(```+|~~~+)")
PART = re.compile(r"\| \| \*\*(Part .+?)\*\* \|")
ROW = re.compile(r"\| \d+ \| \[[^]]+\]\(#([^)]+)\)")
HEADING = re.compile(r"^(#{1,6}) +(.+?) *#*$")


class Page(NamedTuple):
    """One page: what the generator calls it, where its text is from, the part it is in."""

    name: str
    document: str
    text: str
    part: str = ""

    @property
    def title(self) -> str:
        return next((title for _, level, title in headings(self.text) if level == 1), self.name)


def headings(text: str) -> list[tuple[int, int, str]]:
    """Return the number of the line, the level and the words of each heading."""
    found, fence = [], ""
    for number, line in enumerate(text.splitlines()):
        if mark := FENCE.match(line):
            fence = mark[1] if not fence else "" if mark[1].startswith(fence) else fence
        elif not fence and (heading := HEADING.match(line)):
            found.append((number, len(heading[1]), heading[2]))
    return found


def slug(title: str) -> str:
    """Return the anchor that code hosts give to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def slugs(titles: list[str]) -> list[str]:
    """Return the anchors of a document's headings: the second of a kind ends in -1."""
    seen: dict[str, int] = {}
    found = []
    for name in map(slug, titles):
        found.append(f"{name}-{seen[name]}" if name in seen else name)
        seen[name] = seen.get(name, 0) + 1
    return found


def promoted(lines: list[str]) -> str:
    """Return a section as a document of its own: each heading is one level higher."""
    text = "\n".join(lines)
    for number, level, title in headings(text):
        lines[number] = "#" * max(1, level - 1) + " " + title
    return "\n".join(lines) + "\n"


def name_of(title: str) -> str:
    """Return the name of a chapter's page: 4. What is …? becomes docs/04-what-is."""
    number = re.match(r"(\d+)\.? ", title)
    return "docs/" + (
        slug(title) if not number else f"{int(number[1]):02}-{slug(title[number.end() :])}"
    )


def parts(text: str) -> dict[str, str]:
    """Return the part of each chapter, by its anchor, as the list of contents has it."""
    found, part = {}, ""
    for line in text.splitlines():
        if named := PART.match(line):
            part = named[1]
        elif row := ROW.match(line):
            found[row[1]] = part
    return found


def chapters(text: str) -> list[Page]:
    """Cut the walkthrough."""
    listed = parts(text)
    lines = text.splitlines()
    cuts = [each for each in headings(text) if each[1] <= 2]
    ends = [number for number, _, _ in cuts[1:]] + [len(lines)]
    pages, part = [], ""
    for first, ((number, level, title), end) in enumerate(zip(cuts, ends, strict=True)):
        section = lines[number:end]
        if level == 1 and first:
            part = title
            if not "".join(section[1:]).strip():
                continue
        name = name_of(title) if first else CHAPTERS.removesuffix(".md")
        body = promoted(section) if level == 2 else "\n".join(section) + "\n"
        pages.append(Page(name, CHAPTERS, body, part or listed.get(slug(title), "")))
    return pages


def pages(root: Path = ROOT) -> list[Page]:
    """Return all pages, in the order of the book."""
    found = [Page("index", "README.md", read(root, "README.md"))]
    others = sorted(path.relative_to(root).as_posix() for path in chain(*map(root.glob, OTHERS)))
    for document in [CHAPTERS, *(each for each in others if each != CHAPTERS), "protocol.md"]:
        text = read(root, document)
        whole = Page(document.removesuffix(".md"), document, text)
        found += chapters(text) if document == CHAPTERS else [whole]
    return found


def read(root: Path, name: str) -> str:
    """Return the text of one document."""
    return (root / name).read_text(encoding="utf-8")
