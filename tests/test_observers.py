"""The observers of the loop: just those that the options ask for, as long as the program runs.

test_instrument.py tests which events an observer gets.
"""

import json

import pytest

import client
import server
from edges.command_line import ClientOptions, ServerOptions
from edges.console import Console
from edges.failure import Failure
from edges.observers.alarm import Alarm
from edges.observers.attach import SLOW, attached
from edges.observers.recorder import Recorder
from edges.observers.turns import TurnLog
from reactor import Reactor
from tests.support.fakes import FakeSelector


@pytest.fixture
def reactor():
    selector = FakeSelector()
    return Reactor(selector, selector.clock)


@pytest.fixture
def console():
    console = Console()
    yield console
    console.close()


def untouched(reactor: Reactor):
    """Whether no method of the reactor or of its selector is replaced."""
    names = {"call", "watch", "call_later", "cancel", "deadline_queue", "select", "turn"}
    return not names & {*vars(reactor), *vars(reactor.selector)}


def kinds(observers):
    return [type(observer) for observer in observers]


def limit_of(observer):
    assert isinstance(observer, Alarm)
    return observer.limit


def test_verbose_is_the_log_of_turns_and_the_alarm(reactor: Reactor, console: Console):
    with attached(reactor, console, ServerOptions(verbose=True), server) as observers:
        assert kinds(observers) == [TurnLog, Alarm]
        assert limit_of(observers[1]) == SLOW
        assert not untouched(reactor)
    assert untouched(reactor)


def test_a_limit_for_slow_calls_is_the_alarm_alone(reactor: Reactor, console: Console):
    with attached(reactor, console, ServerOptions(slow=0.5), server) as observers:
        assert kinds(observers) == [Alarm]
        assert limit_of(observers[0]) == 0.5


def test_a_limit_and_verbose_are_one_alarm_with_that_limit(reactor: Reactor, console: Console):
    with attached(reactor, console, ServerOptions(slow=0.5, verbose=True), server) as observers:
        assert kinds(observers) == [TurnLog, Alarm]
        assert limit_of(observers[1]) == 0.5


def test_a_trace_is_recorded_from_its_first_line_to_its_last(
    reactor: Reactor, console: Console, tmp_path
):
    path = tmp_path / "run.jsonl"
    asked = ClientOptions(trace=str(path), port=7080)
    with attached(reactor, console, asked, client) as observers:
        assert kinds(observers) == [Recorder]
        reactor.after_turn()
    first, middle, last = map(json.loads, path.read_text().splitlines())
    assert (first["ev"], first["role"], first["selector"]) == ("run", "client", "FakeSelector")
    given = {name: value for name, value in asked.values().items() if name != "trace"}
    assert first["options"] == given
    assert (middle["ev"], last["ev"], last["dropped"]) == ("turned", "end", 0)


def test_a_program_that_fails_has_the_last_line_too(reactor: Reactor, console: Console, tmp_path):
    path = tmp_path / "run.jsonl"
    with pytest.raises(ZeroDivisionError):
        with attached(reactor, console, ClientOptions(trace=str(path)), client):
            raise ZeroDivisionError
    assert json.loads(path.read_text().splitlines()[-1])["ev"] == "end"
    assert untouched(reactor)


def test_all_of_them_see_everything(reactor: Reactor, console: Console, tmp_path):
    asked = ServerOptions(verbose=True, slow=0.2, trace=str(tmp_path / "run.jsonl"))
    with attached(reactor, console, asked, server) as observers:
        assert kinds(observers) == [TurnLog, Alarm, Recorder]
        told = [[], []]
        observers[:] = [told[0].append, told[1].append]
        reactor.after_turn()
    assert len(told[0]) == 1
    assert told[0] == told[1]


def test_a_trace_that_cannot_be_opened_is_a_failure_and_nobody_watches(
    reactor: Reactor, console: Console
):
    with pytest.raises(Failure, match="cannot trace to '/'"):
        with attached(reactor, console, ServerOptions(verbose=True, trace="/"), server):
            raise AssertionError("not reached")
    assert untouched(reactor)
