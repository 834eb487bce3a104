"""The book and the playground in WebKit: a smoke test, beside those in Chromium and Firefox.

Needs build/book: `make test-book`.
"""

from collections.abc import Iterator

import pytest

from lab.book import cut, playground
from tests.support import engines
from tests.support.browser import ROOT
from tests.support.engines import WebKit, await_true

pytestmark = pytest.mark.book
BOOK = ROOT / "build/book"
CHAPTERS = [page for page in cut.pages() if page.document == cut.CHAPTERS]
# Addresses that a page has asked for; a frame of it asks for its own.
OTHER_HOSTS = """return performance.getEntriesByType("resource").map((entry) => entry.name)
    .filter((name) => !/^(file|blob|data):/.test(name));"""
EXERCISE = playground.exercises()[0]["name"]


@pytest.fixture(scope="module")
def webkit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebKit]:
    with engines.webkit(tmp_path_factory.mktemp("WebKit")) as webkit:
        yield webkit


def state(webkit: WebKit, name: str) -> object:
    """Return what the playground says about itself, or None."""
    return webkit.run("return document.body.dataset[arguments[0]] ?? null", name)


def run(webkit: WebKit) -> object:
    """Press Run; return what came of it."""
    webkit.run("document.getElementById('run').click()")
    await_true(lambda: state(webkit, "ran") is not None)
    return state(webkit, "ran")


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.name)
def test_webkit_shows_each_chapter_and_asks_no_other_host(webkit, page):
    webkit.open((BOOK / f"{page.name}.html").as_uri())
    assert page.title.partition(" ")[0] in webkit.run("return document.title")
    assert webkit.run(OTHER_HOSTS) == []


@pytest.mark.parametrize("name", ["index.html", "source/reactor.py.html", "search.html?q=deadline"])
def test_webkit_shows_the_other_kinds_of_pages(webkit, name):
    path, question, query = name.partition("?")
    webkit.open((BOOK / path).as_uri() + question + query)
    assert "eighty" in webkit.run("return document.title")
    assert webkit.run(OTHER_HOSTS) == []


def test_webkit_runs_the_playground(webkit):
    webkit.open((BOOK / "playground.html").as_uri() + f"#exercise={EXERCISE}")
    await_true(lambda: state(webkit, "ready") is not None)
    assert run(webkit) == "broken"
    webkit.run("document.getElementById('answer').click()")
    assert run(webkit) == "held"
    assert webkit.run(OTHER_HOSTS) == []
