"""The twins: the same server as threads, as asyncio twice, and as generators on our reactor."""

import re
from pathlib import Path

import pytest

from lab.documents import scoreboard

ROOT = Path(__file__).resolve().parents[1]
TWINS = sorted((ROOT / "learn" / "twins").glob("*.py"))
SERVERS = [path for path in TWINS if path.stem != "task"]
LINES = 59

# What each of them stands; the scores differ in what is beyond this.
ALL_STAND = (
    "connect-and-close",
    "stampede",
    "early-half-close",
    "extra-bytes",
    "idle-listening",
    "idle-hello-sent",
    "garbage",
    "endless",
    "silent",
    "half-hello",
    "endless-extra",
    "reset-mid-hello",
    "reset-when-done",
)


def test_there_are_four_forms():
    names = [path.stem for path in SERVERS]
    assert names == ["asyncio_protocol", "asyncio_streams", "generator", "threads"]


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_each_is_short(path):
    assert len(path.read_text().splitlines()) <= LINES


def test_each_stands_what_all_stand():
    """By the record, which tests/test_scoreboard.py compares with what they stand today."""
    assert len(scoreboard.record()) == len(SERVERS) + 1
    for name, green in scoreboard.record().items():
        assert set(ALL_STAND) <= set(green), name


def test_the_names_that_the_rosetta_table_gives_of_our_own_code_exist():
    table = (ROOT / "docs" / "rosetta.md").read_text(encoding="utf-8")
    ours = [line.split("|")[2] for line in table.splitlines() if line.startswith("| ")][1:]
    pairs = [
        (file, name) for cell in ours for file, name in re.findall(r"`(\w+\.py)`: `([\w.]+)`", cell)
    ]
    assert len(pairs) >= 6
    for file, name in pairs:
        for part in name.split("."):
            assert re.search(rf"\b{part}\b", (ROOT / file).read_text()), f"{file}: {name}"
