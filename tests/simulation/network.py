"""The network: streams whose octets fly before they arrive, and the sockets at their ends.

Owns what the kernel owns: buffers, windows, ends of stream, resets, the backlog. Whatever is under
way stands in `World.pending` and happens when the world comes to it, so every order is possible.
tests/test_fakes.py holds these sockets and the kernel's to the same behaviour.

    send --> flying --- happens, a piece at a time ---> arrived --> recv
             |<-------------- window ----------------------->|

A reset overtakes what flies and destroys it. What has arrived can still be read: so does Linux.
A harsh kernel (knob) throws that away as well: so do others.
"""

import errno
import os
from collections import deque
from typing import Any

from reactor import READ, WRITE
from tests.simulation.faults import DEFECT, GONE_NUMBERS
from tests.simulation.host import Descriptor, Host, failure

PLENTY = 65536
CUT, RESET = -1, -2  # what a flaw can be, besides bits that are flipped


class Wire:
    """A connection as the world knows it: both ends, and what has befallen them."""

    def __init__(self, client: "FakeSocket", server: "FakeSocket") -> None:
        self.client, self.server = client, server
        self.harm: list[str] = []  # what the world has done to it, and no program
        self.was_reset = False  # some end got a reset, for whatever reason
        self.number = 0  # the server's: connection c1, c2, …
        self.accepted_at = 0.0
        self.silent = False  # nothing arrives any more
        self.body: bytes | None = None  # what the server delivers when it accepts this one
        self.file = b""  # its file message
        self.word = ""  # the server's closing word


class Stream:
    """One direction of a connection."""

    __slots__ = (
        "arrived", "ended", "ending", "flaw", "flying", "reader", "sent", "under_way", "window",
        "writer",
    )  # fmt: skip

    def __init__(self, writer: "FakeSocket", reader: "FakeSocket", window: int) -> None:
        self.writer, self.reader = writer, reader
        self.window = window
        self.flying = self.arrived = b""
        self.ending = self.ended = False  # the end of stream: sent; arrived
        self.under_way = False
        self.sent = 0
        self.flaw: tuple[int, int] | None = None  # at which octet, and what

    def room(self) -> int:
        return self.window - len(self.flying) - len(self.arrived)

    def put(self, octets: bytes) -> None:
        """Take octets from the writer; if there is a flaw, not all will arrive as they are."""
        if self.flaw is not None and self.sent <= self.flaw[0] < self.sent + len(octets):
            octets = self.damaged(octets, *self.flaw)
        self.sent += len(octets)
        if not self.ending:
            self.flying += octets
            self.go()

    def damaged(self, octets: bytes, place: int, kind: int) -> bytes:
        """Return the octets as they will arrive: one has flipped bits, or is the first missing."""
        before, after = octets[: place - self.sent], octets[place - self.sent :]
        if kind > 0:
            return before + bytes([after[0] ^ kind]) + after[1:]
        self.flying += before
        self.ending = kind == CUT
        self.go()
        if kind == RESET:
            self.reader.reset_soon()
        return b""

    def cut(self) -> None:
        """End here: what flies, and what comes later, is lost, and nobody is told."""
        self.flying = b""
        self.ending = True
        self.go()

    def go(self) -> None:
        """Let what is in here arrive some time."""
        if not self.under_way:
            self.under_way = True
            self.reader.world.pending.append(self)

    def happen(self) -> None:
        """Let some octets, or the end of stream, arrive."""
        self.under_way = False
        reader = self.reader
        if self.writer.wire is not None and self.writer.wire.silent:
            return
        if self.flying and (reader.closed or reader.dead):  # nobody will read: a reset answers
            self.flying = b""
            self.writer.reset_soon()
        elif self.flying:
            piece = reader.world.piece(len(self.flying))
            self.arrived += self.flying[:piece]
            self.flying = self.flying[piece:]
        elif self.ending:
            self.ended = True
        if self.flying or (self.ending and not self.ended):
            self.go()
        reader.host.wake()

    def __str__(self) -> str:
        return f"stream of {self.writer.name}"


