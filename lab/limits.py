"""The limit of open files: every connection counts as one. It is raised here and nowhere else.

A child process inherits it. Any user may raise it up to the hard limit; only root goes beyond.
"""

import resource
import sys

from edges.failure import Failure

SPARE = 64  # files that are no clients; server.py keeps 32 of them back for itself


class TooFewFiles(Failure):
    """The hard limit is too low; `str()` says so, and what to do."""


def most_files() -> int:
    """Return how many files one process of this user may have open at the very most."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def allow_files(number: int) -> None:
    """Raise the soft limit to `number`, or to the hard limit if that is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, most_files()), hard))


def allow_clients(clients: int) -> None:
    """Raise the soft limit for `clients` at once; raise TooFewFiles if the hard limit is lower."""
    needed, most = clients + SPARE, most_files()
    if needed > most:
        raise TooFewFiles(
            f"{clients:,} clients need {needed:,} open files, the hard limit here is {most:,}:"
            f" take at most {max(0, most - SPARE):,}, or raise it (ulimit -Hn {needed}, as root)"
        )
    allow_files(needed)
