"""The command line of the grader.

Exit status: 0 every row that was graded is green; 1 one is red; 2 nothing could be graded.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from learn.grade import report
from learn.grade.chapters import CHAPTER_OF, HALVES, ROWS, TITLES, rows_of, title
from learn.grade.engine import Result, Unfit, grade
from learn.grade.memory import Memory
from learn.grade.table import TABLE
from learn.grade.target import NoTarget, Target, target

CANNOT = 2


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `cmd &` ignores it
    signal.signal(signal.SIGTERM, _stop)
    options = _parse(words)
    try:
        status = _do(options)
    except (NoTarget, Unfit) as error:
        print(error, file=sys.stderr)
        status = CANNOT
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        status = 130
    except BrokenPipeError:  # `make grade | head`: the reader has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    return 0 if options.no_status else status


def _stop(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _do(options: argparse.Namespace) -> int:
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
    return 0 if all(result.ok is not False for result in results.values()) else 1


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
    row = options.row or next((row for row in ROWS if memory.green.get(row) is False), "")
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
        return [options.row]
    if not options.chapter:
        return ROWS
    rows = rows_of(options.chapter)
    if not rows:
        raise NoTarget(f"{title(int(options.chapter))}: it has no rows; grade without CHAPTER=")
    return rows


class Progress:
    """A line that says how far the grading has come; on a terminal only."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._done = name, total, 0
        self._shown = sys.stdout.isatty()
        self._show()

    def step(self, result: Result) -> None:
        """Count one row more."""
        self._done += 1
        self._show()

    def _show(self) -> None:
        if self._shown:
            print(f"\r{self._name}: {self._done} of {self._total} rows tried ", end="", flush=True)

    def clear(self) -> None:
        """Make room for the result."""
        if self._shown:
            print("\r\033[K", end="", flush=True)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m learn.grade",
        description="Attack a server in every known way, and say what was seen.",
        epilog="A SERVER is a file in Python, the number of a step, exhibit:N, or a command in any "
        "language in which {file} stands for the file to deliver and {options} for options.",
    )
    parser.add_argument("server", nargs="?", default="", metavar="SERVER", help="mine/server.py")
    parser.add_argument("--chapter", default="", type=_chapter, metavar="N", help="its rows only")
    parser.add_argument("--row", default="", type=_row, metavar="NAME", help="this row only")
    parser.add_argument(
        "--hint", nargs="?", const=0, type=int, choices=range(4), help="hints for a red row"
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    parser.add_argument(
        "--no-status", action="store_true", help="exit status 0 even if there are red rows"
    )
    return parser.parse_args(words)


def _chapter(text: str) -> str:
    if text and text not in HALVES and not (text.isdigit() and int(text) in TITLES):
        raise argparse.ArgumentTypeError(f"there is no chapter {text}: 0 to 16, 12a, 12b")
    return text


def _row(text: str) -> str:
    if text and text not in TABLE:
        raise argparse.ArgumentTypeError(f"there is no row {text}; the rows are {', '.join(ROWS)}")
    return text
