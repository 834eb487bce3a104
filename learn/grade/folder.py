"""Grade a folder of submissions into one table: DIR/NAME.py, or DIR/NAME/server.py."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from learn.grade import report, seen
from learn.grade.engine import Result, Unfit, grade
from learn.grade.target import NoTarget, of_file


class Grade(NamedTuple):
    """One submission: its results, or the problem that prevented them."""

    name: str
    results: dict[str, Result]
    problem: str = ""

    @property
    def green(self) -> int:
        """The number of green rows."""
        return sum(result.ok is True for result in self.results.values())

    @property
    def counted(self) -> int:
        """The number of rows that this system can measure."""
        return sum(result.ok is not None for result in self.results.values())


def submissions(folder: Path) -> list[tuple[str, Path]]:
    """Return name and file of each submission, in order; raises NoTarget if there is none."""
    if not folder.is_dir():
        raise NoTarget(f"there is no folder {folder}")
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and (path / "server.py").is_file():
            found.append((path.name, path / "server.py"))
        elif path.suffix == ".py" and path.is_file():
            found.append((path.stem, path))
    if not found:
        raise NoTarget(f"{folder} has no submissions: NAME.py or NAME/server.py")
    return found


def grades(folder: Path, rows: Sequence[str], prepare: Callable[[], None]) -> Iterator[Grade]:
    """Grade one submission after the other."""
    for name, path in submissions(folder):
        try:
            results = grade(of_file(path).command, rows, path=str(path), prepare=prepare)
            yield Grade(name, results)
        except (Unfit, NoTarget) as error:
            yield Grade(name, {}, str(error))


def print_table(graded: Iterator[Grade], rows: Sequence[str], out: TextIO) -> list[Grade]:
    """Print a line for each submission as soon as it is graded; return all."""
    print(f"{'submission':<24} {'score':>8}  next         red rows", file=out)
    done = []
    for one in graded:
        done.append(one)
        score = f"{one.green}/{one.counted or len(rows)}"
        red = [row for row, result in one.results.items() if result.ok is False]
        name = seen.clean(one.name)  # the submission chose it
        print(f"{name:<24} {score:>8}  {_next(one):<11}  {one.problem or _few(red)}", file=out)
        out.flush()
    return done


def _next(one: Grade) -> str:
    return f"chapter {report.next_chapter(one.results, {})}" if one.results else "-"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def as_json(graded: Iterator[Grade], rows: Sequence[str], out: TextIO) -> list[Grade]:
    """Print all as JSON; return all."""
    done = list(graded)
    table = [
        {
            "submission": one.name,
            "green": one.green,
            "of": one.counted or len(rows),
            "problem": one.problem,
            "rows": {row: result.ok for row, result in one.results.items()},
        }
        for one in done
    ]
    print(json.dumps(table, indent=1), file=out)
    return done
