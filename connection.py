"""A connection: one non-blocking socket in the loop, a state, and octets still to be sent.

Owns the two calls that can say "not now", recv and send, and the closing of the socket. Knows
sockets and the reactor. Must not know what HELLO means: server.py and client.py build their state
machines on it.

"Not now" is BlockingIOError, and it is no error: `select` may report a socket that is not ready
after all (select(2), BUGS), and a kernel may take nothing although it said it would.

What is sent is at most a hello and a file message, 105 octets, so a partial send keeps the
rest as a new, shorter `bytes`; a protocol with larger messages would keep an offset instead.
"""

import errno
import socket
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from reactor import Reactor

Sock = socket.SocketType  # as C makes it: socket.socket is one that can be made a file as well

# Octets asked for at once. A hello has 10 at most, a server's whole stream 105; an object of this
# size comes from Python's small-object allocator: 1.4 us less per transfer than with 4096.
RECEIVE = 256

# The last octets need not travel alone: the kernel lets them wait for the shutdown that follows at
# once, and both leave in one segment (MSG_MORE in send(2), Linux): 7 % of a transfer less. If it
# takes only a part of them, that part does not wait.
END_FOLLOWS = getattr(socket, "MSG_MORE", 0)

# What a call on a connection fails with if it stood once, and the peer has reset it meanwhile.
RESET = {errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE}


class Connection:
    """The part that both ends share. Subclasses add `on_readable` and the rest."""

    __slots__ = ("interest", "peer", "reactor", "sock", "state", "unsent")

    transitions: ClassVar[Mapping[Any, str]]  # the legal ones, (from, to), each with its reason

    def __init__(self, reactor: Reactor, sock: Sock, state: Enum, peer: object) -> None:
        self.reactor = reactor
        self.sock = sock
        self.interest = 0
        self.state = state
        self.peer = peer
        self.unsent = b""
        if reactor.trace is not None:
            reactor.trace("open", self, fd=sock.fileno(), peer=peer, state=state)

    def move(self, state: Enum) -> None:
        """Go to `state`: the only place that does. Raises RuntimeError for an illegal move."""
        why = self.transitions.get((self.state, state))
        if why is None:
            raise RuntimeError(f"illegal move from {self.state.name} to {state.name}")
        if self.reactor.trace is not None:
            self.reactor.trace("state", self, was=self.state, now=state, why=why)
        self.state = state

    def receive(self, most: int = RECEIVE) -> bytes | None:
        """Return the octets that have arrived; b"" at the end of stream; None: not now."""
        octets: bytes | None
        try:
            octets = self.sock.recv(most)
        except BlockingIOError:
            octets = None
        if self.reactor.trace is not None:
            self.reactor.trace("rx", self, octets=octets)
        return octets

    def send(self, most: int | None = None, flags: int = 0) -> int:
        """Hand the kernel `unsent`, or its first `most` octets; return how many it took, 0 if it
        has no room. The rest stays. A peer that is gone is an OSError, EPIPE or ECONNRESET: Python
        ignores SIGPIPE, which would end a C program here. The `flags` are those of send(2)."""
        octets = self.unsent[:most]
        try:
            taken = self.sock.send(octets, flags)
        except BlockingIOError:
            taken = 0
        if self.reactor.trace is not None:
            self.reactor.trace("tx", self, want=len(self.unsent), octets=octets[:taken])
        self.unsent = self.unsent[taken:]
        return taken

    def half_close(self) -> None:
        """End our direction; the peer may go on, up to its own end of stream.

        This sends at once what Nagle's algorithm may hold back, so TCP_NODELAY is not needed.
        """
        self.sock.shutdown(socket.SHUT_WR)
        if self.reactor.trace is not None:
            self.reactor.trace("half", self)

    def close(self, how: str = "") -> None:
        """Leave the selector, then close: in this order, or the next socket with this number could
        not be registered. `how` it came to that is for the trace. Once more does no harm."""
        self.reactor.watch(self, 0)
        if self.reactor.trace is not None and self.sock.fileno() >= 0:
            self.reactor.trace("close", self, how=how)
        try:
            self.sock.close()
        except OSError:
            pass  # the descriptor is released all the same: close(2), "Dealing with error returns"
