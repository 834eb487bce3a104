"""Large tables of cases: `make check` tries all of them, `make test` a sample.

The largest tables say which attack turns red on which program. Others list system calls that fail,
values that make must not execute, or runs of the client. Most cases cost a process, and there are
thousands. The sample is the same in every run. It has each attack on some program, and the tests
add the cases that matter most.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

Case = TypeVar("Case")

FULL = bool(os.environ.get("FULL"))  # set by `make check`
PART = 8  # one case in eight


def sample(cases: Sequence[Case], number: int, part: int = PART) -> list[Case]:
    """Return the cases that are tried of program (or test) `number`; the next one tries others."""
    return [case for place, case in enumerate(cases) if FULL or (place + number) % part == 0]


def examples(number: int) -> int:
    """Return how many examples of `number` a property is tried with."""
    return number if FULL else number // 4
