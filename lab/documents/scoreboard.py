"""The scoreboard: every attack against every server here, as a picture and as tables.

Called by tests/test_scoreboard.py, and by `make docs`:

    python3 -m lab.documents.scoreboard --write      write docs/scoreboard.svg and scoreboard.md
    python3 -m lab.documents.scoreboard --measure    attack twins and eighty first, and record it

It draws the records of real runs: learn/steps/rows.json, learn/museum/rows.json, and
docs/scoreboard.json for the twins and eighty. A test compares each of them with a new run. The
servers that people learn from were measured in other situations; their table is read from
docs/reliability.md.
"""

import json
import platform
import re
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from lab import svg
from learn.grade import CHAPTER_OF, ROWS
from learn.museum.catalogue import EXHIBITS
from learn.museum.measure import never_red, repeated
from learn.museum.measure import record as museum_record

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
STEPS = ROOT / "learn" / "steps" / "rows.json"
RECORD = DOCS / "scoreboard.json"
PICTURE = DOCS / "scoreboard.svg"
PAGE = DOCS / "scoreboard.md"
TABLE = re.compile(r"^\| server \| idle \|.*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)
SITUATIONS = ("idle", "RST", "scan", "garbage", "EMFILE", "non-reader", "^C")
WELL = {"ok", "0.0", "clean"}  # the cells of a server that survives a situation
SIGNS = {"ok": "", "red": "x", "none": "·"}
LONGEST = 21  # characters of a row's name
UNKNOWN = "-"  # not run, or it does not apply


class Column(NamedTuple):
    """One server: the group it belongs to, its short name, and what is to be seen in its cells."""

    group: str
    name: str
    file: str
    cells: dict[str, str]  # row: ok, red, or none if this server was built without it


class Tutorial(NamedTuple):
    """One server that people learn from: its name, and a cell for each of SITUATIONS."""

    name: str
    cells: list[str]


def measured() -> dict[str, Path]:
    """Return the servers whose record is kept here, by their names."""
    twins = sorted((ROOT / "learn" / "twins").glob("*.py"))
    found = {path.stem.removeprefix("asyncio_"): path for path in twins if path.stem != "task"}
    return {**found, "eighty": ROOT / "server.py"}


def measure() -> None:
    """Attack the twins and eighty a few times, and write the record.

    `green` has the rows that were green each time, `sometimes` those that were green by luck: a
    thread for each client and one for its deadline may run in any order after a long sleep.
    """
    rows = {name: repeated(path) for name, path in measured().items()}
    green = {name: never_red(found) for name, found in rows.items()}
    sometimes = {name: found["sometimes"] for name, found in rows.items()}
    machine = f"{platform.system()}, Python {platform.python_version()}"
    found = {"date": time.strftime("%Y-%m-%d"), "machine": machine, "green": green}
    record = json.dumps({**found, "sometimes": sometimes}, indent=1)
    RECORD.write_text(record + "\n", encoding="utf-8")


def record(kind: str = "green") -> dict[str, list[str]]:
    """Return the rows of the twins and of eighty that are `green`, or that are so `sometimes`."""
    return json.loads(RECORD.read_text(encoding="utf-8"))[kind]  # type: ignore[no-any-return]


def columns() -> Iterator[Column]:
    """Yield the columns of all servers here."""
    steps = json.loads(STEPS.read_text(encoding="utf-8"))
    last = {name.split("_")[0].lstrip("0"): name for name in steps}  # a chapter may have two
    for number, name in last.items():
        green = steps[name]
        yield Column("steps", number, f"learn/steps/{name}.py", _cells(green))
    for name, green in record().items():
        file = str(measured()[name].relative_to(ROOT))
        yield Column("eighty" if name == "eighty" else "twins", name, file, _cells(green))
    passed, own = museum_record()
    for one in EXHIBITS:
        if one.name in own:
            green = [row for row in passed[one.sound] if row not in own[one.name]["red"]]
            built = passed[one.sound]
            if not own[one.name]["red"]:  # then it may be red by luck alone
                green = [row for row in green if row not in own[one.name]["sometimes"]]
            file = f"learn/museum/{one.path.name}"
            yield Column("exhibits", str(one.number), file, _cells(green, built))


def _cells(green: Collection[str], built: Collection[str] = ROWS) -> dict[str, str]:
    """Return what is to be seen for each row."""
    return {row: "ok" if row in green else "red" if row in built else "none" for row in ROWS}


def tutorials() -> list[Tutorial]:
    """Return the servers of the table in docs/reliability.md."""
    text = (DOCS / "reliability.md").read_text(encoding="utf-8")
    table = TABLE.search(text)
    assert table, "docs/reliability.md has no table of servers that people learn from"
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1].splitlines()]
    return [Tutorial(_short(first), cells) for first, *cells in rows]


