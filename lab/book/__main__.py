"""Build the book: python3 -m lab.book."""

import importlib.util
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lab.book import dead, npm, playground
from lab.book.cut import CHAPTERS, ROOT, Page
from lab.book.shelf import IMAGES, Shelf
from lab.tracing.page import page as stage_page

NEEDED = ("sphinx", "myst_parser", "furo", "sphinx_copybutton")
RUN = "docs/lanes.jsonl"  # the recorded run that the chapters speak of
REST = {  # what comes after the chapters: a caption, and its documents
    "Do": ["exercises"],
    "Know": [
        "protocol",
        "docs/trace",
        "docs/performance",
        "docs/reliability",
        "docs/scoreboard",
        "docs/scaling",
        "docs/your-machine",
    ],
    "Change": ["docs/CONTRIBUTING", "docs/CHANGELOG", "source"],
}


INTRODUCTION = """# The playground

[Edit the core, and run it in this browser](playground.html): Python is in the page, and nothing
that you type leaves it. Choose a scene or a seed, and press Run. After each turn of the loop the
rules that it must keep are checked. The first that is broken is named, and the run is shown at that
event. `make playground` writes the same page as one file to hand out.

In each of these exercises one place of the core is wrong.

"""


def toctree(caption: str, names: list[str]) -> str:
    """Return one group of the contents in the margin."""
    return "\n".join([
        "```{toctree}", ":hidden:", f":caption: {caption}", ":maxdepth: 1", "", *names, "```", "",
    ])  # fmt: skip


def groups(pages: list[Page]) -> list[tuple[str, list[str]]]:
    """Return the captions and the pages of the contents, in the order of the book."""
    found: dict[str, list[str]] = {}
    named = {name for names in REST.values() for name in names}
    for page in pages:
        if page.document == CHAPTERS:
            caption = page.part or next(reversed(found), "Learn")
            found.setdefault(caption, []).append(page.name)
    last = next(reversed(found))
    for page in pages:
        is_other = page.document not in (CHAPTERS, "README.md") and page.name not in named
        if is_other:
            after = page.name in ("docs/answers",)
            found.setdefault(last if after else "More", []).append(page.name)
    there = {page.name for page in pages} | {"source", "exercises"}
    more = found.pop("More", [])
    found |= {caption: [each for each in names if each in there] for caption, names in REST.items()}
    found["Know"] += more
    return list(found.items())


def lay_out(shelf: Shelf, folder: Path) -> None:
    """Write what the generator reads: a file for each page, and the pictures beside them."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in shelf.pages:
        path = folder / f"{page.name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        trees = "".join(toctree(*group) for group in groups(shelf.pages))
        more = "\n" + trees if page.name == "index" else offered(page)
        path.write_text(page.text + more, encoding="utf-8")
    copy_pictures(shelf.root, folder)
    (folder / "exercises.md").write_text(list_of_exercises(), encoding="utf-8")
    (folder / "source.md").write_text(list_of_sources(shelf), encoding="utf-8")


def offered(page: Page) -> str:
    """Return what the playground has for a chapter, as the end of its page."""
    if page.document != CHAPTERS:
        return ""
    fitting = [each for each in playground.exercises() if f"/{each['chapter']:02}-" in page.name]
    return "\n## In the playground\n\n" + links(fitting, "../") if fitting else ""


def links(exercises: list[dict[str, Any]], up: str = "") -> str:
    """Return a list of exercises, each linked."""
    return "".join(
        f"- [{each['title']}]({up}playground.html#exercise={each['name']}): {each['text']}\n"
        for each in exercises
    )


def list_of_exercises() -> str:
    """Return the page that says what the playground is, and lists its exercises."""
    return INTRODUCTION + links(playground.exercises())


def copy_pictures(root: Path, folder: Path) -> None:
    """Put the pictures where the documents have them."""
    for picture in sorted((root / "docs").rglob("*")):
        if picture.suffix in IMAGES:
            copy = folder / picture.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(picture, copy)


def list_of_sources(shelf: Shelf) -> str:
    """Return the page that lists the files at the top, and the folders."""
    rows = [
        f"<li><a href='source/{name}.html'>{name}</a></li>"
        for name in shelf.files
        if "/" not in name
    ]
    tops = [folder for folder in shelf.folders if "/" not in folder]
    rows += [f"<li><a href='source/{name}/index.html'>{name}/</a></li>" for name in tops]
    return f"# The source, file by file\n\n<ul>\n{''.join(rows)}\n</ul>\n"


def generate(pages: Path, book: Path) -> int:
    """Run the generator; any warning is an error."""
    cache = pages.parent / "book-cache"
    words: list[str | Path] = [
        sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--nitpicky",
        "--fresh-env", "--jobs", "2", "--quiet", "-b", "html", "-c", ROOT / "lab/book", "-d", cache,
        pages, book,
    ]  # fmt: skip
    return subprocess.run(words, cwd=ROOT, check=False).returncode


def add(book: Path) -> None:
    """Put what no document holds beside the pages: the recorded run, and the scripts from npm."""
    trace = (ROOT / RUN).read_text(encoding="utf-8")
    (book / "stage.html").write_text(stage_page(trace), encoding="utf-8")
    why = playground.missing()
    page = playground.absent_page(why) if why else playground.page()
    (book / "playground.html").write_text(page, encoding="utf-8")
    copy_pictures(ROOT, book)  # for those that are shown by HTML in a document
    if script := npm.find(npm.MERMAID):
        shutil.copy(script, book / "_static" / "mermaid.min.js")


def say(what: str) -> None:
    """Report progress."""
    print(f"book     | {what}", flush=True)


def main() -> int:
    """Build; return the exit status."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        print(f"the book needs {', '.join(missing)}: make book installs them", file=sys.stderr)
        return 1
    began = time.monotonic()
    if problem := npm.install():
        say(f"without what npm brings (diagrams are shown as text, no playground): {problem}")
    shelf = Shelf()
    book, pages = ROOT / "build/book", ROOT / "build/book-pages"
    shutil.rmtree(book, ignore_errors=True)
    lay_out(shelf, pages)
    say(f"{len(shelf.pages)} pages of text, {len(shelf.files)} source files")
    if status := generate(pages, book):
        return status
    add(book)
    if faults := dead.check(book):
        print("\n".join(faults), file=sys.stderr)
        return 1
    say(f"every link leads somewhere; {time.monotonic() - began:.0f} s")
    say(f"made file://{str(book).replace(' ', '%20')}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
