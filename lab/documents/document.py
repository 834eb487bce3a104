"""Documents that cannot drift, part one: what stands on a page, and where it was cut from.

Owns the parsing of Markdown, the excerpts of source, and the links. Runs nothing: that is part two,
reader.py. Called by tests/test_docs.py, and by `make docs`:

    python -m lab.documents.document --write    cut every excerpt anew from the source of today

A block is a fence. The comment in the line above it is its mark. These kinds of block exist:

    <!-- excerpt: reactor.py Reactor.turn -->   ```python   equals that definition's source
    <!-- excerpt: learn/broken/one_recv.py -->   ```python   equals that whole file
    <!-- wrong: why -->  or  <!-- sketch -->    ```python   is not ours; unmarked, it is an error
                                                ```pycon    is run, and must answer as shown
                                                ```console  is run, and must print what is shown
    <!-- server -->  or  <!-- client -->        ```console  runs on beside the blocks that follow it
    <!-- not run: why -->                       ```console  is for the reader alone

A chapter is what stands between two headings of the second level. It runs alone: names, servers and
files of one chapter are unknown to the next.
"""

import ast
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EXCERPT_LIMIT = 30  # lines; where an excerpt has more, the function is too long to be taught
LANGUAGES = {"python", "pycon", "console", "text", "mermaid", "abnf", "json"}

FENCE = re.compile(r"```(.*)")
MARK = re.compile(r"<!-- (.*) -->")
HEADING = re.compile(r"#{1,6} (.+)")
LINK = re.compile(r'\]\(([^()\s]+)(?:\s"(\w+)")?\)')  # the title of a step is its event


@dataclass(frozen=True)
class Block:
    """One fence: its document, the line of its opening, its chapter, language, mark and text."""

    document: str
    line: int
    chapter: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def source(self) -> list[str]:
        """The words after `excerpt:` in the mark, a path and perhaps a name; else nothing."""
        kind, _, rest = self.mark.partition(": ")
        return rest.split() if kind == "excerpt" else []


def documents(root: Path = ROOT) -> list[str]:
    """Return the paths of all documents, relative to `root`."""
    paths = [*root.glob("*.md"), *root.glob("docs/*.md")]
    return sorted(str(path.relative_to(root)) for path in paths)


def blocks(document: str, root: Path = ROOT) -> Iterator[Block]:
    """Yield the blocks of a document, in order."""
    chapter, above = 0, ""
    lines = enumerate((root / document).read_text().splitlines(), 1)
    for number, line in lines:
        if fence := FENCE.fullmatch(line):
            inside = takewhile(lambda numbered: numbered[1] != "```", lines)
            text = "".join(line + "\n" for _, line in inside)
            mark = MARK.fullmatch(above)
            yield Block(document, number, chapter, fence[1], mark[1] if mark else "", text)
        chapter += line.startswith("## ")
        above = line


def prose(document: str, root: Path = ROOT) -> str:
    """Return a document without its blocks."""
    text = (root / document).read_text()
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


# --- excerpts


def names(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def excerpt(path: str, name: str = "", *, root: Path = ROOT) -> str:
    """Return the source of `name` (dotted: `Reactor.turn`) in the file `path`; no name: all of it.

    Raises LookupError where the file has no such definition.
    """
    source = (root / path).read_text()
    node: ast.AST = ast.parse(source)
    for part in filter(None, name.split(".")):
        found = [child for child in getattr(node, "body", []) if part in names(child)]
        if not found:
            raise LookupError(f"{path} defines no {name}")
        node = found[0]
    if not isinstance(node, ast.stmt):
        return source
    first = min([node.lineno, *(line.lineno for line in getattr(node, "decorator_list", []))])
    lines = source.splitlines(keepends=True)[first - 1 : node.end_lineno]
    return textwrap.dedent("".join(lines))


def rewritten(document: str, root: Path = ROOT) -> str:
    """Return the text of a document with every excerpt cut anew."""
    lines = (root / document).read_text().splitlines(keepends=True)
    for block in reversed([block for block in blocks(document, root) if block.source]):
        end = block.line + block.text.count("\n")
        lines[block.line : end] = [excerpt(*block.source, root=root)]
    return "".join(lines)


# --- links


def anchors(document: str, root: Path = ROOT) -> set[str]:
    """Return the anchors of a document's headings, as GitHub and GitLab name them."""
    headings = (HEADING.fullmatch(line) for line in prose(document, root).splitlines())
    titles = (heading[1].lower() for heading in headings if heading)
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


def dead_links(document: str, root: Path = ROOT) -> list[str]:
    """Return the relative links of a document that lead nowhere."""
    links = LINK.findall(prose(document, root))
    return [link for link, event in links if not alive(link, event, document, root)]


def alive(link: str, event: str, document: str, root: Path) -> bool:
    """Tell whether a link has a target; one that leaves the project is taken on trust."""
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (root / document).parent / path if path else root / document
    if anchor.startswith("e="):
        return is_step(target.with_suffix(".jsonl"), int(anchor[2:]), event)
    if not target.exists():
        return False
    return not anchor or anchor in anchors(str(target.resolve().relative_to(root.resolve())), root)


def is_step(trace: Path, number: int, event: str) -> bool:
    """Tell whether the page that is made of `trace` has a step of this number and kind."""
    lines = trace.read_text().splitlines() if trace.exists() else []
    return 0 < number <= len(lines) and json.loads(lines[number - 1])["ev"] == event


def main(arguments: list[str]) -> None:
    """Rewrite the documents, or tell how to."""
    if arguments != ["--write"]:
        sys.exit("usage: python -m lab.documents.document --write")
    for document in documents():
        path, text = ROOT / document, rewritten(document)
        if text != path.read_text():
            path.write_text(text)
            print(f"rewrote {document}")


if __name__ == "__main__":
    main(sys.argv[1:])
