"""The page in Firefox and in WebKit: it opens, steps, asks and plays there too, and nothing is cut.

Chromium has all other tests of the page. A script of a test cannot see the page's own variables in
Firefox, so these tests do what a person does: press keys, and look.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Keys

from lab.tracing.page import page as make_page
from tests.support import engines
from tests.support.engines import Engine, await_true

pytestmark = pytest.mark.browser

KINDS: dict[str, Any] = {"Firefox": engines.firefox, "WebKit": engines.webkit}


@pytest.fixture(scope="module", params=KINDS)
def engine(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with KINDS[request.param](tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


AT = "const at = (id) => document.getElementById(id);"
WATCH = """window.addEventListener("error", ({message}) => {
    document.body.dataset.error = message;
});"""
SEEN = """return [
    document.body.dataset.error ?? null, performance.getEntriesByType("resource").length
];"""
NEXT = """if (at("slider").value === at("slider").max) return found;
    at("next").click();"""


@pytest.fixture
def show(engine: Engine, scene: str, tmp_path: Path):
    """Show a trace; in the end, no error has happened, and nothing has been asked for."""

    def shown(
        trace: str = scene, fragment: str = "", size: tuple[int, int] = (1280, 720)
    ) -> Engine:
        path = tmp_path / "page.html"
        path.write_text(make_page(trace), encoding="utf-8")
        engine.resize(*size)
        engine.open(path.as_uri() + fragment)
        engine.run(WATCH)
        return engine

    yield shown
    assert engine.run(SEEN) == [None, 0]


def n(engine: Engine) -> int:
    return int(engine.run("return document.getElementById('slider').value"))


def text(engine: Engine, selector: str) -> str:
    return engine.run("return document.querySelector(arguments[0]).textContent", selector)


def await_n(engine: Engine, wanted: int) -> None:
    """Wait for the effect of a key: no engine but Chromium promises that it is there at once."""
    await_true(lambda: n(engine) == wanted)


def await_text(engine: Engine, selector: str, wanted: str) -> None:
    await_true(lambda: text(engine, selector) == wanted)


def test_keys_step_and_a_link_leads_to_its_event(show):
    engine = show(fragment="#e=39")
    assert n(engine) == 39
    assert "Slow motion" in text(engine, "#note")
    engine.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    await_n(engine, 40)
    engine.press(Keys.HOME)
    await_n(engine, 1)
    engine.press(Keys.END)
    await_text(engine, "#sentence", "The program ends")


EACH = f"""{AT}
const found = [];
const count = (what) => document.querySelectorAll(what).length;
for (;;) {{
    const said = document.querySelector("#list [aria-current]").textContent;
    const same = at("sentence").textContent === said;
    found.push([same, count("#stage .thread"), count("#source .now")]);
    {NEXT}
}}"""


def test_at_every_event_one_sentence_one_thread_and_one_line(show, scene):
    events = [json.loads(line) for line in scene.splitlines()]
    assert show().run(EACH) == [[True, 1, int("stack" in event)] for event in events]


CUT = f"""{AT}
const found = [];
for (;;) {{
    for (const what of ["#sentence", "#note", "#loop-row .object", "#table .head"]) {{
        const here = document.querySelector(what);
        const [x, y] = [here.scrollWidth - here.clientWidth, here.scrollHeight - here.clientHeight];
        if (x > 1 || y > 2) found.push([at("slider").value, what, x, y]);
    }}
    if (document.documentElement.scrollWidth > innerWidth) found.push([at("slider").value, "page"]);
    {NEXT}
}}"""


@pytest.mark.parametrize("size", [(1280, 720), (853, 480), (500, 844)])
def test_nothing_is_cut(show, size):
    engine = show(size=size)
    assert engine.run("return [innerWidth, innerHeight]") == list(size)
    assert engine.run(CUT) == []


def test_a_question_is_asked_and_answered(show):
    engine = show(fragment="#e=35")
    engine.run("document.getElementById('ask').click()")
    engine.press(Keys.ARROW_RIGHT)
    await_text(engine, "#sentence", "What does the loop do next?")
    assert n(engine) == 35
    engine.press("1")
    await_n(engine, 36)
    assert text(engine, "#score") == "1 of 1 right"


def test_space_plays_and_a_step_by_hand_ends_it(show, scene):
    engine = show()
    engine.press(" ")
    await_text(engine, "#play", "Pause")
    await_true(lambda: n(engine) >= 3)
    engine.press(Keys.ARROW_LEFT)
    await_text(engine, "#play", "Play")
    assert n(engine) < len(scene.splitlines()), "else it has ended by itself"


def test_the_legend_opens_and_closes(show):
    engine = show()
    engine.run("document.querySelector('#key summary').focus()")
    engine.press(Keys.ENTER)
    opened = "return document.getElementById('key').open"
    await_true(lambda: engine.run(opened))
    engine.press(Keys.ESCAPE)
    await_true(lambda: not engine.run(opened))


def test_what_a_trace_says_does_nothing(show):
    run = {"n": 1, "t": 0, "k": 0, "ev": "run", "v": 1, "role": "server"}
    hostile = (
        "</script><script>document.title = 'PWNED'</script><img src=x onerror='document.title = 1'>"
    )
    engine = show(
        f"{json.dumps(run)}\n{json.dumps({'ev': hostile, 'on': hostile, 'peer': hostile})}\n"
    )
    engine.press(Keys.ARROW_RIGHT)
    await_true(lambda: hostile[:9] in text(engine, "#sentence"))
    assert engine.run("return document.title") == "One thread, one loop: a run, step by step"