class Pending:
    """One thing that will happen: `act`."""

    def __init__(self, act: Any, *arguments: Any) -> None:
        self.act, self.arguments = act, arguments

    def happen(self) -> None:
        self.act(*self.arguments)


class FakeSocket(Descriptor):
    """A TCP socket: the calls that the programs make, and what arrives from outside."""

    __slots__ = (
        "address", "attempts", "blocking", "closed", "dead", "error", "heard", "incoming",
        "outgoing", "peer_address", "said", "shut",
    )  # fmt: skip

    def __init__(self, host: Host, name: str = "") -> None:
        super().__init__(host, name or host.name)
        self.blocking = True
        self.closed = self.shut = False
        self.dead = False  # reset, or refused
        self.error = 0  # SO_ERROR
        self.incoming: Stream | None = None
        self.outgoing: Stream | None = None
        self.address = self.peer_address = ("0.0.0.0", 0)
        self.attempts = 0  # to connect, by SYN
        self.heard = self.said = b""  # all octets that this end has read and sent

    # What the programs call.

    def setblocking(self, flag: bool) -> None:
        self.enter("setblocking")
        self.blocking = flag

    def recv(self, count: int) -> bytes:
        self.enter("recv")
        stream = self.incoming
        if stream is None:
            raise failure(errno.ENOTCONN)
        if stream.arrived:
            was_full = stream.room() <= 0
            octets, stream.arrived = stream.arrived[:count], stream.arrived[count:]
            self.heard += octets
            self.moved()
            if was_full:
                stream.writer.host.wake()
            self.tell("receives", octets)
            return octets
        if stream.ended:
            self.moved()
            self.tell("receives the end of stream")
            return b""
        if self.error:
            raise self.taken_error()
        if self.dead:
            return b""
        raise self.not_now()

    def send(self, octets: bytes) -> int:
        self.enter("send")
        stream = self.outgoing
        if self.error:
            raise self.taken_error()
        if stream is None or self.dead or self.shut:
            raise failure(errno.EPIPE)
        room = min(len(octets), stream.room())
        if room <= 0:
            raise self.not_now()
        taken = octets[: self.world.taken(room)]
        stream.put(taken)
        self.said += taken
        self.moved()
        self.tell("sends", taken)
        return len(taken)

    def shutdown(self, how: int) -> None:
        self.enter("shutdown")
        if self.outgoing is None or self.dead:
            raise failure(errno.ENOTCONN)
        self.tell("ends its stream")
        self.end_stream()

    def connect_ex(self, address: Any) -> int:
        if error := self.host.fault("connect", self):
            if error == DEFECT:
                raise failure(error)
            return error
        self.tell(f"connects to {address[0]}")
        self.peer_address = address
        self.attempts = 1
        self.world.pending.append(Pending(self.knock))
        return errno.EINPROGRESS

    def getsockopt(self, level: int, option: int) -> int:
        self.enter("getsockopt")
        error, self.error = self.error, 0
        self.moved()
        return error

    def getsockname(self) -> Any:
        self.enter("getsockname")
        return self.address

    def getpeername(self) -> Any:
        self.enter("getpeername")
        if self.outgoing is None or self.dead:
            raise failure(errno.ENOTCONN)
        return self.peer_address

    def close(self) -> None:
        if self.closed:
            return
        self.tell("closes")
        self.depart(with_reset=self.incoming is not None and bool(self.incoming.arrived))
        self.enter("close")

    # What the world asks and does.

    def not_now(self) -> BlockingIOError:
        if self.blocking:
            self.world.violation(f"{self.name} would block for ever")
        return BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def taken_error(self) -> OSError:
        error, self.error = self.error, 0
        self.moved()
        self.tell(f"learns: {os.strerror(error)}")
        return failure(error)

    def events(self) -> int:
        """Return the calls that would not block now, READ and WRITE."""
        if self.dead:
            return READ | WRITE
        incoming, outgoing = self.incoming, self.outgoing
        if incoming is None or outgoing is None:
            return 0
        ready = READ if incoming.arrived or incoming.ended else 0
        if self.shut or len(outgoing.flying) + len(outgoing.arrived) < outgoing.window:
            return ready | WRITE
        return ready

    def may_lie(self) -> bool:
        """A socket that still connects is not reported writable, by no kernel."""
        return self.incoming is not None

    def knock(self) -> None:
        """Let the SYN arrive wherever it goes."""
        if self.closed:
            return
        place = self.world.places.get(self.peer_address)
        if place == "itself":
            self.address = self.peer_address
            self.join(Stream(self, self, PLENTY), None)
        elif place is None:
            self.fail(errno.ECONNREFUSED)
        elif place != "hole" and len(place.queue) <= place.backlog:
            self.established(place)
        elif place != "hole":  # the backlog is full: the kernel is silent, and asked again
            self.world.at(self.world.now + 2.0 ** (self.attempts - 1), Pending(self.knock))
            self.attempts += 1

    def established(self, place: "FakeListener") -> None:
        other = FakeSocket(place.host, f"c? of {self.name}")
        other.address, other.peer_address = self.peer_address, self.address
        wire = Wire(self, other)
        there = Stream(self, other, self.world.window())
        back = Stream(other, self, self.world.window())
        self.join(back, there, wire)
        other.join(there, back, wire)
        place.queue.append(other)
        place.host.wake()
        self.world.connected(wire)

    def join(self, incoming: Stream, outgoing: Stream | None, wire: Wire | None = None) -> None:
        self.incoming, self.outgoing = incoming, outgoing or incoming
        self.wire = wire
        self.host.wake()

    def end_stream(self) -> None:
        if not self.shut and self.outgoing is not None and not self.dead:
            self.shut = True
            self.outgoing.ending = True
            self.outgoing.go()

    def depart(self, with_reset: bool = False) -> None:
        """Close, whoever asks: unread octets, or an abort, make the peer's end a reset."""
        self.closed = True
        self.host.release(self)
        if self.outgoing is None or self.dead:
            return
        if with_reset:
            self.outgoing.reader.reset_soon()
        else:
            self.end_stream()

    def reset_soon(self) -> None:
        self.world.pending.append(Pending(self.fail, errno.ECONNRESET))

    def fail(self, error: int) -> None:
        """Let a reset arrive here, or a refusal."""
        if self.closed or self.dead:
            return
        self.tell(f"is hit: {os.strerror(error)}")
        self.dead = True
        if self.incoming is not None:
            self.wire.was_reset = True
            self.error = errno.EPIPE if self.incoming.ended else error
            self.incoming.flying = b""
            if self.world.knobs.harsh:
                self.incoming.arrived = b""
        else:
            self.error = error
        self.host.wake()


