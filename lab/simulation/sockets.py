"""The kernel's side of sockets: the calls that the programs make, and what arrives from outside.

Owns buffers, ends of stream, resets, the backlog, and the order of errors. tests/test_fakes.py
checks that these sockets behave like the kernel's.

What arrived before a reset can still be read, as on Linux. A harsh kernel (a knob) discards it, as
other systems do.
"""

import errno
import os
from collections import deque
from typing import Any

from connection import END_FOLLOWS
from lab.simulation.faults import DEFECT, GONE_NUMBERS
from lab.simulation.host import Descriptor, Host, failure
from lab.simulation.wire import Pending, Stream, Wire
from reactor import READ, WRITE


class FakeSocket(Descriptor):
    """A TCP socket: the calls that the programs make, and what arrives from outside."""

    __slots__ = (
        "address", "attempts", "blocking", "closed", "dead", "error", "heard", "held_back",
        "incoming", "outgoing", "peer_address", "said", "shut",
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
        self.held_back = False  # the bytes sent last: MSG_MORE, see send(2)
        self.heard = self.said = b""  # all bytes that this end has read and sent

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
            data, stream.arrived = stream.arrived[:count], stream.arrived[count:]
            self.heard += data
            self.moved()
            if was_full:
                stream.writer.host.wake()
            self.tell("receives", data)
            return data
        if stream.ended:
            self.moved()
            self.tell("receives the end of stream")
            return b""
        if self.error:
            raise self.taken_error()
        if self.dead:
            return b""
        raise self.not_now()

    def send(self, data: bytes, flags: int = 0) -> int:
        """Take a part of `data`. With MSG_MORE it waits, and travels with the end of stream; after
        a partial send nothing waits (tcp_sendmsg in the kernel pushes what it took)."""
        self.enter("send")
        stream = self.outgoing
        if self.error:
            raise self.taken_error()
        if stream is None or self.dead or self.shut:
            raise failure(errno.EPIPE)
        room = min(len(data), stream.room())
        if room <= 0:
            raise self.not_now()
        if self.world.chance.maybe(self.world.knobs.short):
            room -= self.world.chance.below(room)
        taken = data[:room]
        stream.put(taken)
        self.held_back = bool(flags & END_FOLLOWS) and taken == data
        self.said += taken
        self.moved()
        self.tell("sends", taken)
        return len(taken)

    def shutdown(self, how: int) -> None:
        self.enter("shutdown")
        if self.outgoing is None or self.dead:
            raise failure(errno.ENOTCONN)
        self.tell("ends its stream")
        self.held_back = False
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
        """A socket that is still connecting is never reported writable, by any kernel."""
        return self.incoming is not None

    def knock(self) -> None:
        """Let the SYN arrive at the listener, or where there is none."""
        if self.closed:
            return
        place = self.world.places.get(self.peer_address)
        if place == "itself":
            self.address = self.peer_address
            loop = Stream(self, self, self.world.knobs.window)
            self.join(loop, loop)
        elif place is None:
            self.fail(errno.ECONNREFUSED)
        elif place != "hole" and len(place.queue) <= place.backlog:
            self.established(place)
        elif place != "hole":  # the backlog is full: the kernel ignores the SYN, and TCP repeats it
            self.world.at(self.world.now + 2.0 ** (self.attempts - 1), Pending(self.knock))
            self.attempts += 1

    def established(self, place: "FakeListener") -> None:
        other = FakeSocket(place.host, f"c? of {self.name}")
        other.address, other.peer_address = self.peer_address, self.address
        wire = Wire(self, other)
        window = self.world.knobs.window
        there, back = Stream(self, other, window), Stream(other, self, window)
        self.join(back, there, wire)
        other.join(there, back, wire)
        place.queue.append(other)
        place.host.wake()
        self.world.connected(wire)

    def join(self, incoming: Stream, outgoing: Stream, wire: Wire | None = None) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.wire = wire
        self.host.wake()

    def end_stream(self) -> None:
        if not self.shut and self.outgoing is not None and not self.dead:
            self.shut = True
            self.outgoing.ending = True
            self.outgoing.go()

    def depart(self, with_reset: bool = False) -> None:
        """Close: after unread bytes, or with `abort`, the peer gets a reset."""
        self.closed = True
        self.host.release(self)
        if self.outgoing is None or self.dead:
            return
        if with_reset:
            self.outgoing.reader.reset_soon()
        else:
            self.end_stream()

    def reset_soon(self) -> None:
        """Send a reset here; it arrives later."""
        if self.wire is None or not self.wire.silent:
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

    def getsockname(self) -> Any:
        return self.address

    def accept(self) -> tuple[FakeSocket, Any]:
        if error := self.host.fault("accept", self):
            self.host.accept_has_failed = True
            if self.queue and error in GONE_NUMBERS:
                self.lose(error)
            raise failure(error)
        if (
            not self.host.has_room()
        ):  # Linux looks for a free descriptor first, even if nobody waits
            self.host.accept_has_failed = True
            raise failure(errno.EMFILE)
        if not self.queue:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.moved()
        sock = self.queue.popleft()
        self.host.take_number(sock)
        return sock, self.host.accepted(sock)

    def lose(self, error: int) -> None:
        """Let accept report an error of the connection that waits, and drop it."""
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
