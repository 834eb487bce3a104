"""The oracle rejects each run that is wrong, and no other, and says at which event it went wrong.

First by hand: for each clause of each invariant one trace that breaks it and nothing else. Then by
the dozen: good traces with one line taken out, swapped, doubled or changed.
"""

import pytest

from lab.tracing.invariants import INVARIANTS
from tests.support.traces import (
    BODY,
    GOOD,
    HELLO,
    ServerStory,
    Story,
    check,
    download,
    find,
    late_client,
    one_transfer,
    renumbered,
    three_clients,
    without,
)


def found(lines):
    """Return what is violated, and at which events."""
    return [(violation.invariant, violation.n) for violation in check(lines)]


def only(lines):
    """Return the one violation there is, as (invariant, event, words)."""
    [violation] = check(lines)
    return violation.invariant, violation.n, violation.words


def changed(story, ev, on="", *, where=None, **keys):
    """Return the lines of a story with keys of one event changed, and the number of that event."""
    index = find(story.lines, ev, on, **(where or {}))
    lines = [*story.lines]
    lines[index] = lines[index] | keys
    return lines, index + 1


@pytest.mark.parametrize("name", GOOD)
def test_a_good_run_holds(name):
    assert check(GOOD[name]().lines) == []


def test_each_invariant_says_what_it_asserts():
    for number, (name, kind) in enumerate(INVARIANTS, 1):
        assert kind.__doc__.startswith(f"{number}. ")
        assert len(name) < 40


# --- 1: calls are brackets


def test_1_a_call_that_never_comes_back():
    story = one_transfer()
    index = find(story.lines, "done", "c1", cb="ServerConnection.start")
    n, call = index + 1, find(story.lines, "call", "c1") + 1
    assert check(without(story.lines, index))[0].words == (
        "done with Listener.on_readable of listener, and the latest open call is "
        "ServerConnection.start of c1"
    )
    assert found(without(story.lines, index))[0] == (1, n)
    assert call < n


def test_1_a_call_that_is_open_when_the_loop_goes_to_sleep():
    story = Story("server")
    with story.turn(("signals", "r")):
        story.tell("call", "signals", cb="Signals.on_readable")
    Story.end(story)
    assert only(story.lines) == (
        1, 6, "turned, and Signals.on_readable of signals is open since event 5",
    )  # fmt: skip


def test_1_a_call_that_is_open_at_the_end():
    story = Story("client")
    story.tell("call", "download", cb="Download.try_next")
    Story.end(story)
    words = "the end, and Download.try_next of download is open since event 3"
    assert only(story.lines) == (1, 4, words)


@pytest.mark.parametrize("dropped", [0, 1])
def test_1_a_call_may_be_open_where_a_trace_breaks_off(dropped):
    story = Story("client")
    story.tell("call", "download", cb="Download.try_next")
    if dropped:
        story.end(dropped)
    assert check(story.lines) == []


def test_1_done_with_nothing():
    story = Story("client")
    story.tell("done", "download", cb="Download.try_next")
    words = "done with Download.try_next of download, and the latest open call is none"
    assert only(story.lines) == (1, 3, words)


def test_1_two_calls_that_cross():
    story = Story("client")
    for ev, cb in (("call", "f"), ("call", "g"), ("done", "f"), ("done", "g")):
        story.tell(ev, "download", cb=cb)
    assert found(story.lines) == [(1, 5), (1, 6)]


def test_1_the_same_method_of_somebody_else():
    story = Story("client")
    story.tell("call", "c1", cb="f")
    story.tell("done", "c2", cb="f")
    assert found(story.lines) == [(1, 4)]


def test_1_an_error_outside_of_the_call_that_raised_it():
    story = Story("client")
    story.tell("error", "download", exc="OSError", why="x")
    assert only(story.lines) == (1, 3, "an error of download, and the latest open call is none")
    story = Story("client")
    with story.call("connection", "f"):
        story.tell("error", "download", exc="OSError", why="x")
    assert found(story.lines) == [(1, 4)]


