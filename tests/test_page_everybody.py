"""The page with hostile and with long traces, on any screen, and for readers who cannot see it."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe

from lab.tracing import palette, signs
from lab.tracing.layout import Layout
from tests.support.browser import Show, Viewer
from tests.support.traces import GOOD

pytestmark = pytest.mark.browser

TITLE = "One thread, one loop: a run, step by step"
RUN = {"v": 1, "role": "server", "selector": "EpollSelector", "python": "3.11.7", "protocol": 1}


def trace(*events: dict) -> str:
    """Return a trace of these events, numbered."""
    lines = [
        {"n": n, "t": 100 * n, "k": n // 10, **event}
        for n, event in enumerate([{"ev": "run", **RUN}, *events], 1)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def walk(viewer: Viewer) -> None:
    """Look at every event, and at every question."""
    for mode in ("uncheck", "check"):
        getattr(viewer.page.locator("#ask"), mode)()
        viewer.press("Home")
        viewer.page.evaluate(
            """steps => {
                for (let step = 0; step < steps; step += 1) {
                    KEYS.ArrowRight();
                    page.answer(0);
                }
            }""",
            len(viewer.events),
        )
        assert viewer.n == len(viewer.events)


# --- hostile traces

HOSTILE = [
    "</script><script>document.title = 'PWNED'</script>",
    "<!--<script>",
    "<img src=x onerror=\"document.title = 'PWNED'\">",
    "\x1b[31m\x1b]0;PWNED\x07",
    "\0\x01\r\n\x7f\x9b",
    "\u202edexelpmoc\u202c \u2066\u200f",
    'reactor.py:1 <b>" onclick="x',
    "@@sources@@ @@trace@@ $& $1 \\1 \\g<0>",
    "\ud800 \U0001f600",
    "__proto__",
    "constructor",
    "x" * 10_000,
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_trace_says_is_shown_and_does_nothing(show: Show, text):
    data = text.encode("utf-8", "replace").hex()
    viewer = show(
        trace(
            {"ev": "select", "timeout_ms": 5, "fds": 1},
            {"ev": "wake", "ready": [[text, text]]},
            {"ev": "call", "on": text, "cb": text},
            {"ev": "open", "on": text, "fd": 5, "peer": text, "state": text},
            {"ev": "watch", "on": text, "was": "", "now": text},
            {"ev": "rx", "on": text, "bytes": 9, "hex": text},
            {"ev": "tx", "on": text, "bytes": 9, "want": 12, "hex": data},
            {"ev": "state", "on": text, "was": text, "now": text, "why": text},
            {"ev": "timer", "on": text, "op": "set", "what": text, "in_ms": 10},
            {"ev": "timer", "on": text, "op": text, "what": text},
            {"ev": "error", "on": text, "exc": text, "why": text},
            {"ev": "close", "on": text, "how": text},
            {"ev": "done", "on": text, "cb": text},
            {"ev": text, "on": text},
            {"ev": "turned", "stack": [text, f"reactor.py:{text} {text}", f"{text}:1 {text}"]},
        )
    )
    walk(viewer)
    assert viewer.page.title() == TITLE
    assert viewer.page.locator("main script, main img").count() == 0
    shown = viewer.page.locator("body").inner_text()
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert "\u202e" not in shown and len(shown) < 60_000
    narrow = viewer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert narrow, "a long word makes the page wider than the window"


STRANGE = [None, True, 7, -1, 1e300, [], [[]], [[["x"]]], {}, {"x": 1}, "9" * 30]
KINDS = [
    "run", "listen", "select", "wake", "call", "error", "done", "open", "state", "watch", "rx",
    "tx", "timer", "half", "close", "turned", "end",
]  # fmt: skip
KEYS = [
    "t", "k", "v", "on", "cb", "exc", "why", "fd", "peer", "state", "was", "now", "hex", "op",
    "bytes", "want", "what", "in_ms", "how", "address", "body_len", "timeout_ms", "ready",
    "dropped", "again", "stack", "role",
]  # fmt: skip


@pytest.mark.parametrize("value", STRANGE, ids=str)
def test_values_of_the_wrong_type_do_no_harm(show: Show, value):
    walk(show(trace(*({**dict.fromkeys(KEYS, value), "ev": kind} for kind in [*KINDS, value]))))


def test_events_that_say_nothing_do_no_harm(show: Show):
    kinds = [*KINDS, *STRANGE]
    walk(show(trace(*({"ev": kind} for kind in kinds), *({"ev": k, "on": "c1"} for k in kinds))))


def test_an_event_and_a_key_that_nobody_knows_are_ignored(show: Show):
    viewer = show(trace({"ev": "dream", "of": "sheep"}, {"ev": "turned", "colour": "red"}))
    viewer.press("ArrowRight")
    assert viewer.sentence == "dream: an event that this page does not know"
    viewer.press("ArrowRight")
    assert viewer.sentence == "Turn 0 is over"


def test_the_policy_lets_nothing_in_and_nothing_out(show: Show):
    viewer = show(allow="Content Security Policy|^request: .*/blocked")
    assert (
        viewer.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
        == "refused"
    )
    blocked = "requestfailed", lambda request: request.url.endswith("/blocked")
    with viewer.page.expect_event(*blocked) as image:
        viewer.page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'PWNED'";
                document.body.append(script);
                const image = "<img src=blocked onerror='document.title = 1'>";
                document.body.insertAdjacentHTML("beforeend", image);
            }"""
        )
    assert image.value.failure == "csp"
    assert viewer.page.title() == TITLE


