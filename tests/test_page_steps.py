"""Stepping through a run: keys, buttons, links, the file input, and the view that they lead to."""

import json

import pytest
from playwright.sync_api import expect

from lab.tracing.page import page as make_page
from tests.support.browser import Show, Viewer, line_of, lined

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
    buttons = viewer.page.locator("nav [data-key]").all()
    for button in buttons:
        viewer.open("#e=60")
        viewer.press(button.get_attribute("aria-keyshortcuts"))
        expected = viewer.n
        viewer.open("#e=60")
        button.click()
        assert viewer.n == expected
    assert len(buttons) == 6


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


def test_a_click_in_the_overview_goes_there(viewer: Viewer):
    wanted = viewer.find(ev="tx", want=85)
    x = viewer.page.evaluate(
        f"""() => {{
            const {{layout, width}} = page.parts.overview;
            const box = document.getElementById("overview").getBoundingClientRect();
            return box.left + layout.places[{wanted - 1}] * box.width / width;
        }}"""
    )
    y = viewer.page.locator("#overview").bounding_box()["y"] + 40
    viewer.page.mouse.click(x, y)
    assert viewer.n == wanted


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
            return [new Set(seen).size, same, [110, 36, 2].map((n) => [n, seen[n - 1]])];
        }"""
    )
    assert different == len(viewer.events), "two events look the same"
    assert backwards, "a step back leads to another view than a step on"
    for n, seen in known:
        viewer.open(f"#e={n}")
        assert viewer.page.locator("main").inner_html() == seen, f"event {n}, by a link"


def test_each_object_shows_its_state(viewer: Viewer):
    for n, event in enumerate(viewer.events, 1):
        if event["ev"] == "state":
            for before, state in ((1, event["was"]), (0, event["now"])):
                viewer.open(f"#e={n - before}")
                assert row(viewer, event["on"])["object"].split()[:2] == [event["on"], state]


def test_a_refused_client_is_closed_and_its_reason_is_there(viewer: Viewer):
    close = next(e for e in viewer.events if e["ev"] == "close" and "refused" in e["how"])
    viewer.open(f"#e={close['n']}")
    assert row(viewer, close["on"])["object"].split() == [close["on"], "closed", "refused"]
    assert "expected HELLO" in viewer.text("#reason")
    assert "expected HELLO" in viewer.sentence


def row(viewer: Viewer, name: str) -> dict[str, str]:
    """Return what a row of the stage shows, cell by cell."""
    found = viewer.page.locator("#cast > .row").filter(
        has=viewer.page.locator(".object > b").get_by_text(name, exact=True)
    )
    kinds = ("other", "in", "out", "object", "held")
    cells = {kind: found.locator(f".{kind}[role=cell]").inner_text() for kind in kinds}
    return cells | {"lit": "".join(found.locator(".lamp.lit").all_inner_texts())[:1]}


def test_what_has_arrived_is_in_the_kernel_until_recv(viewer: Viewer):
    n = viewer.find(ev="rx", on="c2", bytes=3)
    viewer.open(f"#e={n - 1}")
    assert (row(viewer, "c2")["in"], row(viewer, "c2")["held"]) == ("HEL", "")
    viewer.press("ArrowRight")
    assert (row(viewer, "c2")["in"], row(viewer, "c2")["held"]) == ("", "HEL")


def test_a_listener_shows_how_many_connections_wait(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='wake', ready=[['listener', 'r']])}")
    assert row(viewer, "listener")["in"] == "4 new"
    viewer.open(f"#e={viewer.find(ev='open', on='c3')}")
    assert row(viewer, "listener")["in"] == "1 new"


def test_what_send_takes_is_on_its_way_and_the_rest_is_kept(viewer: Viewer):
    n = viewer.find(ev="tx", want=85)
    who = viewer.events[n - 1]["on"]
    viewer.open(f"#e={n}")
    assert row(viewer, who)["out"].startswith("FILE 68 aa50029e")
    assert row(viewer, who)["held"] == "35 to send"
    slept = next(i for i, e in enumerate(viewer.events, 1) if i > n and e["ev"] == "select")
    viewer.open(f"#e={slept}")
    assert row(viewer, who)["out"] == "", "while the loop sleeps, the kernel delivers"
    assert row(viewer, who)["other"].endswith("many client")


def test_a_lamp_is_lit_until_its_handler_is_called(viewer: Viewer):
    wake = viewer.find(ev="wake", ready=[["c1", "r"], ["c2", "r"]])
    viewer.open(f"#e={wake}")
    assert (row(viewer, "c1")["lit"], row(viewer, "c2")["lit"]) == ("r", "r")
    viewer.press("ArrowRight")
    assert (row(viewer, "c1")["lit"], row(viewer, "c2")["lit"]) == ("", "r")


def test_there_is_one_thread_and_it_is_where_the_call_is(viewer: Viewer):
    for n, event in enumerate(viewer.events, 1):
        viewer.page.evaluate(f"page.show({n})")
        assert viewer.page.locator("#stage .thread").count() == 1, n
        if event["ev"] == "call":
            assert viewer.page.locator(".row.here .object b").inner_text() == event["on"]
        if event["ev"] in ("select", "wake", "turned"):
            assert viewer.page.locator("#loop-row .thread").count() == 1


def test_the_flags_are_the_deadlines_the_earliest_first(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='select', k=2)}")
    assert [flag.split()[0] for flag in viewer.texts("#flags li")] == ["c1", "c2", "c3", "c4"]
    viewer.open(f"#e={viewer.find(ev='timer', op='fire')}")
    assert viewer.texts("#flags li") == ["c4: now"]


def test_the_phase_of_the_turn_is_lit(viewer: Viewer):
    for wanted, words in (
        ({"ev": "select"}, "asleep"), ({"ev": "wake"}, "what is ready?"),
        ({"ev": "call"}, "call handlers"), ({"op": "fire"}, "deadlines"),
        ({"ev": "call", "cb": "ServerConnection.on_late"}, "deadlines"),
        ({"ev": "turned"}, "turn over"),
    ):  # fmt: skip
        viewer.open(f"#e={viewer.find(**wanted)}")
        assert viewer.texts("#phases [aria-current]") == [words]


def test_a_deadline_that_passes_while_the_loop_sleeps_is_for_the_next_turn(viewer: Viewer):
    for n, skipped in ((viewer.find(ev="wake", ready=[]), ["deadlines"]), (viewer.find(k=2), [])):
        viewer.open(f"#e={n}")
        assert viewer.texts("#phases .gone") == skipped
    viewer.open(f"#e={viewer.find(op='fire')}")
    assert viewer.texts("#phases .gone") == []


def test_what_is_served_now_was_ready(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='open', on='c3')}")
    assert viewer.page.locator("#cast .serves").all_inner_texts() != []
    viewer.open(f"#e={viewer.find(ev='turned')}")
    assert viewer.page.locator("#cast .serves").count() == 0


def test_what_the_other_end_got_has_a_total_if_only_its_end_is_shown(viewer: Viewer):
    viewer.press("End")
    assert "93 bytes" in row(viewer, "c1")["other"]
    viewer.open(f"#e={viewer.find(ev='select', k=2)}")
    assert "bytes" not in row(viewer, "c1")["other"]


# --- the words


def test_the_words_say_what_is_true(viewer: Viewer):
    """Each of these was once wrong, or said nothing."""
    for wanted, part in (
        ({"ev": "open", "on": "c3"}, "A new connection is accepted: c3"),
        ({"ev": "tx", "want": 85}, "50 bytes at a time (--chunk 50)"),
        ({"ev": "tx", "want": 85}, "85 = 17 (FILE line) + 68 (file)"),
        ({"ev": "call", "cb": "ServerConnection.start"}, "inside of listener.on_readable()"),
        ({"ev": "wake", "ready": [["c1", "r"], ["c2", "r"]]}, "a call on them"),
        ({"ev": "wake", "ready": [["c1", "w"]]}, "a call on it"),
        ({"ev": "wake", "ready": [["c1", "r"], ["c2", "r"]]}, "have arrived"),
        ({"ev": "wake", "ready": [["c1", "w"]]}, "the kernel's buffer has room"),
        ({"ev": "wake", "ready": [["listener", "r"]]}, "a new connection to accept"),
    ):
        viewer.open(f"#e={viewer.find(**wanted)}")
        assert part in viewer.text("#now")
        listens = ["listener", "r"] in viewer.events[viewer.n - 1].get("ready", [])
        assert ("listener" in viewer.text("#note")) is listens


def test_a_kernel_without_room_is_not_called_slow_motion(show: Show, scene: str):
    viewer = show(scene.replace('"chunk":50', '"chunk":null'))
    viewer.open(f"#e={viewer.find(ev='tx', want=85)}")
    assert "The kernel's buffer has no room for more." in viewer.text("#note")


def test_an_object_says_that_its_hello_is_not_sent_yet(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='open', on='c3')}")
    said = row(viewer, "c3")["object"].split("\n")
    assert said[1:] == ["HELLO_SENT", "accepted; hello not sent yet"]
    early = viewer.page.locator(".row .early")
    assert early.all_inner_texts() == ["HELLO_SENT"], "no coloured badge before the hello"
    viewer.open(f"#e={viewer.find(ev='tx', on='c3')}")
    assert row(viewer, "c3")["object"].split("\n")[1:] == ["HELLO_SENT", "waits for a hello"]
    assert early.count() == 0


def test_an_object_that_has_raised_an_error_waits_for_nothing_more(viewer: Viewer):
    n = viewer.find(ev="error")
    viewer.open(f"#e={n}")
    assert row(viewer, viewer.events[n - 1]["on"])["object"].endswith("has failed")


def test_the_loop_says_what_it_does(viewer: Viewer):
    for wanted, words in (
        ({"ev": "select", "k": 2}, "z z z at most "), ({"ev": "turned"}, "starts again"),
        ({"ev": "tx"}, "runs listener.on_readable()"),
        ({"ev": "wake"}, "has a list of what is ready"),
        ({"ev": "wake", "ready": []}, "nothing is ready"),
    ):  # fmt: skip
        viewer.open(f"#e={viewer.find(**wanted)}")
        assert words in viewer.text("#loop-row")


def test_the_heading_names_the_connection_of_the_event(viewer: Viewer):
    for event in viewer.events:
        viewer.page.evaluate(f"page.show({event['n']})")
        title = viewer.text("#connection-title")
        ready = [name for name, _ in event.get("ready", []) if name.startswith("c")]
        me = event.get("on", "") if event.get("on", "").startswith("c") else (ready or [""])[0]
        assert title.startswith(f"{me}, with" if me else ("The latest", "No connection"))


# --- the code


LINES = {  # what runs at the first event of a kind
    "select": ("reactor.py", "in self.selector.select("),
    "call": ("listener.py", "def on_readable"),
    "rx": ("server.py", "data = self.receive("),
    "state": ("server.py", "self.transition(SENDING)"),
    "half": ("server.py", "self.half_close()"), "turned": ("reactor.py", "self.after_turn()"),
    "error": ("reactor.py", "action()"), "done": ("server.py", "self.reactor.call(connection"),
}  # fmt: skip


@pytest.mark.parametrize("kind", LINES)
def test_the_line_that_runs_is_lit(viewer: Viewer, kind: str):
    file, text = LINES[kind]
    viewer.open(f"#e={viewer.find(ev=kind)}")
    line = line_of(file, text)
    assert viewer.text("#code-title") == f"The line that runs: {file}, line {line}"
    assert text in viewer.text("#source .now")
    in_sight = """item => {
        const [pane, row] = [item.closest(".scroll"), item].map((e) => e.getBoundingClientRect());
        return row.top >= pane.top && row.bottom <= pane.bottom;
    }"""
    assert viewer.page.locator("#source .now").evaluate(in_sight)


def test_at_each_event_that_has_a_stack_a_line_is_lit(viewer: Viewer):
    found = viewer.page.evaluate(
        """() => page.events.map((e, index) => {
            page.show(index + 1);
            return [e.stack.length > 0, document.querySelectorAll("#source .now").length];
        })"""
    )
    assert [count for _, count in found] == [int(stack) for stack, _ in found]
    assert sum(count for _, count in found) == len(viewer.events) - 2  # all but run and end


def test_the_whole_stack_is_there_and_each_call_can_be_looked_at(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='rx')}")
    stack = viewer.texts("#stack button")
    assert stack == [f.split()[1] for f in viewer.events[viewer.n - 1]["stack"]]
    assert stack[-3:] == ["Reactor.call", "ServerConnection.on_readable", "Connection.receive"]
    assert viewer.texts("#stack .running") == ["ServerConnection.on_readable"]
    viewer.page.get_by_role("button", name="Reactor.turn").click()
    assert viewer.text("#code-title").startswith("The line in between: reactor.py")
    expect(viewer.page.get_by_role("button", name="Reactor.turn")).to_be_focused()
    viewer.press("ArrowRight", "ArrowLeft")
    assert viewer.text("#code-title").startswith("The line that runs: server.py")


def test_a_source_that_has_changed_since_is_not_shown(show: Show, scene: str):
    turn = line_of("reactor.py", "def turn(") + 4
    stacks = {
        "rx": [f"reactor.py:{turn} Reactor.run", "reactor.py:1 f"],
        "tx": ["lab/nobody.py:3 f", "lab/nobody.py:9 g"],
        "half": ["reactor.py:99999 Reactor.turn"],
    }
    viewer = show(lined(scene, **stacks))
    for kind, [*_, frame] in stacks.items():
        viewer.open(f"#e={viewer.find(ev=kind)}")
        assert viewer.texts("#source .now") == []
        assert f"does not have this version of {frame.split(':')[0]}" in viewer.text("#source")


def test_a_trace_without_stacks_shows_the_names_of_its_calls(show: Show, scene: str):
    viewer = show(lined(scene))
    viewer.open(f"#e={viewer.find(ev='call', cb='ServerConnection.start') + 1}")
    assert viewer.texts("#stack li") == [
        "Reactor.turn", "Listener.on_readable", "ServerConnection.start"
    ]  # fmt: skip
    assert "without stacks" in viewer.text("#source")


def test_bytes_are_shown_in_hex_and_as_text(viewer: Viewer):
    viewer.open(f"#e={viewer.find(ev='rx', hex=b'HELLO 1'.hex() + '0a')}")
    assert viewer.text("#wire .now h3") == "received: 8 bytes"
    assert viewer.text("#wire .now code").split() == [
        "48", "45", "4c", "4c", "4f", "20", "31", "0a", "HELLO", "1.",
    ]  # fmt: skip


# --- play


def test_space_plays_and_pauses(viewer: Viewer):
    clock = viewer.stop_clock()
    viewer.press(" ")
    assert (viewer.n, viewer.text("#play")) == (1, "Pause")
    clock.run_for(5_000)
    there = viewer.n
    assert 4 <= there <= 8
    viewer.press(" ")
    clock.run_for(5_000)
    assert (viewer.n, viewer.text("#play")) == (there, "Play")


def test_a_higher_speed_plays_faster(viewer: Viewer):
    clock = viewer.stop_clock()
    reached = []
    for speed in ("0.25", "1", "4"):
        viewer.open()
        viewer.page.locator("#speed").select_option(speed)
        viewer.press("Tab")  # a key in a list of choices belongs to it
        viewer.page.evaluate("page.play()")
        clock.run_for(8_000)
        reached.append(viewer.n)
    assert 1 < reached[0] < reached[1] < reached[2]


def test_a_step_by_hand_ends_the_play(viewer: Viewer):
    clock = viewer.stop_clock()
    viewer.page.locator("#play").click()
    assert viewer.text("#play") == "Pause"
    viewer.press("ArrowRight")
    clock.run_for(5_000)
    assert (viewer.n, viewer.text("#play")) == (2, "Play")


def test_play_ends_at_the_last_event_and_begins_again_from_there(viewer: Viewer):
    clock = viewer.stop_clock()
    viewer.open(f"#e={len(viewer.events) - 1}")
    viewer.press(" ")
    clock.run_for(5_000)
    assert (viewer.n, viewer.text("#play")) == (len(viewer.events), "Play")
    viewer.press(" ")
    assert (viewer.n, viewer.text("#play")) == (1, "Pause")


def test_sleep_is_longer_than_work(viewer: Viewer):
    paces = viewer.page.evaluate("page.events.map((e) => [e.ev, page.pace(e)])")
    sleeps = [pace for ev, pace in paces if ev == "select"]
    assert min(sleeps) > max(pace for ev, pace in paces if ev != "select")
    late = viewer.find(ev="select", k=7)
    assert paces[late - 1][1] == max(sleeps), "the longest sleep stays longest"


MOVED = """(key) => {
    KEYS[key]();
    return document.getAnimations().map(({effect}) => {
        const there = effect.target.getBoundingClientRect();
        const [from, to] = effect.getKeyframes().map(({transform}) => transform);
        return [effect.target.dataset.key, from !== "none" && there.width > 0, to];
    });
}"""


def test_what_moves_comes_to_rest_where_it_belongs(viewer: Viewer):
    """Looked at in the task of the step: half a second later, nothing moves any more."""
    viewer.open(f"#e={viewer.find(ev='rx', on='c2') - 1}")
    assert ["c2/received", True, "none"] in viewer.page.evaluate(MOVED, "ArrowRight")
    assert viewer.page.evaluate(MOVED, "ArrowLeft") == [], "nothing moves backwards"


def test_a_reader_who_wants_no_motion_sees_none(show: Show):
    viewer = show(reduced_motion="reduce")
    for _ in viewer.events:
        viewer.press("ArrowRight")
        assert viewer.page.evaluate("document.getAnimations().length") == 0


# --- a run that goes on


def test_a_page_that_is_fed_follows_the_run(show: Show, scene: str):
    lines = scene.splitlines(keepends=True)
    viewer = show("".join(lines[:40]))
    viewer.press("End")
    viewer.page.evaluate("text => page.feed(text)", "".join(lines[40:50]) + lines[50][:20])
    assert viewer.n == 50
    assert "killed" in viewer.text("#run")
    viewer.press("Home")
    viewer.page.evaluate("text => page.feed(text)", lines[50][20:] + "".join(lines[51:]))
    assert viewer.n == 1, "a reader who looks back stays there"
    assert f"of {len(lines)}" in viewer.text("#where") and "killed" not in viewer.text("#run")
    view = "document.querySelector('main').innerHTML"
    viewer.press("End")
    fed = viewer.page.evaluate(view)
    other = show(scene)
    other.press("End")
    assert other.page.evaluate(view) == fed


def test_a_page_that_is_fed_leaves_alone_what_the_reader_is_busy_with(show: Show, scene: str):
    lines = scene.splitlines(keepends=True)
    viewer = show("".join(lines[:60]))
    viewer.open(f"#e={viewer.find(ev='rx') - 1}")
    viewer.page.locator("#ask").check()
    viewer.press("ArrowRight")
    asked = viewer.sentence
    viewer.page.locator("#choices button").first.focus()
    viewer.page.get_by_role("button", name="Reactor.turn").click()
    looked = viewer.text("#code-title")
    viewer.page.evaluate("text => page.feed(text)", "".join(lines[60:]))
    assert f"of {len(lines)}" in viewer.text("#where")
    assert viewer.page.locator("#slider").get_attribute("max") == str(len(lines))
    assert (viewer.sentence, viewer.text("#code-title")) == (asked, looked)
    expect(viewer.page.get_by_role("button", name="Reactor.turn")).to_be_focused()
    viewer.press("1")
    assert viewer.text("#score").endswith("of 1 right")


def test_what_had_arrived_is_drawn_when_the_event_that_tells_it_comes(show: Show, scene: str):
    lines = scene.splitlines(keepends=True)
    whole = show(scene)
    wake = whole.find(ev="wake", ready=[["c1", "r"], ["c2", "r"]])
    told = whole.find(ev="rx", on="c2", bytes=3)
    viewer = show("".join(lines[: told - 1]))
    viewer.open(f"#e={wake}")
    assert row(viewer, "c2")["in"] == "something"
    viewer.page.evaluate("text => page.feed(text)", "".join(lines[told - 1 :]))
    assert (viewer.n, row(viewer, "c2")["in"]) == (wake, "HEL")


def test_a_window_of_another_size_takes_no_focus_away(viewer: Viewer):
    viewer.open("#e=60")
    viewer.page.get_by_role("button", name="Reactor.turn").click()
    looked = viewer.text("#code-title")
    widths = [viewer.page.locator("#overview").get_attribute("width")]
    for width in (1400, 1280):
        viewer.page.set_viewport_size({"width": width, "height": 720})
        overview = viewer.page.locator("#overview")
        expect(overview).not_to_have_attribute("width", widths[-1])
        widths.append(overview.get_attribute("width"))
        expect(viewer.page.get_by_role("button", name="Reactor.turn")).to_be_focused()
        assert viewer.text("#code-title") == looked
    assert widths[2] == widths[0]


def test_in_a_frame_without_an_address_the_steps_work_as_well(show: Show, scene: str):
    page = show("").page
    page.set_content("<iframe width=1200 height=700></iframe>")
    page.locator("iframe").evaluate("(frame, html) => frame.srcdoc = html", make_page(scene))
    inside = page.frame_locator("iframe")
    inside.locator("#next").click()
    expect(inside.locator("#slider")).to_have_value("2")
    frame = page.frames[1]
    assert "SecurityError" in frame.evaluate(
        "() => { try { history.replaceState(null, '', '#e=2'); } catch (e) { return String(e); } }"
    ), "else this test could not fail"
    frame.evaluate("link(2)")


def test_the_trace_of_a_client_is_shown_as_well(show: Show, client_trace):
    viewer = show(client_trace)
    viewer.open(f"#e={next(n for n, e in enumerate(viewer.events, 1) if e['ev'] == 'open')}")
    assert row(viewer, "connection")["object"].split("\n") == [
        "connection", "CONNECTING", "waits to connect"
    ]  # fmt: skip
    assert row(viewer, "connection")["other"] == "server"
    viewer.press("End")
    assert row(viewer, "connection")["object"].split()[1] == "closed"


# --- links


def test_a_link_leads_to_its_event(show: Show):
    viewer = show(fragment="#e=38")
    assert viewer.n == 38
    viewer.page.evaluate("location.hash = '#e=12'")
    viewer.await_n(12)
    viewer.page.locator("#list li").nth(19).locator("a").click()
    viewer.await_n(20)


def test_a_link_counts_although_the_event_before_it_reaches_the_address_late(viewer: Viewer):
    viewer.page.evaluate("location.hash = '#e=12'; history.replaceState(null, '', '#e=1')")
    viewer.await_n(12)


def test_a_link_counts_although_the_address_still_names_its_event(viewer: Viewer):
    viewer.stop_clock()  # so the address stays behind
    viewer.open("#e=12")
    viewer.press("ArrowRight")
    assert viewer.n == 13 and viewer.page.url.endswith("#e=12")
    viewer.page.locator("#list li").nth(11).locator("a").click()
    viewer.await_n(12)


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
    assert viewer.text("#run").startswith("what the event loop of a client did")
    viewer.press("End")
    give(viewer, client_trace)  # the same once more
    assert viewer.n == 1


CHOOSE = """([texts, order]) => {
    const asked = [];
    Blob.prototype.text = () => new Promise((...answers) => asked.push(answers));
    for (const name of ["one", "other"].slice(0, texts.length)) {
        const chosen = new DataTransfer();
        chosen.items.add(new File([], name));
        document.getElementById("file").files = chosen.files;
        document.getElementById("file").onchange();
    }
    for (const n of order) texts[n] === null ? asked[n][1]("gone") : asked[n][0](texts[n]);
    return new Promise((ended) => setTimeout(ended));
}"""


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_of_two_files_the_one_that_was_chosen_last_is_shown(viewer: Viewer, client_trace, order):
    """Although a large one may take longer to read than the next one."""
    viewer.page.evaluate(CHOOSE, [["nonsense", client_trace], order])
    assert viewer.sentence == "A client begins"


def test_a_file_that_cannot_be_read_is_reported(viewer: Viewer):
    viewer.press("ArrowRight")
    viewer.page.evaluate(CHOOSE, [[None], [0]])
    assert viewer.sentence == "This file cannot be read."
    viewer.press("ArrowRight")
    assert viewer.n == 3


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


def test_events_that_were_not_recorded_are_reported(show: Show):
    viewer = show(RUN + json.dumps({"n": 2, "t": 1, "k": 0, "ev": "end", "dropped": 17}))
    viewer.press("End")
    assert viewer.text("#note") == "17 more events were not recorded."
