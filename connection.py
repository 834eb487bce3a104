"""A connection: one non-blocking socket in the loop, a state, and octets still to be sent.

Owns the two calls that can say "not now", recv and send, and the closing of the socket. Knows
sockets and the reactor. Must not know what HELLO means: server.py and client.py build their state
machines on it.

"Not now" is BlockingIOError, and it is no error: `select` may report a socket that is not ready
after all (select(2), BUGS), and a kernel may take nothing although it said it would.

What is sent is at most a hello and a file message, 105 octets, so a partial send keeps the
rest as a new, shorter `bytes`; a protocol with larger messages would keep an offset instead.
"""

import socket
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from reactor import Reactor

# Octets asked for at once. A hello has 10 at most, a server's whole stream 105; an object of this
# size comes from Python's small-object allocator: 1.4 us less per transfer than with 4096.
RECEIVE = 256


class Connection:
    """The part that both ends share. Subclasses add `on_readable` and the rest."""

    __slots__ = ("interest", "reactor", "sock", "state", "unsent")

    transitions: ClassVar[Mapping[Any, str]]  # the legal ones, (from, to), each with its reason

    def __init__(self, reactor: Reactor, sock: socket.socket, state: Enum) -> None:
        self.reactor = reactor
        self.sock = sock
        self.interest = 0
        self.state = state
        self.unsent = b""

    def move(self, state: Enum) -> None:
        """Go to `state`: the only place that does. Raises RuntimeError for an illegal move."""
        if (self.state, state) not in self.transitions:
            raise RuntimeError(f"illegal move from {self.state.name} to {state.name}")
        self.state = state

    def receive(self) -> bytes | None:
        """Return the octets that have arrived; b"" at the end of stream; None: not now."""
        try:
            return self.sock.recv(RECEIVE)
        except BlockingIOError:
            return None

    def send(self, most: int | None = None) -> int:
        """Hand the kernel `unsent`, or its first `most` octets; return how many it took, 0 if it
        has no room. The rest stays. A peer that is gone is an OSError, EPIPE or ECONNRESET: Python
        ignores SIGPIPE, which would end a C program here."""
        try:
            taken = self.sock.send(self.unsent[:most])
        except BlockingIOError:
            return 0
        self.unsent = self.unsent[taken:]
        return taken

    def close(self) -> None:
        """Leave the selector, then close: in this order, or the next socket with this number could
        not be registered. Once more does no harm."""
        self.reactor.watch(self, 0)
        try:
            self.sock.close()
        except OSError:
            pass  # the descriptor is released all the same: close(2), "Dealing with error returns"
