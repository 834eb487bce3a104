"""The page that shows a trace, as far as that can be told without a browser: see test_page_*.py."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.tracing import events, page, palette, signs

PARTS = Path(page.__file__).parent / "viewer"
ROOT = PARTS.parent.parent.parent
KB = 1024

TRACE = '{"n":1,"t":0,"k":0,"ev":"run","v":1,"role":"server"}\n'


class Elements(HTMLParser):
    """The elements of a page as a browser finds them: tag, attributes, and the text up to the next
    tag, which for a script is all there is."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes), ""))
        self.inside = True

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, text):
        if self.inside:
            tag, attributes, before = self.found.pop()
            self.found.append((tag, attributes, before + text))

    def text(self, name: str) -> str:
        """Return the text of the element with this id."""
        [text] = [text for _, attributes, text in self.found if attributes.get("id") == name]
        return text


def test_the_template_is_small_enough_to_be_read():
    """With slack: a limit that is reached rewards dense lines instead of fewer ones."""
    assert sum(len(path.read_bytes()) for path in PARTS.iterdir()) <= 88 * KB


def test_each_part_of_the_template_is_in_the_page():
    parts = {"page.html", "page.css", *(f"{name}.js" for name in page.SCRIPTS)}
    assert {path.name for path in PARTS.iterdir()} == parts
    html = page.page(TRACE)
    for name in parts - {"page.html"}:
        assert (PARTS / name).read_text() in html
    assert "@@" not in html


def test_the_template_reaches_for_nothing_outside():
    for path in PARTS.iterdir():
        text = path.read_text()
        assert "http" not in text.replace("http-equiv", ""), path.name
        assert not re.search(r"\b(src|action|srcset|data|poster)=|@import|url\(|\bimport\b", text)
        assert not re.search(r"href=[\"'](?!#)|innerHTML|insertAdjacentHTML|\beval\b", text)


def test_the_policy_allows_the_scripts_and_styles_of_the_page_by_their_hashes_and_nothing_else():
    elements = Elements(page.page(TRACE))
    [policy] = [a["content"] for tag, a, _ in elements.found if a.get("http-equiv")]
    [style] = [text for tag, _, text in elements.found if tag == "style"]
    [script] = [text for tag, a, text in elements.found if tag == "script" and not a]
    assert policy.split("; ") == [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        f"style-src '{page.hash_source(style)}'",
        f"script-src '{page.hash_source(script)}'",
    ]
    assert not [a for _, a, _ in elements.found if {"style", "onclick", "onload"} & set(a)]


@pytest.mark.parametrize(
    "text",
    [
        "</script><script>alert(1)</script>",
        "<!--<script>",
        "</SCRIPT >",
        "@@sources@@ @@script@@ @@nobody@@",
        r"\1 \g<0> \\ $& \u003c \\u003c \n",
        "\u2028 \u202e \U0001f600",
        "&lt;/script&gt; &amp;",
    ],
)
def test_a_trace_comes_out_of_the_page_as_it_went_in_and_is_no_markup(text):
    trace = TRACE + json.dumps({"ev": "close", "how": text}, ensure_ascii=False) + "\n"
    html = page.page(trace)
    elements = Elements(html)
    assert [json.loads(line) for line in elements.text("trace").split("\n")[:-1]] == [
        json.loads(line) for line in trace.split("\n")[:-1]
    ]
    tags = [tag for tag, _, _ in elements.found]
    assert tags == [tag for tag, _, _ in Elements(page.page(TRACE)).found]


def test_even_what_is_no_trace_becomes_a_page_that_says_so():
    assert Elements(page.page("")).text("trace") == ""
    assert Elements(page.page("<b>")).text("trace") == "\\u003cb>"


# --- the sources


def with_stack(*frames: str) -> str:
    return TRACE + json.dumps({"n": 2, "t": 0, "k": 0, "ev": "turned", "stack": frames}) + "\n"


def test_the_core_is_in_every_page_whole():
    found = page.sources(TRACE)
    assert set(found) == set(page.ALWAYS)
    for name, text in found.items():
        assert text == (ROOT / name).read_text()
    assert json.loads(Elements(page.page(TRACE)).text("sources")) == found


def test_each_file_of_the_runtime_that_a_stack_names_is_in_the_page():
    found = page.sources(with_stack("server.py:1 serve", "edges/prompt.py:9 ask"))
    assert set(found) == {*page.ALWAYS, "edges/prompt.py"}


@pytest.mark.parametrize(
    "name", ["/etc/passwd.py", "../secret.py", "tests/conftest.py", "edges/../tests/conftest.py"]
)
def test_no_other_file_is_read_whatever_a_trace_names(name):
    assert set(page.sources(with_stack(f"{name}:1 f"))) == set(page.ALWAYS)


# --- the signs


def test_the_page_has_the_signs_of_the_pictures():
    found = json.loads(Elements(page.page(TRACE)).text("signs"))
    assert found["glyphs"] == signs.GLYPHS
    assert found["states"] == palette.STATES


def test_each_kind_of_event_has_a_sign_and_each_sign_a_meaning():
    kinds = set(events.KEYS) - {"run", "listen", "end", "timer"} | {"set", "cancel", "fire"}
    assert set(signs.EVENTS) == kinds
    assert set(signs.EVENTS.values()) == set(signs.GLYPHS) - {"work"}
    assert set(signs.LEGEND) | set(signs.MORE) == set(signs.GLYPHS) - {"work"}
    assert not set(signs.LEGEND) & set(signs.MORE)


def test_the_head_of_the_page_says_why_there_is_no_library():
    assert "d3" in (PARTS / "page.html").read_text().partition("<style>")[0]
