"""Turn what a learner types into a command that starts the server to grade."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
MINE = Path("mine/server.py")

# The commands that an error message can suggest; any other language works as well.
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
    """What was named cannot be graded; `str()` says in one line why, and what to do."""


class Target(NamedTuple):
    """A server to grade: its name for a reader, its command, and its file if it is known."""

    name: str
    command: Sequence[str]
    path: Path | None = None


def target(named: str) -> Target:
    """Return what `SERVER=named` means; raises NoTarget."""
    if re.fullmatch(r"[0-9]{1,3}[a-z]?", named):
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
    path = numbered_file(folder, number)
    if path is None:
        numbers = sorted(file.name.split("_")[0] for file in folder.glob("[0-9][0-9]*_*.py"))
        known = f"{numbers[0]} to {numbers[-1]}" if numbers else "none yet"
        raise NoTarget(f"there is no {kind} {number}: {folder.relative_to(ROOT)} has {known}")
    return of_file(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def numbered_file(folder: Path, number: str) -> Path | None:
    """Return the file of a step or exhibit, such as "4" or "12a"; the last part of several."""
    match = re.fullmatch(r"([0-9]{1,3})([a-z]?)", number)
    name = f"{int(match[1]):02}{match[2]}" if match else "-"
    found = sorted(folder.glob(f"{name}_*.py")) or sorted(folder.glob(f"{name}[a-z]_*.py"))
    return found[-1] if found else None


def _of_command(text: str) -> Target:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NoTarget(f"SERVER={text}: {error}") from None
    if len(words) == 1 and "{file}" not in text:
        raise NoTarget(f"there is no file {text}")
    files = [Path(word) for word in words if Path(word).is_file()]
    return Target(text, words, files[-1] if files else None)
