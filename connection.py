"""A connection: one non-blocking socket in the loop, a state, and bytes still to be sent.

Owns the two calls that can say "not now", recv and send, and the closing of the socket. Knows
sockets and the reactor. Does not know what HELLO means: server.py and client.py build their state
machines on it.

"Not now" is BlockingIOError, and not a failure: `select` may report a socket that is not ready
after all (select(2), BUGS), and a kernel may take no bytes although it reported room.

What is sent is at most a hello and a file message, 105 bytes, so a partial send keeps the rest as a
new, shorter `bytes`; a protocol with larger messages would keep an offset instead.
"""

import errno
import socket
from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

from reactor import Reactor

Sock = socket.SocketType  # the plain C socket; socket.socket adds makefile() and its bookkeeping

# Bytes asked for at once. A hello has at most 10, a server's whole stream 105; an object of this
# size comes from Python's small-object allocator (measured: docs/performance.md).
RECEIVE = 256

# The last bytes need not travel alone: the kernel lets them wait for the shutdown that follows at
# once, and both leave in one segment (MSG_MORE in send(2), Linux). If it takes only a part of them,
# that part does not wait.
END_FOLLOWS = getattr(socket, "MSG_MORE", 0)

# Errors on a connection that was established and has since been reset. (Windows says
# ECONNABORTED for some of them.)
RESET = {errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.EPIPE}


class Connection:
    """The part that both ends share. Subclasses add `on_readable` and the rest."""

    __slots__ = ("interest", "peer_address", "reactor", "sock", "state", "unsent")

    transitions: ClassVar[Mapping[tuple[Enum, Enum], str]]  # the legal ones, each with its reason

    def __init__(self, reactor: Reactor, sock: Sock, state: Enum, peer_address: object) -> None:
        self.reactor = reactor
        self.sock = sock
        self.interest = 0
        self.state = state
        self.peer_address = peer_address
        self.unsent = b""

    def transition(self, state: Enum) -> None:
        """Go to `state`; no other code sets it. Raises RuntimeError if that is not legal."""
        if (self.state, state) not in self.transitions:
            raise RuntimeError(f"illegal transition from {self.state.name} to {state.name}")
        self.state = state

    def receive(self, most: int = RECEIVE) -> bytes | None:
        """Return the bytes that have arrived; b"" at the end of stream; None: not now."""
        try:
            return self.sock.recv(most)
        except BlockingIOError:
            return None

    def send(self, most: int | None = None, flags: int = 0) -> int:
        """Hand the kernel `unsent`, or its first `most` bytes; return how many it took.

        0 means that it has no room. The rest stays in `unsent`. Raises OSError (EPIPE, ECONNRESET)
        if the peer is gone: Python ignores SIGPIPE, which would end a C program here. The `flags`
        are those of send(2).
        """
        try:
            taken = self.sock.send(self.unsent[:most], flags)
        except BlockingIOError:
            return 0
        self.unsent = self.unsent[taken:]
        return taken

    def half_close(self) -> None:
        """End our direction of the stream; the peer may go on sending.

        This sends at once what Nagle's algorithm may hold back, so TCP_NODELAY is not needed.
        """
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave the selector, then close: in this order, or the next socket with this file
        descriptor could not be registered. Calling it twice is harmless."""
        self.reactor.watch(self, 0)
        release(self.sock)


def release(sock: Sock) -> None:
    """Close `sock`. An error changes nothing: the descriptor is released all the same (close(2),
    "Dealing with error returns from close()")."""
    try:
        sock.close()
    except OSError:
        pass
