"""The reader's own file: made from a step, and never replaced without asking."""

import shutil
import sys
from pathlib import Path

from learn.grade.target import MINE, ROOT, NoTarget, numbered_file

BLOCKING = "2"  # the step to begin with


def begin(step: str | None, *, replace: bool) -> str:
    """Make mine/server.py from `step` if there is none, or if the reader agrees to replace it.

    Returns a sentence that says what was done. Raises NoTarget if there is no such step, or if the
    file exists and may not be replaced.
    """
    if MINE.exists() and step is None:
        return f"{MINE} is there already; it stays as it is."
    source = _step(BLOCKING if step is None else step)
    if MINE.exists() and not replace and not _agreed(source):
        raise NoTarget(f"{MINE} stays as it is.")
    kept = _keep_old()
    MINE.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, MINE)
    return f"Made {MINE} from {source.relative_to(ROOT)}.{kept}"


def _step(number: str) -> Path:
    found = numbered_file(ROOT / "learn" / "steps", number)
    if found is None:
        raise NoTarget(f"there is no step {number} in learn/steps")
    return found


def _agreed(source: Path) -> bool:
    """Ask on the terminal; without one the answer is no."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    try:
        answer = input(f"Replace {MINE} by {source.name}? The old one is kept. [y/N] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _keep_old() -> str:
    """Rename the file that is to be replaced; return a sentence that gives its new name."""
    if not MINE.exists():
        return ""
    number = 1
    while (old := MINE.with_name(f"server.old{number}.py")).exists():
        number += 1
    MINE.rename(old)
    return f" The old one is {old}."
