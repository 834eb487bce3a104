"""Which file of the repository is on which page of the book, and where on it.

A document's link names a file beside it, as on a code host; here that becomes a page and an anchor.
"""

import posixpath
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from lab.book.cut import ROOT, Page, headings, pages, slugs

STAGE = "docs/lanes.html"  # the name under which the documents link the recorded run
SOURCE = "source/"
DEFINITION = re.compile(r"^ *(?:async +)?(?:def|class) +(\w+)", re.MULTILINE)
IMAGES = (".svg", ".png", ".webp")


class Place(NamedTuple):
    """A page, as the generator calls it, and an anchor on it."""

    page: str
    anchor: str = ""


class Shelf:
    """All that the book holds."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.pages = pages(root)
        self.files = [name for name in tracked(root) if is_text(root / name)]
        self.folders = sorted({above for name in self.files for above in parents(name)})
        self.first = {page.document: page.name for page in reversed(self.pages)}
        self.anchors = dict(self.anchors_of_documents())
        self.by_name = {page.name: page for page in self.pages}

    def anchors_of_documents(self) -> list[tuple[tuple[str, str], Place]]:
        """Return where each heading is: by its document, and its anchor on a code host."""
        found = []
        for document in self.first:
            titles = [
                (page, title)
                for page in self.pages
                if page.document == document
                for _, _, title in headings(page.text)
            ]
            for (page, _), anchor in zip(
                titles, slugs([title for _, title in titles]), strict=True
            ):
                found.append(((document, anchor), Place(page.name, anchor)))
        return found

    def anchors_on(self, page: Page) -> list[str]:
        """Return the anchors of a page's headings, in order."""
        return [place.anchor for place in self.anchors.values() if place.page == page.name]

    def find(self, document: str, link: str, words: str = "") -> Place | None:
        """Return where a link in a document leads; None: to nothing that is here."""
        path, _, anchor = link.partition("#")
        beside = posixpath.dirname(document)
        name = posixpath.normpath(posixpath.join(beside, path)) if path else document
        if name == STAGE:
            return Place("stage", anchor)
        if name.endswith("playground.html"):
            return Place("playground", anchor)
        if name in self.first:
            return self.in_document(name, anchor)
        if name in self.files:
            return Place(SOURCE + name, anchor or self.line_of(name, words))
        if f"{name}/README.md" in self.first:
            return Place(self.first[f"{name}/README.md"])
        return Place(f"{SOURCE}{name}/index") if name in self.folders else None

    def in_document(self, name: str, anchor: str) -> Place | None:
        """Return the page with this anchor; one that is no heading is on the page named first."""
        if not anchor:
            return Place(self.first[name])
        place = self.anchors.get((name, anchor))
        if place is None and f'id="{anchor}"' in (self.root / name).read_text(encoding="utf-8"):
            return Place(self.first[name], anchor)
        return place

    def line_of(self, name: str, words: str) -> str:
        """Return the line of what the link's words name, if the file defines that."""
        text = (self.root / name).read_text(encoding="utf-8")
        for found in DEFINITION.finditer(text):
            if found[1] == words.rpartition(".")[2]:
                return f"L{text.count(chr(10), 0, found.start(1)) + 1}"
        return ""


def tracked(root: Path) -> list[str]:
    """Return the names of the files of the repository; in a copy without git, of all there are."""
    words: list[str | Path] = ["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z"]
    listed = subprocess.run(words, capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        return sorted(name for name in names if name and (root / name).is_file())
    hidden = re.compile(r"(^|/)(\.|build/|__pycache__|node_modules)")
    every = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(name for name in every if not hidden.search(name))


def is_text(path: Path) -> bool:
    """Tell whether a file can be shown line by line."""
    if path.suffix in IMAGES:
        return False
    try:
        return "\0" not in path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False


def parents(name: str) -> list[str]:
    """Return the folders that a file is in, from the innermost."""
    return [above.as_posix() for above in Path(name).parents if above != Path()]
