"""Documents that cannot go stale, part one: what is on a page, and its source.

Owns the parsing of Markdown, the excerpts of source, and the links. Runs nothing: that is part two,
reader.py. Called by tests/test_docs.py, and by `make docs`:

    python -m lab.documents.document --write    write again all that is made from the source

A block is a fence. A line in italics directly above it is its caption; a comment above that is its
mark. There are these kinds of block:

    <!-- excerpt: reactor.py Reactor.turn -->   ```python   equals that definition's source
    <!-- excerpt: learn/three_clients.py -->    ```python   equals that whole file
    <!-- wrong: why -->  or  <!-- sketch -->    ```python   is not ours; unmarked, it is an error
                                                ```pycon    is run, and must answer as shown
                                                ```console  is run, and must print what is shown
    <!-- diff: 04_loop 05_state -->             ```diff     from one of learn/steps to the next
    <!-- rest: 04_loop 05_state say -->         ```python   the next one, from `def say` to its end
    *Terminal 1: the server*                    ```console  runs in this terminal, and may run on
    <!-- not run: why -->                       ```console  is for the reader alone

A chapter is the text between two headings of the second level. It runs alone: it does not know the
names, servers and files of another chapter.
"""

import ast
import difflib
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from lab.tracing import events, lanes

ROOT = Path(__file__).resolve().parent.parent.parent
EXCERPT_LIMIT = 30  # lines; a longer function is too long to be taught
BEGINNINGS = ("+def ", "+class ", "+    def ")  # lines with an empty line before them
OPENINGS = ("[...]", "+class ")  # lines after which it has none
DIFF_LIMIT = 60
LANGUAGES = {"python", "pycon", "console", "text", "mermaid", "abnf", "json", "diff"}
TERMINALS = {"server": "Terminal 1", "client": "Terminal 3"}  # marks of pages without captions

FENCE = re.compile(r"```(.*)")
MARK = re.compile(r"<!-- (.*) -->")
CAPTION = re.compile(r"\*([^*].*)\*")
HEADING = re.compile(r"#{1,6} (.+)")
LINK = re.compile(r"\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Block:
    """One fence: its document, the line of its opening, its chapter, language, mark, text and
    caption."""

    document: str
    line: int
    chapter: int
    language: str
    mark: str
    text: str
    caption: str = ""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def source(self) -> list[str]:
        """The words after `excerpt:` in the mark, a path and perhaps a name; else nothing."""
        kind, _, rest = self.mark.partition(": ")
        return rest.split() if kind == "excerpt" else []

    @property
    def steps(self) -> list[str]:
        """The steps before and after what this block shows, if it is a change to a step."""
        kind, _, rest = self.mark.partition(": ")
        return rest.split() if kind in ("diff", "rest") else []

    @property
    def terminal(self) -> str:
        """The name of the terminal that the block is for."""
        if self.language == "pycon":
            return "Python prompt"
        named = re.match(r"Terminal \d", self.caption)
        return named[0] if named else TERMINALS.get(self.mark, "Terminal 2")


def documents(root: Path = ROOT) -> list[str]:
    """Return the paths of all documents, relative to `root`."""
    paths = [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("*/README.md")]
    return sorted(str(path.relative_to(root)) for path in {*paths})


def blocks(document: str, root: Path = ROOT) -> Iterator[Block]:
    """Yield the blocks of a document, in order."""
    chapter, above, before = 0, "", ""
    lines = enumerate((root / document).read_text().splitlines(), 1)
    for number, line in lines:
        if fence := FENCE.fullmatch(line):
            inside = takewhile(lambda numbered: numbered[1] != "```", lines)
            text = "".join(line + "\n" for _, line in inside)
            caption = CAPTION.fullmatch(above)
            mark = MARK.fullmatch(before if caption else above)
            yield Block(
                document,
                number,
                chapter,
                fence[1],
                mark[1] if mark else "",
                text,
                caption[1] if caption else "",
            )
        chapter += line.startswith("## ")
        before, above = above, line


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

    Raises LookupError if the file has no such definition.
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


def step(name: str, root: Path = ROOT) -> str:
    """Return the text of one of learn/steps."""
    return (root / f"learn/steps/{name}.py").read_text()


def difference(before: str, after: str, root: Path = ROOT) -> str:
    """Return how to get from one of learn/steps to the next, without the headings of a patch.

    A line of context shows the place before a change. `[...]` stands for lines that are left out,
    and names the method that the next ones are in, or come after. Empty lines are left out.
    """
    old, new = (
        [line for line in step(name, root).splitlines()[1:] if line]  # the title is left out, too
        for name in (before, after)
    )
    patch = list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]
    shown = [
        place(old[: int(found[1])], patch[number + 2]) if found else line
        for number, line in enumerate(patch)
        for found in [re.match(r"@@ -(\d+)", line)]
    ]
    kept = [
        f"+\n{line}" if line.startswith(BEGINNINGS) and not above.startswith(OPENINGS) else line
        for above, line, below in zip(["", *shown], shown, [*shown[1:], "[...]"], strict=False)
        if not (line.startswith(" ") and below.startswith("[...]"))  # it shows no place any more
    ]
    return "".join(f"{line}\n" for line in kept)


