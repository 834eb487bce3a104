"""The book and the playground in Firefox, driven by puppeteer: lab/book/firefox.mjs.

Needs build/book, node and Firefox: `make test-book`.
"""

import json
import shutil
import subprocess

import pytest

from lab.book import cut, playground
from tests.support.browser import ROOT

pytestmark = pytest.mark.book
NAMES = ("firefox-esr", "firefox")
PAGES = ["index.html", "source/reactor.py.html", "protocol.html", "search.html?q=deadline"]


@pytest.fixture(scope="module")
def seen():
    """Return what Firefox saw, page after page."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail("there is no Firefox on this machine (Debian: apt-get install firefox-esr)")
    chapters = [f"{page.name}.html" for page in cut.pages() if page.document == cut.CHAPTERS]
    words = ["node", ROOT / "lab/book/firefox.mjs", path, *PAGES, *chapters]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [each["name"] for each in playground.exercises()])
def test_what_is_wrong_is_found_in_firefox_and_the_answer_passes(seen, name):
    assert seen["exercises"][name] == ["broken", "held"]


def test_firefox_asks_no_other_host_and_meets_no_error(seen):
    assert seen["outside"] == []
    assert seen["errors"] == []


def test_firefox_shows_every_chapter(seen):
    for page in cut.pages():
        if page.document == cut.CHAPTERS:
            assert page.title.partition(" ")[0] in seen["titles"][f"{page.name}.html"]
