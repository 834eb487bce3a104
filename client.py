"""The client: connects, hears HELLO, says HELLO, and saves an exact copy of the file or nothing.

Owns the client's state machine and the order of the steps: open the copy, look up, download, save.
The loop is reactor.py, the octets are protocol.py; what touches the outside lies in edges/.

    CONNECTING --- connected ---> HELLO_EXPECTED --- valid hello ---> RECEIVING --- file ---> DONE
      an address after another      reads               says hello     reads       verified, reads

In DONE the copy is proved: length, checksum and rules are right. The client still reads on, to the
end of the stream, because an octet beyond the file would break the protocol; but a reset or the
deadline cannot spoil what is proved, so they end in a warning only.

One deadline covers connecting and transfer. Each address gets an equal share of the time that is
left, so one that does not answer (a black hole, a full backlog) leaves time for the next.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process

    process.begin()

import errno
import os
import socket
from argparse import Namespace
from collections.abc import Callable
from functools import partial

import protocol
from connection import RESET, Connection
from edges import addresses, saving
from edges.addresses import Address, Sockaddr
from edges.command_line import client_options
from edges.console import Console
from edges.dotted import load
from edges.failure import Failure, reason
from edges.outcome import NO_CONNECTION, settled
from edges.program import run
from protocol import ClientState, Damaged, ProtocolError
from reactor import READ, WRITE, Interrupted, Reactor, Signals, nothing

hello = load("client.hello", os.path.dirname(os.path.realpath(__file__)))


class ClientConnection(Connection):
    """The conversation with one address."""

    __slots__ = ("body", "download", "number", "received", "reset")

    transitions = protocol.CLIENT_TRANSITIONS

    def __init__(self, download: "Download", sock: socket.socket, address: Sockaddr) -> None:
        self.number = len(download.failures) + 1  # before the rest: a trace of it wants our name
        super().__init__(download.reactor, sock, ClientState.CONNECTING, address)
        self.download = download
        self.received = b""
        self.body = b""
        self.reset: OSError | None = None  # what our answer met: recv will not tell of it again

    def __str__(self) -> str:
        return f"connection {self.number}" if self.number > 1 else "connection"

    def connect(self, address: Sockaddr) -> None:
        """Begin to connect: the socket becomes writable when that has worked, or has failed."""
        self.sock.setblocking(False)
        check(self.sock.connect_ex(address))
        self.reactor.watch(self, WRITE)

    def on_writable(self) -> None:
        if self.state is ClientState.CONNECTING:
            self.connected()
        else:
            self.answer()

    def connected(self) -> None:
        """Ask how connecting ended (connect(2), EINPROGRESS); then wait for the server's hello."""
        check(self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        # Without a server, TCP can connect a port of the ephemeral range to itself (RFC 9293,
        # simultaneous open), and we would read back our own hello.
        if self.sock.getsockname() == self.sock.getpeername():
            raise OSError(errno.ECONNREFUSED, "connected to itself, so there is no server")
        self.move(ClientState.HELLO_EXPECTED)
        self.download.attempts.cancel(self)  # from here on the deadline of everything counts
        self.reactor.watch(self, READ)

    def on_readable(self) -> None:
        octets = self.receive()
        if octets is None:
            return
        if not octets:
            self.on_end()
            return
        self.received += octets
        if self.state is ClientState.HELLO_EXPECTED:
            self.take_hello()
        if self.state is ClientState.RECEIVING:
            self.take_file()
        if self.state is ClientState.DONE and self.received:
            raise ProtocolError(f"octets beyond the file: {protocol.shown(self.received)}")

    def take_hello(self) -> None:
        """Judge the server's hello; if it is whole, answer."""
        rest = hello.parse(self.received)
        if rest is not None:
            self.received = rest
            self.move(ClientState.RECEIVING)
            self.download.talk("S: HELLO 1")
            self.unsent = hello.reply()
            self.answer()

    def answer(self) -> None:
        """Say hello. If the server is gone, what it said before it went still decides."""
        try:
            self.send()
        except OSError as error:
            self.reset = error
            self.unsent = b""
        if not self.unsent and self.reset is None:
            self.download.talk("C: HELLO 1")
        self.reactor.watch(self, READ | WRITE if self.unsent else READ)

    def take_file(self) -> None:
        """Judge the file message; if it is whole, the copy is proved."""
        found = protocol.file_received(self.received)
        if found is not None:
            self.download.talk(f"S: {self.received.splitlines()[0].decode()}")
            self.body, self.received = found
            self.move(ClientState.DONE)

    def on_end(self) -> None:
        """The server has ended its stream."""
        if self.state is not ClientState.DONE:
            raise Damaged(f"the stream ended in {self.state.name}: {len(self.received)} octets")
        if self.reset is not None:
            raise self.reset
        self.download.finish(self.body)

    def on_late(self) -> None:
        raise TimeoutError(errno.ETIMEDOUT, "timed out")

    def on_error(self, error: Exception) -> None:
        """Leave the outcome to the download: as a call of its own, for it may fail as well."""
        self.close("failed")
        self.download.attempts.cancel(self)
        self.reactor.call(self.download, partial(self.download.failed, self, error))


def check(error: int) -> None:
    """Raise OSError for an `error` number of connecting, unless it says that all is well so far."""
    if error not in (0, errno.EINPROGRESS):
        raise OSError(error, os.strerror(error))


class Download:
    """All the addresses of a server in turn, until one of them decides the outcome."""

    def __init__(
        self,
        reactor: Reactor,
        where: list[Address],
        timeout: float,
        talk: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self.reactor = reactor
        self.where = where
        self.talk = talk
        self.warn = warn
        self.timeout = timeout
        self.failures: list[str] = []
        self.connection: ClientConnection | None = None
        self.outcomes: list[bytes | Exception] = []  # the first one counts
        self.attempts = reactor.queue(timeout, ClientConnection.on_late)
        self.total = reactor.queue(timeout, Download.on_late)

    def __str__(self) -> str:
        return "download"

    def run(self) -> bytes:
        """Return the verified octets; raise Failure, Interrupted, or a defect of ours."""
        self.begin()
        self.reactor.run(until=lambda: self.outcomes)
        self.end()
        return settled(self.outcomes[0])

    def begin(self) -> None:
        """Let the time run, and try the first address."""
        self.total.arm(self)
        self.reactor.call(self, self.try_next)

    def end(self) -> None:
        """Leave nothing behind."""
        self.drop()
        self.total.cancel(self)

    def drop(self) -> None:
        """Be done with the last attempt, if there was one."""
        if self.connection is not None:
            self.connection.close("over")
            self.attempts.cancel(self.connection)

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
        # One attempt at a time stands in this queue, so it may get another length each time.
        self.attempts.length = self.total.left(self) / (len(self.where) + 1)
        sock = socket.socket(family, socket.SOCK_STREAM)  # fails if this machine lacks the family
        self.connection = ClientConnection(self, sock, address)
        self.attempts.arm(self.connection)
        self.connection.connect(address)

    def note(self, address: object, error: OSError) -> None:
        """Remember why an address did not work, for the case that none does."""
        self.failures.append(f"{addresses.shown_address(address)} {reason(error)}")

    def failed(self, connection: ClientConnection, error: Exception) -> None:
        """Decide what the failure of a connection means: it depends on how far it had come.

        Only a connection that stood can be reset; one that never did is refused (RFC 9293, 3.5.2).
        """
        if not isinstance(error, OSError):
            self.finish(error)
        elif connection.state is ClientState.CONNECTING and error.errno not in RESET:
            self.note(connection.peer, error)
            self.try_next()
        elif connection.state is ClientState.DONE:
            self.warn(f"warning: {reason(error)} after the whole, verified file")
            self.finish(connection.body)
        else:
            self.finish(Damaged(f"{reason(error)} in {connection.state.name}"))

    def on_late(self) -> None:
        """The time for everything is over. A proved copy is a success all the same."""
        connection = self.connection
        if connection is not None and connection.state is ClientState.DONE:
            self.warn("warning: the server did not end its stream after the whole, verified file")
            self.finish(connection.body)
        else:
            where = connection.state.name if connection else ClientState.CONNECTING.name
            self.finish(TimeoutError(f"timed out after {self.timeout:g} s in {where}"))

    def interrupt(self, number: int) -> None:
        """Let a signal count before any other outcome: nothing is saved yet."""
        self.outcomes.insert(0, Interrupted(number))

    def finish(self, outcome: bytes | Exception) -> None:
        """Settle the outcome: the octets, or what kept us from having them."""
        self.outcomes.append(outcome)

    def on_error(self, error: Exception) -> None:
        self.finish(error)


def fetch(reactor: Reactor, console: Console, signals: Signals, options: Namespace) -> int:
    """Run the client: open the copy, look up, download, save. Return the exit status."""
    say = nothing if options.quiet else console.line
    with saving.opened(options.output_file) as copy:
        where = addresses.look_up(options.server, options.port, NO_CONNECTION, signals)
        download = Download(reactor, where, options.timeout, say, console.line)
        signals.act = download.interrupt
        reactor.watch(signals, READ)
        body = download.run()
        with signals.interruptible():
            copy.write(body)
        copy.publish()
    name = protocol.escaped(os.fsencode(options.output_file))
    say(f"saved {name}: {len(body)} bytes, checksum verified")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run `python client.py ARGUMENTS` (default: sys.argv) and return the exit status."""
    return run("client.py", client_options, fetch, arguments)


if __name__ == "__main__":
    process.end(main())
