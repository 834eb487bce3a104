"""Slow motion: a few octets per send (--chunk), then a pause (--pause), so that one can watch.

Owns when a slow connection may send. It is mixed into the connection that it slows down, so that
all else stays as it is there, and nothing in there asks about pauses. Called by server.py.

    class SlowConnection(SlowMotion, ServerConnection)

In a pause nothing is sent, and nobody waits for room: only for the time.
"""

from typing import Any

from connection import Connection
from reactor import WRITE


class SlowMotion(Connection):
    """What is different. Its `server` has the `chunk`, and the queue of `pauses`."""

    __slots__ = ()

    server: Any

    def paused(self) -> bool:
        return self in self.server.pauses.moments

    def needs(self) -> int:
        needs: int = super().needs()  # type: ignore[misc]  # of the connection that is slowed down
        return needs & ~WRITE if self.paused() else needs

    def send(self, most: int | None = None, flags: int = 0) -> int:
        """Send a little, by itself: flags that would let it wait for more are left out."""
        if self.paused():
            return 0
        taken = super().send(self.server.chunk)
        if taken and self.server.pauses.length:  # if nothing was taken, wait for room alone
            self.server.pauses.arm(self)
        return taken

    def half_close(self) -> None:
        super().half_close()
        self.server.pauses.cancel(self)

    def close(self, how: str = "") -> None:
        self.server.pauses.cancel(self)
        super().close(how)
