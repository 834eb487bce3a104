"""The command line of the grader.

Exit status: 0 every row that was graded is green; 1 one is red; 2 nothing could be graded.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import tool
from lab.progress import Line
from learn.grade import folder, report
from learn.grade.chapters import CHAPTER_OF, HALVES, ROWS, TITLES, rows_of, title
from learn.grade.client import CHAPTER as CLIENT_CHAPTER
from learn.grade.client import client_rows, client_target, grade_client
from learn.grade.client_rows import scenes
from learn.grade.engine import Result, Unfit, grade
from learn.grade.exercise import exercise
from learn.grade.limits import WARNING, Limits
from learn.grade.memory import Memory
from learn.grade.table import TABLE
from learn.grade.target import NoTarget, Target, target

CANNOT = 2


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    options = _parse(words)
    try:
        status = _do(options)
    except (NoTarget, Unfit) as error:
        tool.say(error)
        status = CANNOT
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        status = 130
    except BrokenPipeError:  # `make grade | head`: the reader has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    return 0 if options.no_status else status


def _do(options: argparse.Namespace) -> int:
    if options.exercise:
        return _exercise(options.exercise, options.server)
    if options.client:
        return _client(options)
    if options.folder:
        return _folder(options)
    one = target(options.server)
    if options.hint is not None:
        return _hint(one, options)
    rows = _rows(options)
    results = _graded(one, rows)
    if options.json:
        print(json.dumps(as_json(one, results), indent=1))
    else:
        _print(one, results)
    sys.stdout.flush()
    return _status(results)


def _status(results: Mapping[str, Result]) -> int:
    return 0 if all(result.ok is not False for result in results.values()) else 1


def _exercise(name: str, file: str) -> int:
    outcome = exercise(name, file)
    print(outcome.task + "\n")
    for line in outcome.red:
        print(f"  RED  {line}")
    print("green: well done" if outcome.green else "\nred: this is what remains to be done")
    return 0 if outcome.green else 1


def _client(options: argparse.Namespace) -> int:
    """Grade a client and print it, the green rows in short."""
    one = client_target(options.client)
    known = client_rows()
    if options.row and options.row not in known:
        raise NoTarget(f"there is no row {options.row}; a client's rows are {', '.join(known)}")
    rows = [options.row] if options.row else known
    progress = Progress(one.name, len(rows))
    try:
        path = str(one.path or "")
        results = grade_client(one.command, rows, path=path, progress=progress.step)
    except Unfit as error:
        raise Unfit(f"{one.name} cannot be graded: {error}") from None
    finally:
        progress.clear()
    if options.json:
        print(json.dumps(as_json(one, results), indent=1))
    else:
        _print_client(one, results)
    return _status(results)


def _print_client(one: Target, results: Mapping[str, Result]) -> None:
    does = {scene.name: scene.does for scene in scenes()}
    memory = Memory(one.path, tuple(client_rows()))
    before = memory.note(results)
    print(f"{one.name}\n")
    for name, result in results.items():
        what = does.get(name, "All failures, each with its own status")
        print("\n".join(report.lines(result, what, graded="client")))
    report.print_remarks(results, None, sys.stdout)
    report.print_changes(results, before, sys.stdout)
    counted = [result.ok for result in results.values() if result.ok is not None]
    chapter = CLIENT_CHAPTER + (_status(results) == 0)
    print(f"\n{sum(counted)} of {len(counted)}. Next: chapter {chapter}.")


def _folder(options: argparse.Namespace) -> int:
    """Grade all submissions; the status is 0 if each has enough green rows."""
    print(WARNING, file=sys.stderr)
    rows = _rows(options)
    limits = Limits(options.cpu, options.memory, options.processes, options.files)
    show = folder.as_json if options.json else folder.print_table
    graded = show(folder.grades(options.folder, rows, limits.prepare()), rows, sys.stdout)
    enough = [one.green >= (options.enough or one.counted or len(rows)) for one in graded]
    return 0 if all(enough) else 1


def _graded(one: Target, rows: Sequence[str]) -> dict[str, Result]:
    progress = Progress(one.name, len(rows))
    try:
        path = str(one.path or "")
        return grade(one.command, rows, path=path, progress=progress.step, notice=_notice)
    except Unfit as error:
        raise Unfit(f"{one.name} cannot be graded: {error}") from None
    finally:
        progress.clear()


def _notice(text: str) -> None:
    print(text, file=sys.stderr)


def _print(one: Target, results: dict[str, Result]) -> None:
    memory = Memory(one.path)
    before = memory.note(results)
    print(one.name)
    report.print_rows(results.values(), sys.stdout)
    report.print_remarks(results, one.path, sys.stdout)
    report.print_changes(results, before, sys.stdout)
    print("\n" + report.score(results, memory.green))


def as_json(one: Target, results: dict[str, Result]) -> dict[str, object]:
    """Return a grade for programs to read."""
    counted = [result.ok for result in results.values() if result.ok is not None]
    rows = [result._asdict() for result in results.values()]
    return {"server": one.name, "green": sum(counted), "of": len(counted), "rows": rows}


def _hint(one: Target, options: argparse.Namespace) -> int:
    """Print one more hint than the last time, for the row named or the first red one."""
    memory = Memory(one.path)
    row = (options.row and _known(options.row)) or next(
        (row for row in ROWS if memory.green.get(row) is False), ""
    )
    if not row:
        known = "no row is red" if memory.green else "there is no grade yet: first `make grade`"
        raise NoTarget(f"{known}; ROW=name asks for the hints of any row")
    count = options.hint or memory.next_hint(row)
    print(f"{row} ({title(CHAPTER_OF[row])})\n  wanted: {TABLE[row].wanted}")
    for number, hint in enumerate(TABLE[row].hints[:count], 1):
        print(f"  hint {number} of 3: {hint}")
    return 0


def _rows(options: argparse.Namespace) -> Sequence[str]:
    if options.row:
        return [_known(options.row)]
    if not options.chapter:
        return ROWS
    rows = rows_of(options.chapter)
    if not rows:
        client = int(options.chapter) == CLIENT_CHAPTER
        how = "grade with CLIENT=mine/client.py" if client else "grade without CHAPTER="
        raise NoTarget(f"{title(int(options.chapter))}: it has no rows; {how}")
    return rows


def _known(row: str) -> str:
    if row not in TABLE:
        raise NoTarget(f"there is no row {row}; the rows are {', '.join(ROWS)}")
    return row


class Progress:
    """A line that says how far the grading has come; on a terminal only."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._done = name, total, 0
        self._line = Line(1)
        self._show()

    def step(self, result: Result) -> None:
        """Count one row more."""
        self._done += 1
        self._show()

    def _show(self) -> None:
        self._line.show(f"{self._name}: {self._done} of {self._total} rows tried")

    def clear(self) -> None:
        """Make room for the result."""
        self._line.close()


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = tool.Parser(
        prog="python3 -m learn.grade",
        description="Attack a server in every known way, and report what it did.",
        epilog="A SERVER is a file in Python, the number of a step, exhibit:N, or a command in any "
        "language in which {file} stands for the file to deliver and {options} for options.",
    )
    parser.add_argument(
        "server", nargs="?", default="", metavar="SERVER", help="default: mine/server.py"
    )
    parser.add_argument(
        "--chapter", default="", type=_chapter, metavar="N", help="only the rows of chapter N"
    )
    parser.add_argument("--row", default="", metavar="NAME", help="only this row")
    parser.add_argument(
        "--hint", nargs="?", const=0, type=_hints, metavar="N", help="print hints for a red row"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--no-status", action="store_true", help="exit with status 0 even if rows are red"
    )
    parser.add_argument("--client", default="", metavar="CLIENT", help="grade a client instead")
    parser.add_argument(
        "--exercise", default="", metavar="ID", help="run the test of an exercise, such as 11c"
    )
    _add_folder(parser)
    return parser.parse_args(list(words))


