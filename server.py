"""The server: says HELLO to every client, hears HELLO, sends the file, says goodbye properly.

Owns the server's state machine and the program's life: listen, drain, ask, listen again. The loop
is reactor.py, the octets are protocol.py, accepting is listener.py; the outside lies in edges/.

    accept --> HELLO_SENT --- valid hello --> SENDING --- all sent --> DONE --- end of stream --> x
               hello said, reads              sends, does not read     half-closed, reads

"Sent" is not "delivered": the kernel has the octets, not the client. And a socket closed with
unread octets in it makes the kernel answer with a reset, which can destroy what is still on its
way. So the server ends only its own direction (shutdown), then reads and discards until the client
ends the other one: that end of stream, after the whole file, is what counts as done.

One deadline, from accept and never extended, covers all of this: a client that sends an octet a
second is no less late than a silent one.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process

    process.begin()

import os
import signal
import socket
import traceback
from argparse import Namespace
from functools import partial

import protocol
from connection import END_FOLLOWS, Connection, Sock
from edges import addresses, input_file, prompt
from edges.command_line import server_options
from edges.console import Console
from edges.dotted import load
from edges.program import run
from edges.slow_motion import SlowMotion
from listener import Acceptor
from protocol import ProtocolError, ServerState
from reactor import READ, WRITE, Reactor, Signals

hello = load("server.hello", os.path.dirname(os.path.realpath(__file__)))

HELLO_SENT, SENDING, DONE = ServerState
WORDS = ("done", "refused", "lost", "late", "cut", "bug")  # how a connection may end
LAST_READ = 65536  # octets taken in before a refused connection is closed: protocol.md, section 9


class ServerConnection(Connection):
    """One client of the server."""

    __slots__ = ("number", "received", "server")

    transitions = protocol.SERVER_TRANSITIONS

    def __init__(self, server: "Server", sock: Sock, peer: object, number: int) -> None:
        self.number = number  # before the rest: a trace of it wants our name
        super().__init__(server.reactor, sock, HELLO_SENT, peer)
        self.server: Server = server
        self.received = b""

    def __str__(self) -> str:
        return f"c{self.number}"

    def start(self) -> None:
        """Say hello at once: a fresh socket has room, so there is no need to ask first."""
        self.server.deadlines.arm(self)
        self.sock.setblocking(False)
        self.unsent = self.server.greeting
        self.server.talk(self, "S: HELLO 1")
        self.proceed()

    def proceed(self) -> None:
        """Send what may be sent now, then wait for what the state still needs."""
        if self.unsent:
            self.send(flags=END_FOLLOWS if self.state is SENDING else 0)
        if self.state is SENDING and not self.unsent:
            self.half_close()
            self.move(DONE)
        self.reactor.watch(self, self.needs())

    def needs(self) -> int:
        """Return what to wait for. It follows from the state, and is asked for here alone."""
        reads = 0 if self.state is SENDING else READ
        writes = WRITE if self.unsent else 0
        return reads | writes

    def on_writable(self) -> None:
        self.proceed()

    def on_readable(self) -> None:
        octets = self.receive()
        if octets is None:
            return
        if self.state is HELLO_SENT:
            self.hear(octets)
        elif not octets:
            self.end("done")  # the file is out, and the client has ended its stream; else: discard

    def hear(self, octets: bytes) -> None:
        """Judge the client's hello; if it is whole, send the file. What follows it is ignored."""
        if not octets:
            raise ProtocolError("expected HELLO, got the end of the stream")
        self.received += octets
        if hello.parse(self.received) is None:
            return
        self.received = b""
        self.move(SENDING)
        self.server.talk(self, "C: HELLO 1")
        self.server.talk(self, self.server.header)
        self.unsent += self.server.message
        self.proceed()

    def on_late(self) -> None:
        """The deadline has passed: say why, if the client may still be told, and end."""
        if self.state is HELLO_SENT:
            self.refuse("late", f"no hello within {self.server.deadlines.length:g} s")
        else:
            self.end("late")

    def on_error(self, error: Exception) -> None:
        """End this connection, and no other. Who is to blame shows in the type of the error."""
        if isinstance(error, ProtocolError):
            self.server.talk(self, f"C: {protocol.shown(self.received)}")
            # As a call of its own: a defect in there would otherwise get past this very method.
            self.reactor.call(self, partial(self.refuse, "refused", str(error)))
        elif isinstance(error, OSError):
            self.end("lost", f": {error.strerror}")
        else:
            self.server.tell_bug(error)
            self.end("bug")

    def refuse(self, word: str, reason: str) -> None:
        """Say ERROR, as far as one send takes it; take in what has already arrived; close.

        The read is for the ERROR's sake: closing over unread octets could reset it away.
        """
        farewell = protocol.error_message(reason)
        self.unsent += farewell
        try:
            super().send()  # Connection's own: in one send, whatever SlowMotion makes of it
            if not self.unsent:
                self.server.talk(self, f"S: {farewell[:-1].decode()}")
            self.receive(LAST_READ)
        except OSError:
            pass  # best effort: the client may be gone, or have no room
        self.end(word, f": {reason}")

    def end(self, word: str, why: str = "") -> None:
        """Close, and count it under one of WORDS. (The kernel may keep the octets of a client that
        does not read, and try for minutes to deliver them; they are no longer our memory.)"""
        self.close(word + why)
        self.server.deadlines.cancel(self)
        if word != "done":
            word_and_why = f"{word} in {self.state.name}{why}"
            self.server.talk(self, f"{word_and_why} ({addresses.shown_address(self.peer)})")
        else:
            self.server.talk(self, "done")
        self.server.ended(word)


