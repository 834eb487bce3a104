"""The server: says HELLO to every client, hears HELLO, sends the file, closes in the right order.

Owns the server's state machine and the program's life: listen, drain, ask, listen again. The loop
is reactor.py, the bytes are protocol.py, accepting is listener.py; edges/ touches the outside.

    accept --> HELLO_SENT --- valid hello --> SENDING --- all sent --> DONE --- end of stream --> x
               hello sent, reads              sends, does not read     half-closed, reads

"Sent" is not "delivered": the kernel has the bytes, not the client. And if a socket is closed while
it holds unread bytes, the kernel answers with a reset, which can destroy what is still on its way.
So the server ends only its own direction (shutdown), then reads and discards until the client ends
the other one. Only that end of stream, after the whole file, counts as done.

One deadline, set at accept and never extended, covers all of this: a client that sends one byte a
second gains no time over a silent one.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    import os
    import sys

    sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))  # left out by python -P and -I
    from edges import process

    process.begin()

import os
import signal
import socket
import traceback
from functools import partial

import protocol
from connection import END_FOLLOWS, RECEIVE, Connection, Sock
from edges import addresses, input_file, names, prompt
from edges.command_line import ServerOptions, most_clients
from edges.console import Console
from edges.dotted import ServerHello, load
from edges.program import run
from listener import Acceptor
from protocol import ProtocolError, ServerState
from reactor import READ, WRITE, Reactor, Timer
from signals import Signals

hello: ServerHello = load("server.hello", os.path.dirname(os.path.realpath(__file__)))

HELLO_SENT, SENDING, DONE = ServerState
DEAF = 0  # ends a listening period as a signal does: no listening socket is left
ENDINGS = ("done", "refused", "lost", "late", "cut", "bug")  # how a connection may end
LAST_READ = 65536  # bytes of one read of what is thrown away: protocol.md, section 9.3
DISCARD_LIMIT = 1 << 20  # bytes after the hello that are read and thrown away


class ServerConnection(Connection):
    """One client of the server."""

    __slots__ = ("discarded", "number", "received", "server")

    transitions = protocol.SERVER_TRANSITIONS

    def __init__(self, server: "Server", sock: Sock, peer_address: object, number: int) -> None:
        super().__init__(server.reactor, sock, HELLO_SENT, peer_address)
        self.server = server
        self.number = number
        self.received = b""
        self.discarded = 0

    def __str__(self) -> str:
        return f"c{self.number}"

    def start(self) -> None:
        """Say hello at once: a new socket has room, so there is no need to wait for it."""
        self.server.deadlines.arm(self)
        self.sock.setblocking(False)
        self.unsent = self.server.greeting
        self.server.say(self, f"S: {protocol.HELLO_LINE}")
        self.proceed()

    def proceed(self) -> None:
        """Send what may be sent now, then wait for what the state still needs."""
        if self.state is SENDING:
            self.send(flags=END_FOLLOWS)
            if not self.unsent:
                self.half_close()
                self.transition(DONE)
        elif self.unsent:
            self.send()
        self.reactor.watch(self, self.needs())

    def needs(self) -> int:
        """Return what to wait for: it follows from the state."""
        reads = 0 if self.state is SENDING else READ
        writes = WRITE if self.unsent else 0
        return reads | writes

    def on_writable(self) -> None:
        self.proceed()

    def on_readable(self) -> None:
        data = self.receive(LAST_READ if self.discarded else RECEIVE)
        if data is None:
            return
        if self.state is HELLO_SENT:
            self.hear(data)
        else:
            self.discard(data)

    def hear(self, data: bytes) -> None:
        """Judge the client's hello; when it is complete, send the file."""
        if not data:
            raise ProtocolError("expected HELLO, got the end of the stream")
        self.received += data
        beyond = hello.parse(self.received)
        if beyond is None:
            return
        self.received = b""
        self.discarded = len(beyond)
        self.transition(SENDING)
        self.server.say(self, f"C: {protocol.HELLO_LINE}")
        self.server.say(self, self.server.header)
        self.unsent += self.server.message
        self.proceed()

    def discard(self, data: bytes) -> None:
        """Wait for the end of the client's stream; throw away what comes before it, up to a limit:
        a client that sends for ever would cost processor time until its deadline."""
        if not data:
            self.end("done")
            return
        self.discarded += len(data)
        if self.discarded > DISCARD_LIMIT:
            self.end("lost", f": more than {DISCARD_LIMIT} bytes after the hello")

    def on_late(self) -> None:
        """The deadline has passed: say why, if the protocol still allows it, and end."""
        if self.state is HELLO_SENT:
            self.refuse("late", f"no hello within {self.server.deadlines.length:g} s")
        else:
            self.end("late")

    def on_error(self, error: Exception) -> None:
        """End this connection, and no other. The type of the error says whose fault it is."""
        if isinstance(error, ProtocolError):
            self.server.say(self, f"C: {protocol.shown(self.received)}")
            # A call of its own, so that a bug in `refuse` comes back to this method.
            self.reactor.call(self, partial(self.refuse, "refused", str(error)))
        elif isinstance(error, OSError):
            self.end("lost", f": {error.strerror}")
        else:
            self.server.say_bug(error)
            self.end("bug")

    def refuse(self, ending: str, reason: str) -> None:
        """Send ERROR, as much as one send takes; read what has already arrived; close.

        The read protects the ERROR: closing with unread bytes could reset the connection.
        """
        farewell = protocol.error_message(reason)
        self.unsent += farewell
        try:
            Connection.send(self)  # in one send, even in slow motion
            if not self.unsent:
                self.server.say(self, f"S: {farewell[:-1].decode()}")
            self.receive(LAST_READ)
        except OSError:
            pass  # best effort: the client may be gone, or have no room
        self.end(ending, f": {reason}")

    def end(self, ending: str, why: str = "") -> None:
        """Close, and count the connection under one of ENDINGS. (The kernel keeps bytes that it
        could not deliver yet, and may go on trying for minutes.)"""
        self.close()
        self.server.deadlines.cancel(self)
        if ending != "done":
            where = names.shown_address(self.peer_address)
            self.server.say(self, f"{ending} in {self.state.name}{why} ({where})")
        else:
            self.server.say(self, "done")
        self.server.ended(self, ending)


