"""Every page of the project is true: what is generated is of today, what is typed happens."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.documents.document import (
    DIFF_LIMIT,
    EXCERPT_LIMIT,
    LANGUAGES,
    Block,
    blocks,
    dead_links,
    documents,
    generated,
    left_out,
    step,
    strips,
)
from lab.documents.reader import PORT, is_run, read, scratch_copy
from tests.support.sample import FULL, sample

WALKTHROUGH = "docs/protocol.md"
MOST_LINES = 2400
BLOCKS = [block for document in documents() for block in blocks(document)]


@pytest.fixture(scope="module")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, from which each chapter gets its own."""
    scratch_copy(spare := tmp_path_factory.mktemp("spare") / "eighty", PORT)
    return spare


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_what_a_block_shows_is_true(block: Block) -> None:
    assert block.language in LANGUAGES, f"{block}: we have no fence called {block.language!r}"
    if (text := generated(block)) is not None:
        assert block.text == text, f"{block}: the source has changed; run: make docs"
        limit = DIFF_LIMIT if block.steps else EXCERPT_LIMIT
        assert text.count("\n") <= limit, f"{block}: too long to be shown whole"
    elif block.language == "python":
        assert block.mark.startswith(("wrong: ", "sketch")), f"{block}: Python without a mark"


def chapters() -> list[tuple[str, int]]:
    """Return the chapters with something to do; in `make test` without those that grade a program
    in every row, or let a server spin for seconds."""
    long = () if FULL else ((WALKTHROUGH, 3), (WALKTHROUGH, 9), (WALKTHROUGH, 15))
    found = dict.fromkeys((block.document, block.chapter) for block in BLOCKS if is_run(block))
    return [chapter for chapter in found if chapter not in long]


@pytest.mark.parametrize(("document", "chapter"), chapters())
def test_what_a_chapter_asks_for_happens(document: str, chapter: int, spare: Path) -> None:
    for surprise in read(document, chapter, spare).values():
        pytest.fail(surprise, pytrace=False)


def newest_other_python() -> list[str]:
    """Return the newest other Python that is here and can run the project, if there is one."""
    folders = [*os.environ["PATH"].split(":"), *map(str, Path.home().glob(".pyenv/versions/*/bin"))]
    names = [f"python3.{minor}" for minor in range(20, 10, -1) if minor != sys.version_info.minor]
    found = [shutil.which(name, path=folder) for name in names for folder in folders]
    return [path for path in found if path and "shims" not in path][:1]


def prompts() -> list[int]:
    """Return the chapters of the walkthrough in which something is typed at Python's prompt."""
    typed = {
        block.chapter
        for block in BLOCKS
        if block.document == WALKTHROUGH and block.language == "pycon"
    }
    return sorted(typed)


@pytest.mark.parametrize("chapter", sample(prompts(), 2, 4))
@pytest.mark.parametrize("python", newest_other_python())
def test_the_newest_other_python_has_a_prompt_in_which_it_works(
    python: str, chapter: int, spare: Path
) -> None:
    assert read(WALKTHROUGH, chapter, spare, python=python) == {}


def test_what_is_typed_at_a_prompt_is_one_line() -> None:
    """The prompt of Python 3.13 and later indents by itself: a body is an error there."""
    lines = [
        line for block in BLOCKS if block.language == "pycon" for line in block.text.split("\n")
    ]
    assert [line for line in lines if line.startswith("... ")] == []
    assert [line for line in lines if line.startswith(">>> ") and line.endswith(":")] == []


def test_each_box_of_the_walkthrough_says_where_it_belongs() -> None:
    ours = [block for block in BLOCKS if block.document in (WALKTHROUGH, "docs/answers.md")]
    boxes = [block for block in ours if block.language in ("pycon", "console", "diff")]
    assert [str(block) for block in boxes if not block.caption] == []


def places(shown: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of a change: each mark for lines left out, and the old lines after it."""
    for part in re.split(r"^(?=\[\.\.\.\])", shown, flags=re.MULTILINE)[1:]:
        head, *lines = part.splitlines()
        yield (
            head.replace(" at the end of ", " in "),
            [line[1:] for line in lines if line[0] in " -" and line != " "],
        )


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark.startswith("diff: ")])
def test_each_place_of_a_change_is_found_once(block: Block) -> None:
    old = [line for line in step(block.steps[0]).splitlines()[1:] if line]
    for head, lines in places(block.text):
        starts = [n for n in range(len(old)) if old[n : n + len(lines)] == lines]
        assert [left_out(old[: n + 1]) for n in starts].count(head) == 1, f"{head}: {lines}"


def test_the_pictures_of_events_are_those_of_the_recorded_run() -> None:
    wanted = strips(WALKTHROUGH)
    assert len(wanted) > 3
    assert {path: path.read_text() for path in wanted} == wanted, "run: make docs"


def test_the_walkthrough_is_not_too_long() -> None:
    assert len(Path(WALKTHROUGH).read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("document", documents())
def test_links_lead_somewhere(document: str) -> None:
    assert dead_links(document) == []


def test_a_person_may_take_a_long_time_between_the_lines(spare: Path) -> None:
    """Nothing depends on how fast one types: with pauses, of seconds in `make check`, all is as it
    was."""
    assert read(WALKTHROUGH, 2, spare, pause=1.5 if FULL else 0.3) == {}
