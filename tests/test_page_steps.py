"""Stepping through a run: keys, buttons, links, the file input, and the view that they lead to."""

import json
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.support.browser import Show, Viewer

pytestmark = pytest.mark.browser


def test_the_arrow_keys_go_one_event_on_and_back(viewer: Viewer):
    assert viewer.n == 1
    viewer.press("ArrowRight", "ArrowRight", "ArrowRight")
    assert viewer.n == 4
    viewer.press("ArrowLeft")
    assert viewer.n == 3


def test_page_down_and_page_up_go_from_one_end_of_a_turn_to_the_next(viewer: Viewer):
    first, second, third, *_ = viewer.ends_of_turns()
    found = []
    for key in ("PageDown", "PageDown", "PageDown", "PageUp", "PageUp", "PageUp"):
        viewer.press(key)
        found.append(viewer.n)
    assert found == [first, second, third, second, first, 1]


def test_home_and_end_go_to_the_first_and_the_last_event(viewer: Viewer):
    viewer.press("End")
    assert viewer.n == len(viewer.events)
    viewer.press("ArrowRight", "PageDown")
    assert viewer.n == len(viewer.events)
    viewer.press("Home")
    assert viewer.n == 1
    viewer.press("ArrowLeft", "PageUp")
    assert viewer.n == 1


def test_each_button_does_what_its_key_does(viewer: Viewer):
    for button in viewer.page.locator("nav button").all():
        viewer.open("#e=60")
        viewer.press(button.get_attribute("aria-keyshortcuts"))
        expected = viewer.n
        viewer.open("#e=60")
        button.click()
        assert viewer.n == expected
    assert len(viewer.texts("nav button")) == 6


@pytest.mark.parametrize("keys", ["Control+ArrowRight", "Alt+ArrowDown", "Shift+End", "a", "Enter"])
def test_other_keys_do_nothing(viewer: Viewer, keys):
    viewer.press(keys)
    assert viewer.n == 1


def test_in_the_slider_keys_belong_to_the_slider(viewer: Viewer):
    viewer.page.locator("#slider").focus()
    viewer.press("ArrowRight")
    assert viewer.n == 2, "one event, and not one by the slider and one by the page"
    viewer.press("PageDown")
    assert viewer.n not in (2, viewer.ends_of_turns()[0])


def test_in_the_file_input_keys_do_nothing(viewer: Viewer):
    viewer.page.locator("#file").focus()
    viewer.press("ArrowRight", "End")
    assert viewer.n == 1


def test_on_a_checkbox_or_a_button_keys_step(viewer: Viewer):
    viewer.page.locator("#ask").focus()
    viewer.press("ArrowRight")
    viewer.page.get_by_role("button", name="Back", exact=True).focus()
    viewer.press("ArrowRight")
    assert viewer.n == 3


def test_the_slider_goes_anywhere(viewer: Viewer):
    viewer.page.locator("#slider").fill("100")
    assert viewer.sentence in viewer.text("#list [aria-current]")
    assert viewer.n == 100


# --- the view is a fold


def test_the_view_does_not_depend_on_how_one_came_to_it(viewer: Viewer):
    different, backwards, known = viewer.page.evaluate(
        """() => {
            const view = () => document.querySelector("main").innerHTML;
            const walk = (key) => page.events.map(() => [view(), KEYS[key]()][0]);
            const seen = walk("ArrowRight");
            const same = walk("ArrowLeft").reverse().every((one, index) => one === seen[index]);
            return [new Set(seen).size, same, [150, 36, 2].map((n) => [n, seen[n - 1]])];
        }"""
    )
    assert different == len(viewer.events), "two events look the same"
    assert backwards, "a step back leads to another view than a step on"
    for n, seen in known:
        viewer.open(f"#e={n}")
        assert viewer.page.locator("main").inner_html() == seen, f"event {n}, by a link"


