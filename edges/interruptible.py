"""Calls that a signal may interrupt: the few that no selector can wait for.

Opening a FIFO waits for its reader, and a write to a pipe for room in it. A signal handler that
does nothing would let such a call go on (PEP 475), so inside the block ours raises. For use outside
the loop only.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from signals import Interrupted, Signals, nothing


@contextmanager
def interruptible(signals: Signals) -> Iterator[None]:
    """Raise Interrupted inside the block as soon as a signal comes, or if one has come before."""

    def raise_interrupted(number: int, frame: object) -> None:
        signals.handle_with(nothing)  # one signal, one exception
        raise Interrupted(number)

    try:
        signals.handle_with(raise_interrupted)
        signals.check()
        yield
    finally:
        signals.handle_with(nothing)