def _add_folder(parser: argparse.ArgumentParser) -> None:
    """Add what a teacher needs."""
    group = parser.add_argument_group("for teachers", WARNING)
    group.add_argument("--folder", type=Path, metavar="DIR", help="grade every submission in DIR")
    group.add_argument(
        "--enough", type=int, metavar="N", help="status 0 if each has N green rows (default: all)"
    )
    usual = Limits()
    for name, unit in (
        ("cpu", "seconds of processor time"),
        ("memory", "MiB of address space"),
        ("processes", "additional processes and threads"),
        ("files", "open files"),
    ):
        default = getattr(usual, name)
        text = f"{unit} for each graded process (default {default})"
        group.add_argument(f"--{name}", type=_positive, default=default, metavar="N", help=text)


def _positive(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not int(text):  # larger ones are no limits
        raise argparse.ArgumentTypeError(f"expected 1 to 999999999, got {text}")
    return int(text)


def _hints(text: str) -> int:
    if text not in ("0", "1", "2", "3"):
        raise argparse.ArgumentTypeError(f"hints are counted from 1 to 3: {text} is none")
    return int(text)


def _chapter(text: str) -> str:
    if text and text not in HALVES and not (text.isdecimal() and int(text) in TITLES):
        raise argparse.ArgumentTypeError(f"there is no chapter {text}: 0 to 16, 12a, 12b")
    return text