def test_the_current_state_is_lit(viewer: Viewer):
    for state in viewer.events:
        if state["ev"] == "state":
            viewer.open(f"#e={state['n'] - 1}")
            lit = viewer.page.locator("#states [aria-current]")
            assert lit.get_attribute("data-state") == state["was"]
            viewer.press("ArrowRight")
            assert lit.get_attribute("data-state") == state["now"]
            break


def test_a_refused_client_is_closed_and_its_reason_is_there(viewer: Viewer):
    close = next(e for e in viewer.events if e["ev"] == "close" and "refused" in e["how"])
    viewer.open(f"#e={close['n']}")
    assert viewer.text("#states [aria-current]") == "closed"
    assert "expected HELLO" in viewer.text("#reason")
    assert "expected HELLO" in viewer.sentence


def test_calls_are_shown_as_they_nest(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='call', cb='ServerConnection.start') + 1}")
    assert viewer.texts("#stack span") == [
        "Reactor.turn", "Listener.on_readable", "ServerConnection.start"
    ]  # fmt: skip


def test_the_code_shows_the_line_that_does_it(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='rx')}")
    assert viewer.text("#source .now").strip() == "octets = self.receive()"
    viewer.open(f"#e={viewer.find(ev='select')}")
    assert viewer.text("#source .now").strip() == "ready = self.select(earliest - asleep)"
    viewer.open(f"#e={viewer.find(ev='turned')}")
    assert viewer.text("#source .now").strip() == 'self.trace("turned")'
    viewer.open(f"#e={viewer.find(ev='timer', op='fire') + 1}")
    assert viewer.texts("#source li")[0].startswith("def proceed(self)")
    sends = (
        event["n"]
        for call, event in pairwise(viewer.events)
        if call.get("cb") == "ServerConnection.proceed" and event["ev"] == "tx"
    )
    viewer.open(f"#e={next(sends)}")
    assert viewer.text("#source .now").strip().startswith("self.send(")


def test_each_handler_that_runs_has_its_source(viewer: Viewer):
    handlers = {event["cb"] for event in viewer.events if event["ev"] == "call"}
    assert len(handlers) >= 6
    for handler in handlers:
        viewer.open(f"#e={viewer.find(ev='call', cb=handler)}")
        name = handler.rpartition(".")[2]
        assert viewer.texts("#source li")[0].startswith(f"def {name}(")


def test_octets_are_shown_in_hex_and_as_text(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='rx', hex=b'HELLO 1'.hex() + '0a')}")
    assert viewer.text("#wire .now h3") == "received: 8 octets"
    assert viewer.text("#wire .now code").split() == [
        "48", "45", "4c", "4c", "4f", "20", "31", "0a", "HELLO", "1.",
    ]  # fmt: skip


def test_the_table_says_who_waits_for_what_who_is_ready_and_what_is_due(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='wake', ready=[['c2', 'r']])}")
    rows = {row.split()[0]: row.split()[1:] for row in viewer.texts("#watched tr")}
    assert rows["listener"] == ["read"]
    assert rows["c1"][:2] == ["HELLO_SENT", "read"] and rows["c1"][-1] in ("ms", "s")
    assert rows["c2"][:3] == ["HELLO_SENT", "read", "read"]


def test_the_trace_of_a_client_has_the_states_of_a_client(show: Show, client_trace):
    viewer = show(client_trace)
    viewer.press("End")
    states = viewer.texts("#states li")
    assert states == ["CONNECTING", "HELLO_EXPECTED", "RECEIVING", "DONE", "closed"]
    assert viewer.text("#states [aria-current]") == "closed"


# --- links


def test_a_link_leads_to_its_event(show: Show):
    viewer = show(fragment="#e=38")
    assert viewer.n == 38
    viewer.page.evaluate("location.hash = '#e=12'")
    viewer.await_n(12)
    viewer.page.locator("#list li").nth(19).locator("a").click()
    assert viewer.n == 20