# --- long traces


def connections(count: int) -> str:
    """Return a trace of `count` connections one after another, 20 events each."""
    events: list[dict] = []
    for number in range(count):
        me = {"on": f"c{number}", "k": number + 1}
        events += [
            {"ev": "select", "timeout_ms": None, "fds": 2, "k": number + 1},
            {"ev": "wake", "ready": [["listener", "r"]], "k": number + 1},
            {"ev": "call", "cb": "ServerConnection.start", **me},
            {"ev": "open", "fd": 7, "peer": "127.0.0.1:1", "state": "HELLO_SENT", **me},
            {"ev": "watch", "was": "", "now": "r", **me},
            *12 * [{"ev": "tx", "want": 8, "bytes": 8, "hex": "48454c4c4f20310a", **me}],
            {"ev": "watch", "was": "r", "now": "", **me},
            {"ev": "close", "how": "done", **me},
            {"ev": "done", "cb": "ServerConnection.start", **me},
        ]
    return trace(*events)


STEPS = ["End", *40 * ["ArrowLeft"], "PageUp", "Home", *40 * ["ArrowRight"], *10 * ["PageDown"]]
WALK = """keys => {
    for (const key of keys) {
        KEYS[key]();
        document.body.getBoundingClientRect();
    }
}"""


def cost(viewer: Viewer) -> float:
    """Return what a step costs: milliseconds of processor time, not of the clock."""
    session = viewer.page.context.new_cdp_session(viewer.page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent() -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in found if each["name"] == "TaskDuration")

    viewer.page.evaluate(WALK, ["End", "Home"])  # what is done once
    before = spent()
    viewer.page.evaluate(WALK, STEPS)
    return 1000 * (spent() - before) / len(STEPS)


def test_with_a_hundred_thousand_events_a_step_costs_what_it_costs_with_a_thousand(show: Show):
    """docs/trace.md has the measured figures; `-s` prints them."""
    short, long = show(connections(50)), show(connections(5000))
    assert (len(short.events), len(long.events)) == (1_001, 100_001)
    one, other = cost(short), cost(long)
    print(f"a step: {one:.1f} ms with 1,000 events, {other:.1f} ms with 100,000")
    assert other < 4 * one
    long.page.evaluate("page.show(50_000)")
    assert long.sentence in long.text("#list [aria-current]")


def test_of_a_long_trace_the_part_round_the_event_is_in_the_page(show: Show):
    viewer = show(connections(100))
    for n in (1, 99, 100, 101, 140, 141, 1000, 1001, 2001):
        viewer.page.evaluate(f"location.hash = '#e={n}'")
        viewer.await_n(n)
        current = viewer.page.locator("#list [aria-current]")
        assert current.locator("a").get_attribute("href") == f"#e={n}"
        assert current.inner_text() == viewer.sentence
        number = current.evaluate("item => getComputedStyle(item, '::before').content")
        assert number, "the number on the left"
        assert viewer.page.locator("#list li").count() <= 180
        assert current.evaluate(
            """item => {
                const pane = document.getElementById("list-pane").getBoundingClientRect();
                const row = item.getBoundingClientRect();
                return row.top >= pane.top - 1 && row.bottom <= pane.bottom + 1;
            }"""
        ), f"event {n} is not in sight"


