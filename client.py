"""The client: connects, hears HELLO, says HELLO, and saves an exact copy of the file or nothing.

Owns the client's state machine and the order of the steps: open the copy, look up, download, save.
The loop is reactor.py, the bytes are protocol.py; edges/ touches the outside.

    CONNECTING --- connected ---> HELLO_EXPECTED --- valid hello ---> RECEIVING --- file ---> DONE
      one address after another     reads               says hello     reads       verified, reads

In DONE the copy is verified: length, checksum and rules are right. The client still reads on, to
the end of the stream, because a byte beyond the file would break the protocol; but a reset or the
deadline cannot spoil a verified copy, so they cause only a warning.

One deadline covers everything, including the look-up of the name. Each address gets an equal share
of the time that is left, so one that does not answer (a black hole, a full backlog) leaves time
for the next. (Browsers try two addresses at once, "Happy Eyeballs", RFC 8305. That saves seconds
where one family is broken, but leaves a second connection to close. One after the other is
simpler, and also right.)
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    import os
    import sys

    sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # left out by python -P and -I
    from edges import process

    process.begin()

import errno
import os
import socket
from collections.abc import Callable
from functools import partial

import protocol
from connection import RESET, Connection
from edges import names, saving
from edges.command_line import ClientOptions
from edges.console import Console
from edges.dotted import ClientHello, load
from edges.failure import Failure, reason
from edges.interruptible import interruptible
from edges.names import Address, Sockaddr
from edges.outcome import NO_CONNECTION, UNSETTLED, settled
from edges.program import run
from protocol import ClientState, Damaged, ProtocolError
from reactor import READ, WRITE, Reactor, Timer, nothing
from signals import Interrupted, Signals

hello: ClientHello = load("client.hello", os.path.dirname(os.path.realpath(__file__)))

CONNECTING, HELLO_EXPECTED, RECEIVING, DONE = ClientState

# What connect_ex returns when connecting has begun. (Windows has a number of its own for it. For a
# TCP socket, EAGAIN is a failure: connect(2).)
BEGUN = {0, errno.EINPROGRESS, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS)}


class ClientConnection(Connection):
    """The conversation with one address."""

    __slots__ = ("body", "download", "number", "received", "reset", "timer")

    transitions = protocol.CLIENT_TRANSITIONS

    def __init__(self, download: "Download", sock: socket.socket, address: Sockaddr) -> None:
        super().__init__(download.reactor, sock, CONNECTING, address)
        self.download = download
        self.number = len(download.failures) + 1
        self.received = b""
        self.body = b""
        self.reset: OSError | None = None  # the error of sending our hello; recv will not repeat it
        self.timer: Timer  # the end of this address's share of the time: set by connect

    def __str__(self) -> str:
        return f"connection {self.number}" if self.number > 1 else "connection"

    def connect(self, address: Sockaddr, seconds: float) -> None:
        """Begin to connect: the socket becomes writable when that has worked, or has failed."""
        self.timer = self.reactor.call_later(seconds, self, self.on_late)
        self.sock.setblocking(False)
        check(self.sock.connect_ex(address))
        self.reactor.watch(self, WRITE)

    def on_writable(self) -> None:
        if self.state is CONNECTING:
            self.connected()
        else:
            self.answer()

    def connected(self) -> None:
        """Ask how connecting ended (connect(2), EINPROGRESS); then wait for the server's hello."""
        check(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        # Without a server, TCP can connect a port of the ephemeral range to itself (RFC 9293,
        # simultaneous open). No hello would ever come, and we would wait until the deadline.
        if self.sock.getsockname() == self.sock.getpeername():
            raise OSError(errno.ECONNREFUSED, "connected to itself, so there is no server")
        self.transition(HELLO_EXPECTED)
        self.reactor.cancel(self.timer)  # from here on only the total deadline counts
        self.reactor.watch(self, READ)

    def on_readable(self) -> None:
        data = self.receive()
        if data is None:
            return
        if not data:
            self.on_end()
            return
        self.received += data
        if self.state is HELLO_EXPECTED:
            self.take_hello()
        if self.state is RECEIVING:
            self.take_file()
        if self.state is DONE and self.received:
            raise ProtocolError(f"bytes beyond the file: {protocol.shown(self.received)}")

    def take_hello(self) -> None:
        """Judge the server's hello; when it is complete, answer."""
        rest = hello.parse(self.received)
        if rest is not None:
            self.received = rest
            self.transition(RECEIVING)
            self.download.say(f"S: {protocol.HELLO_LINE}")
            self.unsent = hello.reply()
            self.answer()

    def answer(self) -> None:
        """Say hello. If the server is gone, what it sent before still decides the outcome."""
        try:
            self.send()
        except OSError as error:
            self.reset = error
            self.unsent = b""
        if not self.unsent and self.reset is None:
            self.download.say(f"C: {protocol.HELLO_LINE}")
        self.reactor.watch(self, READ | WRITE if self.unsent else READ)

    def take_file(self) -> None:
        """Judge the file message; when it is complete, the copy is verified."""
        found = protocol.file_received(self.received)
        if found is not None:
            self.download.say(f"S: {self.received.splitlines()[0].decode()}")
            self.body, self.received = found
            self.transition(DONE)

    def on_end(self) -> None:
        """The server has ended its stream. If sending our hello failed, that error decides."""
        if self.reset is not None:
            raise self.reset
        if self.state is not DONE:
            raise Damaged(f"the stream ended in {self.state.name}: {len(self.received)} bytes")
        self.download.finish(self.body)

    def on_late(self) -> None:
        raise TimeoutError(errno.ETIMEDOUT, "timed out")

    def on_error(self, error: Exception) -> None:
        """Have the download decide, in a call of its own: that code may fail, too."""
        self.close()
        self.reactor.call(self.download, partial(self.download.failed, self, error))

    def close(self) -> None:
        self.reactor.cancel(self.timer)
        super().close()


def check(error: int) -> None:
    """Raise OSError for an `error` of connecting, unless it means that connecting has begun."""
    if error not in BEGUN:
        raise OSError(error, os.strerror(error))


class Download:
    """Tries the addresses of a server in turn, until one of them decides the outcome."""

    def __init__(
        self,
        reactor: Reactor,
        timeout: float,
        say: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.reactor = reactor
        self.where: list[Address] = []  # the addresses not tried yet
        self.timeout = timeout
        self.say = say
        self.warn = warn
        self.failures: list[str] = []
        self.connection: ClientConnection | None = None
        self.outcome: bytes | Exception = UNSETTLED

    def run(self, host: str, port: int) -> bytes:
        """Return the verified bytes; raise Failure, Interrupted, or a bug's own exception."""
        self.begin()
        self.name = names.shown_name(host)
        aside = names.look_up(self.reactor, host, port, self.found, self.finish)
        self.reactor.run(until=self.over)
        if aside is not None:
            aside.close()
        self.end()
        return settled(self.outcome)

    def found(self, where: list[Address]) -> None:
        """Try the addresses of the name."""
        self.where = where
        self.reactor.call(self, self.try_next)

    def over(self) -> bool:
        """Tell whether there is an outcome."""
        return self.outcome is not UNSETTLED

    def begin(self) -> None:
        """Start the timer of the total deadline."""
        self.timer = self.reactor.call_later(self.timeout, self, self.on_late)

    def end(self) -> None:
        """Close the last connection, and cancel the timer."""
        self.drop()
        self.reactor.cancel(self.timer)

    def drop(self) -> None:
        """Close the last connection, if there was one."""
        if self.connection is not None:
            self.connection.close()

    def try_next(self) -> None:
        """Begin to connect to the next address; pass over those that fail at once."""
        while self.where:
            self.drop()
            family, address = self.where.pop(0)
            try:
                self.attempt(family, address)
                return
            except OSError as error:
                self.note(address, error)
        tried = "; ".join(self.failures)
        self.finish(Failure(f"cannot connect: {tried}: is the server running?", NO_CONNECTION))

    def attempt(self, family: int, address: Sockaddr) -> None:
        """Begin to connect, with this address's share of the time that is left. Raises OSError."""
        share = (self.timer.deadline - self.reactor.clock()) / (len(self.where) + 1)
        sock = socket.socket(family, socket.SOCK_STREAM)  # fails if this machine lacks the family
        self.connection = ClientConnection(self, sock, address)
        self.connection.connect(address, share)

    def note(self, address: object, error: OSError) -> None:
        """Remember why an address did not work: if none works, the message lists the reasons."""
        why = names.why_not(address, error)
        self.failures.append(f"{names.shown_address(address)} {why}")

    def failed(self, connection: ClientConnection, error: Exception) -> None:
        """Decide what the failure of a connection means: that depends on its state.

        Only an established connection can be reset; before that it is refused (RFC 9293, 3.5.2).
        """
        if not isinstance(error, OSError):
            self.finish(error)
        elif connection.state is CONNECTING and error.errno not in RESET:
            self.note(connection.peer_address, error)
            self.try_next()
        elif connection.state is DONE:
            self.warn(f"warning: {reason(error)} after the whole, verified file")
            self.finish(connection.body)
        else:
            self.finish(Damaged(f"{reason(error)} in {connection.state.name}"))

    def on_late(self) -> None:
        """The total deadline has passed. A verified copy is a success all the same."""
        connection = self.connection
        if connection is not None and connection.state is DONE:
            self.warn("warning: the server did not end its stream after the whole, verified file")
            self.finish(connection.body)
        else:
            # Before the first connection there is only the look-up.
            where = f"in {connection.state.name}" if connection else f"looking up {self.name}"
            self.finish(TimeoutError(f"timed out after {self.timeout:g} s {where}"))

    def interrupt(self, number: int) -> None:
        """Let a signal replace any other outcome: nothing is saved yet."""
        self.outcome = Interrupted(number)

    def finish(self, outcome: bytes | Exception) -> None:
        """Settle the outcome: the bytes, or why there are none. The first one counts."""
        if not self.over():
            self.outcome = outcome

    def on_error(self, error: Exception) -> None:
        self.finish(error)


def fetch(reactor: Reactor, console: Console, signals: Signals, options: ClientOptions) -> int:
    """Run the client: open the copy, look up, download, save. Return the exit status."""
    say = nothing if options.quiet else console.line
    with saving.opened(options.output_file) as copy:
        download = Download(reactor, options.timeout, say, console.line)
        signals.act = download.interrupt
        reactor.watch(signals, READ)
        body = download.run(options.server, options.port)
        with interruptible(signals):
            copy.write(body)
        copy.publish()
    name = protocol.escaped(os.fsencode(options.output_file))
    say(f"{copy.verb} {name}: {len(body)} bytes, checksum verified")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run `python client.py ARGUMENTS` (default: sys.argv) and return the exit status."""
    return run("client.py", ClientOptions, fetch, arguments)


if __name__ == "__main__":
    process.end(main())