def test_a_link_that_makes_no_sense_leads_to_the_beginning(viewer: Viewer):
    for nonsense in ("#e=0", "#e=-3", "#e=1e2", "#e=", "#e=0x20", "#e=9999999999", "#x", "#e=4<b>"):
        viewer.open(nonsense)
        assert viewer.n == 1, nonsense


def test_a_link_beyond_the_end_leads_to_the_last_event(show: Show):
    viewer = show(fragment="#e=100000")
    assert viewer.n == len(viewer.events)


def test_the_address_follows_the_steps(viewer: Viewer):
    viewer.press("PageDown", "ArrowRight")
    expect(viewer.page).to_have_url(f"{viewer.path.as_uri()}#e={viewer.n}")
    there = viewer.n
    viewer.page.reload()
    assert viewer.n == there


# --- the file input


def give(viewer: Viewer, text: str, name: str = "other.jsonl") -> None:
    """Open `text` by the file input, and wait until the page has read it."""
    before = viewer.sentence
    viewer.page.locator("#file").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    )
    expect(viewer.page.locator("#sentence")).not_to_have_text(before)


def test_another_trace_is_opened_by_the_file_input(viewer: Viewer, client_trace):
    viewer.press("End")
    give(viewer, client_trace)
    assert viewer.n == 1
    assert viewer.sentence == "A client begins"
    assert viewer.text("#run").startswith("client ")
    viewer.press("End")
    give(viewer, client_trace)  # the same once more
    assert viewer.n == 1


RUN = '{"n":1,"t":0,"k":0,"ev":"run","v":1,"role":"server","selector":"S","python":"3"}\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "This file is empty: a trace has at least one line."),
        ("\n\n", "This file is empty: a trace has at least one line."),
        ("hello\n", "This is not a trace: line 1 is not a JSON object."),
        (RUN + "oops\n" + RUN, "This is not a trace: line 2 is not a JSON object."),
        ("[1]\n" + RUN, "This is not a trace: it does not begin with a run event."),
        ("null", "This is not a trace: line 1 is not a JSON object."),
        ('{"ev":"end"}', "This is not a trace: it does not begin with a run event."),
        (
            RUN.replace('"v":1', '"v":2'),
            "This page reads version 1 of the trace; this file says version 2.",
        ),
        (
            RUN.replace('"v":1', '"v":"<b>\\u202e"'),
            "This page reads version 1 of the trace; this file says version <b>\\u{202e}.",
        ),
    ],
)
def test_what_is_no_trace_is_refused_in_one_line_and_the_old_one_stays(viewer: Viewer, text, line):
    viewer.press("ArrowRight")
    give(viewer, text)
    assert viewer.sentence == line
    viewer.press("ArrowRight")
    assert viewer.n == 3
    assert "listens on" in viewer.sentence


def test_a_page_made_of_no_trace_says_so(show: Show):
    viewer = show("")
    assert "empty" in viewer.sentence
    viewer.press("ArrowRight", "End", "1")
    viewer.page.locator("#ask").check()
    viewer.page.get_by_role("button", name="Last").click()
    give(viewer, RUN)
    assert viewer.sentence == "A server begins"


def test_a_last_line_that_was_cut_off_is_left_out_and_said(show: Show, scene):
    viewer = show(scene[: scene.rindex("\n", 0, 5000) + 20])
    viewer.press("End")
    assert viewer.n == len(viewer.events)
    assert "last line torn" in viewer.text("#run")


def test_a_run_that_did_not_end_is_said_to_have_crashed(show: Show, scene):
    assert "killed or crashed" in show(scene[: scene.rindex("\n", 0, 5000) + 1]).text("#run")
    assert "crashed" not in show(scene).text("#run")


def test_events_that_were_not_recorded_are_told(show: Show):
    viewer = show(RUN + json.dumps({"n": 2, "t": 1, "k": 0, "ev": "end", "dropped": 17}))
    viewer.press("End")
    assert viewer.text("#note") == "17 events more were not recorded."
