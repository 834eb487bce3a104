"""Read the finished pages as a browser would, and report dead links and requests to other hosts.

    python3 -m lab.book.dead [FOLDER]

A reader may follow a link to another host. But a script, style, picture or frame from another host
is a request that no page of this book may make.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "source": "src"}
BEYOND = re.compile(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", re.IGNORECASE)
FREE = {"stage.html", "playground.html"}  # their fragment is no anchor


class Reader(HTMLParser):
    """What one page has, and what it leads to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        loaded = values.get(LOADS.get(tag, ""))
        if loaded and values.get("rel") not in ("canonical", "search", "next", "prev", "index"):
            self.loads.append(loaded)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])


def check(folder: Path) -> list[str]:
    """Return a line for each fault of the pages in a folder."""
    pages = {
        path.relative_to(folder).as_posix(): Reader(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.html"))
    }
    faults = []
    for name, page in pages.items():
        for link in dict.fromkeys(page.links + page.loads):
            outside = bool(urlsplit(link).netloc) or link.startswith(("http:", "https:"))
            if outside and link in page.loads:
                faults.append(f"{name}: would ask another host: {link}")
            elif not outside and (why := leads(folder, pages, name, link)):
                faults.append(f"{name}: {link}: {why}")
    return faults + styles(folder)


def leads(folder: Path, pages: dict[str, Reader], name: str, link: str) -> str:
    """Return why a link from a page leads nowhere; empty: it does lead somewhere."""
    if link.startswith(("data:", "mailto:", "about:")):
        return ""
    path, _, anchor = link.partition("#")
    target = (folder / name).parent / unquote(path.partition("?")[0]) if path else folder / name
    if not target.is_file():
        return "there is no such file"
    found = target.resolve().relative_to(folder.resolve()).as_posix()
    if not anchor or found not in pages or found in FREE:
        return ""
    return "" if unquote(anchor) in pages[found].ids else "there is no such anchor"


def styles(folder: Path) -> list[str]:
    """Return a line for each style sheet that would ask another host."""
    return [
        f"{path.name}: would ask another host"
        for path in sorted(folder.rglob("*.css"))
        if BEYOND.search(path.read_text(encoding="utf-8"))
    ]


def main() -> int:
    """Print the faults; return the exit status."""
    faults = check(Path(sys.argv[1] if len(sys.argv) > 1 else "build/book"))
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
