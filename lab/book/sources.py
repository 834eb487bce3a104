"""A page for each source file, with an anchor for each line: reactor.py#L40; one for each folder.

They are rendered past the generator's own documents (as its extension viewcode does), so that three
hundred of them cost seconds. The search knows their names and what they define.
"""

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from docutils import nodes
from docutils.utils import new_document
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx.application import Sphinx

from lab.book.shelf import SOURCE, Shelf, parents

DEFINED = re.compile(r"^( *)(?:async +)?(?:def|class) +(\w+)")
Made = tuple[str, dict[str, Any], str]


def lines(name: str, text: str) -> list[str]:
    """Return the lines of a file, coloured."""
    try:
        lexer = get_lexer_for_filename(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        lexer = TextLexer(stripnl=False, ensurenl=False)
    coloured: str = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return coloured.rstrip("\n").split("\n")


def numbered(name: str, text: str) -> str:
    """Return a file as HTML, each line with its number and its anchor."""
    rows = (
        f'<span class="row" id="L{n}"><a class="number" href="#L{n}" data-n="{n}" '
        f'aria-label="line {n}"></a>{line}\n</span>'
        for n, line in enumerate(lines(name, text), 1)
    )
    return f'<div class="highlight source"><pre tabindex="0">{"".join(rows)}</pre></div>'


def defined(text: str) -> list[tuple[int, int, str]]:
    """Return the line, the depth and the name of each class, function and method."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := DEFINED.match(line):
            found.append((number, len(match[1]), match[2]))
    return found


def contents(text: str) -> str:
    """Return the list of what a file defines, for the margin."""
    rows = [
        f'<li class="depth-{depth // 4}"><a href="#L{number}">{name}</a></li>'
        for number, depth, name in defined(text)
        if depth <= 4
    ]
    return f'<ul><li><a href="#">Definitions</a><ul>{"".join(rows)}</ul></li></ul>'


def way(app: Sphinx, page: str, name: str) -> str:
    """Return the folders above a file or folder, each linked."""
    steps = [("source", "source")]
    steps += [
        (f"{SOURCE}{above}/index", above.rpartition("/")[2]) for above in reversed(parents(name))
    ]
    links = (
        f'<a href="{app.builder.get_relative_uri(page, target)}">{escape(words)}</a>'
        for target, words in steps
    )
    return f'<p class="way">{" / ".join(links)} / {escape(name.rpartition("/")[2])}</p>'


def file_page(app: Sphinx, name: str) -> Made:
    """Return the page of one file."""
    shelf: Shelf = app.shelf
    text = (shelf.root / name).read_text(encoding="utf-8")
    page = SOURCE + name
    index(app, page, name, [each for _, _, each in defined(text)] if name.endswith(".py") else [])
    body = f"<h1>{escape(name)}</h1>{way(app, page, name)}{numbered(name, text)}"
    context: dict[str, Any] = {"title": name, "body": body}
    if name.endswith(".py") and defined(text):
        context |= {"toc": contents(text), "display_toc": True}
    return page, context, "page.html"


def folder_page(app: Sphinx, folder: str) -> Made:
    """Return the page of one folder: what is in it."""
    shelf: Shelf = app.shelf
    page = f"{SOURCE}{folder}/index"
    inside = [
        (f"{SOURCE}{each}/index", each.removeprefix(f"{folder}/") + "/")
        for each in shelf.folders
        if parents(each)[:1] == [folder]
    ]
    inside += [
        (SOURCE + each, each.removeprefix(f"{folder}/"))
        for each in shelf.files
        if parents(each)[:1] == [folder]
    ]
    rows = (
        f'<li><a href="{app.builder.get_relative_uri(page, target)}">{escape(words)}</a></li>'
        for target, words in inside
    )
    body = f"<h1>{escape(folder)}/</h1>{way(app, page, folder)}<ul>{''.join(rows)}</ul>"
    return page, {"title": f"{folder}/", "body": body}, "page.html"


def index(app: Sphinx, page: str, name: str, words: list[str]) -> None:
    """Let the search find a file by its name and by what it defines."""
    document = new_document(page)
    document += nodes.paragraph("", " ".join([name, *words]))
    app.builder.indexer.feed(page, page, name, document)


def collect(app: Sphinx) -> Iterator[Made]:
    """Make all of these pages."""
    shelf: Shelf = app.shelf
    keep(app.builder.indexer, [SOURCE + name for name in shelf.files])
    for name in shelf.files:
        yield file_page(app, name)
    for folder in shelf.folders:
        yield folder_page(app, folder)


def keep(indexer: Any, pages: list[str]) -> None:  # noqa: ANN401  # it has no type
    """Make the index keep these pages when it drops all pages that are no documents."""
    prune = indexer.prune
    indexer.prune = lambda documents: prune([*documents, *pages])


def setup(app: Sphinx) -> dict[str, Any]:
    """Let the generator know."""
    app.connect("html-collect-pages", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
