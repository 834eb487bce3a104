"""Run the test of a large exercise: red in the project as it is, green when the exercise is solved.

Each test is a file for unittest in learn/exercises, named by its chapter and a letter. Its
docstring is the task.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from lab.torture.child import Child
from learn.exercises.support import CHOSEN
from learn.grade import seen
from learn.grade.target import ROOT, NoTarget

FOLDER = ROOT / "learn" / "exercises"
LIMIT = 60.0  # seconds that a test may take


class Outcome(NamedTuple):
    """The outcome of a test: whether it is green, and a line for each part that is red."""

    task: str
    green: bool
    red: list[str]


def exercise(name: str, file: str = "") -> Outcome:
    """Run the test of the exercise `name`, such as "11c"; raises NoTarget.

    `file` is the reader's file if it is not the usual one.
    """
    path = FOLDER / f"{name}.py"
    if not re.fullmatch(r"[0-9]{1,2}[a-z]", name) or not path.is_file():
        names = [each.stem for each in FOLDER.glob("[0-9]*.py")]
        known = ", ".join(sorted(names, key=lambda one: int(one[:-1])))
        raise NoTarget(f"there is no exercise {name} with a test; there are {known}")
    chosen = {CHOSEN: str(_file(name, path, file))}
    command = [sys.executable, "-m", f"learn.exercises.{name}"]  # it imports the project
    unread, read = subprocess.DEVNULL, subprocess.PIPE
    with Child(command, folder=ROOT, extra=chosen, stdout=unread, stderr=read) as child:
        status, said = child.finish(LIMIT)
    red = [f"it had not ended after {LIMIT:g} s"] if status is None else _red(said.decode())
    if status == 0:
        red = []
    return Outcome(_task(path), status == 0, red)


def _file(name: str, path: Path, file: str) -> Path:
    """Return the reader's file that the test `path` is about; raises NoTarget."""
    usual = re.search(r'^FILE = mine\("(.+)"\)$', path.read_text(encoding="utf-8"), re.MULTILINE)
    if not usual and file:
        raise NoTarget(f"exercise {name} changes eighty itself: it takes no other file")
    found = Path(file) if file else ROOT / (usual[1] if usual else "server.py")
    if not found.is_file():
        raise NoTarget(f"there is no file {file or (usual and usual[1])}")
    return found.resolve()


def _task(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.name


def _red(said: str) -> list[str]:
    """Return for each failure in unittest's report what was expected, and what happened."""
    parts = re.split(r"^={70}$", said, flags=re.MULTILINE)[1:]
    return [f"{_what(part)}: {_why(part)}" for part in parts] or [seen.last_line(said.encode())]


def _what(part: str) -> str:
    match = re.search(r"^(?:FAIL|ERROR): test_(\w+)", part, re.MULTILINE)
    return match[1].replace("_", " ") if match else "the test"


def _why(part: str) -> str:
    errors = re.findall(r"^(\w+(?:Error|Exception|Expired)\b.*)$", part, re.MULTILINE)
    return seen.clean(errors[-1].removeprefix("AssertionError: ")) if errors else "it failed"
