"""What `await` is made of: a generator that the reactor resumes whenever its socket is ready."""

import math
import socket
from collections.abc import Generator

from reactor import Reactor

Steps = Generator[int, None, None]  # yields what it waits for: READ, WRITE, or 0 for a timer alone


class Task:
    """A generator, the socket that it waits for, and the seconds that it may last."""

    def __init__(
        self, reactor: Reactor, sock: socket.socket, steps: Steps, limit: float = math.inf
    ) -> None:
        self.reactor, self.sock, self.steps, self.interest = reactor, sock, steps, 0
        self.deadline = reactor.call_later(limit, self, self.end)
        reactor.call(self, self.go_on)

    def go_on(self) -> None:
        """Run the generator to its next yield, then wait for the event that it yielded."""
        self.reactor.watch(self, next(self.steps))

    on_readable = on_writable = go_on

    def end(self) -> None:
        """Stop waiting, and close."""
        self.reactor.cancel(self.deadline)
        self.reactor.watch(self, 0)
        self.sock.close()

    def on_error(self, error: Exception) -> None:
        """End: the generator has returned (StopIteration), or a call on the socket has failed."""
        self.end()
