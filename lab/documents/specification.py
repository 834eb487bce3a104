"""protocol.md, read by programs: its requirements, state tables and grammar, and what is generated.

Called by tests/test_spec.py, and by `make docs`:

    python -m lab.documents.specification --write    write the generated parts of protocol.md again

Generated are the state diagrams (from the tables of transitions in protocol.py), the dumps of
exchanges (from tests/vectors.json), and the table of section 14 (from the marks of the tests). As
in all documents, a comment in the line above a fence says what the fence is:
`<!-- transitions: ServerState -->`, `<!-- vector: normal -->`, `<!-- tests -->`.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import protocol
from lab.documents.document import ROOT, blocks
from tests.support.exchanges import BY_NAME

SPECIFICATION = ROOT / "protocol.md"
REQUIREMENT = re.compile(r"^ *- \[([WSC]-\d+)\] (.+(?:\n +(?!- )\S.*)*)", re.MULTILINE)
TABLE_ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)
TESTS_TABLE = re.compile(r"^<!-- tests -->\n(?:\|.*\n)*", re.MULTILINE)
TRANSITIONS: dict[str, Mapping[Any, str]] = {
    "ServerState": protocol.SERVER_TRANSITIONS,
    "ClientState": protocol.CLIENT_TRANSITIONS,
}


class Row(NamedTuple):
    """One row of a state table."""

    state: str
    event: str  # what happens
    condition: str  # what distinguishes this row from others of the same state and event
    action: str
    next: str


def requirements(text: str) -> list[tuple[str, str]]:
    """Return the requirements, name and sentence, in order."""
    return [(name, " ".join(said.split())) for name, said in REQUIREMENT.findall(text)]


def section(text: str, title: str) -> str:
    """Return the text below the heading `title`, up to the next heading."""
    _, _, rest = text.partition(f"# {title}\n")
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def cells(text: str) -> list[list[str]]:
    """Return the rows of the one table in `text`, without its heading."""
    rows = [[cell.strip() for cell in row.split("|")] for row in TABLE_ROW.findall(text)]
    return rows[2:]


def state_table(text: str, title: str) -> list[Row]:
    """Return the rows of the state table of section `title`."""
    rows = []
    for state, what, action, following in cells(section(text, title)):
        event, _, condition = what.partition(": ")
        rows.append(Row(state, event, condition, action, following))
    return rows


def grammar(text: str, title: str) -> list[str]:
    """Return the ABNF of a section, one rule a line, without comments and blank lines."""
    fences = re.findall(r"^```abnf\n(.*?)^```$", section(text, title), re.MULTILINE | re.DOTALL)
    lines = (line.partition(";")[0].rstrip() for line in "".join(fences).splitlines())
    return [line for line in lines if line]


# --- what is generated


def diagram(name: str) -> str:
    """Return the transitions of an enum of states as a Mermaid diagram, without failures."""
    transitions = TRANSITIONS[name]
    states = list(getattr(protocol, name))
    arrows = [f"{was.name} --> {now.name} : {why}" for (was, now), why in transitions.items()]
    lines = [f"[*] --> {states[0].name}", *arrows, f"{states[-1].name} --> [*]"]
    return "stateDiagram-v2\n" + "".join(f"    {line}\n" for line in lines)


def dump(name: str) -> str:
    """Return both streams of the exchange `name` as hexadecimal and ASCII."""
    one = BY_NAME[name]
    ends = [
        ("server", one.server, (len(one.server),)),
        ("client", one.client, one.client_pieces or (len(one.client),)),
    ]
    return "\n".join(
        f"{name}.{end}: the {end} sends {' + '.join(map(str, pieces))} octets\n"
        + "".join(dump_lines(data, pieces))
        for end, data, pieces in ends
    )


def dump_lines(data: bytes, pieces: Iterable[int]) -> Iterator[str]:
    """Yield the lines of a dump; a piece begins a line."""
    start = 0
    for end in accumulate(pieces):
        while start < end:
            row = data[start : min(start + 16, end)]
            yield dump_line(start, row)
            start += len(row)


def dump_line(offset: int, row: bytes) -> str:
    """Return one line: offset, hexadecimal, ASCII with a dot for what is not printable."""
    halves = f"{row[:8].hex(' '):23}  {row[8:].hex(' '):23}"
    shown = "".join(chr(byte) if 0x20 <= byte <= 0x7E else "." for byte in row)
    return f"{offset:08x}  {halves}  |{shown}|\n"


def generated(mark: str) -> str | None:
    """Return the text of the fence with this mark; None for a fence written by hand."""
    kind, _, name = mark.partition(": ")
    makers = {"transitions": diagram, "vector": dump}
    return makers[kind](name) if kind in makers else None


# --- requirements and tests


def marks(source: str) -> Iterator[tuple[str, int]]:
    """Yield each `pytest.mark.req("ID", ...)` of a test's source: the id and its line.

    Raises ValueError for a mark that is not written out, or has no id.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="req", value=ast.Attribute(attr="mark"))):
                if not node.args or node.keywords:
                    raise ValueError(f"line {node.lineno}: req without an id")
                for argument in node.args:
                    if not isinstance(argument, ast.Constant) or type(argument.value) is not str:
                        raise ValueError(f"line {node.lineno}: req with an id not written out")
                    yield argument.value, node.lineno


def files_of_requirements(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Return the test files that mark each id."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        name = str(path.relative_to(folder.parent))
        for requirement, _ in marks(path.read_text()):
            files = found.setdefault(requirement, [])
            if name not in files:
                files.append(name)
    return found


def conformance() -> str:
    """Return the table of section 14."""
    tests = files_of_requirements()
    rows = []
    for name, _ in requirements(SPECIFICATION.read_text()):
        links = [f"[{Path(path).name}]({path})" for path in tests.get(name, [])]
        rows.append(f"| {name} | {', '.join(links)} |\n")
    return "| requirement | tests |\n|---|---|\n" + "".join(rows)


def rewritten(text: str) -> str:
    """Return the specification with its generated parts written again."""
    lines = text.splitlines(keepends=True)
    for block in reversed(list(blocks("protocol.md"))):
        content = generated(block.mark)
        if content is not None:
            lines[block.line : block.line + block.text.count("\n")] = [content]
    return TESTS_TABLE.sub(lambda _: "<!-- tests -->\n" + conformance(), "".join(lines))


def main(arguments: list[str]) -> None:
    """Rewrite protocol.md, or print the usage."""
    if arguments != ["--write"]:
        sys.exit("usage: python -m lab.documents.specification --write")
    text = SPECIFICATION.read_text()
    if rewritten(text) != text:
        SPECIFICATION.write_text(rewritten(text))
        print("rewrote protocol.md")


if __name__ == "__main__":
    main(sys.argv[1:])
