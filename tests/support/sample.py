"""Large tables of cases: `make check` tries all of them, `make test` a sample.

A table here is one of programs and attacks (which attack turns red on which program), or of system
calls that fail. A case costs a process, and there are more than a thousand. The sample is the same
in every run, it has each attack on some program, and the tests add the cases that matter most.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

Case = TypeVar("Case")

FULL = bool(os.environ.get("FULL"))  # set by `make check`
PART = 8  # one case in eight


def sample(cases: Sequence[Case], number: int, part: int = PART) -> list[Case]:
    """Return the cases that are tried of program `number`; those of the next program are others."""
    return [case for place, case in enumerate(cases) if FULL or (place + number) % part == 0]


def examples(number: int) -> int:
    """Return how many examples of `number` a property is tried with."""
    return number if FULL else number // 4
