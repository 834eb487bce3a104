"""The large exercises: their tests are red at first, green with the answer, and see each fault."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from learn.exercises.support import CHOSEN
from learn.grade.exercise import FOLDER, exercise
from learn.grade.target import ROOT, NoTarget
from tests.support.sample import sample

ANSWERS = FOLDER / "answers"
NAMES = sorted(path.stem for path in FOLDER.glob("[0-9]*.py"))
OWN = {"9c": "learn/steps/13_limits.py", "12c": "learn/steps/13_limits.py"}  # the reader's file
CHAT = ANSWERS / "16c_chat.py"
CHANGES = sorted(ANSWERS.glob("*.diff"))


@pytest.mark.parametrize("name", sample([name for name in NAMES if name != "16c"], 0, 2))
def test_the_test_of_an_exercise_is_red_before_it_is_solved(name):
    outcome = exercise(name, OWN.get(name, ""))
    assert not outcome.green and outcome.red
    assert all("Traceback" not in line and ": " in line for line in outcome.red)
    assert outcome.task.count("\n") >= 2


@pytest.mark.parametrize("answer", CHANGES, ids=lambda path: path.stem)
def test_an_answer_is_a_change_of_the_files_as_they_are(answer):
    check = ["git", "apply", "--check", str(answer)]
    run = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("name", sample([path.stem for path in CHANGES], 1, 2))
def test_it_is_green_with_the_answer(name, tmp_path):
    for part in ("edges", "lab", "learn", "tests"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("*.pyc.*"))
    for path in [*ROOT.glob("*.py"), ROOT / "sample.txt"]:
        shutil.copy(path, tmp_path)
    subprocess.run(["git", "apply", str(ANSWERS / f"{name}.diff")], cwd=tmp_path, check=True)
    words = [sys.executable, "-m", "learn.grade", "--exercise", name, *OWN.get(name, "").split()]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and run.stdout.endswith("\ngreen: well done\n"), run


def test_the_chat_of_the_answers_stands_all_its_attacks():
    outcome = exercise("16c", str(CHAT))
    assert outcome.green, outcome.red


@pytest.mark.parametrize(
    ("right", "wrong", "red"),
    sample(
        [
            ("if end and other is not self", "if end", "does not hear itself"),
            ('(self.received + data).rpartition(b"\\n")', '(data, b"", b"")', "all others hear"),
            (
                'whole, end, self.received = (self.received + data).rpartition(b"\\n")',
                "whole, end = data[:-1], data[-1:]",
                "half lines of two clients",
            ),
            ("not data or len(self.received) > LINE", "not data", "a line that never ends"),
            ("if len(self.unsent) > UNREAD", "if False", "does not read holds nobody up"),
            ("sock.setblocking(False)\n        guests", "guests", "does not read holds nobody up"),
            ("READ | (WRITE if self.unsent else 0)", "READ | WRITE", "it sleeps"),
            ("        if not data or", "        if data and", "leaves hurts nobody"),
            (
                "        if not isinstance(error",
                "        raise error\n        if (error",
                "vanishes",
            ),
            ("from reactor import", "from another import", "runs on reactor"),
        ],
        0,
        2,
    ),
)
def test_a_chat_with_a_fault_is_red(right, wrong, red, tmp_path):
    assert CHAT.read_text().count(right) == 1
    (tmp_path / "another.py").write_text("from reactor import *\n")
    (file := tmp_path / "chat.py").write_text(CHAT.read_text().replace(right, wrong))
    words = [sys.executable, "-m", "learn.exercises.16c", "-k", red.replace(" ", "_")]
    env = {**os.environ, CHOSEN: str(file)}
    run = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert re.search(r"^Ran 1 test .*\n\nFAILED ", run.stderr, re.MULTILINE), run.stderr


@pytest.mark.parametrize(
    ("name", "file", "pattern"),
    [
        ("99z", "", "there is no exercise 99z with a test; there are 9c, 11c, 12c, 13c, 16c"),
        ("../11c", "", r"there is no exercise \.\./11c with a test"),
        ("16c", "no/such.py", "there is no file no/such.py"),
        ("16c", "/dev/null", "there is no file /dev/null"),
        ("11c", "server.py", "exercise 11c changes eighty itself: it takes no other file"),
    ],
)
def test_what_cannot_be_tested_gets_one_line(name, file, pattern):
    with pytest.raises(NoTarget, match=pattern):
        exercise(name, file)


def test_each_large_exercise_of_the_walkthrough_has_a_test_and_each_test_an_exercise():
    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    large = re.findall(
        r"^(?:- \*Stretch\.\*|\*\*The capstone)(?:.|\n(?!- |\n))*", text, re.MULTILINE
    )
    named = [re.findall(r"EXERCISE=(\w+)", one) for one in large]
    assert [] not in named
    assert sorted(name for names in named for name in names) == NAMES
