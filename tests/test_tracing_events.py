"""A trace is read, or refused with one line that says where and why, whatever the file contains."""

import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.tracing import events, lanes, perfetto
from lab.tracing.events import NotATrace, read
from lab.tracing.invariants import check
from tests.support.sample import examples
from tests.support.traces import GOOD, one_transfer, written

RUN = {
    "n": 1, "t": 0, "k": 0, "ev": "run", "v": 1, "role": "server", "selector": "EpollSelector",
    "python": "3.11.7", "protocol": 1, "options": {},
}  # fmt: skip
HALF = {"n": 2, "t": 1, "k": 0, "ev": "half", "on": "c1"}


def trace_of(*lines):
    return read(io.BytesIO(written(lines).encode()))


def refusal(data):
    """Return why these bytes are refused; fail if they are not."""
    with pytest.raises(NotATrace) as caught:
        read(io.BytesIO(data))
    return str(caught.value)


def refusal_of(*lines):
    return refusal(written(lines).encode())


# --- what is read


@pytest.mark.parametrize("name", GOOD)
def test_a_good_trace_is_read_whole(name):
    story = GOOD[name]()
    trace = story.trace()
    assert [event.ev for event in trace.events] == [line["ev"] for line in story.lines]
    assert (trace.whole, trace.torn, trace.role) == (True, False, story.lines[0]["role"])


def test_an_event_has_its_common_keys_and_its_own():
    half = trace_of(RUN, HALF | {"n": 7, "t": 8, "k": 9}).events[1]
    assert (half.n, half.t, half.k, half.ev, half.on) == (7, 8, 9, "half", "c1")


def test_unknown_keys_are_ignored():
    half = trace_of(RUN, HALF | {"now": [], "again": 1}).events[1]
    assert half.keys == {"on": "c1"}


def test_unknown_events_are_kept_for_their_number_and_nothing_else():
    rest = trace_of(RUN, HALF | {"ev": "flush", "on": 7}).events[1]
    assert (rest.n, rest.ev, rest.on, rest.keys) == (2, "flush", "", {})


def test_a_torn_last_line_is_what_a_crash_leaves():
    data = one_transfer().text().encode()
    whole = len(read(io.BytesIO(data)).events)
    last = len(data.splitlines()[-1])
    for cut in range(1, last):
        trace = read(io.BytesIO(data[: -1 - cut]))
        assert (trace.torn, trace.whole, len(trace.events)) == (True, False, whole - 1)


def test_a_last_line_that_lacks_its_newline_only_is_a_line():
    trace = read(io.BytesIO(one_transfer().text().encode().rstrip()))
    assert (trace.torn, trace.whole) == (False, True)


def test_a_trace_that_reached_its_cap_is_not_whole():
    story = one_transfer()
    story.lines[-1]["dropped"] = 3
    assert not story.trace().whole


# --- what is refused


def test_an_unknown_version_is_refused_in_one_line():
    assert refusal_of(RUN | {"v": 2}) == "line 1: version 2, and only version 1 is known"


def test_the_version_is_looked_at_before_anything_else():
    assert "version 9" in refusal(b'{"ev":"run","v":9}\n')
    for other in (None, True, 1.0, "1", [1]):
        assert "only version 1 is known" in refusal_of(RUN | {"v": other})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"\n", "line 1: not JSON: expecting value at column 1"),
        (b"hello", "line 1: not JSON: expecting value at column 1"),
        (b"[1]\n", "line 1: expected an object, got [1]"),
        (b"\xff\n", "line 1: not UTF-8 at byte 1"),
        (b"\x00\n", "line 1: not JSON: expecting value at column 1"),
        (b'{"a":NaN}\n', "line 1: not JSON: NaN"),
        (b'{"a":-Infinity}\n', "line 1: not JSON: -Infinity"),
        (b'{"a":1,"a":1}\n', "line 1: a key stands twice in one object"),
        (b"9" * 5000 + b"\n", "line 1: a number of 5000 digits"),
        (b"[" * 100_000 + b"\n", "line 1: nested too deeply"),
        (b"{}\n", "line 1: n is missing, expected a whole number, 0 or more"),
        (b'{"n":1,"t":0,"k":0,"ev":"half","on":"c1"}\n', "line 1: a trace has one run"),
    ],
)
def test_what_is_no_trace_is_refused_in_words(data, why):
    assert refusal(data).startswith(why)