def _short(text: str) -> str:
    """Return the name of a server's file, or of its folder."""
    files = re.findall(r"`([^`]+)`", text)
    name = files[0].rpartition("/")[2] if files else text.partition(",")[0]
    if not name:  # a folder; the program is named after it
        name = text.rpartition("`")[2].partition(",")[0].strip()
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


# The picture. It is as wide as a telephone, so that nothing in it is smaller there than elsewhere.

WIDTH = 390
LEFT = 132.0  # where the cells begin
LINE = 13.0  # the height of a row
STYLE = """
text { font: 10px ui-monospace, monospace; fill: #24292f }
.head { font: 600 12px system-ui, sans-serif } .small { font-size: 9px; fill: #57606a }
.sum { font-weight: 600 } .mid { text-anchor: middle }
.ok { fill: #2da44e } .red { fill: #cf222e } .cross { stroke: #ffffff; stroke-width: 1.4 }
.none { fill: none; stroke: #8c959f } .rule { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 }
.ok { fill: #3fb950 } .red { fill: #da3633 } .cross { stroke: #0d1117 } .rule { stroke: #30363d }
}
"""


LEGEND = (
    "green: survives it. red with a cross: does not, or not always.",
    "empty: not built into this one, or not run.",
    "Words and sources: docs/scoreboard.md, learn/museum/README.md",
)


class Board:
    """A picture that grows downwards: headings, and rows of cells."""

    def __init__(self) -> None:
        self.y = 0.0
        self.shapes: list[str] = []
        self.boxes: dict[str, list[str]] = {"ok": [], "red": [], "none": []}
        self.crosses: list[str] = []

    def text(self, x: float, words: str, kind: str = "", more: str = "") -> None:
        """Write `words` on the line that ends here."""
        self.shapes.append(svg.text(x, self.y, words, kind, more))

    def heading(self, words: str, below: str) -> None:
        """Write a heading, and a line of small letters below it."""
        self.y += 26
        self.text(4, words, "head")
        self.y += 13
        self.text(4, below, "small")

    def names(self, names: list[str], step: float) -> None:
        """Write the names of the columns, upwards."""
        self.y += 8 + 6.2 * max(map(len, names))
        for place, name in enumerate(names):
            x = LEFT + (place + 0.5) * step + 3.5
            self.text(x, name, "", f' transform="rotate(-90 {x:g} {self.y:g})"')
        self.y += 3

    def row(self, name: str, kinds: list[str], step: float) -> None:
        """Draw one row: its name, and a box for each of `kinds`: ok, red or none."""
        self.y += LINE
        self.text(4, name)
        size = min(step, LINE) - 3
        for place, kind in enumerate(kinds):
            x, y = LEFT + (place + 0.5) * step - size / 2, self.y - size + 1
            self.boxes[kind].append(f"M{x:.1f} {y:.1f}h{size:g}v{size:g}h-{size:g}z")
            if kind == "red":  # for those who cannot tell red from green
                inner = size - 5
                self.crosses.append(f"M{x + 2.5:.1f} {y + 2.5:.1f}l{inner:g} {inner:g}")
                self.crosses.append(f"m0 -{inner:g}l-{inner:g} {inner:g}")

    def sums(self, name: str, numbers: list[int], step: float) -> None:
        """Write the last row: how many are green."""
        self.y += LINE + 2
        self.text(4, name, "sum")
        for place, number in enumerate(numbers):
            self.text(LEFT + (place + 0.5) * step, str(number), "sum mid")

    def rule(self) -> None:
        """Draw a thin line: here a chapter ends."""
        y = self.y + 3.5
        self.shapes.append(f'<path d="M4 {y:g}H{WIDTH - 4}" class="rule"/>')

    def __str__(self) -> str:
        title = "Which server survives which attack; the same as tables: scoreboard.md"
        boxes = [f'<path d="{"".join(path)}" class="{kind}"/>' for kind, path in self.boxes.items()]
        crosses = f'<path d="{"".join(self.crosses)}" class="cross" fill="none"/>'
        shapes = [*self.shapes, *boxes, crosses]
        return svg.drawing((WIDTH, self.y + 10), title, STYLE, shapes, zoom=2)


