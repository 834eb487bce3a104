"""Every row of the state tables in protocol.md, acted out by the state machines of both programs.

Nothing is real here but the code: the socket is a Wire, whose other end is the test, nothing is
ever selected, and the clock does not move. A row is played in three steps: bring a connection into
`state`, let `event` happen under `condition`, compare what was done with `action` and `next`. The
words of the tables are looked up below, so a row that nobody can play fails.
"""

import errno
import selectors
import signal
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Self

import pytest

import client
import protocol
import server
from edges.command_line import ServerOptions
from edges.failure import Failure
from edges.outcome import explained
from lab.documents.specification import SPECIFICATION, Row, state_table
from lab.simulation.program import disarm
from reactor import READ, WRITE, Reactor
from signals import Interrupted
from tests.support import oracle
from tests.support.fakes import armed

HELLO = b"HELLO 1\n"
BODY = b"Hello, world!\n"
FILE = protocol.file_message(BODY)
PLENTY = 1000
TIMEOUT = 10.0
TEXT = SPECIFICATION.read_text()
SERVER_ROWS = state_table(TEXT, "7.1 Server")
CLIENT_ROWS = state_table(TEXT, "7.2 Client")


class Wire:
    """A socket that does what the test has put into it, and remembers what was done with it."""

    def __init__(self) -> None:
        self.incoming: list[bytes | OSError] = []
        self.room = PLENTY  # bytes that can be sent
        self.refused = False  # the connection never stood
        self.broken = False  # the connection was reset
        self.sent = b""
        self.asked: list[int] = []  # the count of each recv
        self.half_closed = self.closed = False

    def recv(self, count: int) -> bytes:
        self.asked.append(count)
        if self.broken:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        if not self.incoming:
            raise BlockingIOError
        data = self.incoming.pop(0)
        if isinstance(data, OSError):
            raise data
        assert len(data) <= count
        return data

    def send(self, data: bytes, flags: int = 0) -> int:
        if self.broken:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        if not self.room:
            raise BlockingIOError
        taken = data[: self.room]
        self.room -= len(taken)
        self.sent += taken
        return len(taken)

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_WR
        self.half_closed = True

    def close(self) -> None:
        self.closed = True

    def setblocking(self, flag: bool) -> None:
        assert flag is False

    def connect_ex(self, address: tuple[str, int]) -> int:
        return errno.EINPROGRESS

    def getsockopt(self, *_: int) -> int:
        if self.refused:
            return errno.ECONNREFUSED
        return errno.ECONNRESET if self.broken else 0

    def getsockname(self) -> tuple[str, int]:
        return ("192.0.2.1", 1)

    def getpeername(self) -> tuple[str, int]:
        return ("192.0.2.2", 7080)


class Unselective(selectors.SelectSelector):
    """A selector to which everything is the same."""

    def register(self, *_: Any) -> Any: ...
    def modify(self, *_: Any) -> Any: ...
    def unregister(self, *_: Any) -> Any: ...


def defect() -> None:
    raise ZeroDivisionError


class World:
    """What both ends need around them. Subclasses make the end that is played."""

    connection: Any
    moment = 0.0

    def __init__(self) -> None:
        self.reactor = Reactor(Unselective(), lambda: self.moment)
        self.said: list[str] = []

    def fire(self, interest: int) -> None:
        """Let the connection's socket become ready, as far as it waits for that."""
        if self.connection.interest & interest & READ:
            self.reactor.call(self.connection, self.connection.on_readable)
        if self.connection.interest & interest & WRITE:
            self.reactor.call(self.connection, self.connection.on_writable)

    def deadline(self) -> None:
        self.moment += TIMEOUT
        for schedule in self.reactor.schedules:
            schedule.expire(self.moment, self.reactor.call)

    def arrive(self, data: bytes) -> None:
        self.connection.sock.incoming.append(data)
        self.fire(READ)

    def reset(self) -> None:
        self.connection.sock.broken = True
        self.fire(READ | WRITE)

    def bug(self) -> None:
        self.reactor.call(self.connection, defect)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        disarm(self.reactor)
        self.reactor.close()


class ServerWorld(World):
    def __init__(self) -> None:
        super().__init__()
        options = ServerOptions(drain=5.0, timeout=TIMEOUT, max_clients=9)
        console: Any = SimpleNamespace(line=self.said.append, report=self.said.append)
        self.server = server.Server(self.reactor, console, options)
        self.reactor.run = lambda until: self.server.begin_drain()
        self.server.serve(BODY, [])
        self.wire = Wire()

    def begin(self) -> None:
        wire: Any = self.wire
        self.connection = server.ServerConnection(self.server, wire, ("192.0.2.2", 9), 1)
        self.server.connections[self.connection] = None
        self.reactor.call(self.connection, self.connection.start)

    def next(self) -> str:
        if not self.wire.closed:
            assert self.connection in self.server.deadlines.waiting
            return str(self.connection.state.name)
        assert not self.connection.interest and not armed(self.reactor)
        return f"closed: {self.said[-1].split()[1]}"


