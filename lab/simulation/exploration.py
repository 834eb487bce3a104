"""Exhaustive exploration: all courses of events, for tiny files.

    python -m lab.simulation explore

At each step the world is in a state, and may go on in several ways. Equal states go on equally, so
each state is explored once: a run stops when it meets a known state, and the next run takes the
next way at the last fork that has one (depth first). To go back to a fork means to run again from
the beginning. If one run meets a state twice, that is a circle: a run that never ends. So the
invariants check safety in every state, and the absence of circles and deadlocks shows liveness.

At the end the different courses of events in this graph are counted.
"""

import math
import time
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from lab.simulation.knobs import Knobs
from lab.simulation.state import state_of
from lab.simulation.wire import TROUBLES, Pending, Wire
from lab.simulation.world import Broken, World

END = -1  # the state after the end of a run


class Enumeration:
    """Answers each question in every possible way, one run after another."""

    def __init__(self) -> None:
        self.answers: list[list[int]] = []  # of this run: [answer, how many there are]
        self.asked = 0

    def below(self, count: int) -> int:
        if self.asked == len(self.answers):
            self.answers.append([0, count])
        self.asked += 1
        return self.answers[self.asked - 1][0]

    def maybe(self, share: float) -> bool:
        return share > 0 and self.below(2) == 1

    def is_beyond_the_fork(self) -> bool:
        """Return whether this run has left the way of the run before it."""
        return self.asked == len(self.answers)

    def go_back(self) -> bool:
        """Take the next way at the last fork that has one; False: there is none."""
        while self.answers and self.answers[-1][0] + 1 == self.answers[-1][1]:
            self.answers.pop()
        if self.answers:
            self.answers[-1][0] += 1
        self.asked = 0
        return bool(self.answers)


class Known(BaseException):
    """This state has been entered before."""


