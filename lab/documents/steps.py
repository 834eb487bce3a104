"""The steps of the reader's server, and the rows that each of them turns green.

Owns learn/steps/rows.json, which tests/test_steps.py compares with a new grade. It takes some
minutes.

    python3 -m lab.documents.steps --write        grade every step and write the result
"""

import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from learn.grade import ROWS, grade, target

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "learn" / "steps"
CLIENT = FOLDER / "14_client.py"
TASK = FOLDER / "15_task.py"  # the only one that imports our reactor
GREEN = FOLDER / "rows.json"
LOOKS = 3

# A loop that spins is judged by the processor time it takes, and how much that is depends on the
# machine: of these rows, step 7 loses most, and not always the same.
SPINS = "07_unsent"
BY_LUCK = {
    "connect-and-close", "stampede", "early-half-close", "extra-bytes", "urgent", "long-stall",
    "garbage", "endless",
}  # fmt: skip


def servers() -> list[Path]:
    """Return the steps that are servers, in order: all but the client."""
    return sorted(path for path in FOLDER.glob("*.py") if path != CLIENT)


def green(step: Path, expected: Collection[str] = ROWS, tried: Sequence[str] = ROWS) -> list[str]:
    """Return those of the rows that are `tried` which a step turns green.

    A row that is not as `expected` is tried twice more, alone: a busy machine can make a good
    server late, and can keep the judge from seeing how a bad one ends.
    """
    command, tried = target(str(step)).command, [row for row in tried if not by_luck(step, row)]
    results = grade(command, tried)
    seen = {row for row in results if results[row].ok}
    for _ in range(LOOKS - 1):
        if again := [row for row in tried if (row in seen) != (row in expected)]:
            results = grade(command, again)
            seen ^= {row for row in again if bool(results[row].ok) == (row in expected)}
    return [row for row in tried if row in seen]


def by_luck(step: Path, row: str) -> bool:
    """Tell whether a row of this step is green on one machine, and red on another."""
    return step.stem == SPINS and row in BY_LUCK


def main(arguments: list[str]) -> None:
    """Write rows.json, or say how to."""
    if arguments != ["--write"]:
        sys.exit("usage: python3 -m lab.documents.steps --write")
    rows = {}
    for step in servers():
        rows[step.stem] = green(step)
        print(f"{step.stem:14} {len(rows[step.stem]):2} green", flush=True)
    GREEN.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
