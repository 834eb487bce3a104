"""Where messages leave the process, without making the loop wait if that can be avoided.

Owns the choice of how to write to a descriptor that other programs may share. Called by console.py.
On Windows there is another one: windows.py.
"""

import errno
import os
import select
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from edges import posix
from edges.waiting import WRITABLE, ready
from reactor import nothing

STEPS = 512  # writes in a row to a shared description: a millisecond, then the loop goes on


class Outlet:
    """A descriptor of our own for what `number` leads to, and the way to write there at once.

        pipe, terminal                  opened again, non-blocking
        the same, but not permitted     shared: asked for room before each small step
        socket                          shared: MSG_DONTWAIT
        file, null device               written to at once: that never waits
        closed                          every write fails
        anything, at the limit of files shared: asked for room, and never waited for

    Only the first three can run out of room, and be waited for (`may_wait`): epoll refuses a file.
    """

    def __init__(self, number: int) -> None:
        self.sock = -1
        self.may_wait = False
        self.put: Callable[[bytes], int] = self.put_now
        self.release: Callable[[], None] = nothing
        self.step = 0
        try:
            self.sock = posix.private(number, os.O_WRONLY)
        except OSError as error:
            if error.errno == errno.EMFILE:
                self.share(number)
            return
        self.release = partial(os.close, self.sock)
        self.choose(os.fstat(self.sock).st_mode)

    def share(self, number: int) -> None:
        """Use `number` itself: there is no descriptor left for one of our own."""
        self.sock, self.put, self.step = number, self.put_in_steps, 1

    def choose(self, mode: int) -> None:
        """Choose the way to write to a file of this `mode`, see inode(7)."""
        self.may_wait = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(self.sock)
        if stat.S_ISSOCK(mode):
            sock = socket.socket(fileno=self.sock)
            self.put = lambda data: sock.send(data, socket.MSG_DONTWAIT)
            self.release = sock.close
        elif self.may_wait and os.get_blocking(self.sock):
            # A terminal that poll(2) reports writable may have room for one byte only: a write of
            # two was seen to wait. For a pipe there is room for PIPE_BUF (POSIX, poll and pipe).
            self.step = 1 if os.isatty(self.sock) else select.PIPE_BUF
            self.put = self.put_in_steps

    def put_now(self, data: bytes) -> int:
        return os.write(self.sock, data)

    def put_in_steps(self, data: bytes) -> int:
        """Write while there is room. If another program takes that room first, we have to wait."""
        taken = 0
        while taken < min(len(data), STEPS * self.step) and self.has_room(0):
            taken += os.write(self.sock, data[taken : taken + self.step])
        return taken

    def has_room(self, seconds: float) -> bool:
        """Wait for room, at most `seconds`; tell whether a write would now take bytes, or fail."""
        try:
            return bool(ready({self.sock: WRITABLE}, seconds))
        except (OSError, ValueError):  # closed, or no memory for the call: the write will fail
            return True

    def close(self) -> None:
        with suppress(OSError):  # the kernel releases it even if close fails
            self.release()
        self.release = nothing
        self.sock = -1
