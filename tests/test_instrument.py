"""The events of a run: which ones an observer gets, in which order, and that it changes nothing."""

import errno
import os
from enum import Enum, auto
from types import SimpleNamespace
from typing import ClassVar

import pytest

import server
from connection import Connection
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
from edges.observers.instrument import instrumented
from reactor import READ, WRITE, DeadlineQueue, Reactor, nothing
from tests.support.fakes import FakeSelector


class State(Enum):
    OPEN = auto()
    SHUT = auto()


class Wire(Connection):
    """A connection as a program has it."""

    transitions: ClassVar = {(State.OPEN, State.SHUT): "the last one leaves"}

    def __init__(self, reactor, sock):
        super().__init__(reactor, sock, State.OPEN, "its peer")

    def on_readable(self):
        self.receive()

    def on_writable(self):
        self.send()

    def on_error(self, error):
        self.close()

    def end(self, ending, why=""):
        self.close()


class FastWire(Wire):
    """One of its kinds."""


PROGRAM = SimpleNamespace(Connection=Connection, Wire=Wire, FastWire=FastWire)


class World:
    """A reactor on a fake selector, observed; `told` has its events, in order."""

    def __init__(self):
        self.selector = FakeSelector()
        self.reactor = Reactor(self.selector, self.selector.clock)
        self.told = []

    def wire(self, *incoming):
        return Wire(self.reactor, self.selector.socket(*incoming))

    def kinds(self):
        return [type(event) for event in self.told]


@pytest.fixture
def world():
    world = World()
    with instrumented(world.reactor, PROGRAM, world.told.append):
        yield world
    for key in list(world.selector.get_map().values()):
        world.reactor.watch(key.data, 0)


def failing(number):
    return OSError(number, os.strerror(number))


# --- the loop


def test_each_step_of_a_turn_is_reported_in_its_order(world: World):
    one = world.wire()
    world.reactor.watch(one, READ)
    world.selector.after(2.5, lambda: one.sock.incoming.append(b"x"))
    world.reactor.turn()
    [opened, watches, sleeps, wakes, called, received, returned, turned] = world.told
    assert opened == Opened(one)
    assert watches == Watches(one, 0, READ)
    assert sleeps == Sleeps(None)
    [(key, events)] = wakes.ready
    assert (key.data, events) == (one, READ)
    assert called == Called(one, one.on_readable)
    assert received == Received(one, b"x")
    assert returned == Returned(one, one.on_readable)
    assert turned == Turned()


def test_the_end_of_a_turn_is_reported_before_the_messages_go_out():
    world = World()
    world.reactor.after_turn = lambda: world.told.append("flush")
    with instrumented(world.reactor, PROGRAM, world.told.append):
        world.reactor.call_later(0.0, None, nothing)
        world.told.clear()
        world.reactor.turn()
    assert [type(event) for event in world.told[-2:]] == [Turned, str]


def test_the_loop_sleeps_as_long_as_without_an_observer(world: World):
    timer = world.reactor.call_later(5.0, None, nothing)
    world.reactor.turn()
    world.reactor.cancel(timer)
    assert world.selector.sleeps == [5.0]
    assert Sleeps(5.0) in world.told


def test_only_changes_of_interest_are_reported(world: World):
    one = world.wire()
    world.told.clear()
    for interest in (READ, READ, READ | WRITE, 0, 0):
        world.reactor.watch(one, interest)
    assert world.told == [
        Watches(one, 0, READ), Watches(one, READ, READ | WRITE), Watches(one, READ | WRITE, 0),
    ]  # fmt: skip


def test_an_interest_that_the_selector_refuses_is_not_told(world: World):
    one = world.wire()
    world.told.clear()
    one.sock.fails["register"] = failing(errno.ENOSPC)
    with pytest.raises(OSError):
        world.reactor.watch(one, READ)
    assert world.told == []


def test_an_error_is_reported_before_the_handler_gets_it(world: World):
    def fail():
        raise error

    error = ZeroDivisionError()
    handler = SimpleNamespace(on_error=world.told.append)
    world.reactor.call(handler, fail)
    assert world.told == [Called(handler, fail), Raised(handler, error), error,
                          Returned(handler, fail)]  # fmt: skip


def test_timers_set_cancelled_and_fired_are_reported(world: World):
    handler = SimpleNamespace(on_error=nothing)
    one = world.reactor.call_later(3.0, handler, nothing)
    world.reactor.call_later(3.0, handler, handler.on_error)
    world.reactor.cancel(one)
    assert world.told[-1] == TimerCancelled(handler, nothing)
    world.reactor.cancel(one)
    world.reactor.turn()
    world.reactor.turn()
    told = [event for event in world.told if not isinstance(event, Sleeps | Wakes | Turned)]
    assert told == [
        TimerSet(handler, nothing, 3.0), TimerSet(handler, nothing, 3.0),
        TimerCancelled(handler, nothing),
        TimerFired(handler, nothing), Called(handler, nothing), Returned(handler, nothing),
    ]  # fmt: skip


