"""One blocking call beside the loop: it runs in a thread, and the loop gets its result.

Owns the one thread that the programs may have. Knows the reactor; must not know what the call does.
Called by names.py, for getaddrinfo, and by windows.py, to read stdin. Use it for a call that no
selector can wait for and that a signal does not end.

    the loop's thread                       the other thread
    -----------------                       ----------------
    Aside(...): a pair of sockets,
    watch our end, start  ----------------> work()
    other sockets, timers, signals          keep the result or the exception
    our end is readable   <---------------- close the other end
    done(result) or failed(exception)       (over)

This is how another thread wakes an event loop: it writes to a socket that the loop reads (here, it
closes its end), and touches nothing else of the loop. Sockets, timers and handlers of a loop have
no locks, because only one thread uses them. asyncio's call_soon_threadsafe does the same.

The thread cannot be stopped. If its result is no longer wanted, `close` forgets it: the thread ends
when its call returns, or with the process.
"""

import _thread
import socket
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Generic, TypeVar

from edges.closing import close_quietly
from reactor import READ, Reactor

T = TypeVar("T")


class Aside(Generic[T]):
    """A call in another thread, and the handler in the loop that waits for its end."""

    def __init__(
        self,
        reactor: Reactor,
        name: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Start `work`. In the loop, call `done` with its result or `failed` with its exception.

        `name` is its name in logs. Raises OSError if there is no descriptor left, RuntimeError if
        no thread can be started.
        """
        self.reactor = reactor
        self.name = name
        self.work = work
        self.done = done
        self.failed = failed
        self.interest = 0
        # The outcome if the thread dies before it runs our first line: its socket is closed then.
        self.outcome = partial(failed, RuntimeError("the thread ended without an answer"))
        self.sock, theirs = socket.socketpair()
        with ExitStack() as undo:
            undo.callback(theirs.close)
            undo.callback(self.close)
            reactor.watch(self, READ)
            # Not threading.Thread: its start() sleeps until the thread says that it runs. If the
            # thread dies before that, for lack of memory, start() sleeps for ever.
            _thread.start_new_thread(self.run, (theirs,))
            undo.pop_all()

    def __str__(self) -> str:
        return self.name

    def run(self, theirs: socket.socket) -> None:
        """Do the work, in the other thread. The close at the end wakes the loop.

        Every exception is kept: one that left the thread would be printed, and lost to the loop.
        """
        with theirs:
            try:
                self.outcome = partial(self.done, self.work())
            except BaseException as error:  # noqa: BLE001
                self.outcome = partial(self.failed, error)

    def on_readable(self) -> None:
        """The other end is closed, so the outcome is there."""
        self.close()
        self.outcome()

    def on_error(self, error: Exception) -> None:
        """Propagate: `done` or `failed` has a defect, and the program would wait for ever."""
        raise error

    def close(self) -> None:
        """Leave the loop, and forget the outcome. Calling it twice is harmless."""
        self.reactor.watch(self, 0)
        close_quietly(self.sock.close)
