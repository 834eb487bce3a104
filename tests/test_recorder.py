"""A trace, line by line: each event in its form, in ASCII, and never more than a disk can bear."""

import json
import re
import sys
from enum import Enum, auto
from functools import partial
from selectors import SelectorKey

import pytest

from edges.observers import recorder
from edges.observers.events import (
    Called,
    Closed,
    HalfClosed,
    Listening,
    Opened,
    Raised,
    Received,
    Returned,
    Sent,
    Sleeps,
    TimerCancelled,
    TimerFired,
    TimerSet,
    Transition,
    Turned,
    Wakes,
    Watches,
)
from edges.observers.names import function_name, object_name
from edges.observers.recorder import Recorder
from edges.observers.stack import Stacks
from reactor import READ, WRITE, Reactor
from tests.support.fakes import FakeSelector


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

    def shown(self, event):
        """Record an event; return its own fields, after the common ones."""
        self.recorder(event)
        return json.loads(self.lines[-1])


class Who:
    """A connection."""

    def __init__(self, peer_address=None):
        self.peer_address = peer_address
        self.sock = self
        self.state = State.OPEN

    def fileno(self):
        return 8

    def __str__(self):
        return "c1"


@pytest.fixture
def world():
    return World()


COMMON = {"n": 1, "t": 0, "k": 0}
C1 = Who()
EVENTS = [
    (Watches(C1, 0, READ), "watch", {"was": "", "now": "r"}),
    (Watches(C1, WRITE, READ | WRITE), "watch", {"was": "w", "now": "rw"}),
    (Called(C1, World.work), "call", {"cb": "World.work"}),
    (Returned(C1, partial(World.work, None)), "done", {"cb": "World.work"}),
    (Raised(C1, ValueError("why")), "error", {"exc": "ValueError", "why": "why"}),
    (Raised(C1, OSError(32, "Broken pipe")), "error",
     {"exc": "BrokenPipeError", "why": "broken pipe"}),
    (Opened(Who(("::1", 9, 0, 0))), "open", {"fd": 8, "peer": "[::1]:9", "state": "OPEN"}),
    (Opened(Who(())), "open", {"fd": 8, "peer": "?", "state": "OPEN"}),
    (Transition(C1, State.OPEN, State.SHUT, "it ends"), "state",
     {"was": "OPEN", "now": "SHUT", "why": "it ends"}),
    (Received(C1, b"\x1b</script>"), "rx", {"bytes": 10, "hex": "1b3c2f7363726970743e"}),
    (Received(C1, b""), "rx", {"bytes": 0, "hex": ""}),
    (Received(C1, None), "rx", {"bytes": 0, "hex": "", "again": True}),
    (Sent(C1, 9, b"abc"), "tx", {"want": 9, "bytes": 3, "hex": "616263"}),
    (Sent(C1, 9, b""), "tx", {"want": 9, "bytes": 0, "hex": "", "again": True}),
    (Sent(C1, 0, b""), "tx", {"want": 0, "bytes": 0, "hex": ""}),
    (TimerSet(C1, World.work, 0.05), "timer", {"op": "set", "what": "World.work", "in_ms": 50}),
    (TimerFired(C1, World.work), "timer", {"op": "fire", "what": "World.work"}),
    (TimerCancelled(C1, partial(World.work, 1)), "timer", {"op": "cancel", "what": "World.work"}),
    (HalfClosed(C1), "half", {}),
    (Closed(C1, "done"), "close", {"how": "done"}),
    (Listening(C1, "[::]:7080", b"123456789"), "listen",
     {"address": "[::]:7080", "body_len": 9, "body_crc32": "cbf43926"}),
]  # fmt: skip


@pytest.mark.parametrize(("event", "name", "fields"), EVENTS)
def test_an_event_of_somebody_is_its_fields_after_the_common_ones(
    world: World, event, name, fields
):
    shown = world.shown(event)
    assert list(shown.items()) == list({**COMMON, "ev": name, "on": "c1", **fields}.items())


def test_an_event_of_the_loop_is_nobodys(world: World):
    assert "on" not in world.shown(Turned())


def test_the_turn_begins_with_the_sleep_and_tells_how_many_are_watched(world: World):
    world.recorder(Watches("c1", 0, READ))
    world.recorder(Watches("c2", 0, READ))
    world.recorder(Watches("c1", READ, WRITE))
    world.recorder(Watches("c2", READ, 0))
    assert world.shown(Sleeps(None)) == {
        "n": 5, "t": 0, "k": 1, "ev": "select", "timeout_ms": None, "fds": 1,
    }  # fmt: skip
    key = SelectorKey(None, 9, READ, "c1")
    assert world.shown(Wakes([(key, READ | WRITE)]))["ready"] == [["c1", "rw"]]
    assert world.shown(Sleeps(1.5))["timeout_ms"] == 1500
    assert world.shown(Turned())["k"] == 2


