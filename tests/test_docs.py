"""Every page of the project is true: excerpts equal the source, commands print what is shown."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.documents.document import (
    EXCERPT_LIMIT,
    LANGUAGES,
    ROOT,
    Block,
    blocks,
    dead_links,
    documents,
    excerpt,
)
from lab.documents.reader import LEFT_BEHIND, is_run, read

BLOCKS = [block for document in documents() for block in blocks(document)]


def chapters() -> Iterator[Any]:
    """Yield the blocks, those of one chapter for one process: a chapter is read as a whole."""
    for block in BLOCKS:
        group = f"{block.document} {block.chapter}"
        yield pytest.param(block, id=str(block), marks=pytest.mark.xdist_group(group))


@pytest.mark.parametrize("block", list(chapters()))
def test_what_a_block_shows_is_true(block: Block) -> None:
    assert block.language in LANGUAGES, f"{block}: no fence of ours is called {block.language!r}"
    if block.source:
        check_excerpt(block)
    elif block.language == "python":
        assert block.mark.startswith(("wrong: ", "sketch")), f"{block}: Python without a mark"
    elif is_run(block) and (surprise := read(block.document, block.chapter).get(block.line)):
        pytest.fail(surprise, pytrace=False)


def check_excerpt(block: Block) -> None:
    """Fail unless an excerpt is the source of today, and short enough to be read on a page."""
    source = excerpt(*block.source)
    assert block.text == source, f"{block}: the source has changed; run: make docs"
    assert source.count("\n") <= EXCERPT_LIMIT, f"{block}: too long to be shown whole"


@pytest.mark.parametrize("document", documents())
def test_links_lead_somewhere(document: str) -> None:
    assert dead_links(document) == []


def by_hand() -> Iterator[tuple[Block, str]]:
    """Yield each block in which a person is a client, with the command that started the server."""
    chapter, command = ("", 0), ""
    for block in BLOCKS:
        if chapter != (block.document, block.chapter):
            chapter, command = (block.document, block.chapter), ""
        if block.mark == "server" and block.text.startswith("$ "):
            command = block.text.splitlines()[0]
        if block.language == "pycon" and re.search("^>>> .*create_connection", block.text, re.M):
            yield block, command


def test_a_server_that_people_talk_to_is_told_how_long_it_waits():
    ours = {str(block): command for block, command in by_hand() if "run-server" in command}
    assert len(ours) > 10, "hardly anybody was found who talks to a server"
    assert [block for block, command in ours.items() if "--timeout" not in command] == []


# The ten seconds that a connection has shrink to PATIENCE, and a person's pauses with them.
PATIENCE, PAUSE = 0.05, 0.06


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project whose server, unless told otherwise, waits for nobody."""
    root = tmp_path_factory.mktemp("impatient") / "eighty"
    shutil.copytree(ROOT, root, ignore=LEFT_BEHIND)
    options = root / "edges/command_line.py"
    ten = 'timeout = value(duration, 10.0, "seconds a connection'
    assert options.read_text().count(ten) == 1
    options.write_text(options.read_text().replace(ten, ten.replace("10.0", str(PATIENCE))))
    return root


@pytest.mark.parametrize(
    ("document", "title"),
    [("docs/protocol.md", 1), ("docs/protocol.md", 10), ("docs/answers.md", 5)],
)
def test_a_person_may_take_a_long_time_between_the_lines(impatient, document, title):
    before_the_first = 1  # what stands there is a chapter, too, without a title
    assert read(document, title + before_the_first, impatient, PAUSE) == {}