class Graph:
    """The states, and the ways between them."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}
        self.next: dict[int, set[int]] = {END: set()}
        self.way: dict[int, int] = {}  # of this run: state -> questions asked before it

    def enter(self, state: Hashable, asked: int) -> None:
        """Enter a state. Raises Known if it was entered before, Violation for a circle."""
        number = self.numbers.setdefault(state, len(self.numbers))
        known = number in self.next
        self.link(number)
        if known:
            raise Known(number)
        self.next[number] = set()
        self.way[number] = asked

    def link(self, number: int) -> None:
        if self.way:
            self.next[next(reversed(self.way))].add(number)

    def shorten(self, asked: int) -> None:
        """Forget the part of the way that comes after a fork."""
        while self.way and self.way[next(reversed(self.way))] >= asked:
            self.way.popitem()

    def courses(self) -> int:
        """Return how many ways lead from the first state to an end."""
        ways = {END: 1}
        stack = [0]
        while stack:
            missing = [number for number in self.next[stack[-1]] if number not in ways]
            if missing:
                stack += missing
            else:
                number = stack.pop()
                ways[number] = sum(ways[after] for after in self.next[number])
        return ways[0]


class Explored(World):
    """A world in which everything that can happen does."""

    def __init__(self, chance: Enumeration, graph: Graph, scope: "Scope") -> None:
        super().__init__(chance, scope.knobs)
        self.answers = chance
        self.graph = graph
        self.scope = scope
        self.troubles = 0  # calamities so far
        for kind in scope.strangers:
            self.add_stranger(kind)
        if scope.deadline:
            self.hurried = True
            self.add_trouble(Pending(self.let_a_deadline_pass))

    def add_trouble(self, trouble: Pending) -> None:
        self.calamities.append(trouble)
        self.troubles += 1

    def let_a_deadline_pass(self) -> None:
        if (when := self.next_moment()) < math.inf:
            self.pass_time(max(when, self.now))

    def let_suffer(self, wire: Wire) -> None:
        wire.suffer(TROUBLES[self.chance.below(len(TROUBLES))])

    def connected(self, wire: Wire) -> None:
        self.wires.append(wire)
        if self.scope.trouble and len(self.wires) == 1:
            self.add_trouble(Pending(self.let_suffer, wire))

    def piece(self, length: int) -> int:
        """Let bytes arrive one by one. A program that does not look in between finds several at
        once, so this covers every split. After a trouble they arrive together."""
        return min(length, self.scope.piece) if len(self.calamities) == self.troubles else length

    def step(self) -> None:
        if self.answers.is_beyond_the_fork():
            try:
                self.graph.enter(state_of(self), self.answers.asked)
            except Known as known:
                if known.args[0] in self.graph.way:
                    self.violation("a circle: this run need not end")
                raise
        super().step()


class Scope(NamedTuple):
    """One exploration: its clients, and what may happen to them."""

    name: str
    knobs: Knobs
    strangers: tuple[str, ...] = ()
    piece: int = 1  # bytes that arrive at a time
    trouble: bool = False  # one reset, silence or early end of a stream, at any moment
    deadline: bool = False  # one deadline passes, at any moment


class Found(NamedTuple):
    """The figures of an exploration."""

    states: int
    runs: int
    courses: int


def explore(scope: Scope) -> Found:
    """Explore every way. Raises Broken at the first violation."""
    answers, graph = Enumeration(), Graph()
    runs = 0
    while True:
        runs += 1
        try:
            Explored(answers, graph, scope).run()
            graph.link(END)
        except Known:
            pass
        if not answers.go_back():
            return Found(len(graph.numbers), runs, graph.courses())
        graph.shorten(len(answers.answers))


BODIES = (b"", b"\n", b"a\n", b"ab\n", b"a\nb\n")
EARLY = ("says hello first",)
WHOLE = 1000


def scopes() -> Iterator[Scope]:
    """Yield each exploration of `explore`."""
    for body in BODIES:
        one, none = Knobs(body=body, clients=1), Knobs(body=body, clients=0)
        yield Scope(f"one client, {len(body)} bytes", one)
        yield Scope(f"one client, {len(body)} bytes, a deadline", one, deadline=True)
        yield Scope(f"one client, {len(body)} bytes, a trouble", one, trouble=True)
        yield Scope(f"an early hello, {len(body)} bytes", none, EARLY)
    two = Knobs(body=b"\n", clients=2)
    yield Scope("two clients", two, piece=WHOLE)
    yield Scope("two clients, a deadline", two, piece=WHOLE, deadline=True)
    yield Scope("two clients, a trouble", two, piece=WHOLE, trouble=True)
    yield Scope("two clients, pieces of 8 bytes", two, piece=8)
    yield Scope("two clients, one place", Knobs(clients=2, max_clients=1), piece=WHOLE)
    yield Scope("a client and an early hello", Knobs(clients=1), EARLY, piece=WHOLE)
    yield Scope("a client and one that aborts", Knobs(clients=1), ("aborts",), piece=WHOLE)


SCOPES = {scope.name: scope for scope in scopes()}


def timed(name: str) -> tuple[Found, float]:
    began = time.process_time()
    return explore(SCOPES[name]), time.process_time() - began


def main(names: Sequence[str] | None, jobs: int) -> int:
    """Explore everything, print the figures; return the exit status."""
    names = names or list(SCOPES)
    states = 0
    print(f"{'':38} {'states':>9} {'runs':>9} {'courses':>9} {'seconds':>7}")
    with ProcessPoolExecutor(jobs) as pool:
        try:
            for name, (found, seconds) in zip(names, pool.map(timed, names), strict=True):
                states += found.states
                figures = f"{found.states:9,} {found.runs:9,} {found.courses:9.1e} {seconds:7.1f}"
                print(f"{name:38} {figures}", flush=True)
        except Broken as broken:
            print(f"VIOLATION: {broken}")
            return 1
    print(f"{states:,} states, 0 violations")
    return 0