def place(lines: list[str], changed: str) -> str:
    """Return the line that stands for what is left out before the last of `lines`, the context.

    If the line that is `changed` after it is no more in the same function, it says so.
    """
    here, after = left_out(lines), left_out([*lines, changed[1:]])
    leaves = here != after and here.startswith(after)
    return here.replace(" in ", " at the end of ") if leaves else here


def left_out(lines: list[str]) -> str:
    """Return the line that stands for what is left out before the last of `lines`."""
    inside: list[str] = []
    indent = len(lines[-1]) - len(lines[-1].lstrip())
    for line in reversed(lines):
        here = len(line) - len(line.lstrip())
        if here < indent:
            indent = here
            if found := re.match(r" *(?:def|class) (\w+)", line):
                inside.insert(0, found[1])
    return f"[...] in {'.'.join(inside)}" if inside else "[...]"


def generated(block: Block, root: Path = ROOT) -> str | None:
    """Return the text that a block must have if it is made from the source; else None."""
    if block.source:
        return excerpt(*block.source, root=root)
    if block.mark.startswith("diff: "):
        before, after = block.steps
        return difference(before, after, root)
    if block.steps:
        _, after, name = block.steps
        text = step(after, root)
        return text[text.index(f"def {name}(") :]
    return None


def rewritten(document: str, root: Path = ROOT) -> str:
    """Return the text of a document with its generated parts written again."""
    lines = (root / document).read_text().splitlines(keepends=True)
    for block in reversed(list(blocks(document, root))):
        if (text := generated(block, root)) is not None:
            lines[block.line : block.line + block.text.count("\n")] = [text]
    return "".join(lines)


# --- strips of the recorded run


def strips(document: str, root: Path = ROOT) -> dict[Path, str]:
    """Return each picture of events that a document shows, drawn from the run."""
    with (ROOT / "docs/lanes.jsonl").open("rb") as recorded:
        trace = events.read(recorded)
    found = re.finditer(r"\]\((pictures/events-(\d+)-(\d+)\.svg)\)", prose(document, root))
    return {
        (root / document).parent / name[1]: lanes.strip(trace, int(name[2]), int(name[3]))
        for name in found
    }


# --- links


def anchors(document: str, root: Path = ROOT) -> set[str]:
    """Return the anchors of a document's headings, as GitHub and GitLab name them."""
    headings = (HEADING.fullmatch(line) for line in prose(document, root).splitlines())
    titles = (heading[1].lower() for heading in headings if heading)
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


def dead_links(document: str, root: Path = ROOT) -> list[str]:
    """Return the relative links of a document that lead nowhere."""
    links = LINK.findall(prose(document, root))
    return [link for link in links if not alive(link, document, root)]


def alive(link: str, document: str, root: Path) -> bool:
    """Tell whether a link has a target; one that leaves the project is not checked."""
    if re.match(r"[a-z]+:", link):
        return True
    path, _, anchor = link.partition("#")
    target = (root / document).parent / path if path else root / document
    if not target.exists():
        return False
    return not anchor or anchor in anchors(str(target.resolve().relative_to(root.resolve())), root)


def main(arguments: list[str]) -> None:
    """Rewrite the documents, or print the usage."""
    if arguments != ["--write"]:
        sys.exit("usage: python -m lab.documents.document --write")
    for document in documents():
        for path, text in {ROOT / document: rewritten(document), **strips(document)}.items():
            if not path.exists() or text != path.read_text():
                path.write_text(text)
                print(f"rewrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
