"""Exhaustive exploration: a share of `explore` and `sweep`, and whether they miss anything."""

import math

import pytest

import listener
import server
from lab.simulation import exploration, sweeps
from lab.simulation.exploration import END, Enumeration, Graph, Known, Scope, explore
from lab.simulation.knobs import BODIES, Knobs
from lab.simulation.world import Broken
from reactor import READ
from tests.test_simulation import told

SHARE = ("one client, 0 bytes", "two clients", "two clients, one place")


@pytest.mark.fault("B1", "B7", "B9", "B16", "C9", "C10")
def test_every_course_of_events_of_a_tiny_file_keeps_every_invariant():
    """Every cut of both streams for one client, every order of things for two."""
    out = told("explore", *(word for name in SHARE for word in ("--scope", name)))
    assert out.endswith(" states, 0 violations\n")
    assert int(out.split("\n")[-2].split()[0].replace(",", "")) > 1500


def test_the_scopes_are_what_is_promised():
    names = list(exploration.SCOPES)
    for length in range(5):
        assert f"one client, {length} bytes" in names
        assert f"one client, {length} bytes, a deadline" in names
        assert f"one client, {length} bytes, a trouble" in names
    assert "two clients" in names


@pytest.mark.fault("B6", "B7", "G6", "G7", "G8", "G11", "G12", "G13", "G18")
@pytest.mark.parametrize("body", [BODIES[0], BODIES[1]])
def test_every_truncation_and_every_flipped_bit_is_found(body):
    every = list(sweeps.damages(body))
    length = len(sweeps.HELLO + sweeps.file_message(body))
    assert len(every) == 10 * (8 + length)
    assert [damage for damage in every if sweeps.judge(damage)] == []


def test_every_combination_of_answers_is_given_once():
    answers, seen = Enumeration(), []
    while True:
        first = answers.below(3)
        seen.append((first, *(answers.below(2) for _ in range(first))))
        if not answers.go_back():
            break
    assert len(seen) == len(set(seen)) == 1 + 2 + 4


def test_courses_are_counted_along_the_graph():
    """A diamond and a half: two ways to the middle, one on, one straight to the end."""
    graph = Graph()
    for way in (["a", "b", "d", END], ["a", "c", "d"], ["a", END]):
        graph.way.clear()
        for state in way:
            if state == END:
                graph.link(END)
                continue
            try:
                graph.enter(state, 0)
            except Known:
                graph.way[graph.numbers[state]] = 0
    assert graph.courses() == 3


def never_gives_up(self):
    self.next_look = None
    self.watch(READ)
    self.look_in(listener.RETRY)


def is_deaf_at_the_end(self):
    self.transition(server.DONE)


def forgets_what_comes_in_two_pieces(self, data):
    self.received = b""
    heard_it(self, data)


heard_it = server.ServerConnection.hear


@pytest.mark.parametrize(
    ("kind", "method", "defect", "scope"),
    [
        (listener.Acceptor, "look", never_gives_up, Scope("", Knobs(clients=2, places=1))),
        (server.ServerConnection, "half_close", is_deaf_at_the_end, Scope("", Knobs(clients=1))),
        (
            server.ServerConnection, "hear", forgets_what_comes_in_two_pieces,
            Scope("", Knobs(clients=1)),
        ),
    ],
    ids=["circle", "never ends", "wrong"],
)  # fmt: skip
def test_a_planted_defect_is_found(monkeypatch, kind, method, defect, scope):
    monkeypatch.setattr(kind, method, defect)
    with pytest.raises(Broken):
        explore(scope)


def test_a_circle_is_distinguished_from_a_known_state(monkeypatch):
    """A server that arms its retry for ever wakes for ever: its states repeat."""
    monkeypatch.setattr(listener.Acceptor, "look", never_gives_up)
    monkeypatch.setattr("lab.simulation.program.Program.patience", lambda self: math.inf)
    with pytest.raises(Broken, match="circle"):
        explore(Scope("", Knobs(clients=2, places=1)))
