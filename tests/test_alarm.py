"""The alarm: it names the handler that kept the others waiting, once, and no other."""

import pytest

from edges.observers.alarm import Alarm
from edges.observers.events import (
    Called,
    Received,
    Returned,
    Sent,
    Sleeps,
    TimerFired,
    Turned,
    Wakes,
    Watches,
)


class World:
    def __init__(self):
        self.now = 1000.0
        self.said = []
        self.alarm = Alarm(0.1, lambda: self.now, self.said.append)

    def work(self):
        pass

    def call(self, who, *parts):
        """Call `who`, let the seconds in `parts` pass; a function among them is called inside."""
        self.alarm(Called(who, self.work))
        for part in parts:
            if callable(part):
                part()
            else:
                self.now += part
        self.alarm(Returned(who, self.work))


@pytest.fixture
def world():
    world = World()
    world.alarm(Wakes([]))
    return world


def test_a_call_that_takes_longer_is_reported_with_its_name_and_its_time(world: World):
    world.call("c1", 0.25)
    assert world.said == ["slow: c1 in World.work took 0.25 s; no other client was served"]


def test_a_call_within_the_limit_is_not(world: World):
    world.call("c1", 0.09)
    world.alarm(Turned())
    assert world.said == []


def test_of_nested_calls_the_one_that_took_the_time_is_named(world: World):
    world.call("listener", 0.05, lambda: world.call("c1", 0.2), 0.05)
    world.alarm(Turned())
    assert world.said == ["slow: c1 in World.work took 0.20 s; no other client was served"]


def test_a_call_that_is_slow_besides_a_slow_one_inside_is_named_for_its_own_time(world: World):
    world.call("listener", 0.3, lambda: world.call("c1", 0.2))
    assert world.said == [
        "slow: c1 in World.work took 0.20 s; no other client was served",
        "slow: listener in World.work took 0.30 s; no other client was served",
    ]


def test_of_two_slow_calls_after_one_another_each_is_named_for_its_own_time(world: World):
    world.call("c1", 0.25)
    world.call("c2", 0.3)
    world.alarm(Turned())
    assert world.said == [
        "slow: c1 in World.work took 0.25 s; no other client was served",
        "slow: c2 in World.work took 0.30 s; no other client was served",
    ]


def test_two_slow_calls_inside_one_are_named_and_it_is_not(world: World):
    world.call("listener", lambda: world.call("c1", 0.2), lambda: world.call("c2", 0.3), 0.05)
    world.alarm(Turned())
    assert [line.split()[1] for line in world.said] == ["c1", "c2"]


def test_a_slow_call_before_does_not_hide_the_time_of_the_rest_of_the_turn(world: World):
    world.call("c1", 0.25)
    for _ in range(3):
        world.call("c2", 0.05)
    world.alarm(Turned())
    assert world.said[1:] == ["slow: turn 1 took 0.15 s; no other client was served"]


def test_many_short_calls_make_a_slow_turn(world: World):
    for _ in range(3):
        world.call("c1", 0.05)
    world.alarm(Turned())
    assert world.said == ["slow: turn 1 took 0.15 s; no other client was served"]


def test_the_next_turn_begins_afresh_and_its_sleep_does_not_count(world: World):
    world.call("c1", 0.25)
    world.alarm(Turned())
    world.now += 50.0  # asleep
    world.alarm(Wakes([]))
    world.alarm(Turned())
    assert len(world.said) == 1


def test_events_of_other_kinds_are_of_no_interest(world: World):
    others = [Received("c1", b""), Sent("c1", 0, b""), Sleeps(None), Watches("c1", 0, 1)]
    for event in (*others, TimerFired("c1", None)):
        world.alarm(event)
    assert world.said == []
