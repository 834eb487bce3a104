"""Every selector will do: the reactor, the server and the client on epoll, ours and theirs, on poll
and on select, over real sockets.

Server and clients share one loop here, in one thread: what they need of a selector is the same.
"""

import selectors
import signal
import socket
import struct
from contextlib import ExitStack, closing
from functools import partial
from types import SimpleNamespace

import pytest

from client import Download
from connection import Connection
from edges import addresses
from edges.command_line import ServerOptions
from edges.epoll import EpollSelector
from reactor import READ, WRITE, Reactor, nothing
from server import Server
from signals import Signals

KINDS = [
    EpollSelector, selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector,
]  # fmt: skip
LONG = 30.0  # seconds that no test takes
BODY = b"Hello, world!\n"


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def reactor(request):
    with closing(Reactor(request.param())) as reactor:
        yield reactor


# --- the reactor


class Speaker(Connection):
    """Says all it has, ends its stream, and hears the other out."""

    def __init__(self, reactor: Reactor, sock, data):
        super().__init__(reactor, sock, None, "?")
        sock.setblocking(False)
        self.unsent = data
        self.heard = b""
        self.over = False
        reactor.watch(self, READ | WRITE)

    def on_writable(self):
        self.send()
        if not self.unsent:
            self.sock.shutdown(socket.SHUT_WR)
            self.reactor.watch(self, self.interest & READ)

    def on_readable(self):
        data = self.receive()
        if data:
            self.heard += data
        elif data is not None:
            self.over = True
            self.reactor.watch(self, self.interest & WRITE)

    def on_error(self, error):
        raise error


@pytest.mark.fault("B1", "B9", "B14")
def test_two_talk_at_once_in_small_pieces_and_one_that_has_ended_is_left_alone(reactor: Reactor):
    words = [bytes(range(256)) * 400, b"x" * 70_000]
    speakers = []
    for sock, data in zip(socket.socketpair(), words, strict=True):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)  # the least that the kernel has
        speakers.append(Speaker(reactor, sock, data))
    reactor.run(until=lambda: all(speaker.over and not speaker.interest for speaker in speakers))
    assert [speaker.heard for speaker in speakers] == words[::-1]
    assert reactor.selector.select(0) == []  # both ways are closed: epoll would report a hang-up
    for speaker in speakers:
        speaker.close()


def test_deadlines_of_several_lengths_come_in_their_order(reactor: Reactor):
    came = []
    for length in (0.02, 0.0, 0.01):
        reactor.call_later(length, None, partial(came.append, length))
    reactor.run(until=lambda: len(came) == 3)
    assert came == [0.0, 0.01, 0.02]


@pytest.mark.fault("C7")
def test_the_loop_does_not_turn_until_a_short_deadline_is_there(reactor: Reactor):
    came, turns = [], []
    queue = reactor.deadline_queue(0.0004, came.append)
    reactor.after_turn = lambda: turns.append(reactor)
    queue.arm("now")
    reactor.run(until=lambda: came)
    assert len(turns) <= 3  # sleep, a last look, and one more if poll and clock disagree


@pytest.mark.fault("D1", "D2")
def test_a_signal_is_one_more_socket(reactor: Reactor):
    numbers = []
    with Signals(numbers.append) as signals:
        reactor.watch(signals, READ)
        signal.raise_signal(signal.SIGTERM)
        reactor.run(until=lambda: numbers)
        reactor.watch(signals, 0)
    assert numbers == [signal.SIGTERM]


# --- the server and the client


class Guest(Download):
    """A client in a loop that is not its own."""

    def finish(self, outcome):
        super().finish(outcome)
        self.end()


class Party:
    """A server that listens, and its clients. Ends when `over` says so."""

    def __init__(self, reactor: Reactor, **options):
        settings = {"drain": LONG, "timeout": LONG, "max_clients": 1000, **options}
        self.reactor = reactor
        self.said = []
        self.server = Server(
            reactor,
            SimpleNamespace(line=self.said.append, report=self.said.append),
            ServerOptions(**settings),
        )
        self.sockets = addresses.listen(addresses.places(reactor, "127.0.0.1", 0))
        self.address = self.sockets[0].getsockname()
        self.guests = []

    def invite(self, count):
        for _ in range(count):
            guest = Guest(self.reactor, LONG, nothing, self.said.append)
            self.guests.append(guest)
            guest.begin()
            guest.found([(socket.AF_INET, self.address)])

    def take_place(self, over, *signals):
        """Serve until `over()`, then let the signals come."""

        def look():
            if over():
                self.reactor.after_turn = nothing
                for number in signals:
                    self.server.on_signal(number)

        self.reactor.after_turn = look
        self.server.serve(BODY, self.sockets)

    def served(self):
        return all(guest.over() for guest in self.guests)


@pytest.mark.fault("E7")
@pytest.mark.parametrize(
    "options",
    [{}, {"chunk": 1}, {"chunk": 7, "pause": 0.001}, {"max_clients": 1}],
    ids=["plain", "byte by byte", "slow motion", "one at a time"],
)
def test_everybody_gets_an_exact_copy(reactor: Reactor, options):
    party = Party(reactor, **options)
    party.invite(20)
    party.take_place(party.served, signal.SIGTERM)
    assert [guest.outcome for guest in party.guests] == [BODY] * 20
    assert party.said[-1] == "20 done, 0 lost, 0 cut"


@pytest.mark.fault("B6", "B10", "B11", "E7")
def test_a_peer_that_misbehaves_is_ended_and_nobody_else_notices(reactor: Reactor):
    party = Party(reactor)
    with ExitStack() as stack:
        odd, gone, knocker, silent = (
            stack.enter_context(socket.create_connection(party.address)) for _ in range(4)
        )
        odd.send(b"GET / HTTP/1.0\r\n")
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()
        knocker.close()
        party.invite(10)

        def only_the_silent_one_is_left():
            return sum(party.server.ends.values()) == 13

        party.take_place(only_the_silent_one_is_left, signal.SIGTERM, signal.SIGINT)
        assert odd.recv(4096).startswith(b"HELLO 1\nERROR expected HELLO, got 'GET /")
        assert silent.recv(4096) == b"HELLO 1\n"
    assert [guest.outcome for guest in party.guests] == [BODY] * 10
    assert party.said[-1] == "10 done, 3 lost, 1 cut"
