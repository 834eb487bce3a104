"""Who watches the loop: just those whom the options ask for, for as long as the program runs."""

import json
from argparse import Namespace

import pytest

from edges.alarm import Alarm
from edges.console import Console
from edges.failure import Failure
from edges.observers import SLOW, Several, observed
from edges.turns import TurnLog
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


def options(*, verbose=False, slow=None, trace=None, **more):
    return Namespace(verbose=verbose, slow=slow, trace=trace, **more)


def test_nobody_watches_unless_asked(reactor, console):
    with observed(reactor, console, "server", options()):
        assert reactor.trace is None


def test_verbose_is_the_log_of_turns_and_the_alarm(reactor, console):
    with observed(reactor, console, "server", options(verbose=True)):
        log, alarm = reactor.trace.observers
        assert (type(log), type(alarm), alarm.limit) == (TurnLog, Alarm, SLOW)
    assert reactor.trace is None


def test_a_limit_for_slow_calls_is_the_alarm_alone(reactor, console):
    with observed(reactor, console, "server", options(slow=0.5)):
        assert (type(reactor.trace), reactor.trace.limit) == (Alarm, 0.5)


def test_a_trace_is_recorded_from_its_first_line_to_its_last(reactor, console, tmp_path):
    path = tmp_path / "run.jsonl"
    asked = options(trace=str(path), port=7080)
    with observed(reactor, console, "client", asked):
        reactor.trace("turned")
    first, middle, last = map(json.loads, path.read_text().splitlines())
    assert (first["ev"], first["role"], first["selector"]) == ("run", "client", "FakeSelector")
    assert first["options"] == {"verbose": False, "slow": None, "port": 7080}
    assert (middle["ev"], last["ev"], last["dropped"]) == ("turned", "end", 0)


def test_a_program_that_fails_has_the_last_line_too(reactor, console, tmp_path):
    path = tmp_path / "run.jsonl"
    with pytest.raises(ZeroDivisionError):
        with observed(reactor, console, "client", options(trace=str(path))):
            raise ZeroDivisionError
    assert json.loads(path.read_text().splitlines()[-1])["ev"] == "end"
    assert reactor.trace is None


def test_all_of_them_are_told_of_everything(reactor, console, tmp_path):
    asked = options(verbose=True, slow=0.2, trace=str(tmp_path / "run.jsonl"))
    with observed(reactor, console, "server", asked):
        assert len(reactor.trace.observers) == 3
    told = []
    several = Several([lambda *what, **more: told.append((what, more))] * 2)
    several("rx", "c1", octets=b"")
    assert told == [(("rx", "c1"), {"octets": b""})] * 2


def test_a_trace_that_cannot_be_opened_is_a_failure_and_nobody_watches(reactor, console):
    with pytest.raises(Failure, match="cannot trace to '/'"):
        with observed(reactor, console, "server", options(verbose=True, trace="/")):
            raise AssertionError("not reached")
    assert reactor.trace is None