class FakeListener(Descriptor):
    """A listening socket: a backlog, and accept."""

    def __init__(self, host: Any, address: Any, backlog: int) -> None:
        super().__init__(host, "listener")
        self.closed = False
        self.queue: deque[FakeSocket] = deque()
        self.backlog = backlog
        self.address = address
        host.take_number(self)
        self.world.places[address] = self

    def events(self) -> int:
        return READ if self.queue else 0

    def accept(self) -> tuple[FakeSocket, Any]:
        if error := self.host.fault("accept", self):
            self.host.accept_has_failed = True
            if self.queue and error in GONE_NUMBERS:
                self.lose(error)
            raise failure(error)
        if not self.host.has_room():  # Linux looks for a number first, even if nobody waits
            self.host.accept_has_failed = True
            raise failure(errno.EMFILE)
        if not self.queue:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.moved()
        sock = self.queue.popleft()
        self.host.take_number(sock)
        return sock, self.host.accepted(sock)

    def lose(self, error: int) -> None:
        """Let accept report an error of the connection that waits: it is gone."""
        sock = self.queue.popleft()
        sock.wire.harm.append(f"accept: {os.strerror(error)}")
        sock.depart(with_reset=True)

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        del self.world.places[self.address]
        if self.queue:
            self.host.left_waiting(self.queue)
        for sock in self.queue:
            sock.depart(with_reset=True)
        self.host.release(self)
        self.enter("close")
