"""The oracle: eight sentences that are true of every run of these programs.

Owns the list of them, and the one pass in which they are checked. The docstring of each class in
brackets.py, machines.py and content.py says what is true, and why; events.py checks that a trace
can be read at all. Called by __main__.py, and by every test that has recorded a run.

    event 1, event 2, ... --> each invariant, in its own memory --> violations, in words
                                                                    none: the run was right

The recorder writes what happened, and does not know what should have happened. So the sentences are
checked on the trace alone, and if a program is wrong, its trace breaks one of them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from lab.tracing.brackets import Brackets, NoBusyLoop, OnlyInsideCalls, Turns
from lab.tracing.content import Content
from lab.tracing.events import Event, Trace
from lab.tracing.machines import Ends, Interest, LegalSteps


class Invariant(Protocol):
    """One invariant: it sees every event, in order, and then the end of the run."""

    def see(self, event: Event) -> Iterator[str]: ...
    def finish(self) -> Iterator[str]: ...


INVARIANTS: list[tuple[str, Callable[[], Invariant]]] = [
    ("calls are brackets", Brackets),
    ("nothing happens outside of a call", OnlyInsideCalls),
    ("interest is consistent", Interest),
    ("only legal transitions", LegalSteps),
    ("nothing after the end", Ends),
    ("bytes are complete", Content),
    ("nothing between select and wake", Turns),
    ("no busy loop", NoBusyLoop),
]


@dataclass(frozen=True, slots=True)
class Violation:
    """A sentence that is not true: the invariant, the event, and what is wrong."""

    invariant: int
    n: int
    words: str

    def __str__(self) -> str:
        name = INVARIANTS[self.invariant - 1][0]
        return f"event {self.n}: invariant {self.invariant}, {name}: {self.words}"


def check(trace: Trace) -> list[Violation]:
    """Return the violations in `trace`, in order. An end that a crash cut off is none."""
    judges = [(number, make()) for number, (_, make) in enumerate(INVARIANTS, 1)]
    found = [
        Violation(number, event.n, words)
        for event in trace.events
        for number, judge in judges
        for words in judge.see(event)
    ]
    if trace.whole:
        last = trace.events[-1].n
        found += [
            Violation(number, last, words) for number, judge in judges for words in judge.finish()
        ]
    return found
