"""Chance: where every decision of a run comes from.

A run has no other input, so the same answers give the same run. The answers may come from a seed,
from Hypothesis (tests/test_simulation.py) or from an enumeration of all answers (exploration.py).
With the first answer, 0 or no, nothing unusual happens: a search for the simplest failing run
prefers it.
"""

import random
from typing import Protocol


class Chance(Protocol):
    """A source of decisions."""

    def below(self, count: int) -> int:
        """Return one of 0 … count - 1; 0 is the calm choice."""

    def maybe(self, share: float) -> bool:
        """Return True in about `share` of all cases; never if it is 0, and without a decision."""


class Seeded:
    """Decisions drawn from a seed. (`Random.randrange` would cost five times as much.)"""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed).random

    def below(self, count: int) -> int:
        return int(self.random() * count)

    def maybe(self, share: float) -> bool:
        return share > 0 and self.random() < share


class Calm:
    """Nothing unusual ever happens."""

    def below(self, count: int) -> int:
        return 0

    def maybe(self, share: float) -> bool:
        return False
