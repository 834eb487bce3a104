"""Attack the exhibits in all the ways of the grade, and record what each of them fails.

An exhibit's own rows are those that it fails and that its sound form passes. Some depend on which
of two events the kernel reports first, so everything is measured a few times: `red` has the rows
that were red each time, `sometimes` those that were red once or twice.
"""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from learn.grade import ROWS, grade
from learn.museum.catalogue import EXHIBITS, HERE, SOUND, Exhibit

RECORD = HERE / "rows.json"
TIMES = 3
AGAIN = 2  # times that a row is tried again
UNSTEADY = ("15_stale_number",)  # needs two events in one turn: any row may meet it, or none
AT_ONCE = 2  # programs; each of them meets many attacks at a time

Rows = dict[str, list[str]]


def red_rows(program: Path, rows: Sequence[str] = ROWS, expected: Sequence[str] = ()) -> list[str]:
    """Return those of `rows` that the server `program` fails.

    Where the result is not the `expected` one, the row is tried again, alone: on a busy machine,
    with many attacks at a time, a result may be wrong, and some faults need a little luck.
    """
    command = (sys.executable, str(program), "{file}", "--port", "0", "{options}")
    red = {row: not result.ok for row, result in grade(command, rows).items()}
    for _ in range(AGAIN):
        for row in [row for row in rows if red[row] != (row in expected)]:
            red[row] = not grade(command, [row])[row].ok
    return [row for row in rows if red[row]]


def never_red(found: Rows) -> list[str]:
    """Return the rows that were never red."""
    return [row for row in ROWS if row not in found["red"] + found["sometimes"]]


def _own_rows(one: Exhibit, rows: Sequence[str]) -> Rows:
    """Return which of `rows` an exhibit fails, always and sometimes."""
    if one.name in UNSTEADY:
        return {"red": [], "sometimes": list(rows)}
    return repeated(one.path, rows)


def repeated(program: Path, rows: Sequence[str] = ROWS) -> Rows:
    """Return which of `rows` the server `program` fails, always and sometimes."""
    runs = [red_rows(program, rows) for _ in range(TIMES)]
    always = [row for row in rows if all(row in run for run in runs)]
    ever = [row for row in rows if any(row in run for run in runs)]
    return {"red": always, "sometimes": [row for row in ever if row not in always]}


def measure() -> None:
    """Measure all exhibits and write the record."""
    servers = [one for one in EXHIBITS if one.sound != "client.py"]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = sorted({one.sound for one in servers})
        found = pool.map(lambda name: repeated(SOUND / name), names)
        sound = dict(zip(names, map(never_red, found), strict=True))
        rows = pool.map(lambda one: _own_rows(one, sound[one.sound]), servers)
        exhibits = {one.name: own for one, own in zip(servers, rows, strict=True)}
    record = {"sound": sound, "exhibits": exhibits}
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def record() -> tuple[Rows, dict[str, Rows]]:
    """Return the rows that each sound form passes, and the own rows of each exhibit."""
    known = json.loads(RECORD.read_text(encoding="utf-8"))
    return known["sound"], known["exhibits"]