def test_1_a_deadline_that_fires_and_calls_nobody():
    lines = late_client().lines
    index = find(lines, "call", "c1", cb="ServerConnection.on_late")
    violations = check(without(lines, index))
    assert (violations[0].invariant, violations[0].n) == (1, index + 1)
    assert "has fired, and tx follows, not its call" in violations[0].words


def test_1_a_call_that_raises_twice():
    story = three_clients()
    index = find(story.lines, "error")
    lines = renumbered([*story.lines[:index], story.lines[index], *story.lines[index:]])
    words = "a second error in one call, ServerConnection.on_readable of c3"
    assert only(lines) == (1, index + 2, words)


# --- 2: nothing happens outside of a call


@pytest.mark.parametrize("ev", ["rx", "tx", "half", "state"])
def test_2_what_is_done_beside_the_loop(ev):
    story = one_transfer()
    index = find(story.lines, ev, "c1", **({"want": len(story.message)} if ev == "tx" else {}))
    call = find(story.lines, "call", "c1", cb="ServerConnection.on_readable")
    lines = [*story.lines]
    lines.insert(call, lines.pop(index))  # just before its call
    assert (2, call + 1, f"{ev} of c1 outside of any call") in [
        (v.invariant, v.n, v.words) for v in check(renumbered(lines))
    ]


def test_2_what_is_done_in_the_call_of_another():
    story = three_clients()
    index = find(story.lines, "tx", "c2")
    lines = [*story.lines]
    lines[index - 2 : index + 1] = [lines[index], *lines[index - 2 : index]]  # before its own call
    assert (2, index - 1, "tx of c2 inside a call of listener") in [
        (v.invariant, v.n, v.words) for v in check(renumbered(lines))
    ]


# --- 3: interest is consistent


def test_3_a_change_that_begins_elsewhere():
    lines, n = changed(one_transfer(), "watch", "c1", was="w")
    assert only(lines) == (3, n, 'c1 was watched for "", and not for "w"')


def test_3_a_change_that_changes_nothing():
    story = ServerStory()
    story.tell("watch", "listener", was="r", now="r")
    assert only(story.lines) == (3, 5, 'listener is watched for "r" as before: no change')


def test_3_a_name_that_comes_again_starts_afresh():
    story = ServerStory()
    for _ in range(2):
        story.welcome("c1")
        story.refuse("c1", b"x", "expected HELLO, got 'x'")
    story.end()
    assert check(story.lines) == []


def test_3_select_watches_another_number_of_files():
    lines, n = changed(one_transfer(), "select", fds=4)
    assert only(lines) == (3, n, "select watches 4 files, and the trace has 2")


def test_3_an_object_is_ready_that_is_not_watched():
    lines, n = changed(one_transfer(), "wake", ready=[["listener", "r"], ["c9", "r"]])
    assert only(lines) == (3, n, 'c9 is ready for "r", and watched for ""')


def test_3_somebody_is_ready_for_what_is_not_watched():
    lines, n = changed(one_transfer(), "wake", ready=[["listener", "rw"]])
    assert only(lines) == (3, n, 'listener is ready for "rw", and watched for "r"')


def test_3_somebody_is_ready_twice():
    lines, n = changed(one_transfer(), "wake", ready=[["listener", "r"], ["listener", "r"]])
    assert only(lines) == (3, n, "somebody is ready twice")


def test_3_an_object_is_called_that_is_not_ready():
    lines, n = changed(one_transfer(), "wake", ready=[["signals", "r"]])
    assert only(lines) == (
        3, n + 1, 'Listener.on_readable of listener, which is not ready for "r"',
    )  # fmt: skip


def test_3_an_old_event_is_served_to_an_object_that_no_longer_waits():
    """The classic defect: a handler earlier in the batch has ended what a later one waits for."""
    story = Story("server")
    story.watch("listener", "r")
    with story.turn(("signals", "r"), ("listener", "r")):
        with story.call("signals", "Signals.on_readable"):
            story.watch("listener", "")
        with story.call("listener", "Listener.on_readable"):
            pass
    Story.end(story)
    assert only(story.lines) == (
        3, 9, 'Listener.on_readable of listener, which no longer waits for "r"',
    )  # fmt: skip


