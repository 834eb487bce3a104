"""What -v shows: one line for each turn, except for those that only wrote such lines."""

from selectors import SelectorKey
from types import SimpleNamespace
from typing import Any

import pytest

from edges.observers.events import (
    Called,
    Closed,
    HalfClosed,
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
)
from edges.observers.turns import TurnLog
from reactor import READ, WRITE


class Lines:
    """A console."""

    def __init__(self):
        self.lines = []

    def __str__(self):
        return "console"


class Handler:
    def __init__(self, name):
        self.name = name

    def __str__(self):
        return self.name

    def on_readable(self):
        pass

    def on_writable(self):
        pass

    def late(self):
        pass


class World:
    def __init__(self):
        self.console: Any = Lines()
        self.now = 1000.0
        self.log = TurnLog(self.console, lambda: self.now)

    def turn(self, slept, *ready):
        """Begin a turn: `ready` are pairs of a handler and what it is ready for."""
        self.log(Sleeps(None))
        self.now += slept
        keys = [(SelectorKey(None, 9, READ | WRITE, who), events) for who, events in ready]
        self.log(Wakes(keys))

    def end(self):
        """End the turn; return the lines it has left."""
        self.log(Turned())
        lines, self.console.lines = self.console.lines, []
        return "".join(lines).splitlines()


@pytest.fixture
def world():
    return World()


c1, c2, listener = Handler("c1"), Handler("c2"), Handler("listener")
STATE = SimpleNamespace(name="SENDING")


def test_a_turn_is_shown_with_its_number_its_sleep_and_what_was_ready(world: World):
    world.turn(1.23456, (listener, READ))
    assert world.end() == ["turn 1: slept 1234.6 ms; listener readable"]
    world.turn(0.0, (c1, WRITE), (c2, READ | WRITE))
    assert world.end() == ["turn 2: slept 0.0 ms; c1 writable; c2 readable; c2 writable"]


def test_a_deadline_is_one_line_although_it_takes_two_turns(world: World):
    """The first only wakes for it; the second acts on it, and has slept as long as both."""
    world.turn(0.5)
    assert world.end() == []
    world.turn(0.0)
    world.log(TimerFired(c1, Handler.late))
    world.log(Called(c1, c1.late))
    world.log(TimerSet(c1, Handler.late, 0.1))
    assert world.end() == ["turn 2: slept 500.0 ms; c1 deadline"]
    world.turn(0.1, (c2, READ))
    assert world.end() == ["turn 3: slept 100.0 ms; c2 readable"]


def test_what_each_has_done_comes_after_its_name(world: World):
    world.turn(0.001, (c1, READ), (c2, WRITE))
    world.log(Called(c1, c1.on_readable))
    world.log(Received(c1, b"HELLO 1\n"))
    world.log(Transition(c1, None, STATE, ""))
    world.log(Sent(c1, 85, b"x" * 85))
    world.log(HalfClosed(c1))
    world.log(Returned(c1, c1.on_readable))
    world.log(Called(c2, c2.on_writable))
    world.log(Sent(c2, 40, b"xxxx"))
    world.log(Returned(c2, c2.on_writable))
    [line] = world.end()
    assert line.split("; ") == [
        "turn 1: slept 1.0 ms",
        "c1 readable: received 8, SENDING, sent 85, half-closed",
        "c2 writable: sent 4 of 40",
    ]


def test_what_is_done_to_somebody_else_names_him(world: World):
    world.turn(0.0, (listener, READ))
    world.log(Called(listener, listener.on_readable))
    world.log(Opened(c1))
    world.log(Called(c1, c1.late))
    world.log(Sent(c1, 8, b"HELLO 1\n"))
    assert world.end() == ["turn 1: slept 0.0 ms; listener readable: c1 opened, c1 sent 8"]


def test_a_deadline_names_whose_it_is_and_what_it_did(world: World):
    world.turn(0.0)
    world.log(TimerFired(c1, Handler.late))
    world.log(Called(c1, c1.late))
    world.log(Sent(c1, 5, b"ERROR"))
    world.log(Received(c1, None))
    world.log(Closed(c1, "late"))
    world.log(TimerCancelled(c1, Handler.late))
    assert world.end() == [
        "turn 1: slept 0.0 ms; c1 deadline: sent 5, nothing there, closed",
    ]


def test_an_error_and_the_end_of_a_stream_have_words_too(world: World):
    world.turn(0.0, (c1, READ), (c2, READ))
    world.log(Called(c1, c1.on_readable))
    world.log(Received(c1, b""))
    world.log(Called(c2, c2.on_readable))
    world.log(Raised(c2, ConnectionResetError()))
    assert world.end() == [
        "turn 1: slept 0.0 ms; c1 readable: end of stream; c2 readable: ConnectionResetError"
    ]


def test_the_line_of_a_turn_comes_before_those_of_the_conversation(world: World):
    world.console.lines.append("from before\n")
    world.turn(0.0, (c1, READ))
    world.console.lines.append("c1 S: HELLO 1\n")
    assert world.end() == ["from before", "turn 1: slept 0.0 ms; c1 readable", "c1 S: HELLO 1"]


def test_a_turn_that_only_writes_messages_is_not_shown_but_counted_as_in_a_trace(world: World):
    world.turn(0.1, (world.console, WRITE))
    assert world.end() == []
    world.turn(0.1, (world.console, WRITE), (c1, READ))
    assert world.end() == ["turn 2: slept 100.0 ms; console writable; c1 readable"]


def test_a_deadline_in_a_turn_that_writes_messages_is_shown(world: World):
    world.turn(0.1, (world.console, WRITE))
    world.log(TimerFired(c1, Handler.late))
    assert world.end() == ["turn 1: slept 100.0 ms; console writable; c1 deadline"]


def test_what_happens_outside_the_turns_is_not_shown(world: World):
    world.log(Opened(c1))
    world.turn(0.0, (c1, READ))
    assert world.end() == ["turn 1: slept 0.0 ms; c1 readable"]
    world.log(Closed(c1, "over"))
    world.turn(0.0, (c2, READ))
    assert world.end() == ["turn 2: slept 0.0 ms; c2 readable"]