def crowd(count: int) -> str:
    """Return a trace in which `count` connections are open at once, and each is read once."""
    names = [f"c{number}" for number in range(1, count + 1)]
    events: list[dict] = [{"ev": "select", "timeout_ms": None, "fds": 1}]
    events.append({"ev": "wake", "ready": [["listener", "r"]]})
    for on in names:
        events.append({"ev": "open", "on": on, "fd": 7, "peer": "p", "state": "HELLO_SENT"})
        events.append({"ev": "watch", "on": on, "was": "", "now": "r"})
    events += [{"ev": "turned"}, {"ev": "select", "timeout_ms": None, "fds": count}]
    events.append({"ev": "wake", "ready": [[on, "r"] for on in names]})
    for on in names:
        events.append({"ev": "call", "on": on, "cb": "ServerConnection.on_readable"})
        events.append({"ev": "rx", "on": on, "bytes": 1, "hex": "48"})
        events.append({"ev": "done", "on": on, "cb": "ServerConnection.on_readable"})
    return trace(*({"k": 1, **event} for event in events))


# --- the overview


@pytest.mark.parametrize("name", GOOD)
def test_the_overview_has_everything_where_the_picture_has_it(show: Show, name):
    """layout.js and layout.py are the same twice; this is what keeps them so."""
    story = GOOD[name]()
    layout = Layout(story.trace())
    viewer = show(story.text())
    found = viewer.page.evaluate(
        """() => {
            const all = new Layout(page.events, 0, page.events.length, begin(), 0);
            return {
                places: all.places, marks: all.marks.map((m) => [m.on, m.glyph, m.word, m.x]),
                boxes: all.boxes.map((b) => [b.on, b.cb, b.caller, b.x, b.end]),
                bands: all.bands.map((b) => [b.on, b.state, b.x, b.end, b.how]),
                columns: all.columns.map((c) => [c.kind, c.k, c.x, c.end, c.slept]),
                waits: all.columns.map((c) => [c.watched, c.ready].map(Object.fromEntries)),
            };
        }"""
    )
    left = layout.left
    assert found == {
        "places": [x - left for x in layout.places.values()],
        "marks": [[m.on, m.glyph, m.word, m.x - left] for m in layout.marks],
        "boxes": [[b.on, b.cb, b.caller, b.x - left, b.end - left] for b in layout.boxes],
        "bands": [[b.on, b.state, b.x - left, b.end - left, b.how] for b in layout.bands],
        "columns": [[c.kind, c.k, c.x - left, c.end - left, c.slept] for c in layout.columns],
        "waits": [[c.watched, c.ready] for c in layout.columns],
    }


# --- for everybody


def violations(viewer: Viewer) -> list[str]:
    found = Axe().run(viewer.page).response["violations"]
    return [f"{v['id']}: {[node['html'][:90] for node in v['nodes']][:3]}" for v in found]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_nothing(show: Show, scene, scheme, width):
    beginning = "".join(scene.splitlines(keepends=True)[:90])
    viewer = show(beginning, color_scheme=scheme, viewport={"width": width, "height": 720})
    viewer.open(f"#e={viewer.find(ev='error')}")
    assert violations(viewer) == []
    viewer.open(f"#e={viewer.find(ev='state') - 1}")
    viewer.page.locator("#ask").check()
    viewer.press("ArrowRight")
    assert violations(viewer) == [], "with a question"
    viewer.press("1")
    assert violations(viewer) == [], "with a verdict"


def test_axe_finds_nothing_on_a_page_without_a_trace(show: Show):
    assert violations(show("")) == []


