"""Every page of the project is true: excerpts equal the source, commands print what is shown."""

import pytest

from tests.document import (
    EXCERPT_LIMIT,
    LANGUAGES,
    Block,
    blocks,
    dead_links,
    documents,
    excerpt,
)
from tests.reader import is_run, read

BLOCKS = [block for document in documents() for block in blocks(document)]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
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