@pytest.mark.parametrize("made", ["before", "during"])
def test_deadlines_armed_cancelled_and_acted_on_are_reported(made):
    world, act = World(), lambda handler: None
    queue = world.reactor.deadline_queue(3.0, act) if made == "before" else None
    one, two = Handler(), Handler()
    with instrumented(world.reactor, PROGRAM, world.told.append):
        queue = queue or world.reactor.deadline_queue(3.0, act)
        queue.arm(one)
        queue.arm(two)
        queue.cancel(one)
        queue.cancel(one)
        world.reactor.turn()
        world.reactor.turn()
    told = [event for event in world.told if not isinstance(event, Sleeps | Wakes | Turned)]
    assert told[:4] == [
        TimerSet(one, act, 3.0), TimerSet(two, act, 3.0), TimerCancelled(one, act),
        TimerFired(two, told[3].action),
    ]  # fmt: skip
    assert told[3].action.func is act
    assert [type(event) for event in told[4:]] == [Called, Returned]


class Handler:
    """Somebody with a deadline."""

    def on_error(self, error):
        raise error


def test_a_deadline_cancelled_while_it_is_due_is_reported_as_cancelled(world: World):
    one, two = Handler(), Handler()
    queue: DeadlineQueue = world.reactor.deadline_queue(1.0, lambda _: queue.cancel(two))
    queue.arm(one)
    queue.arm(two)
    world.reactor.turn()
    world.told.clear()
    world.reactor.turn()
    assert [type(e) for e in world.told if not isinstance(e, Sleeps | Wakes)] == [
        TimerFired, Called, TimerCancelled, Returned, Turned,
    ]  # fmt: skip


# --- connections


def test_a_transition_is_reported_with_its_reason_and_an_illegal_one_is_not(world: World):
    wire = world.wire()
    world.told.clear()
    wire.transition(State.SHUT)
    with pytest.raises(RuntimeError):
        wire.transition(State.OPEN)
    assert world.told == [Transition(wire, State.OPEN, State.SHUT, "the last one leaves")]


def test_what_was_received_is_reported_be_it_nothing(world: World):
    wire = world.wire(b"bytes", b"")
    world.told.clear()
    for _ in range(3):
        wire.receive()
    assert world.told == [Received(wire, data) for data in (b"bytes", b"", None)]


def test_what_was_to_go_and_what_was_taken_are_reported(world: World):
    wire = world.wire()
    world.told.clear()
    wire.unsent = b"bytes"
    wire.sock.room = 3
    wire.send(4)
    wire.send()
    assert world.told == [Sent(wire, 5, b"byt"), Sent(wire, 2, b"")]


def test_a_half_close_that_worked_is_reported(world: World):
    wire = world.wire()
    world.told.clear()
    wire.half_close()
    wire.sock.fails["shutdown"] = failing(errno.ENOTCONN)
    with pytest.raises(OSError):
        wire.half_close()
    assert world.told == [HalfClosed(wire)]


def test_the_first_close_is_reported_after_the_selector_is_left_with_how_it_ended(world: World):
    wire = world.wire()
    world.reactor.watch(wire, READ)
    world.told.clear()
    wire.end("lost", ": why")
    wire.end("again")
    assert world.told == [Watches(wire, READ, 0), Closed(wire, "lost: why")]


def test_a_close_after_an_error_and_one_without_any_ending_have_words_too(world: World):
    one, two = world.wire(failing(errno.ECONNRESET)), world.wire()
    world.reactor.call(one, one.on_readable)
    two.close()
    closed = [event for event in world.told if isinstance(event, Closed)]
    assert closed == [Closed(one, "failed"), Closed(two, "over")]


def test_a_kind_of_a_kind_is_reported_once(world: World):
    wire = FastWire(world.reactor, world.selector.socket())
    wire.end("done")
    assert world.told == [Opened(wire), Closed(wire, "done")]


def test_connections_of_another_reactor_are_not_told_of(world: World):
    other = World().wire(b"x")
    other.receive()
    other.unsent = b"x"
    other.send()
    other.transition(State.SHUT)
    other.half_close()
    other.close()
    assert world.told == []


def test_a_listening_period_is_reported_with_its_address_and_its_file(world: World, monkeypatch):
    served = []
    kind = type("Server", (), {"serve": lambda self, *what: served.append(what)})
    monkeypatch.setattr(PROGRAM, "Server", kind, raising=False)
    sock = SimpleNamespace(getsockname=lambda: ("::1", 7080, 0, 0))
    ours, other = kind(), kind()
    ours.reactor, other.reactor = world.reactor, None
    with instrumented(world.reactor, PROGRAM, world.told.append):
        ours.serve(b"body", [sock])
        other.serve(b"other", [sock])
    assert world.told == [Listening(ours, "[::1]:7080", b"body")]
    assert served == [(b"body", [sock]), (b"other", [sock])]


# --- before and after


def test_after_the_run_every_method_is_as_it_was_before():
    world = World()
    world.reactor.after_turn = hook = lambda: None
    queue = world.reactor.deadline_queue(1.0, nothing)
    kinds = [Connection, *(vars(server)[name] for name in
             ("ServerConnection", "SlowConnection", "Server"))]  # fmt: skip
    before = [dict(vars(kind)) for kind in kinds]
    owners = [world.reactor, world.selector, world.reactor.timers, queue]
    names = [set(vars(owner)) for owner in owners]
    with pytest.raises(ZeroDivisionError), instrumented(world.reactor, server, world.told.append):
        assert [dict(vars(kind)) for kind in kinds] != before
        raise ZeroDivisionError
    assert [dict(vars(kind)) for kind in kinds] == before
    assert [set(vars(owner)) for owner in owners] == names
    assert world.reactor.after_turn is hook