def test_there_are_landmarks_headings_and_one_status_line(viewer: Viewer):
    page = viewer.page
    viewer.open("#e=40")
    for role in ("banner", "navigation", "main", "status"):
        assert page.get_by_role(role).count() == (3 if role == "status" else 1), role
    assert page.locator("#sentence").get_attribute("role") == "status"
    assert viewer.texts("h1") == ["One thread, one loop"]
    assert len(viewer.texts("h2")) == 4
    table = page.get_by_role("table", name="The stage")
    assert table.get_by_role("columnheader").count() == 7
    assert table.get_by_role("row").count() >= 4


def test_the_list_says_in_words_what_is_drawn_and_which_step_is_the_current_one(viewer: Viewer):
    viewer.open("#e=38")
    assert viewer.page.locator("#list li").count() == len(viewer.events)
    assert viewer.texts("#list [aria-current=step]") == [viewer.sentence]
    assert viewer.page.locator("#overview").get_attribute("aria-hidden") == "true"
    focusable = viewer.page.locator("#list a[tabindex='0']")
    assert focusable.count() == 1, "the list is one stop of the Tab key, not hundreds"
    slider = viewer.page.locator("#slider").get_attribute("aria-valuetext")
    assert slider == f"event 38: {viewer.sentence}"


def test_what_has_the_focus_can_be_seen(viewer: Viewer):
    seen = 0
    while seen < 40:
        seen += 1
        viewer.press("Tab")
        outline = viewer.page.evaluate(
            """() => {
                const here = document.activeElement;
                const seen = here.id === "file" ? here.nextElementSibling : here;
                return here === document.body ? "end" : getComputedStyle(seen).outlineStyle;
            }"""
        )
        if outline == "end":
            break
        assert outline == "solid"
    assert 14 < seen < 40


@pytest.mark.parametrize("width", [320, 390, 640, 1000])
def test_a_narrow_screen_scrolls_downwards_only(show: Show, width):
    viewer = show(viewport={"width": width, "height": 700})
    for n in (1, viewer.find(ev="error"), len(viewer.events)):
        viewer.open(f"#e={n}")
        assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width


MATTERS = ("#overview-pane", "#sentence", "#note", "#stage", "#deadlines", "#code", "#source .now")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (853, 480), (1920, 1080)])
def test_on_a_projector_all_that_matters_is_in_sight(show: Show, width, height):
    """853 by 480 is what is left of 1280 by 720 with letters of 150 %."""
    viewer = show(viewport={"width": width, "height": height})
    for n in (viewer.find(ev="rx"), viewer.find(ev="rx", on="c3")):
        viewer.open(f"#e={n}")
        for selector in MATTERS:
            box = viewer.page.locator(selector).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= height, selector
            assert selector == "#source .now" or box["x"] + box["width"] <= width, selector
        assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width
        inside = "e => [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight]"
        assert viewer.page.locator("#stage").evaluate(inside) == [0, 0], "the stage is cut"


def test_on_a_phone_sentence_and_stage_are_on_one_screen(show: Show):
    viewer = show(viewport={"width": 390, "height": 844})
    viewer.open(f"#e={viewer.find(ev='rx', on='c2')}")
    for selector in ("#sentence", "#stage .here", "#cast"):
        box = viewer.page.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= 844, selector


CUT = """() => {
    const cut = [];
    for (let n = 1; n <= page.events.length; n += 1) {
        page.show(n);
        for (const id of ["sentence", "note", "loop-row", "phases", "now"]) {
            const e = document.getElementById(id);
            const wide = e.scrollWidth > e.clientWidth;
            if (wide || id !== "phases" && e.scrollHeight > e.clientHeight + 1) cut.push([n, id]);
        }
    }
    return cut;
}"""


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (853, 480), (390, 844)])
def test_no_word_about_what_happens_is_cut(show: Show, width, height):
    assert show(viewport={"width": width, "height": height}).page.evaluate(CUT) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (853, 480)])
def test_at_every_event_the_whole_stage_and_the_whole_line_are_in_sight(show: Show, width, height):
    viewer = show(viewport={"width": width, "height": height})
    cut = """() => page.events.map((e, index) => {
        page.show(index + 1);
        const stage = document.getElementById("stage");
        const pane = document.getElementById("source-pane").getBoundingClientRect();
        const line = document.querySelector("#source .now")?.getBoundingClientRect() ?? pane;
        return stage.scrollHeight > stage.clientHeight || stage.scrollWidth > stage.clientWidth
            || line.right > pane.right + 1 || line.bottom > pane.bottom + 1 ? index + 1 : 0;
    }).filter(Boolean)"""
    assert viewer.page.evaluate(cut) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (853, 480), (390, 844)])