def server_in(state: str, event: str) -> ServerWorld:
    """Return a server with a connection in `state`, in which `event` can happen."""
    world = ServerWorld()
    if (state, event) == ("HELLO_SENT", "room to send"):
        world.wire.room = 3
    world.begin()
    if state == "SENDING":
        world.wire.room = 5
    if state != "HELLO_SENT":
        world.arrive(HELLO)
    return world


SERVER_EVENTS: dict[tuple[str, str], Callable[[ServerWorld], None]] = {
    ("room to send", ""): lambda world: room(world, PLENTY),
    ("room to send", "some octets remain unsent"): lambda world: room(world, 4),
    ("room to send", "the whole file is with the kernel"): lambda world: room(world, len(FILE) - 5),
    ("octets", ""): lambda world: world.arrive(b"more"),
    ("octets", "the beginning of a hello"): lambda world: world.arrive(b"HEL"),
    ("octets", "the client's hello is valid"): lambda world: world.arrive(HELLO + b"more"),
    ("octets", "anything else, such as another version"): lambda world: world.arrive(b"HELLO 2\n"),
    ("octets", "at most 1048576 since the client's hello"): lambda world: stream(world, 1048576),
    ("octets", "more than that"): lambda world: stream(world, 1048577),
    ("end of stream", ""): lambda world: world.arrive(b""),
    ("reset", ""): lambda world: world.reset(),
    ("deadline", ""): lambda world: world.deadline(),
    ("end of the drain", ""): lambda world: world.server.cut(),
    ("bug", ""): lambda world: world.bug(),
}