def test_3_a_server_that_reads_while_it_sends():
    story = ServerStory()
    story.welcome("c1")
    with story.turn(("c1", "r"), timeout=9999), story.served("c1"):
        story.rx("c1", HELLO)
        story.state("c1", "HELLO_SENT", "SENDING")
        story.tx("c1", story.message[:9], want=len(story.message))
        story.watch("c1", "rw")
    n = len(story.lines) + 1
    with story.turn(("c1", "w"), timeout=9998), story.call("c1", "ServerConnection.on_writable"):
        story.send("c1", story.message[9:])
    with story.turn(("c1", "r"), timeout=9997), story.served("c1"):
        story.farewell("c1")
    story.end()
    assert only(story.lines) == (3, n, 'c1 in SENDING waits for "rw", expected "w" or ""')


@pytest.mark.parametrize(("state", "interest"), [("HELLO_SENT", "w"), ("DONE", "rw"), ("DONE", "")])
def test_3_a_server_that_waits_for_what_its_state_does_not_need(state, interest):
    story = one_transfer() if state == "DONE" else ServerStory()
    if state == "DONE":
        index = find(story.lines, "state", "c1", now="DONE") + 1
        line = {"t": 0, "k": 2, "ev": "watch", "on": "c1", "was": "r", "now": interest}
        lines = [*story.lines[:index], line | {"t": story.lines[index]["t"]}, *story.lines[index:]]
        violations = check(renumbered(lines))
    else:
        story.welcome("c1")
        story.watched["c1"] = story.lines[find(story.lines, "watch", "c1")]["now"] = interest
        with story.turn(("listener", "r"), timeout=1):
            pass
        violations = check(story.lines)
    assert {violation.invariant for violation in violations[:2]} == {3}
    words = f'c1 in {state} waits for "{interest}", expected '
    assert [violation for violation in violations if words in violation.words]


# --- 4: only legal transitions


def test_4_a_connection_that_begins_in_the_middle():
    lines, n = changed(one_transfer(), "open", state="SENDING")
    assert check(lines)[0].words == "c1 begins in SENDING, expected HELLO_SENT"
    assert (4, n) in found(lines)


def test_4_a_step_that_is_in_no_table():
    lines, n = changed(one_transfer(), "state", where={"now": "SENDING"}, now="DONE")
    words = "c1 goes from HELLO_SENT to DONE: there is no such transition"
    assert (4, n, words) in [(v.invariant, v.n, v.words) for v in check(lines)]


def test_4_a_step_of_the_other_role():
    lines, n = changed(one_transfer(), "run", role="client")
    assert 4 in {invariant for invariant, _ in found(lines)}
    assert n == 1


def test_4_a_step_from_a_state_that_it_is_not_in():
    story = one_transfer()
    index = find(story.lines, "state", now="SENDING")
    words = [(v.invariant, v.n, v.words) for v in check(without(story.lines, index))]
    assert (4, index + 3, "c1 leaves SENDING, and it is in HELLO_SENT") in words


def test_4_a_step_for_another_reason():
    lines, n = changed(one_transfer(), "state", why="it felt like it")
    assert only(lines) == (4, n, "c1 goes to SENDING because 'it felt like it'")


def test_4_a_connection_that_is_done_before_its_last_state():
    story = ServerStory()
    story.welcome("c1")
    with story.turn(("c1", "r"), timeout=9999), story.served("c1"):
        story.farewell("c1")
    story.end()
    assert (4, "c1 is closed as done in HELLO_SENT") in [
        (v.invariant, v.words) for v in check(story.lines)
    ]


# --- 5: nothing after the end


@pytest.mark.parametrize("ev", ["rx", "tx", "state", "half", "watch", "call", "close"])
def test_5_whatever_is_done_after_the_close(ev):
    story = one_transfer()
    source = find(story.lines, ev, "c1")
    index = find(story.lines, "close", "c1") + 1
    line = story.lines[source] | {"k": 3, "t": story.lines[index]["t"]}
    lines = renumbered([*story.lines[:index], line, *story.lines[index:]])
    words = f"{ev} of c1, which was closed in event {index}"
    assert (5, index + 1, words) in [(v.invariant, v.n, v.words) for v in check(lines)]