def test_no_line_of_code_is_cut(show: Show, width, height):
    viewer = show(viewport={"width": width, "height": height})
    cut = """() => page.events.map((e, index) => {
        page.show(index + 1);
        const pane = document.getElementById("source-pane");
        const box = pane.getBoundingClientRect();
        const through = (edge) => [...document.querySelectorAll("#source li")].some((item) => {
            const {top, bottom} = item.getBoundingClientRect();
            return top < edge - 1.5 && bottom > edge + 1.5;
        });
        const wide = pane.scrollWidth > pane.clientWidth;
        return wide || through(box.top) || through(box.bottom) ? index + 1 : 0;
    }).filter(Boolean)"""
    assert viewer.page.evaluate(cut) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (853, 480)])
def test_all_lanes_of_the_scene_are_in_sight(show: Show, width, height):
    viewer = show(viewport={"width": width, "height": height})
    pane = viewer.page.locator("#overview-pane")
    room = "e => [e.scrollWidth <= e.clientWidth + 4, e.scrollHeight <= e.clientHeight + 2]"
    assert pane.evaluate(room) == [True, True]


def test_on_a_phone_the_columns_have_their_names(show: Show):
    viewer = show(viewport={"width": 390, "height": 844})
    names = viewer.texts("#table .head > *")
    assert [name.split("\n")[0] for name in names if name.strip() != "thread"] == [
        "other ends", "the kernel", "on its way out", "selector", "our program", "bytes it keeps"
    ]  # fmt: skip
    assert all(cell.is_visible() for cell in viewer.page.locator("#table .head > *").all())


def test_the_legend_opens_by_key_and_holds_every_sign_and_state(viewer: Viewer):
    viewer.page.locator("#key summary").focus()
    viewer.press("Enter")
    shown = viewer.text("#key")
    for words in (*signs.LEGEND.values(), *signs.MORE.values(), *palette.STATES):
        assert words in shown
    box = viewer.page.locator("#key div").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720
    viewer.press(" ")
    assert not viewer.page.locator("#key div").is_visible(), "Space closes it, and does not play"
    assert viewer.text("#play") == "Play"
    viewer.press("Enter", "Escape")
    assert not viewer.page.locator("#key div").is_visible()


def test_the_head_covers_no_sign(viewer: Viewer):
    """What is drawn later is on top: signs, lamps and names come after the head."""
    order = viewer.page.evaluate(
        """() => [...document.getElementById("overview").children].map((e) =>
            e.id || (e.querySelector(".glyph") || e.matches(".turn, .ready, .waits") ? "sign" : ""))
            .filter(Boolean)"""
    )
    assert order[0] == "head" and "sign" in order


def test_what_is_still_to_come_is_paler(viewer: Viewer):
    viewer.open("#e=40")
    later = viewer.page.locator("#later")
    assert float(later.get_attribute("x")) > viewer.page.evaluate(
        "page.parts.overview.layout.places[39]"
    )
    assert 0.3 < float(later.evaluate("e => getComputedStyle(e).opacity")) < 0.8


def test_of_a_crowd_the_rows_show_where_something_happens(show: Show):
    viewer = show(crowd(60))
    for n in range(1, len(viewer.events), 7):
        viewer.page.evaluate(f"page.show({n})")
        assert viewer.page.locator("#cast > .row").count() <= 8
        event = viewer.events[n - 1]
        if event["ev"] in ("call", "open", "rx"):
            assert viewer.page.locator("#cast > .row.acts").count() >= 1
    assert viewer.text("#more").endswith(" more sockets")


def test_dark_is_dark_and_light_is_light(show: Show):
    def lightness(scheme: str) -> int:
        viewer = show(color_scheme=scheme)
        colour = viewer.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour[4:-1].split(",")))

    assert lightness("dark") < 150 < 600 < lightness("light")


def test_nothing_moves_by_itself(viewer: Viewer):
    viewer.press("PageDown", "End", "ArrowLeft")
    assert viewer.page.evaluate("document.getAnimations().length") == 0