def test_a_line_has_a_limit():
    long = b'{"n":' + b" " * events.LONGEST_LINE
    why = f"line 2: longer than {events.LONGEST_LINE} bytes"
    assert refusal(written([RUN]).encode() + long) == why


def test_a_file_has_a_limit(monkeypatch):
    monkeypatch.setattr(events, "LARGEST", 200)
    assert refusal_of(RUN, HALF, HALF, HALF) == "larger than 200 bytes"


def test_a_second_run_is_refused():
    assert refusal_of(RUN, RUN) == "line 2: a trace has one run, its first line"


def test_nothing_comes_after_the_end():
    end = {"n": 2, "t": 0, "k": 0, "ev": "end", "dropped": 0}
    assert refusal_of(RUN, end, HALF) == "line 3: there is something after the end"


OF_A_KIND = [
    ("n", True), ("n", -1), ("n", 1.0), ("n", "1"), ("n", None), ("t", 2**53), ("k", [0]),
    ("ev", ""), ("ev", 7), ("on", ""), ("on", "\x1b[31m"), ("on", "\ud800"), ("on", "c" * 201),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), OF_A_KIND)
def test_a_value_of_another_kind_is_refused(key, value):
    why = refusal_of(RUN, HALF | {key: value})
    assert why.startswith(f"line 2: {key} is ") and why.isprintable() and why.isascii()


OTHER_EVENTS = [
    ({"ev": "rx", "bytes": 1, "hex": "0"}, "hex is '0'"),
    ({"ev": "rx", "bytes": 1, "hex": "0G"}, "hex is '0G'"),
    ({"ev": "rx", "bytes": 2, "hex": "00"}, "bytes is 2, and hex has 1 bytes"),
    ({"ev": "rx", "bytes": 257, "hex": "00" * 257}, "hex is '00"),
    ({"ev": "rx", "bytes": 0, "hex": "", "again": False}, "again is False, expected true"),
    ({"ev": "rx", "bytes": 1, "hex": "00", "again": True}, '"again" is for nothing at all'),
    ({"ev": "tx", "want": 1, "bytes": 2, "hex": "0000"}, "bytes is 2, more than was wanted: 1"),
    ({"ev": "watch", "was": "", "now": "wr"}, "now is 'wr', expected"),
    ({"ev": "watch", "was": ["r"], "now": ""}, "was is ['r'], expected"),
    ({"ev": "wake", "ready": [["c1", ""]]}, "ready is"),
    ({"ev": "wake", "ready": [["c1"]]}, "ready is"),
    ({"ev": "wake", "ready": {"c1": "r"}}, "ready is"),
    ({"ev": "select", "timeout_ms": float("inf"), "fds": 1}, "not JSON: Infinity"),
    ({"ev": "select", "timeout_ms": -1, "fds": 1}, "timeout_ms is -1"),
    ({"ev": "timer", "op": "stop", "what": "f"}, "op is 'stop'"),
    ({"ev": "timer", "op": "set", "what": "f"}, "in_ms belongs to a timer that is set"),
    ({"ev": "timer", "op": "fire", "what": "f", "in_ms": 1}, "in_ms belongs to a timer"),
    ({"ev": "timer", "op": "set", "what": "f", "in_ms": True}, "in_ms is True"),
    ({"ev": "listen", "address": "", "body_len": 0, "body_crc32": "0"}, "body_crc32 is '0'"),
    ({"ev": "close"}, "how is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "why"), OTHER_EVENTS)
def test_an_event_that_contradicts_itself_is_refused(keys, why):
    assert refusal_of(RUN, HALF | keys).startswith(f"line 2: {why}")


def test_a_number_beyond_every_number_is_refused():
    line = json.dumps(HALF | {"ev": "select", "fds": 1})[:-1] + ',"timeout_ms":1e999}\n'
    assert "timeout_ms is inf" in refusal(written([RUN]).encode() + line.encode())


def test_a_length_below_zero_is_over_already():
    keys = {"ev": "timer", "op": "set", "what": "f", "in_ms": -0.5}
    assert trace_of(RUN, HALF | keys).events[1]["in_ms"] == -0.5


# --- whatever the file contains

GOOD_TEXT = one_transfer().text().encode()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=3), some),
    max_leaves=6,
)
KINDS = st.sampled_from(sorted(events.KEYS)) | st.text(max_size=6)
KNOWN = {"n", "t", "k", "on", "v", "again", "in_ms"}.union(*events.KEYS.values())
KEY = st.sampled_from(sorted(KNOWN))


