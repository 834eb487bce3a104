"""The page with hostile and with long traces; on any screen, and for those who do not see it."""

import json
import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.browser import Show, Viewer

pytestmark = pytest.mark.browser

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
    "@@sources@@ @@trace@@ $& $1 \\1 \\g<0>",
    "\ud800 \U0001f600",
    "__proto__",
    "constructor",
    "x" * 10_000,
    "",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_trace_says_is_shown_and_does_nothing(show: Show, text):
    octets = text.encode("utf-8", "replace").hex()
    viewer = show(
        trace(
            {"ev": "select", "timeout_ms": 5, "fds": 1},
            {"ev": "wake", "ready": [[text, text]]},
            {"ev": "call", "on": text, "cb": text},
            {"ev": "open", "on": text, "fd": 5, "peer": text, "state": text},
            {"ev": "watch", "on": text, "was": "", "now": text},
            {"ev": "rx", "on": text, "bytes": 9, "hex": text},
            {"ev": "tx", "on": text, "bytes": 9, "want": 12, "hex": octets},
            {"ev": "state", "on": text, "was": text, "now": text, "why": text},
            {"ev": "timer", "on": text, "op": "set", "what": text, "in_ms": 10},
            {"ev": "timer", "on": text, "op": text, "what": text},
            {"ev": "error", "on": text, "exc": text, "why": text},
            {"ev": "close", "on": text, "how": text},
            {"ev": "done", "on": text, "cb": text},
            {"ev": text, "on": text},
            {"ev": "turned"},
        )
    )
    walk(viewer)
    assert viewer.page.title() == "A run of the loop, step by step"
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
    "dropped", "again",
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
    failed: list[str | None] = []
    viewer.page.on("requestfailed", lambda request: failed.append(request.failure))
    assert (
        viewer.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
        == "refused"
    )
    viewer.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'PWNED'";
            document.body.append(script);
            const image = "<img src=blocked onerror='document.title = 1'>";
            document.body.insertAdjacentHTML("beforeend", image);
        }"""
    )
    viewer.press("ArrowRight")
    assert viewer.page.title() == "A run of the loop, step by step"
    assert set(failed) == {"csp"}


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


def test_ten_thousand_events_are_loaded_in_seconds_and_stepped_through_at_once(show: Show):
    started = time.monotonic()
    viewer = show(connections(500))
    assert time.monotonic() - started < 10
    assert len(viewer.events) == 10_001
    for key, n in (("End", 10_001), ("ArrowLeft", 10_000), ("Home", 1)):
        viewer.press(key)
        assert viewer.n == n
    viewer.open("#e=9000")
    took = viewer.page.evaluate(
        """() => {
            const started = performance.now();
            for (let n = 0; n < 20; n += 1) KEYS.ArrowRight();
            return (performance.now() - started) / 20;
        }"""
    )
    assert viewer.n == 9020
    assert took < 1000, f"{took:.0f} ms a step"


def test_of_a_long_trace_the_part_round_the_event_is_in_the_page(show: Show):
    viewer = show(connections(100))
    for n in (1, 499, 500, 501, 550, 551, 1000, 1001, 2001):
        viewer.page.evaluate(f"location.hash = '#e={n}'")
        viewer.await_n(n)
        current = viewer.page.locator("#list [aria-current]")
        assert current.locator("a").get_attribute("href") == f"#e={n}"
        assert current.inner_text() == viewer.sentence
        number = current.evaluate("item => getComputedStyle(item, '::before').content")
        assert number, "the number on the left"
        assert viewer.page.locator("#list li").count() <= 600
        assert current.evaluate(
            """item => {
                const pane = document.getElementById("scroller").getBoundingClientRect();
                const row = item.getBoundingClientRect();
                return row.top >= pane.top - 1 && row.bottom <= pane.bottom + 1;
            }"""
        ), f"event {n} is not in sight"


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
    for role in ("banner", "navigation", "main", "contentinfo", "status"):
        assert page.get_by_role(role).count() == (3 if role == "status" else 1), role
    assert page.locator("#sentence").get_attribute("role") == "status"
    assert viewer.texts("h1") == ["A run of the loop, step by step"]
    assert len(viewer.texts("h2")) == 4
    assert [page.locator("th[scope=col]").nth(i).inner_text() for i in (0, 2)] == [
        "who",
        "waits to",
    ]


def test_the_list_says_in_words_what_is_drawn_and_which_step_is_the_current_one(viewer: Viewer):
    viewer.open("#e=38")
    assert viewer.page.locator("#list li").count() == len(viewer.events)
    assert viewer.texts("#list [aria-current=step]") == [viewer.sentence]
    assert viewer.page.locator("#lanes").get_attribute("aria-hidden") == "true"
    focusable = viewer.page.locator("#list a[tabindex='0']")
    assert focusable.count() == 1, "the list is one stop of the Tab key, not hundreds"
    slider = viewer.page.locator("#slider").get_attribute("aria-valuetext")
    assert slider == f"event 38: {viewer.sentence}"


def test_what_has_the_focus_can_be_seen(viewer: Viewer):
    for _ in range(14):
        viewer.press("Tab")
        outline = viewer.page.evaluate(
            """() => {
                const here = document.activeElement;
                const seen = here.id === "file" ? here.nextElementSibling : here;
                return getComputedStyle(seen).outlineStyle;
            }"""
        )
        assert outline == "solid"


@pytest.mark.parametrize("width", [320, 390, 640, 1000])
def test_a_narrow_screen_scrolls_downwards_only(show: Show, width):
    viewer = show(viewport={"width": width, "height": 700})
    for n in (1, viewer.find(ev="error"), len(viewer.events)):
        viewer.open(f"#e={n}")
        assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_projector_all_that_matters_is_in_sight(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='error')}")
    for section in viewer.page.locator("main section").all():
        box = section.bounding_box()
        assert box["y"] + box["height"] <= 720
        assert box["x"] + box["width"] <= 1280
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_names_of_the_lanes_stay_above_their_lanes(viewer: Viewer):
    for n in (20, 150, len(viewer.events)):
        viewer.open(f"#e={n}")
        names = viewer.page.locator("#lane-names").bounding_box()
        lanes = viewer.page.locator("#lanes").bounding_box()
        assert names["x"] == lanes["x"] and names["width"] == lanes["width"]
        pane = viewer.page.locator("#scroller").bounding_box()
        assert pane["y"] <= names["y"] and names["y"] + names["height"] < pane["y"] + pane["height"]


def test_dark_is_dark_and_light_is_light(show: Show):
    def lightness(scheme: str) -> int:
        viewer = show(color_scheme=scheme)
        colour = viewer.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour[4:-1].split(",")))

    assert lightness("dark") < 150 < 600 < lightness("light")


def test_nothing_moves_by_itself(viewer: Viewer):
    viewer.press("ArrowRight", "PageDown", "End")
    assert viewer.page.evaluate("document.getAnimations().length") == 0


def test_a_projector_shows_five_clients_at_once_without_scrolling(viewer: Viewer):
    """Who waits for what is the panel that a class looks at: none of its columns may be cut."""
    viewer.open(f"#e={max(n for n, e in enumerate(viewer.events, 1) if e['ev'] == 'open') + 3}")
    sizes = "box => [box.scrollWidth - box.clientWidth, box.scrollHeight - box.clientHeight]"
    assert viewer.page.locator("#watching").evaluate(sizes) == [0, 0]
