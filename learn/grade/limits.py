"""Limits for the programs that are graded: processor time, memory, processes, files.

They lower what the graded program may use; lab/limits.py raises our own limit of open files. They
stop accidents: a loop that eats all memory, a fork bomb. They are no sandbox, and a warning
says so.
"""

import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

WARNING = (
    "Limits are set, but this is no sandbox. A graded program runs with your rights: it can read, "
    "change and send your files, and use the network. For a program that you do not trust, use a "
    "container, a virtual machine or a separate account."
)
MIB = 1 << 20


class Limits(NamedTuple):
    """What a graded process may use: seconds, MiB of address space, processes, open files."""

    cpu: int = 10
    memory: int = 2048
    processes: int = 64
    files: int = 1024

    def prepare(self) -> Callable[[], None]:
        """Return a function for the child: it sets the limits, and does nothing else."""
        pairs = [(kind, _lower(kind, value)) for kind, value in self._wanted()]

        def set_limits() -> None:
            for kind, value in pairs:
                resource.setrlimit(kind, (value, value))

        return set_limits

    def _wanted(self) -> list[tuple[int, int]]:
        return [
            (resource.RLIMIT_CPU, self.cpu),
            (resource.RLIMIT_AS, self.memory * MIB),
            (resource.RLIMIT_NPROC, _threads_of_this_user() + self.processes),
            (resource.RLIMIT_NOFILE, self.files),
            (resource.RLIMIT_FSIZE, 16 * MIB),
            (resource.RLIMIT_CORE, 0),
        ]


def _lower(kind: int, value: int) -> int:
    """Return `value`, or the present hard limit if that is lower: it cannot be raised."""
    _, hard = resource.getrlimit(kind)
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _threads_of_this_user() -> int:
    """Return how many threads this user has, in all programs: RLIMIT_NPROC counts them."""
    count = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid == os.getuid():
                count += sum(1 for _ in (path / "task").iterdir())
        except OSError:
            continue
    return count or 500