def picture() -> str:
    """Return the scoreboard as an SVG."""
    board = Board()
    ours = [one for one in columns() if one.group != "exhibits"]
    wrong = [one for one in columns() if one.group == "exhibits"]
    text = "steps by chapter, then the same server in other forms"
    board.heading("The walkthrough's steps, the twins, eighty", text)
    _panel(board, ours)
    board.sums(f"of {len(ROWS)}", [_score(one) for one in ours], _step(ours))
    board.heading("The exhibits of the museum", "by number; each has one fault (make museum)")
    _panel(board, wrong)
    board.heading("Servers that people learn from", "other protocols, so seven plain situations")
    _tutorials(board)
    board.y += 6
    for line in LEGEND:
        board.y += 12
        board.text(4, line, "small")
    return str(board)


def _score(column: Column) -> int:
    """Return how many rows of a server are green."""
    return list(column.cells.values()).count("ok")


def _step(columns: Sequence[object]) -> float:
    """Return the width of a column."""
    return (WIDTH - LEFT - 4) / len(columns)


def _panel(board: Board, columns: list[Column]) -> None:
    """Draw the attacks as rows, chapter by chapter, against some columns."""
    step = _step(columns)
    board.names([one.name for one in columns], step)
    for place, row in enumerate(ROWS):
        board.row(row, [one.cells[row] for one in columns], step)
        if place + 1 < len(ROWS) and CHAPTER_OF[ROWS[place + 1]] != CHAPTER_OF[row]:
            board.rule()


def _tutorials(board: Board) -> None:
    """Draw the servers of docs/reliability.md against their situations."""
    step = _step(SITUATIONS)
    board.names(list(SITUATIONS), step)
    for one in tutorials():
        kinds = [{UNKNOWN: "none"}.get(cell, "ok" if cell in WELL else "red") for cell in one.cells]
        board.row(one.name, kinds, step)


PAGE_TEXT = """# The scoreboard

This page shows which server survives which attack. `make docs` generates the picture and the tables
from recorded runs, and tests compare the records with new runs. `make torture` attacks eighty, and
`make grade` attacks your server. `python3 -m lab.torture --list` explains each row.

<img src="scoreboard.svg" width="780" alt="The tables below as one picture, green and red">

In the tables, x means that the server does not survive the attack, or not always. · means that the
server was built without this ability on purpose, so the row does not count as a fault.

## The steps of the walkthrough

{steps}

## The twins, and eighty

{twins}

## The exhibits of the museum

Each exhibit has one fault, which [learn/museum](../learn/museum/README.md) names. If no row shows
the fault, `make exhibit` does.

{exhibits}

## Servers that people learn from

These were measured in seven other situations: see
[docs/reliability.md](reliability.md#the-same-idea-applied-to-the-servers-that-people-learn-from).
"""


def page() -> str:
    """Return the scoreboard as Markdown."""
    groups: dict[str, list[Column]] = {"steps": [], "twins": [], "eighty": [], "exhibits": []}
    for one in columns():
        groups[one.group].append(one)
    groups["twins"] += groups.pop("eighty")
    return PAGE_TEXT.format(**{name: "\n".join(_table(group)) for name, group in groups.items()})


def _table(columns: list[Column]) -> Iterator[str]:
    """Yield the lines of a table with the attacks as rows."""
    yield "| chapter | attack | " + " | ".join(f"[{c.name}](../{c.file})" for c in columns) + " |"
    yield "|---|---|" + "---|" * len(columns)
    for row in ROWS:
        cells = (SIGNS[one.cells[row]] for one in columns)
        yield f"| {CHAPTER_OF[row]} | {row} | " + " | ".join(cells) + " |"
    yield f"| | of {len(ROWS)} | " + " | ".join(str(_score(one)) for one in columns) + " |"


def main(words: list[str]) -> None:
    """Do what the command line says."""
    if "--measure" in words:
        measure()
    if words:
        PICTURE.write_text(picture(), encoding="utf-8")
        PAGE.write_text(page(), encoding="utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