def stream(world: World, count: int) -> None:
    """Let `count` bytes come after the hello, in pieces that one recv takes."""
    piece = bytes(100)
    for _ in range(count // len(piece)):
        world.arrive(piece)
    world.arrive(bytes(count % len(piece)))


def room(world: World, size: int) -> None:
    world.connection.sock.room = size
    world.fire(WRITE)


def ends_with_an_error(data: bytes) -> bool:
    line = data[data.rindex(b"ERROR") :]
    return oracle.verdict(line, "ERROR") == len(line)


# What each action of table 7.1 leaves: judged by the bytes sent since the event, and the world.
SERVER_ACTIONS: dict[str, Callable[[bytes, ServerWorld], bool]] = {
    "send what is left of the hello": lambda sent, world: world.wire.sent == HELLO,
    "keep them": lambda sent, world: not sent and world.connection.received == b"HEL",
    "send the file message after what is left of the hello; discard octets beyond the client's "
    "hello": lambda sent, world: sent == FILE[:20] and not world.connection.received,
    "refuse (9.3)": lambda sent, world: ends_with_an_error(sent) and world.wire.asked[-1] == 65536,
    "say ERROR if it can be done at once; close": lambda sent, world: ends_with_an_error(sent),
    "close": lambda sent, world: not sent and world.wire.closed,
    "send": lambda sent, world: sent == FILE[5:9],
    "half-close": lambda sent, world: sent == FILE[5:] and world.wire.half_closed,
    "leave them unread, or discard them": lambda sent, world: not sent,
    "go on sending": lambda sent, world: not sent and world.connection.interest == WRITE,
    "discard them": lambda sent, world: not sent and not world.connection.received,
    "—": lambda sent, world: not world.connection.interest & WRITE,
}


@pytest.mark.req("S-15", "S-3", "S-9", "S-17", "S-20", "S-26", "S-28", "S-29", "S-30", "S-31")
def test_the_server_acts_as_its_table_says():
    for row in SERVER_ROWS:
        play_server(row)


def play_server(row: Row) -> None:
    with server_in(row.state, row.event) as world:
        assert world.next() == row.state
        if row.condition == "the client's hello is valid":
            world.wire.room = 20  # else the next row of the table follows at once
        before = world.wire.sent
        SERVER_EVENTS[row.event, row.condition](world)
        assert world.next() == row.next, row
        assert SERVER_ACTIONS[row.action](world.wire.sent[len(before) :], world), row


# --- the client


class ClientWorld(World):
    def __init__(self, monkeypatch: pytest.MonkeyPatch, addresses: int) -> None:
        super().__init__()
        monkeypatch.setattr(socket, "socket", lambda *_: Wire())
        where: Any = [(socket.AF_INET, (f"192.0.2.{9 + n}", 7080)) for n in range(addresses)]
        self.warnings: list[str] = []
        self.download = client.Download(
            self.reactor, TIMEOUT, self.said.append, self.warnings.append
        )
        self.download.begin()
        self.download.found(where)

    @property
    def connection(self) -> Any:
        return self.download.connection

    @property
    def wire(self) -> Any:
        return self.connection.sock

    def next(self) -> str:
        if not self.download.over():
            return str(self.connection.state.name)
        outcome = self.download.outcome
        if isinstance(outcome, bytes):
            assert outcome == BODY
            return "closed: 0"
        if isinstance(outcome, Interrupted):
            return f"closed: {128 + outcome.number}"
        failure: Any = outcome if isinstance(outcome, Failure) else explained(outcome)
        return f"closed: {failure.status}"


CLIENT_WAYS = {
    "CONNECTING": [],
    "HELLO_EXPECTED": [b""],
    "RECEIVING": [b"", HELLO],
    "DONE": [b"", HELLO, FILE],
}
REFUSED = "refused, failed, connected to itself or out of time, and addresses are left"
CLIENT_BYTES = {
    "the beginning of a hello or an ERROR line": b"ERR",
    "the server's hello is valid": HELLO + FILE[:10],
    "an ERROR line": b"ERROR \\no\n",
    "anything else, such as another version": b"HELLO 2\n",
    "the beginning of a file message or an ERROR line": FILE[:-1],
    "the file is whole and verified": FILE,
    "anything else": b"FILE 81",
    "the body is whole and the checksum differs": FILE[:-2] + b"?\n",
    "the checksum is right and the body is not a valid file": protocol.file_message(b"no LF"),
    "": b"\n",
}


def client_in(state: str, monkeypatch: pytest.MonkeyPatch, addresses: int) -> ClientWorld:
    """Return a client whose connection is in `state`."""
    world = ClientWorld(monkeypatch, addresses)
    for data in CLIENT_WAYS[state]:
        if data:
            world.arrive(data)
        else:
            world.fire(WRITE)  # connected
    return world


def let_happen(world: ClientWorld, event: str, condition: str) -> None:
    if event == "attempt ends":
        world.wire.refused = condition not in {"the connection is established", ""}
        world.fire(WRITE)
    elif event == "octets":
        world.arrive(CLIENT_BYTES[condition])
    elif event == "end of stream":
        world.arrive(b"")
    elif event == "interrupt":
        world.download.finish(Interrupted(signal.SIGINT))
    else:
        {"reset": world.reset, "deadline": world.deadline}[event]()


# What each action of table 7.2 leaves: judged by the bytes sent since the event, and the world.
CLIENT_ACTIONS: dict[str, Callable[[bytes, ClientWorld], bool]] = {
    "wait for the server's hello": lambda sent, world: world.connection.interest == READ,
    "try the next address": lambda sent, world: world.connection.peer_address[0] == "192.0.2.10",
    "report it": lambda sent, world: isinstance(world.download.outcome, Exception),
    "—": lambda sent, world: not world.download.over(),
    "tidy up": lambda sent, world: not isinstance(world.download.outcome, bytes),
    "keep them": lambda sent, world: world.connection.received in {b"ERR", FILE[:-1]},
    "send the hello, unless it is sent already; go on with the octets beyond the server's hello": (
        lambda sent, world: sent == HELLO and world.connection.received == FILE[:10]
    ),
    "report its reason": lambda sent, world: str(world.download.outcome) == r"\no",
    "refuse": lambda sent, world: isinstance(world.download.outcome, protocol.ProtocolError),
    "refuse: they are beyond the body": lambda sent, world: isinstance(
        world.download.outcome, protocol.ProtocolError
    ),
    "go on with the octets beyond the body": lambda sent, world: not world.connection.received,
    "save the copy": lambda sent, world: world.download.outcome == BODY and not world.warnings,
    "save the copy and warn": lambda sent, world: len(world.warnings) == 1,
}


@pytest.mark.req("C-15", "C-4", "C-5", "C-13", "C-16", "C-19", "C-20", "C-21", "C-22", "C-23")
def test_the_client_acts_as_its_table_says(monkeypatch: pytest.MonkeyPatch):
    for row in CLIENT_ROWS:
        play_client(row, monkeypatch)


def play_client(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    with client_in(row.state, monkeypatch, 2 if row.condition == REFUSED else 1) as world:
        assert world.next() == row.state
        if row.state == "CONNECTING" and row.action == "—":
            assert world.connection.interest == WRITE  # bytes, an end, a reset go unnoticed
            return
        before = world.wire.sent
        let_happen(world, row.event, row.condition)
        assert world.next() == row.next, row
        assert CLIENT_ACTIONS[row.action](world.wire.sent[len(before) :], world), row
        assert (len(world.warnings) > 0) == (row.action == "save the copy and warn"), row


def test_every_word_that_is_looked_up_here_is_in_a_table():
    rows = [*SERVER_ROWS, *CLIENT_ROWS]
    assert {row.action for row in SERVER_ROWS} == set(SERVER_ACTIONS)
    assert {row.action for row in CLIENT_ROWS} == set(CLIENT_ACTIONS)
    assert {(row.event, row.condition) for row in SERVER_ROWS} == set(SERVER_EVENTS)
    assert {row.condition for row in rows if row.event == "octets"} >= set(CLIENT_BYTES)