@pytest.mark.parametrize("op", ["set", "fire"])
def test_5_a_deadline_of_a_closed_connection(op):
    story = one_transfer()
    index = find(story.lines, "timer", "c1", op="cancel")
    length = {"in_ms": 1} if op == "set" else {}
    line = story.lines[index] | {"op": op} | length
    lines = renumbered([*story.lines[:index], line, *story.lines[index:]])
    words = f"timer {op} of c1, which was closed in event {index}"
    assert (5, index + 1, words) in [(v.invariant, v.n, v.words) for v in check(lines)]


def test_5_a_deadline_that_outlives_its_connection():
    story = one_transfer()
    index = find(story.lines, "timer", "c1", op="cancel")
    n = find(story.lines, "select", k=4)  # one less: a line is gone
    words = "ServerConnection.on_late of c1 is still set, and c1 is closed"
    assert only(without(story.lines, index)) == (5, n, words)


@pytest.mark.parametrize("op", ["cancel", "fire"])
def test_5_a_deadline_that_was_never_set(op):
    story = late_client() if op == "fire" else one_transfer()
    index = find(story.lines, "timer", "c1", op="set")
    n = find(story.lines, "timer", "c1", op=op)
    words = f"{op} of ServerConnection.on_late of c1, which is not set"
    assert only(without(story.lines, index)) == (5, n, words)


@pytest.mark.parametrize("timeout", [None, 0.1, 5000])
def test_5_a_deadline_that_fires_before_select_saw_that_it_had_passed(timeout):
    lines, _ = changed(late_client(), "select", where={"k": 3}, timeout_ms=timeout)
    n = find(lines, "timer", op="fire") + 1
    words = "ServerConnection.on_late of c1 fires early: select was still to wait for it"
    assert (5, n, words) in [(v.invariant, v.n, v.words) for v in check(lines)]


def test_5_a_connection_that_is_opened_twice():
    story = one_transfer()
    index = find(story.lines, "open")
    lines = renumbered([*story.lines[:index], story.lines[index], *story.lines[index:]])
    assert only(lines) == (5, index + 2, "c1 is opened, and it is open already")


def test_5_bytes_of_nobody():
    story = one_transfer()
    violations = check(without(story.lines, find(story.lines, "open")))
    assert (violations[0].invariant, violations[0].words) == (5, "tx of c1, which was never opened")


def test_5_a_close_that_leaves_the_selector_behind():
    story = one_transfer()
    index = find(story.lines, "watch", "c1", now="")
    violations = check(without(story.lines, index))
    assert (violations[0].invariant, violations[0].n) == (5, index + 1)
    assert violations[0].words == 'c1 is closed while it is watched for "r"'


def test_5_a_connection_that_nobody_closes():
    story = ServerStory()
    story.welcome("c1")
    story.end()
    n = len(story.lines)
    assert [(v.invariant, v.n, v.words) for v in check(story.lines)] == [
        (3, n, 'the end, and c1 is still watched for "r"'),
        (5, n, "the end, and c1 is not closed"),
    ]


# --- 6: bytes are complete


def bytes_changed(story, ev, index, data, on="c1"):
    """Return the lines with other bytes in the event of that kind with this index."""
    places = [i for i, line in enumerate(story.lines) if (line["ev"], line.get("on")) == (ev, on)]
    lines = [*story.lines]
    line = lines[places[index]] | {"bytes": len(data), "hex": data.hex()}
    lines[places[index]] = line | ({"want": len(data)} if ev == "tx" else {})
    return lines, places[index] + 1


def test_6_one_byte_too_few():
    story = one_transfer()
    lines, n = bytes_changed(story, "tx", 1, story.message[:-1])
    half, state, close = n + 1, n + 2, find(lines, "close") + 1
    assert found(lines) == [(6, half), (6, state), (6, close)]
    assert (
        "ends its direction after 31 bytes: not hello and the file of 8 bytes"
        in check(lines)[0].words
    )


