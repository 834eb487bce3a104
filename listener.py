"""The listener: takes connections from the backlog, and pauses when there is no room for more.

Owns the listening sockets of one server. Knows sockets and the reactor, but not what happens to a
connection: it passes each to `welcome`. Called by server.py.

A connection waits in the kernel's backlog until it is accepted, so the answer to "no room" is to
stop accepting: no client is refused while the backlog has room. But a listener that stays
registered while it cannot accept is ready all the time, and the loop spins. A pause is an episode:

    a client waits and there is no room  -> pause: unregister; one line
    a connection ends, or 100 ms pass    -> register again, and look a little later:
    the backlog is found empty           -> the episode is over; one line

There is no room at `limit` connections, and when the kernel has no file descriptor or no memory
left (EMFILE, ENFILE, ENOBUFS, ENOMEM). In the second case another process may make room, which the
loop cannot notice, so it looks after 100 ms. In the first case only the end of a connection makes
room, and nothing wakes the loop earlier.

Some errors of accept never pass: the listening socket itself is dead (another process shut it down,
say). It is closed, and if it was the last one `deaf` is called.

A known alternative keeps a spare file descriptor, and closes it to accept a waiting client and
drop it. That client learns quickly that it is not served, but it is lost.
"""

import errno
import socket
from collections import deque
from collections.abc import Callable, Sized

from connection import release
from reactor import READ, Reactor, Timer

# Connections taken in one turn, so that a flood of them cannot starve the transfers under way.
BATCH = 16
# Connections taken at most when a listener closes. A backlog of 4096, the usual
# net.core.somaxconn, holds one more (Linux); any further client arrived after we stopped.
SWEEP = 4097
# Seconds until an episode looks again: we promise 100 ms, and the look itself takes some time.
RETRY = 0.09
# Seconds, long enough for a timer to fire in a later turn, whatever the clock's resolution.
SOON = 0.001

# `GONE` lists the errors that mean: this client hung up before we accepted it, take the next
# (accept(2), "Error handling"; Windows says ECONNRESET). EPERM is not listed: a security module
# of Linux refuses the call, and the client stays in the backlog. If more of these errors come in a
# row than a backlog can hold, clients are not the cause: accepting pauses, as for any other error.
GONE = {
    errno.ECONNABORTED, errno.ECONNRESET, errno.EPROTO, errno.ENOPROTOOPT, errno.EOPNOTSUPP,
    errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH,
    getattr(errno, "ENONET", errno.EHOSTDOWN),
}  # fmt: skip

# Errors of the listening socket itself: it will never accept again.
DEAD = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK}


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
        """A client waits."""
        if self.acceptor.room() > 0:
            self.acceptor.accept_some(self)
        else:
            self.acceptor.pause(f"limit of {self.acceptor.limit} clients reached")

    def on_error(self, error: Exception) -> None:
        """Report our bug, and pause: it may happen again at once."""
        self.acceptor.on_error(error)


class Acceptor:
    """All the listening sockets of a server, and the episode they may be in."""

    def __init__(
        self,
        reactor: Reactor,
        connections: Sized,
        limit: int,
        welcome: Callable[[socket.SocketType, object], None],
        deaf: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self.reactor = reactor
        self.connections = connections
        self.limit = limit
        self.welcome = welcome
        self.deaf = deaf
        self.say = say
        self.listeners: deque[Listener] = deque()
        self.paused_at: float | None = None  # start of the episode
        self.next_look: Timer | None = None
        self.gone = 0  # connections in a row that accept reported as gone

    def open(self, sockets: list[socket.socket]) -> None:
        """Accept from these listening, non-blocking sockets from now on."""
        for number, sock in enumerate(sockets, 1):
            name = f"listener {number}" if sockets[1:] else "listener"
            self.listeners.append(Listener(self, sock, name))
        self.watch(READ)

    def close(self) -> None:
        """Take all clients that wait already, whatever the limit; then close every listener.

        A client that connects between the last accept and the close is reset: no call does both.
        """
        self.paused_at = None  # from here on the end of a connection must not reopen a listener
        self.forget_look()
        for listener in self.listeners:
            self.sweep(listener)
        while self.listeners:
            self.close_one(self.listeners[0])

    def close_one(self, listener: Listener) -> None:
        self.reactor.watch(listener, 0)
        release(listener.sock)
        self.listeners.remove(listener)

    def watch(self, interest: int) -> None:
        for listener in self.listeners:
            self.reactor.watch(listener, interest)

    def room(self) -> int:
        """Return how many more connections there may be. It is below 0 after a sweep."""
        return self.limit - len(self.connections)

    def take(self, listener: Listener) -> bool:
        """Accept one connection, or pass over one that is gone; False: no client waits."""
        try:
            sock, address = listener.sock.accept()
        except BlockingIOError:
            self.gone = 0
            return False
        except OSError as error:
            if error.errno not in GONE or self.gone == SWEEP:
                raise
            self.gone += 1
        else:
            self.gone = 0
            self.welcome(sock, address)
        return True

    def accept_some(self, listener: Listener) -> bool:
        """Accept up to BATCH connections; tell whether the backlog was found empty."""
        try:
            for _ in range(min(BATCH, self.room())):
                if not self.take(listener):
                    return True
        except OSError as error:
            if error.errno in DEAD:
                self.bury(listener, error)
                return True
            self.pause(str(error.strerror).lower())
            self.look_in(RETRY)
        else:
            if self.paused_at is not None:
                self.look_in(SOON)
        return False

    def bury(self, listener: Listener, error: OSError) -> None:
        """Close a listener that can never accept again; if it was the last one, call `deaf`."""
        self.close_one(listener)
        why = str(error.strerror).lower()
        self.say(f"{listener} closed, it cannot accept any more: {why}")
        if not self.listeners:
            self.deaf()

    def sweep(self, listener: Listener) -> None:
        """Accept the whole backlog, but no more than fits into it: new clients may keep coming."""
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
        """Use the room that is free again: in an episode, accept from another listener first."""
        if self.paused_at is not None and self.listeners:
            self.listeners.rotate(1)
            self.reactor.call(self, self.resume)

    def resume(self) -> None:
        """Accept again, and plan a look. One that is planned already stays: connections that end
        all the time would postpone it for ever."""
        self.watch(READ)
        if self.next_look is None:
            self.look_in(RETRY)

    def look_in(self, delay: float) -> None:
        """Look in `delay` seconds, and not before. It is always in a later turn: the select of that
        turn shows whether more clients wait than those just accepted."""
        self.forget_look()
        self.next_look = self.reactor.call_later(delay, self, self.look)

    def forget_look(self) -> None:
        if self.next_look is not None:
            self.reactor.cancel(self.next_look)
        self.next_look = None

    def look(self) -> None:
        """If no client waits any more, the episode is over."""
        self.next_look = None
        emptied = [self.found_empty(listener) for listener in list(self.listeners)]
        if all(emptied) and self.paused_at is not None:
            self.say(f"accepting resumed after {self.reactor.clock() - self.paused_at:.1f} s")
            self.paused_at = None
            self.forget_look()  # a connection that ended in this very turn may have set it

    def found_empty(self, listener: Listener) -> bool:
        """Accept what waits; tell whether the backlog was found empty.

        Without room we may not accept. But if a client had waited, select would have reported the
        listener, and `on_readable` would have paused it. If it is still watched, no client waits.
        """
        if self.room() <= 0:
            return listener.interest == READ
        self.reactor.watch(listener, READ)
        return self.accept_some(listener)

    def on_error(self, error: Exception) -> None:
        self.pause(f"a defect: {error!r}")
        self.look_in(RETRY)
