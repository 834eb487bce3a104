"""The page that shows a trace, as far as that can be told without a browser: see tests/browser."""

import ast
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lab.tracing import page

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
    assert sum(len(path.read_bytes()) for path in PARTS.iterdir()) <= 40 * KB


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


# --- the source of what runs


def may_be_called() -> set[str]:
    """Return the names that a `call` can have, as the source says: what is handed to Reactor.call
    and Reactor.queue, and what the reactor calls when a socket is ready."""
    found = {"on_readable", "on_writable"}
    for path in (*ROOT.glob("*.py"), *ROOT.glob("edges/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ("reactor.call", "reactor.queue")
            ):
                handed = ast.unparse(node.args[1])
                found.add(re.sub(r"^partial\(([\w.]+).*", r"\1", handed).rpartition(".")[2])
    return found


def test_whatever_may_be_called_has_its_source_in_the_page():
    called = may_be_called()
    assert {"start", "refuse", "proceed", "retry", "resume", "cut", "failed", "on_late"} <= called
    methods = {name.rpartition(".")[2] for name in page.sources()}
    assert called <= methods


def test_a_source_is_the_method_whole_where_it_is_said_to_be():
    for name, source in page.sources().items():
        lines = (ROOT / str(source["file"])).read_text().splitlines()
        text = str(source["text"]).splitlines()
        line = int(source["line"])
        assert text[0].startswith(f"def {name.rpartition('.')[2]}(") or text[0].startswith("@")
        assert [each.strip() for each in text] == [
            each.strip() for each in lines[line - 1 : line - 1 + len(text)]
        ]


def test_handlers_of_every_kind_are_found_their_inherited_methods_and_the_loop_itself():
    found = page.sources()
    for name in (
        "Reactor.turn", "Signals.on_readable", "Listener.on_readable", "Acceptor.retry",
        "ServerConnection.on_readable", "ServerConnection.on_late", "Server.cut",
        "ClientConnection.on_writable", "Download.try_next", "Console.on_writable",
        "Connection.close",
    ):  # fmt: skip
        assert name in found
    assert json.loads(Elements(page.page(TRACE)).text("sources")) == found


def test_each_line_that_the_page_marks_in_the_loop_is_there_once():
    panels = (PARTS / "panels.js").read_text()
    turn = str(page.sources()["Reactor.turn"]["text"])
    for event in ("select", "turned"):
        place = re.search(rf"\b{event}: (?:\"([^\"]*)\"|'([^']*)')", panels.partition("PLACES")[2])
        assert turn.count(place[1] or place[2]) == 1, event


@pytest.mark.parametrize("name", ["Reactor.turn", "ServerConnection.proceed"])
def test_of_each_place_that_the_page_can_light_a_method_has_one(name):
    """Where there are two, the page cannot tell which of them runs, and lights neither."""
    table = re.search(r"const PLACES = .*?\n}\)\);", (PARTS / "panels.js").read_text(), re.DOTALL)
    places = re.findall(r"""["'](\S+)["'],""", table[0].replace("Object.entries", ""))
    text = str(page.sources()[name]["text"])
    assert len(places) == 8
    assert [place for place in places if text.count(place) > 1] == []
