"""A trace, line by line: each event in its form, in ASCII, and never more than a disk can bear."""

import json
from enum import Enum, auto
from functools import partial
from selectors import SelectorKey

import pytest

from edges import recorder
from edges.recorder import Recorder
from reactor import READ, WRITE


class State(Enum):
    OPEN = auto()
    SHUT = auto()


class World:
    def __init__(self):
        self.now = 1000.0
        self.lines = []
        self.room = 10**9
        self.recorder = Recorder(lambda: self.now, self.write)

    def write(self, line):
        if len(self.lines) < self.room:
            self.lines.append(line)
            return True
        return False

    def work(self):
        pass

    def shown(self, event, who=None, **what):
        """Record an event; return its own fields, after the common ones."""
        self.recorder(event, who, **what)
        return json.loads(self.lines[-1])


@pytest.fixture
def world():
    return World()


COMMON = {"n": 1, "t": 0, "k": 0}
EVENTS = [
    ("watch", {"was": 0, "now": READ}, {"was": "", "now": "r"}),
    ("watch", {"was": WRITE, "now": READ | WRITE}, {"was": "w", "now": "rw"}),
    ("call", {"action": World.work}, {"cb": "World.work"}),
    ("done", {"action": partial(World.work, None)}, {"cb": "World.work"}),
    ("error", {"error": ValueError("why")}, {"exc": "ValueError", "why": "why"}),
    ("error", {"error": OSError(32, "Broken pipe")},
     {"exc": "BrokenPipeError", "why": "broken pipe"}),
    ("open", {"fd": 8, "peer": ("::1", 9, 0, 0), "state": State.OPEN},
     {"fd": 8, "peer": "[::1]:9", "state": "OPEN"}),
    ("open", {"fd": 8, "peer": (), "state": State.OPEN}, {"fd": 8, "peer": "?", "state": "OPEN"}),
    ("state", {"was": State.OPEN, "now": State.SHUT, "why": "it ends"},
     {"was": "OPEN", "now": "SHUT", "why": "it ends"}),
    ("rx", {"octets": b"\x1b</script>"}, {"bytes": 10, "hex": "1b3c2f7363726970743e"}),
    ("rx", {"octets": b""}, {"bytes": 0, "hex": ""}),
    ("rx", {"octets": None}, {"bytes": 0, "hex": "", "again": True}),
    ("tx", {"want": 9, "octets": b"abc"}, {"want": 9, "bytes": 3, "hex": "616263"}),
    ("tx", {"want": 9, "octets": b""}, {"want": 9, "bytes": 0, "hex": "", "again": True}),
    ("tx", {"want": 0, "octets": b""}, {"want": 0, "bytes": 0, "hex": ""}),
    ("timer", {"op": "set", "what": World.work, "length": 0.05},
     {"op": "set", "what": "World.work", "in_ms": 50}),
    ("timer", {"op": "fire", "what": World.work}, {"op": "fire", "what": "World.work"}),
    ("half", {}, {}),
    ("close", {"how": "done"}, {"how": "done"}),
    ("listen", {"address": "[::]:7080", "body": b"123456789"},
     {"address": "[::]:7080", "body_len": 9, "body_crc32": "cbf43926"}),
]  # fmt: skip


@pytest.mark.parametrize(("event", "told", "fields"), EVENTS)
def test_an_event_of_somebody_is_its_fields_after_the_common_ones(world, event, told, fields):
    shown = world.shown(event, "c1", **told)
    assert list(shown.items()) == list({**COMMON, "ev": event, "on": "c1", **fields}.items())


def test_an_event_of_the_loop_is_nobodys(world):
    assert "on" not in world.shown("turned")


def test_the_turn_begins_with_the_sleep_and_tells_how_many_are_watched(world):
    world.recorder("watch", "c1", was=0, now=READ)
    world.recorder("watch", "c2", was=0, now=READ)
    world.recorder("watch", "c1", was=READ, now=WRITE)
    world.recorder("watch", "c2", was=READ, now=0)
    assert world.shown("select", timeout=None) == {
        "n": 5, "t": 0, "k": 1, "ev": "select", "timeout_ms": None, "fds": 1,
    }  # fmt: skip
    key = SelectorKey(None, 9, READ, "c1")
    assert world.shown("wake", ready=[(key, READ | WRITE)])["ready"] == [["c1", "rw"]]
    assert world.shown("select", timeout=1.5)["timeout_ms"] == 1500
    assert world.shown("turned")["k"] == 2


def test_time_is_in_microseconds_since_the_beginning(world):
    world.now += 0.0123456
    assert world.shown("turned")["t"] == 12346


def test_a_name_that_is_no_text_stays_a_value_that_every_reader_takes(world):
    world.recorder.begin("server", world, {"input_file": "caf\udce9", "port": 7080, "chunk": None})
    assert all(octet < 128 for octet in world.lines[0])
    assert json.loads(world.lines[0])["options"] == {
        "input_file": r"caf\udce9", "port": 7080, "chunk": None,
    }  # fmt: skip


def test_an_error_that_quotes_what_came_is_escaped_and_cut(world):
    shown = world.shown("error", "c1", error=ValueError("\x1b[2J\udc80" + "x" * 10_000))
    assert len(shown["why"]) < 2 * recorder.WHY_LIMIT
    assert rb"\\x1b[2J\\udc80xxx" in world.lines[0]


def test_of_many_octets_the_first_ones_are_shown_and_all_are_counted(world):
    shown = world.shown("rx", "c1", octets=b"x" * 65536)
    assert (shown["bytes"], len(shown["hex"])) == (65536, 2 * recorder.HEX_LIMIT)


def test_a_long_run_ends_its_trace_at_the_limit_and_counts_the_rest(world, monkeypatch):
    monkeypatch.setattr(recorder, "LIMIT", 3)
    for _ in range(5):
        world.recorder("turned")
    world.recorder.end()
    assert [json.loads(line)["n"] for line in world.lines] == [1, 2, 3, 4]
    assert json.loads(world.lines[-1]) == {**COMMON, "n": 4, "ev": "end", "dropped": 2}


def test_after_a_write_that_failed_nothing_is_even_put_into_words(world):
    world.room = 1
    world.recorder("turned")
    world.recorder("turned")
    world.recorder("open", None)  # would raise, for its fields are missing
    assert len(world.lines) == 1
