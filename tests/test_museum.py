"""Each exhibit of the museum fails exactly its own rows: one that stops being wrong is drift."""

import difflib
import re
import subprocess
import sys

import pytest

from learn.grade import ROWS
from learn.museum.catalogue import EXHIBITS, HERE, SOUND
from learn.museum.measure import record, red_rows
from learn.museum.page import PAGE, page
from learn.museum.shows import SHOWS
from tests.support.sample import sample

LINES = 59  # of an exhibit
AWAY = 10  # lines from its sound form
PASSED, OWN = record()
SERVERS = [one for one in EXHIBITS if one.sound != "client.py"]
CLIENTS = [one for one in EXHIBITS if one.sound == "client.py"]
each_exhibit = pytest.mark.parametrize("one", EXHIBITS, ids=lambda one: one.name)


@pytest.mark.parametrize("one", SERVERS, ids=lambda one: one.name)
def test_an_exhibit_fails_exactly_its_own_rows(one):
    """Tried are the row that shows it, and a sample of those that its sound form passes."""
    own, passed = OWN[one.name], PASSED[one.sound]
    tried = {one.shown_by, *sample(passed, one.number)} - {*own["sometimes"]}
    rows = [row for row in ROWS if row in tried]
    assert red_rows(one.path, rows, own["red"]) == [row for row in rows if row in own["red"]]


@pytest.mark.parametrize("name", PASSED)
def test_a_sound_form_passes_the_rows_that_it_passed(name):
    """And each row that shows an exhibit turns green when the exhibit is repaired."""
    shown = {one.shown_by for one in SERVERS if one.sound == name}
    tried = {*shown, *sample(PASSED[name], list(PASSED).index(name))}
    assert red_rows(SOUND / name, [row for row in PASSED[name] if row in tried]) == []


@pytest.mark.parametrize(
    "one", [one for one in EXHIBITS if one.shown_by in SHOWS], ids=lambda one: one.name
)
def test_what_no_row_shows_is_shown_by_the_exhibit_and_not_by_its_sound_form(one):
    show = SHOWS[one.shown_by]
    assert show(one.path).symptom
    sound = show(SOUND / one.sound)
    assert not sound.symptom, sound.seen


@each_exhibit
def test_each_exhibit_has_something_that_shows_its_symptom(one):
    assert one.shown_by in SHOWS or one.shown_by in OWN[one.name]["red"]


@each_exhibit
def test_an_exhibit_says_what_is_wrong_marks_it_and_is_short(one):
    text = one.path.read_text()
    assert text.startswith('"""WRONG ON PURPOSE: ')
    assert text.lower().count("# the fault") == 1
    assert len(text.splitlines()) <= LINES


@each_exhibit
def test_an_exhibit_is_a_few_lines_away_from_its_sound_form(one):
    wrong, right = (path.read_text().splitlines()[1:] for path in (one.path, SOUND / one.sound))
    marks = [line[0] for line in difflib.ndiff(wrong, right)]
    assert 1 <= max(marks.count("-"), marks.count("+")) <= AWAY


@each_exhibit
def test_a_source_has_a_repository_a_path_and_a_commit(one):
    repository, rest = one.source.split(" ", 1)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository)
    assert re.fullmatch(r".+ ([0-9a-f]{7}|release-[\d.]+|master)", rest)
    assert re.search(r"\((run|read)\)$", one.fact)


def test_the_numbers_run_from_1_and_no_exhibit_is_missing_from_the_catalogue():
    assert [one.number for one in EXHIBITS] == list(range(1, len(EXHIBITS) + 1))
    assert sorted(HERE.glob("[0-9]*.py")) == [one.path for one in EXHIBITS]
    assert len(EXHIBITS) >= 16
    assert set(OWN) == {one.name for one in SERVERS}
    assert {row for own in OWN.values() for row in own["red"]} <= set(ROWS)


def test_the_page_is_that_of_the_catalogue():
    assert PAGE.read_text(encoding="utf-8") == page()


def museum(*words):
    command = [sys.executable, "-m", "learn.museum", *words]
    return subprocess.run(command, check=False, cwd=HERE.parents[1], capture_output=True, text=True)


def test_the_list_has_one_line_for_each():
    done = museum()
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^ ?\d+  \w", done.stdout, re.M)) == len(EXHIBITS)


def test_an_exhibit_is_shown_with_its_source_and_its_symptom_in_words():
    done = museum("24")
    assert (done.returncode, done.stderr) == (0, "")
    for text in (CLIENTS[0].source, CLIENTS[0].symptom, "45 bytes saved, exit status 0"):
        assert text in " ".join(done.stdout.split())


def test_a_repaired_copy_is_distinguished_from_one_that_is_not(tmp_path):
    assert museum("24", str(SOUND / "client.py")).returncode == 0
    copy = tmp_path / "copy.py"
    copy.write_text(CLIENTS[0].path.read_text())
    assert museum("24", str(copy)).returncode == 1


def test_the_repair_is_the_difference_to_the_sound_form():
    done = museum("--repaired", "3")
    assert done.returncode == 0
    assert "-            if not data or (not self.received and data != HELLO)" in done.stdout


@pytest.mark.parametrize("words", [["0"], ["27"], ["x"], ["3", "no such file"]])
def test_what_is_not_there_gets_one_line(words):
    done = museum(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