@pytest.mark.parametrize(
    "spoil",
    [
        lambda message: message + b"\n",
        lambda message: message.replace(b"one", b"two"),
        lambda message: message.replace(b"FILE 8", b"FILE 9"),
        lambda message: b"ERROR no\n",
        lambda message: b"HELLO 1\n",
    ],
)
def test_6_other_bytes_than_those_of_the_file(spoil):
    story = one_transfer()
    lines, n = bytes_changed(story, "tx", 1, spoil(story.message))
    assert found(lines)[0] == (6, n)
    assert "no legal stream begins so" in check(lines)[0].words


def test_6_another_greeting():
    lines, n = bytes_changed(one_transfer(), "tx", 0, b"HELLO 2\n")
    assert found(lines)[0] == (6, n)


def test_6_a_file_for_a_client_that_has_not_said_hello():
    story = one_transfer()
    lines, n = bytes_changed(story, "rx", 0, b"HELLO 2\n")
    assert found(lines)[:2] == [(6, n + 1), (6, n + 2)]
    assert check(lines)[0].words == "c1 begins to send, and has received no valid hello"


def test_6_an_error_line_for_a_client_that_has_said_hello():
    story = one_transfer()
    lines, n = bytes_changed(story, "tx", 1, b"ERROR no\n")
    assert found(lines)[0] == (6, n)


def test_6_the_file_of_another_period():
    story = one_transfer()
    other = [line for line in ServerStory(b"three\n").lines if line["ev"] == "listen"]
    index = find(story.lines, "listen")
    lines = renumbered([*story.lines[: index + 1], *other, *story.lines[index + 1 :]])
    lines[index + 1]["t"] = lines[index]["t"]
    assert {invariant for invariant, _ in found(lines)} == {6}


def test_6_each_period_has_its_own_file():
    story = ServerStory()
    for number, body in enumerate((b"one\n", b"", b"two\n"), 1):
        with story.turn(("signals", "r")), story.call("signals", "Signals.on_readable"):
            story.watch("listener", "")
        story.body = body
        story.message = ServerStory(body).message
        story.listen()
        story.welcome(f"c{number}")
        with story.turn((f"c{number}", "r"), timeout=9), story.served(f"c{number}"):
            story.hear(f"c{number}")
        with story.turn((f"c{number}", "r"), timeout=8), story.served(f"c{number}"):
            story.farewell(f"c{number}")
    story.end()
    assert check(story.lines) == []


def test_6_a_file_of_no_period():
    story = one_transfer()
    violations = check(without(story.lines, find(story.lines, "listen")))
    assert {violation.invariant for violation in violations} == {6}
    assert "no listen has said what was to be sent" in violations[1].words


def test_6_a_client_that_is_done_and_has_not_ended_its_stream():
    lines, n = bytes_changed(one_transfer(), "rx", 1, b"more")
    close = find(lines, "close") + 1
    assert only(lines) == (6, close, "c1 is done, and its client has not ended its stream")
    assert n < close


@pytest.mark.parametrize("ev", ["half", "tx"])
def test_6_a_direction_that_has_an_end_and_goes_on(ev):
    story = one_transfer()
    index = find(story.lines, "half")
    line = {**story.lines[find(story.lines, ev)], "k": 2, "t": story.lines[index]["t"]}
    lines = renumbered([*story.lines[: index + 1], line, *story.lines[index + 1 :]])
    words = f"c1 has ended its direction: what is {ev} for?"
    assert (6, index + 2, words) in [(v.invariant, v.n, v.words) for v in check(lines)]


def test_6_a_client_that_said_hello_and_was_not_heard():
    story = ServerStory()
    story.welcome("c1")
    with story.turn(("c1", "r"), timeout=9999), story.served("c1"):
        story.rx("c1", HELLO)
        story.close("c1", "cut")
    story.end()
    n = find(story.lines, "close") + 1
    words = "c1 is closed in HELLO_SENT, and has received a valid hello"
    assert only(story.lines) == (6, n, words)


def test_6_a_download_of_a_damaged_file():
    damaged = b"FILE 8 00000000\n" + BODY
    lines, n = bytes_changed(download(), "rx", 1, damaged, "connection")
    assert found(lines)[0] == (6, n + 1)
    assert check(lines)[0].words == "connection is DONE, and has received no whole, valid file"


