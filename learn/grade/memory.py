"""The last grade of a file, kept beside it as .NAME.grade, so that the next one can be compared.

Files of the project itself get no such file: their grades do not change, and git would list it.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from learn.grade.chapters import ROWS
from learn.grade.engine import Result
from learn.grade.target import ROOT

# What a file can hold that Python reads, and cannot take: [[[[..., 1e999 as a number of hints.
TOO_MUCH = (RecursionError, OverflowError)


class Memory:
    """What earlier grades have left: the rows in `green`, and the number of hints for each row."""

    def __init__(self, path: Path | None, rows: Sequence[str] = ROWS) -> None:
        self._rows = rows
        self.green: dict[str, bool] = {}
        self.hints: dict[str, int] = {}
        self._file = _place(path)
        if self._file is not None:
            self._load(self._file)

    def note(self, results: Mapping[str, Result]) -> dict[str, bool]:
        """Keep `results`; return what was known of the same rows before."""
        before = {row: self.green[row] for row in results if row in self.green}
        self.green |= {row: result.ok for row, result in results.items() if result.ok is not None}
        self.save()
        return before

    def next_hint(self, row: str) -> int:
        """Return 1, 2 or 3: how many hints for `row` may be shown now, one more than before."""
        self.hints[row] = min(3, self.hints.get(row, 0) + 1)
        self.save()
        return self.hints[row]

    def save(self) -> None:
        """Save it, if that is possible."""
        if self._file is not None:
            text = json.dumps({"green": self.green, "hints": self.hints}, indent=1)
            with suppress(OSError):
                self._file.write_text(text + "\n", encoding="utf-8")

    def _load(self, file: Path) -> None:
        """Read it; a file that is missing or damaged counts as empty."""
        with suppress(OSError, ValueError, AttributeError, LookupError, TypeError, *TOO_MUCH):
            kept = json.loads(file.read_text(encoding="utf-8"))
            self.green = {
                row: bool(kept["green"][row]) for row in self._rows if row in kept["green"]
            }
            self.hints = {
                row: int(kept["hints"][row]) for row in self._rows if row in kept["hints"]
            }


def _place(path: Path | None) -> Path | None:
    if path is None:
        return None
    path = path.resolve()
    if path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "mine"):
        return None
    return path.with_name(f".{path.name}.grade")
