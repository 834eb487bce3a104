"""The listener: takes connections from the backlog, and pauses when there is no room for more.

Owns the listening sockets of one server. Knows sockets and the reactor; must not know what becomes
of a connection: it hands each to `welcome`. Called by server.py.

A connection waits in the kernel's backlog until it is accepted, so the answer to "no room" is to
stop accepting: nobody is refused while the backlog has room. But a listener that stays registered
while it cannot accept is ready for ever, and the loop spins. Hence an episode:

    someone waits and there is no room   -> pause: unregister; one line
    a connection ends, or 100 ms pass    -> register again, and look a little later:
    the backlog is found empty           -> the episode is over; one line

There is no room at `limit` connections, and when the kernel has no descriptor or no memory left
(EMFILE, ENFILE, ENOBUFS, ENOMEM). In the second case a file may be closed that the loop knows
nothing of, hence the 100 ms; in the first one only the end of a connection makes room, and nothing
wakes the loop before.

The known alternative, a spare descriptor that is closed to accept and drop whoever waits, tells
the clients quickly but loses them.
"""

import errno
import socket
from collections import deque
from collections.abc import Callable, Sized
from contextlib import suppress

from reactor import READ, DeadlineQueue, Reactor

# Connections taken in one turn, so that a flood of them cannot starve the transfers under way.
BATCH = 16
# Connections taken in the last sweep at most. A backlog of 4096, the usual net.core.somaxconn, can
# hold one more (Linux); who comes behind those came after the end.
SWEEP = 4097
# Seconds until an episode looks again: 100 ms is the promise, and the look itself takes some time.
RETRY = 0.09

# Errors of the connection that waited, not of ours: it is gone, take the next (accept(2), "Error
# handling"). Not EPERM: Linux asks its security modules first, so whoever waits goes on waiting.
GONE = {
    errno.ECONNABORTED, errno.EPROTO, errno.ENOPROTOOPT, errno.EOPNOTSUPP,
    errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH,
    getattr(errno, "ENONET", errno.EHOSTDOWN),
}  # fmt: skip


class Listener:
    """One listening socket in the loop."""

    def __init__(self, acceptor: "Acceptor", sock: socket.socket, name: str) -> None:
        self.acceptor = acceptor
        self.sock = sock
        self.name = name
        self.interest = 0

    def __str__(self) -> str:
        return self.name

    def on_readable(self) -> None:
        """Someone waits."""
        if self.acceptor.full():
            self.acceptor.pause(f"limit of {self.acceptor.limit} clients reached")
        else:
            self.acceptor.accept_some(self)

    def on_writable(self) -> None:
        """Never called: a listener cannot be written to."""

    def on_error(self, error: Exception) -> None:
        """Tell of a defect of ours; what is wrong may be wrong again at once, so pause."""
        self.acceptor.on_error(error)


class Acceptor:
    """All the listening sockets of a server, and the episode they may be in."""

    def __init__(
        self,
        reactor: Reactor,
        connections: Sized,
        limit: int,
        welcome: Callable[[socket.SocketType, object], None],
        say: Callable[[str], None],
    ) -> None:
        self.reactor = reactor
        self.connections = connections
        self.limit = limit
        self.welcome = welcome
        self.say = say
        self.listeners: deque[Listener] = deque()
        self.paused_at: float | None = None  # start of the episode
        self.retries: DeadlineQueue[Acceptor] = reactor.queue(RETRY, Acceptor.retry)

    def __str__(self) -> str:
        return "acceptor"

    def open(self, sockets: list[socket.socket]) -> None:
        """Accept from these listening, non-blocking sockets from now on."""
        for number, sock in enumerate(sockets, 1):
            name = f"listener {number}" if sockets[1:] else "listener"
            self.listeners.append(Listener(self, sock, name))
        self.watch(READ)

    def close(self) -> None:
        """Take whoever waits already, whatever the limit says; then close every listener.

        Who comes between the last look and the close is reset: no call does both.
        """
        self.paused_at = None  # from here on the end of a connection must not reopen a listener
        self.retries.cancel(self)
        for listener in self.listeners:
            self.sweep(listener)
        self.watch(0)
        for listener in self.listeners:
            with suppress(OSError):  # it is released all the same, see Connection.close
                listener.sock.close()
        self.listeners.clear()

    def watch(self, interest: int) -> None:
        for listener in self.listeners:
            self.reactor.watch(listener, interest)

    def full(self) -> bool:
        """Tell whether the limit of connections is reached."""
        return len(self.connections) >= self.limit

    def take(self, listener: Listener) -> bool:
        """Accept one connection, or pass over one that is gone; False: nobody waits."""
        try:
            sock, address = listener.sock.accept()
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in GONE:
                raise
        else:
            self.welcome(sock, address)
        return True

    def accept_some(self, listener: Listener) -> bool:
        """Accept up to BATCH connections; True: the backlog was found empty."""
        try:
            for _ in range(BATCH):
                if self.full():
                    return False
                if not self.take(listener):
                    return True
        except OSError as error:
            self.pause(str(error.strerror).lower())
            self.retries.arm(self)
        return False

    def sweep(self, listener: Listener) -> None:
        """Accept the whole backlog: no more than fits into it, for new ones may keep coming."""
        try:
            for _ in range(SWEEP):
                if not self.take(listener):
                    return
        except OSError as error:
            self.say(f"accepting stopped: {str(error.strerror).lower()}")

    def pause(self, reason: str) -> None:
        """Stop accepting; say so if this begins an episode."""
        self.watch(0)
        if self.paused_at is None:
            self.paused_at = self.reactor.clock()
            self.say(f"accepting paused: {reason}; open connections: {len(self.connections)}")

    def connection_ended(self) -> None:
        """There is room again: in an episode, accept again. Another listener comes first now."""
        if self.paused_at is not None and self.listeners:
            self.listeners.rotate(1)
            self.reactor.call(self, self.resume)

    def resume(self) -> None:
        """Accept again; look soon whether the backlog is empty."""
        self.watch(READ)
        self.retries.arm(self)

    def retry(self) -> None:
        """Look whether somebody still waits: if nobody does, the episode is over."""
        self.watch(READ)
        emptied = [self.accept_some(listener) for listener in list(self.listeners)]
        if all(emptied) and self.paused_at is not None:
            self.say(f"accepting resumed after {self.reactor.clock() - self.paused_at:.1f} s")
            self.paused_at = None
            self.retries.cancel(self)  # a connection that ended in this very turn has armed it
        elif not self.full():
            self.retries.arm(self)

    def on_error(self, error: Exception) -> None:
        self.pause(f"a defect: {error!r}")
        self.retries.arm(self)
