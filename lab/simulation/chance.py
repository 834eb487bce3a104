"""Chance: where every decision of a run comes from.

A run asks for nothing else, so the answers are the run: the same answers give the same run. Who
answers may be a seed, Hypothesis (tests/test_simulation.py) or an enumeration of all answers
(exploration.py). The first answer, 0 or no, is the one with which nothing unusual happens: a search
for the simplest failing run goes that way.
"""

import random
from typing import Protocol


class Chance(Protocol):
    """Somebody who decides."""

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
