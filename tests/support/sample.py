"""Large tables of cases: `make check` tries all of them, `make test` a sample.

A table here is one of programs and attacks: which attack turns red on which program. A case costs
a process, and there are more than a thousand. The sample is the same in every run, it has each
attack on some program, and the tests add the cases that matter most.
"""

import os
from collections.abc import Sequence

FULL = bool(os.environ.get("FULL"))  # set by `make check`
PART = 4  # one case in four


def sample(cases: Sequence[str], number: int) -> list[str]:
    """Return the cases that are tried of program `number`; those of the next program are others."""
    return [case for place, case in enumerate(cases) if FULL or (place + number) % PART == 0]
