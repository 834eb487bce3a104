"""Strangers: raw peers that follow a script. Some behave well in odd ways, others badly."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from lab.simulation.host import Host
from lab.simulation.server_end import PLACES
from lab.simulation.sockets import FakeSocket

HELLO = b"HELLO 1\n"
END, ABORT = "end of stream", "abort"

Step = bytes | float | str  # bytes to send, seconds to wait, END or ABORT


class Kind(NamedTuple):
    """A stranger's steps, whether it reads, and whether the server must send it the file."""

    script: Sequence[Step]
    reads: bool = True
    owed: bool = False


KINDS = {
    "silent": Kind([]),
    "says hello first": Kind([HELLO], owed=True),
    "byte by byte": Kind([bytes([byte]) for byte in HELLO], owed=True),
    "a byte a second": Kind([s for byte in HELLO for s in (bytes([byte]), 1.0)]),
    "hello at the last moment": Kind([9.999, HELLO]),
    "half-closes after its hello": Kind([HELLO, END], owed=True),
    "says more than its hello": Kind([HELLO + b"and", b" more\n", 300 * b"more"], owed=True),
    "hangs up": Kind([END], reads=False),
    "stops inside its hello": Kind([b"HELL", END]),
    "half a hello": Kind([b"HELLO "]),
    "another protocol": Kind([b"GET / HTTP/1.0\r\n\r\n"]),
    "another version": Kind([b"HELLO 2\n"]),
    "CR": Kind([b"HELLO 1\r\n"]),
    "never reads": Kind([HELLO], reads=False),
    "endless": Kind([70_000 * b"A"], reads=False),
    "aborts": Kind([ABORT]),
    "aborts inside its hello": Kind([b"HEL", ABORT]),
    "aborts after its hello": Kind([HELLO, ABORT]),
}
NAMES = list(KINDS)


class Stranger(Host):
    """A peer without a loop: on each turn it reads what has arrived and does one step."""

    ended = True  # nobody waits for it

    def __init__(self, world: Any, name: str, kind: str) -> None:
        super().__init__(world, f"{name}, {kind}")
        self.kind = KINDS[kind]
        self.script = list(self.kind.script)
        self.goes_on_at = 0.0
        self.sock: FakeSocket | None = None
        self.wake()

    def moment(self) -> float:
        waits = self.goes_on_at > self.world.now and not self.sock.closed
        return self.goes_on_at if waits else math.inf

    def happen(self) -> None:
        self.awake = False
        if self.sock is None:
            self.connect()
        elif self.sock.dead:
            self.sock.depart()
        elif self.sock.incoming and not self.sock.closed:
            self.live()

    def connect(self) -> None:
        self.sock = FakeSocket(self)
        self.sock.blocking = False
        self.take_number(self.sock)
        self.sock.address = (self.name, 40000)
        self.sock.connect_ex(PLACES[0])

    def live(self) -> None:
        """Read, then do the next step; close after the last one."""
        at_end = self.kind.reads and self.read()
        waits = self.goes_on_at > self.world.now
        try:
            if self.script and not waits:
                self.act(self.script.pop(0))
            elif at_end and not self.script:
                self.sock.depart()
        except BlockingIOError:
            return
        except OSError:
            self.sock.depart()
        if not waits and not self.sock.closed and (self.script or at_end):
            self.wake()

    def read(self) -> bool:
        """Read what has arrived; return whether the stream has ended."""
        while self.sock.incoming.arrived:
            self.sock.recv(4096)
        return self.sock.incoming.ended

    def act(self, step: Step) -> None:
        if isinstance(step, float):
            self.goes_on_at = self.world.now + step
        elif step == END:
            self.sock.end_stream()
        elif step == ABORT:
            self.sock.depart(with_reset=True)
        else:
            self.script.insert(0, step)  # until it is taken
            rest = step[self.sock.send(step) :]
            self.script[:1] = [rest] if rest else []
