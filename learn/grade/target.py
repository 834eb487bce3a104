"""What is to be graded: from what a learner types to a command that starts a server."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MINE = Path("mine/server.py")

# Languages that we can name the command of; any other works as well.
RUNNERS = {
    ".js": "node {0} {{file}}",
    ".mjs": "node {0} {{file}}",
    ".ts": "deno run -A {0} {{file}}",
    ".go": "go run {0} {{file}}",
    ".rb": "ruby {0} {{file}}",
    ".c": "./server {{file}}",
    ".rs": "./server {{file}}",
    ".java": "java {0} {{file}}",
}


class NoTarget(Exception):
    """What was named cannot be graded; the text says why and what to do, in one line."""


class Target(NamedTuple):
    """A server to grade: its name for a reader, its command, and its file if it is known."""

    name: str
    command: Sequence[str]
    path: Path | None = None


def target(named: str) -> Target:
    """Return what `SERVER=named` means; raises NoTarget."""
    if named.isdigit():
        return _numbered("step", ROOT / "learn" / "steps", named)
    if named.startswith("exhibit:"):
        return _numbered("exhibit", ROOT / "learn" / "museum", named.removeprefix("exhibit:"))
    path = Path(named) if named else MINE
    if path.is_file():
        return of_file(path)
    return _of_command(named) if named else _nothing_yet()


def of_file(path: Path) -> Target:
    """Return the target of a file in Python; raises NoTarget for another language."""
    if path.suffix in RUNNERS:
        example = RUNNERS[path.suffix].format(path)
        raise NoTarget(f'{path} is not Python: name its command, SERVER="{example} {{options}}"')
    command = (sys.executable, str(path), "{file}", "--port", "0", "{options}")
    return Target(str(path), command, path)


def _nothing_yet() -> Target:
    raise NoTarget(f"there is no {MINE} yet: `make learn` makes one from the blocking server")


def _numbered(kind: str, folder: Path, number: str) -> Target:
    digits = number if number.isdigit() else "0"
    found = sorted(folder.glob(f"{int(digits):02}_*.py"))
    if len(found) != 1:
        numbers = sorted(path.name[:2] for path in folder.glob("[0-9][0-9]_*.py"))
        known = f"{numbers[0]} to {numbers[-1]}" if numbers else "none yet"
        raise NoTarget(f"there is no {kind} {number}: {folder.relative_to(ROOT)} has {known}")
    return of_file(found[0].relative_to(Path.cwd()) if _below(found[0]) else found[0])


def _below(path: Path) -> bool:
    return path.is_relative_to(Path.cwd())


def _of_command(text: str) -> Target:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NoTarget(f"SERVER={text}: {error}") from None
    if len(words) == 1 and "{file}" not in text:
        raise NoTarget(f"there is no file {text}")
    files = [Path(word) for word in words if Path(word).is_file()]
    return Target(text, words, files[-1] if files else None)