class SlowConnection(SlowMotion, ServerConnection):
    """The same in slow motion."""

    __slots__ = ()


class Server:
    """What all connections share, and one listening period after another."""

    def __init__(self, reactor: Reactor, console: Console, options: Namespace) -> None:
        self.reactor = reactor
        self.console = console
        self.quiet = options.quiet
        self.chunk = options.chunk
        self.greeting = hello.greeting()
        self.deadlines = reactor.queue(options.timeout, ServerConnection.on_late)
        self.connections = self.deadlines.moments  # each is there, from accept to close
        self.pauses = reactor.queue(options.pause or 0.0, ServerConnection.proceed)
        self.drains = reactor.queue(options.drain, Server.cut)
        self.acceptor = Acceptor(
            reactor, self.connections, options.max_clients, self.welcome, console.line
        )
        self.accepted = 0
        self.cuts = 0  # of all periods: the exit status remembers

    def __str__(self) -> str:
        return "server"

    def serve(self, body: bytes, sockets: list[socket.socket]) -> None:
        """Deliver `body` through these listening sockets until a signal, then drain and report."""
        self.message = protocol.file_message(body)
        self.header = f"S: {self.message.splitlines()[0].decode()}"
        self.signals: list[int] = []  # of this period; the first one begins the drain
        self.ends = dict.fromkeys(WORDS, 0)
        self.acceptor.open(sockets)
        self.reactor.run(until=self.drained)
        self.drains.cancel(self)
        self.report()

    def report(self) -> None:
        done, cut = self.ends["done"], self.ends["cut"]
        self.cuts += cut
        self.console.report(f"{done} done, {sum(self.ends.values()) - done - cut} lost, {cut} cut")

    def talk(self, connection: ServerConnection, text: str) -> None:
        """Show a line of a conversation."""
        if not self.quiet:
            self.console.line(f"{connection} {text}")

    def welcome(self, sock: Sock, peer: object) -> None:
        """Begin a connection, as a handler call of its own: if it fails, it fails alone."""
        self.accepted += 1
        kind = SlowConnection if self.chunk else ServerConnection
        connection = kind(self, sock, peer, self.accepted)
        self.reactor.call(connection, connection.start)

    def ended(self, word: str) -> None:
        """Count a connection that is closed, and use the room it leaves."""
        self.ends[word] += 1
        self.acceptor.connection_ended()

    def drained(self) -> bool:
        """Tell whether the period is over: a signal has come, and the last connection has gone."""
        return bool(self.signals) and not self.connections

    def on_signal(self, number: int) -> None:
        """Drain at the first signal of a period; cut at any Ctrl+C after it."""
        self.signals.append(number)
        if len(self.signals) == 1:
            self.begin_drain()
        elif number == signal.SIGINT:
            self.cut()

    def begin_drain(self) -> None:
        """Take no new clients; give the open connections their time."""
        self.acceptor.close()
        self.console.report(f"stopping; open connections: {len(self.connections)}")
        self.drains.arm(self)

    def cut(self) -> None:
        """End whatever is still open."""
        for connection in list(self.connections):
            connection.end("cut")

    def interrupted(self) -> bool:
        """Tell whether Ctrl+C came while draining."""
        return signal.SIGINT in self.signals[1:]

    def may_ask(self) -> bool:
        """Tell whether a person, and nobody else, stopped this period."""
        return self.signals == [signal.SIGINT]

    def tell_bug(self, error: Exception) -> None:
        """Show a defect of ours, which one connection has met, with its traceback."""
        for line in "".join(traceback.format_exception(error)).splitlines():
            self.console.line(line)

    def on_error(self, error: Exception) -> None:
        raise error  # a drain that cannot end must not go on


def serve(reactor: Reactor, console: Console, signals: Signals, options: Namespace) -> int:
    """Run the server: one listening period after another. Return the exit status."""
    server = Server(reactor, console, options)
    signals.act = server.on_signal
    reactor.watch(signals, READ)
    question = prompt.Question(console, signals)
    body = input_file.read(options.input_file)
    places = addresses.places(options.host, options.port, signals)
    while True:
        sockets = addresses.listen(places)
        places = addresses.places_of(sockets)  # with the real port, for the next period
        address = addresses.shown_address(places[0].sockaddr)
        console.announce(f"listening on {address}")
        if reactor.trace is not None:
            reactor.trace("listen", server, address=address, body=body)
        server.serve(body, sockets)
        if server.interrupted():
            return 130
        if not server.may_ask() or not question.ask():
            return 1 if server.cuts else 0
        body = input_file.read(options.input_file)


def main(arguments: list[str] | None = None) -> int:
    """Run `python server.py ARGUMENTS` (default: sys.argv) and return the exit status."""
    return run("server.py", server_options, serve, arguments)


if __name__ == "__main__":
    process.end(main())
