"""What -v shows: one line for each turn, except for those that only wrote such lines."""

from argparse import Namespace
from selectors import SelectorKey

import pytest

from edges.turns import TurnLog
from reactor import READ, WRITE


class Lines:
    """A console."""

    def __init__(self):
        self.said = []
        self.line = self.said.append

    def __str__(self):
        return "console"


@pytest.fixture
def console():
    return Lines()


def ready(handler, events):
    return SelectorKey(Namespace(), 9, READ | WRITE, handler), events


def test_a_turn_is_shown_with_its_number_its_sleep_and_who_woke_it(console):
    log = TurnLog(console)
    log(1.23456, [ready("listener", READ)])
    log(0.0, [ready("c1", WRITE), ready("c2", READ | WRITE)])
    assert console.said == [
        "turn 1: slept 1234.6 ms; listener readable",
        "turn 2: slept 0.0 ms; c1 writable, c2 readable and writable",
    ]


def test_a_turn_without_anybody_ready_has_a_deadline(console):
    TurnLog(console)(0.5, [])
    assert console.said == ["turn 1: slept 500.0 ms; a deadline has passed"]


def test_a_turn_that_only_writes_messages_is_neither_shown_nor_counted(console):
    log = TurnLog(console)
    log(0.1, [ready(console, WRITE)])
    assert (console.said, log.turns) == ([], 0)


def test_a_turn_that_also_writes_messages_is_shown(console):
    log = TurnLog(console)
    log(0.1, [ready(console, WRITE), ready("c1", READ)])
    assert console.said == ["turn 1: slept 100.0 ms; console writable, c1 readable"]