def test_time_is_in_microseconds_since_the_beginning(world: World):
    world.now += 0.0123456
    assert world.shown(Turned())["t"] == 12346


def test_a_name_that_is_no_text_stays_a_value_that_every_reader_takes(world: World):
    world.recorder.begin("server", world, {"input_file": "caf\udce9", "port": 7080, "chunk": None})
    assert all(byte < 128 for byte in world.lines[0])
    assert json.loads(world.lines[0])["options"] == {
        "input_file": r"caf\udce9", "port": 7080, "chunk": None,
    }  # fmt: skip


def test_the_first_line_says_what_runs_and_has_the_clock_to_compare_two_traces(world: World):
    world.recorder.begin("client", world, {"port": 80})
    python = "{}.{}.{}".format(*sys.version_info)
    assert json.loads(world.lines[0]) == {
        **COMMON, "ev": "run", "v": 1, "role": "client", "selector": "World", "python": python,
        "protocol": 1, "options": {"port": 80}, "clock": round(1e6 * world.recorder.began),
    }  # fmt: skip


def test_an_error_that_quotes_what_came_is_escaped_and_cut(world: World):
    shown = world.shown(Raised("c1", ValueError("\x1b[2J\udc80" + "x" * 10_000)))
    assert len(shown["why"]) < 2 * recorder.WHY_LIMIT
    assert rb"\\x1b[2J\\udc80xxx" in world.lines[0]


def test_of_many_bytes_the_first_ones_are_shown_and_all_are_counted(world: World):
    shown = world.shown(Received("c1", b"x" * 65536))
    assert (shown["bytes"], len(shown["hex"])) == (65536, 2 * recorder.HEX_LIMIT)


def test_a_long_run_ends_its_trace_at_the_limit_and_counts_the_rest(world: World, monkeypatch):
    monkeypatch.setattr(recorder, "LIMIT", 3)
    for _ in range(5):
        world.recorder(Turned())
    world.recorder.end()
    assert [json.loads(line)["n"] for line in world.lines] == [1, 2, 3, 4]
    assert json.loads(world.lines[-1]) == {**COMMON, "n": 4, "ev": "end", "dropped": 2}


def test_after_a_write_that_failed_nothing_is_even_put_into_words(world: World):
    world.room = 1
    world.recorder(Turned())
    world.recorder(Turned())
    world.recorder(Opened(None))  # would raise, for None is no connection
    assert len(world.lines) == 1


def test_what_is_left_out_is_counted_for_the_turns_and_the_watched_all_the_same(world: World):
    world.room = 0
    world.recorder(Watches("c1", 0, READ))  # the line that fails
    world.recorder(Watches("c2", 0, READ))
    world.recorder(Sleeps(None))
    assert (world.recorder.turn, world.recorder.watched, world.recorder.dropped) == (1, 2, 2)


def test_without_stacks_a_line_says_nothing_of_the_place(world: World):
    assert "stack" not in world.shown(Turned())


def test_a_stack_has_the_lines_of_our_files_and_at_its_end_the_function_that_is_called(
    monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)  # a file has the same name wherever the program was started
    stacks, seen = Stacks(), []
    loop = Reactor(FakeSelector())
    loop.call(loop, lambda: seen.append(stacks.here(loop.watch)))
    [*_, call, callee] = seen[0]
    assert re.fullmatch(r"reactor\.py:\d+ Reactor\.\S*call\S*", call)
    assert re.fullmatch(r"reactor\.py:\d+ Reactor\.\S*watch\S*", callee)
    assert stacks.here(partial(loop.watch, None))[-1] == callee
    assert stacks.here(len) == stacks.here(None)  # a function of C has no line


def test_with_stacks_each_line_says_where_the_program_is(world: World):
    world.recorder.stacks = Stacks()
    shown = world.shown(Turned())
    assert list(shown)[-1] == "stack"
    assert isinstance(shown["stack"], list)


def test_several_of_a_kind_have_names_and_a_single_object_has_that_of_its_class():
    class Console:
        pass

    class Listener:
        def __str__(self):
            return "listener 2"

    assert object_name(Console()) == "console"
    assert object_name(Listener()) == "listener 2"


def test_a_function_has_its_own_name_in_a_partial_too_and_anything_else_is_shown_as_it_is():
    def deed():
        pass

    name = "test_a_function_has_its_own_name_in_a_partial_too_and_anything_else_is_shown_as_it_is"
    assert function_name(deed) == function_name(partial(deed)) == f"{name}.<locals>.deed"
    assert function_name(World.work) == "World.work"
    assert function_name(7) == "7"
