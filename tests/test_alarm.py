"""The alarm: who kept the others waiting is named, once, and nobody else."""

import pytest

from edges.alarm import Alarm


class World:
    def __init__(self):
        self.now = 1000.0
        self.said = []
        self.alarm = Alarm(0.1, lambda: self.now, self.said.append)

    def work(self):
        pass

    def call(self, who, *parts):
        """Let `who` be called and take so many seconds; a function among them is called inside."""
        self.alarm("call", who, action=self.work)
        for part in parts:
            if callable(part):
                part()
            else:
                self.now += part
        self.alarm("done", who, action=self.work)


@pytest.fixture
def world():
    world = World()
    world.alarm("wake", ready=[])
    return world


def test_a_call_that_takes_longer_is_told_of_with_its_name_and_its_time(world):
    world.call("c1", 0.25)
    assert world.said == ["slow: c1 in World.work took 0.25 s; nobody else was served"]


def test_a_call_within_the_limit_is_not(world):
    world.call("c1", 0.09)
    world.alarm("turned")
    assert world.said == []


def test_of_nested_calls_the_one_that_took_the_time_is_named(world):
    world.call("listener", 0.05, lambda: world.call("c1", 0.2), 0.05)
    world.alarm("turned")
    assert world.said == ["slow: c1 in World.work took 0.20 s; nobody else was served"]


def test_a_call_that_is_slow_besides_a_slow_one_inside_is_named_for_its_own_time(world):
    world.call("listener", 0.3, lambda: world.call("c1", 0.2))
    assert world.said == [
        "slow: c1 in World.work took 0.20 s; nobody else was served",
        "slow: listener in World.work took 0.30 s; nobody else was served",
    ]


def test_many_short_calls_make_a_slow_turn(world):
    for _ in range(3):
        world.call("c1", 0.05)
    world.alarm("turned")
    assert world.said == ["slow: turn 1 took 0.15 s; nobody else was served"]


def test_the_next_turn_begins_afresh_and_its_sleep_does_not_count(world):
    world.call("c1", 0.25)
    world.alarm("turned")
    world.now += 50.0  # asleep
    world.alarm("wake", ready=[])
    world.alarm("turned")
    assert len(world.said) == 1


def test_events_of_other_kinds_are_of_no_interest(world):
    for event in ("rx", "tx", "select", "watch", "no such event"):
        world.alarm(event, "c1")
    assert world.said == []