class SlowConnection(ServerConnection):
    """A client in slow motion: at most --chunk bytes per send, then a pause of --pause seconds.
    During the pause the connection does not wait for room."""

    pause: Timer | None = None  # set during a pause

    def needs(self) -> int:
        return super().needs() & ~WRITE if self.pause else super().needs()

    def send(self, most: int | None = None, flags: int = 0) -> int:
        """Send one chunk, without `flags`: they could make the kernel wait for more."""
        if self.pause:
            return 0
        taken = super().send(self.server.options.chunk)
        if taken and self.server.options.pause:
            self.pause = self.reactor.call_later(self.server.options.pause, self, self.resume)
        return taken

    def resume(self) -> None:
        """Go on after the pause."""
        self.pause = None
        self.proceed()

    def close(self) -> None:
        if self.pause:
            self.reactor.cancel(self.pause)
        super().close()


class Server:
    """What all connections share, and the listening periods, one after another."""

    def __init__(self, reactor: Reactor, console: Console, options: ServerOptions) -> None:
        self.reactor = reactor
        self.console = console
        self.options = options
        # Needed for each line and each client; in `options` they take longer to find (measured).
        self.quiet = options.quiet
        self.kind = SlowConnection if options.chunk else ServerConnection
        self.greeting = hello.greeting()
        self.deadlines = reactor.deadline_queue(options.timeout, ServerConnection.on_late)
        self.connections: dict[ServerConnection, None] = {}  # from accept to close, oldest first
        limit = options.max_clients or most_clients()
        self.acceptor = Acceptor(
            reactor, self.connections, limit, self.welcome, self.on_deaf, console.line
        )
        self.accepted = 0
        self.status = 0  # exit status; a failure in any period decides it

    def serve(self, body: bytes, sockets: list[socket.socket]) -> None:
        """Deliver `body` through these listening sockets until a signal, then drain and report."""
        self.message = protocol.file_message(body)
        self.header = f"S: {self.message.splitlines()[0].decode()}"
        self.stops: list[int] = []  # signals, or DEAF; the first one begins the drain
        self.ends = dict.fromkeys(ENDINGS, 0)
        self.acceptor.open(sockets)
        self.reactor.run(until=self.drained)
        self.report()

    def drained(self) -> bool:
        """Tell whether the period is over: it drains, and the last connection has ended."""
        return bool(self.stops) and not self.connections

    def interrupted(self) -> bool:
        """Tell whether Ctrl+C came while draining."""
        return signal.SIGINT in self.stops[1:]

    def report(self) -> None:
        self.reactor.cancel(self.draining)
        done, cut = self.ends["done"], self.ends["cut"]
        if cut:
            self.status = 1
        self.console.report(f"{done} done, {sum(self.ends.values()) - done - cut} lost, {cut} cut")

    def say(self, connection: ServerConnection, text: str) -> None:
        """Show a line of a conversation."""
        if not self.quiet:
            self.console.line(f"{connection} {text}")

    def welcome(self, sock: Sock, peer_address: object) -> None:
        """Begin a connection, in a call of its own: if that fails, only this connection ends."""
        self.accepted += 1
        connection = self.kind(self, sock, peer_address, self.accepted)
        self.connections[connection] = None
        self.reactor.call(connection, connection.start)

    def ended(self, connection: ServerConnection, ending: str) -> None:
        """Count a connection that is closed, and use the room it leaves."""
        del self.connections[connection]
        self.ends[ending] += 1
        self.acceptor.connection_ended()

    def on_signal(self, number: int) -> None:
        """Drain at the first signal of a period; cut at any Ctrl+C after it."""
        self.stops.append(number)
        if len(self.stops) == 1:
            self.begin_drain()
        elif number == signal.SIGINT:
            self.cut()

    def on_deaf(self) -> None:
        """No listening socket is left: drain, and report that by the exit status."""
        self.status = 1
        self.on_signal(DEAF)

    def begin_drain(self) -> None:
        """Take no new clients; give the open connections their time."""
        self.draining = self.reactor.call_later(self.options.drain, self, self.cut)
        self.acceptor.close()
        self.console.report(f"stopping; open connections: {len(self.connections)}")

    def cut(self) -> None:
        """End all connections that are still open."""
        for connection in list(self.connections):
            connection.end("cut")

    def say_bug(self, error: Exception) -> None:
        """Show the traceback of a bug that ends one connection."""
        for line in "".join(traceback.format_exception(error)).splitlines():
            self.console.line(line)

    def on_error(self, error: Exception) -> None:
        raise error  # if `cut` fails, the drain would never end


def serve(reactor: Reactor, console: Console, signals: Signals, options: ServerOptions) -> int:
    """Run the server: one listening period after another. Return the exit status."""
    reactor.watch(signals, READ)  # until there is a server, a signal ends the program
    server = Server(reactor, console, options)
    question = prompt.Question(console, signals)
    body = input_file.read(options.input_file)
    places = addresses.places(reactor, options.host, options.port)
    signals.act = server.on_signal
    while True:
        sockets = addresses.listen(places)
        places = addresses.places_of(sockets)  # with the real port, for the next period
        console.announce(f"listening on {names.shown_address(places[0].sockaddr)}")
        server.serve(body, sockets)
        if server.interrupted():
            return 130
        if server.stops != [signal.SIGINT] or not question.ask():  # only one Ctrl+C may ask
            return server.status
        body = input_file.read(options.input_file)


def main(arguments: list[str] | None = None) -> int:
    """Run `python server.py ARGUMENTS` (default: sys.argv) and return the exit status."""
    return run("server.py", ServerOptions, serve, arguments)


if __name__ == "__main__":
    process.end(main())