@pytest.mark.parametrize("data", [b"HELLO 2\n", b"HELLO 1", b"HI\n"])
def test_6_a_client_that_answers_to_no_hello(data):
    lines, n = bytes_changed(download(), "rx", 0, data, "connection")
    assert found(lines)[:2] == [(6, n + 1), (6, n + 2)]


def test_6_a_client_that_says_something_else():
    lines, n = bytes_changed(download(), "tx", 0, b"GET / HTTP/1.1\n", "connection")
    assert only(lines)[:2] == (6, n)


def test_6_a_whole_file_that_is_not_kept():
    story = download()
    index = find(story.lines, "state", now="DONE")
    n = find(story.lines, "close")
    words = "connection is closed in RECEIVING, and has received a whole, valid file"
    assert only(without(story.lines, index)) == (6, n, words)


# --- 7: nothing between select and wake


@pytest.mark.parametrize("ev", ["call", "rx", "watch", "timer", "close", "turned", "select", "end"])
def test_7_nothing_happens_while_the_loop_sleeps(ev):
    story = one_transfer()
    index = find(story.lines, "wake", k=2)
    line = story.lines[find(story.lines, ev)] | {"k": 2, "t": story.lines[index]["t"]}
    behind = [] if ev == "end" else story.lines[index:]
    lines = renumbered([*story.lines[:index], line, *behind])
    assert (7, index + 1) in found(lines)


@pytest.mark.parametrize("ev", ["select", "wake", "turned"])
def test_7_no_part_of_a_turn_is_left_out(ev):
    story = one_transfer()
    index = find(story.lines, ev, k=2)
    assert 7 in {invariant for invariant, _ in found(without(story.lines, index))}


def test_7_an_end_in_the_middle_of_a_turn():
    story = Story("server")
    with story.turn(("signals", "r")):
        story.end()
    assert only(story.lines[:-1]) == (7, 5, "the end in the middle of a turn")


@pytest.mark.parametrize("n", [0, 4, 40])
def test_7_numbers_have_no_gaps(n):
    lines, at = changed(one_transfer(), "listen", n=n)
    assert [pair[0] for pair in found(lines)] == [7, 7]
    assert at == 3


@pytest.mark.parametrize(("ev", "k"), [("select", 0), ("select", 2), ("wake", 2), ("turned", 0)])
def test_7_turns_have_no_gaps(ev, k):
    lines, n = changed(one_transfer(), ev, k=k)
    assert found(lines)[0] == (7, n)


def test_7_time_does_not_go_back():
    lines, n = changed(one_transfer(), "close", t=0)
    assert only(lines)[:2] == (7, n)


# --- 8: no busy loop


def test_8_two_idle_turns_in_a_row():
    story = Story("client")
    for timeout in (1, 0):
        with story.turn(timeout=timeout, slept=timeout):
            pass
    assert only(story.lines) == (
        8, 8, "nobody was ready and no deadline fired, for the second turn running",
    )  # fmt: skip


def test_8_a_deadline_may_take_a_second_turn():
    assert check(late_client().lines) == []


def test_8_woken_by_nobody_from_a_sleep_without_end():
    story = Story("client")
    with story.turn(timeout=None):
        pass
    assert only(story.lines) == (8, 4, "woken by nobody, and there is no deadline")


def test_8_woken_by_nobody_before_the_deadline():
    story = Story("client")
    with story.turn(timeout=100, slept=98.5):
        pass
    words = "woken by nobody after 98.5 ms, and the deadline is in 100.0 ms"
    assert only(story.lines) == (8, 4, words)


def test_8_a_sleep_may_end_as_much_too_early_as_rounding_makes_it():
    story = Story("client")
    with story.turn(timeout=100, slept=99.5):
        pass
    assert check(story.lines) == []


def spinning(letter):
    """Return a server that waits to write and never does, or is readable and never reads."""
    story = ServerStory()
    story.welcome("c1")
    with story.turn(("c1", "r"), timeout=9999), story.served("c1"):
        story.hear("c1", taken=10)
    if letter == "r":
        story = ServerStory()
        story.welcome("c1")
    for _ in range(2):
        with story.turn(("c1", letter), timeout=9998):
            pass
    return story.lines