def either(data):
    """Read bytes, and do with a trace all that can be done; a refusal is one line."""
    try:
        trace = read(io.BytesIO(data))
    except NotATrace as error:
        assert str(error).isascii() and str(error).isprintable() and len(str(error)) < 300
        return
    for violation in check(trace):
        assert str(violation).isascii() and str(violation).isprintable()
    lanes.picture(trace).encode()
    json.loads(perfetto.export(trace))


@settings(max_examples=examples(60))
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf" + GOOD_TEXT)
@example(GOOD_TEXT.decode().encode("utf-16"))
def test_any_bytes_are_read_or_refused_in_one_line(data):
    either(data)
    either(GOOD_TEXT + data)


@settings(max_examples=examples(60))
@given(st.integers(0, len(GOOD_TEXT) - 1), st.binary(max_size=3))
def test_bytes_that_changed_on_a_disk_are_read_or_refused_in_one_line(at, data):
    either(GOOD_TEXT[:at] + data + GOOD_TEXT[at + len(data) :])


@settings(max_examples=examples(60))
@given(st.lists(st.tuples(st.integers(0, 42), KEY, VALUES), min_size=1, max_size=4))
def test_any_value_under_any_key_is_read_or_refused_in_one_line(changes):
    lines = one_transfer().lines
    for index, key, value in changes:
        lines[index % len(lines)][key] = value
    either(written(lines).encode())


@given(st.lists(st.dictionaries(KEY, VALUES, max_size=5), max_size=5), KINDS)
def test_any_objects_are_read_or_refused_in_one_line(objects, ev):
    either(written([RUN, *({"n": 1, "t": 1, "k": 1, "ev": ev} | o for o in objects)]).encode())


NAMES = st.sampled_from(["c1", "c2", "listener", "connection"])
INTERESTS = st.sampled_from(["", "r", "w", "rw"])
STATES = st.sampled_from(["HELLO_SENT", "SENDING", "DONE", "RECEIVING", "elsewhere"])
WORDS = {
    "on": NAMES,
    "cb": st.sampled_from(["ServerConnection.on_readable", "f"]),
    "was": STATES,
    "now": STATES,
    "state": STATES,
    "op": st.sampled_from(["cancel", "fire"]),
    "what": st.just("f"),
    "hex": st.just(""),
    "how": st.sampled_from(["done", "lost: x", ""]),
    "ready": st.lists(st.tuples(NAMES, INTERESTS.filter(bool)), max_size=2),
    "timeout_ms": st.none() | st.just(1),
    "body_crc32": st.just("00000000"),
    "exc": st.just("OSError"),
    **dict.fromkeys(("why", "peer", "address"), st.just("<&>")),
}


@st.composite
def wild(draw):
    """Any events in any order: each has its form, and together they make no sense."""
    kinds = draw(st.lists(st.sampled_from(sorted(set(events.KEYS) - {"run", "end"})), max_size=30))
    lines = [RUN | {"role": draw(st.sampled_from(["server", "client"]))}]
    for ev in kinds:
        words = WORDS | ({"was": INTERESTS, "now": INTERESTS} if ev == "watch" else {})
        keys = {key: draw(words.get(key, st.just(0))) for key in events.KEYS[ev]}
        lines.append({"n": draw(st.integers(0, 3)), "t": 0, "k": 0, "ev": ev} | keys)
    return lines


@given(wild())
def test_events_in_any_order_are_judged_drawn_and_exported(lines):
    assert len(trace_of(*lines).events) == len(lines), "each line has its form"
    either(written(lines).encode())