@pytest.mark.parametrize(("letter", "deed"), [("r", "received"), ("w", "sent")])
def test_8_somebody_is_ready_and_nobody_cares(letter, deed):
    lines = spinning(letter)
    k = lines[-1]["k"] - 1
    words = f'c1 is ready for "{letter}" again, and since turn {k} it has {deed} nothing'
    assert only(lines) == (8, len(lines) - 1, words)


def test_8_a_read_that_reads_nothing():
    story = one_transfer()
    index = find(story.lines, "rx", bytes=0)
    violations = [(v.invariant, v.words) for v in check(without(story.lines, index))]
    words = "ServerConnection.on_readable of c1 is over, and nothing was received"
    assert (8, words) in violations or 6 in {invariant for invariant, _ in violations}


def test_8_bytes_that_are_judged_were_received():
    story = three_clients()
    index = find(story.lines, "rx", "c3")
    assert 8 in {v.invariant for v in check(without(story.lines, index))}


def test_8_a_handler_that_receives_without_end_holds_the_loop():
    story = three_clients()
    index = find(story.lines, "rx", "c2")
    lines = renumbered([*story.lines[:index], story.lines[index], *story.lines[index:]])
    assert (8, "c2 receives twice in one call") in [(v.invariant, v.words) for v in check(lines)]


# --- by the dozen

# Events, each with its object, that may be missing from a good trace: the others still make a
# possible run. An empty answer of the kernel changes nothing, the reason of a refusal may have
# found no room, and a client whose server was gone has not answered.
HARMLESS: dict[str, list[tuple[str, str, dict]]] = {
    "three clients": [("tx", "c1", {"again": True}), ("tx", "c3", {"k": 6})],
    "a late client": [("tx", "c1", {"k": 3})],
    "a download": [("tx", "connection", {})],
}
ESSENTIAL = ("call", "done", "watch", "state", "tx", "rx")


def harmless(name, line):
    return any(
        (ev, on) == (line["ev"], line.get("on")) and keys.items() <= line.items()
        for ev, on, keys in HARMLESS.get(name, [])
    )


@pytest.mark.parametrize("name", GOOD)
def test_a_line_that_is_missing_is_found(name):
    lines = GOOD[name]().lines
    overlooked = [
        line
        for index, line in enumerate(lines)
        if line["ev"] in ESSENTIAL and not check(without(lines, index))
    ]
    assert [line for line in overlooked if not harmless(name, line)] == []


# Lines that may occur twice: a period may begin again, a deadline may be set again, and a kernel
# that has no room may say so again.
REPEATED: list[tuple[str, dict]] = [
    ("listen", {}),
    ("timer", {"op": "set"}),
    ("tx", {"again": True}),
]


@pytest.mark.parametrize("name", GOOD)
def test_a_line_that_occurs_twice_is_found(name):
    lines = GOOD[name]().lines[1:-1]
    first, last = GOOD[name]().lines[0], GOOD[name]().lines[-1]
    overlooked = [
        line
        for index, line in enumerate(lines)
        if not check(renumbered([first, *lines[: index + 1], *lines[index:], last]))
    ]
    assert [
        line
        for line in overlooked
        if not any(ev == line["ev"] and keys.items() <= line.items() for ev, keys in REPEATED)
    ] == []


@pytest.mark.parametrize("name", GOOD)
def test_bytes_that_changed_are_found(name):
    """But not those that a server discards, nor the words of a refusal."""
    lines = GOOD[name]().lines
    for index, line in enumerate(lines):
        if line["ev"] in ("rx", "tx") and line["bytes"] >= 8 and line["k"] < 6:
            for at in range(0, 2 * line["bytes"], 2):
                byte = f"{int(line['hex'][at : at + 2], 16) ^ 1:02x}"
                hex_ = line["hex"][:at] + byte + line["hex"][at + 2 :]
                violations = check([*lines[:index], line | {"hex": hex_}, *lines[index + 1 :]])
                assert violations or b"ERROR" in bytes.fromhex(line["hex"]), (line, at)
