"""Strangers: raw peers that follow a script, well behaved in odd ways or not at all."""

from typing import Any

from tests.simulation.host import Host
from tests.simulation.network import FakeSocket
from tests.simulation.server_end import PLACES

HELLO = b"HELLO 1\n"
END, ABORT = "end of stream", "abort"

# Name: what it does, whether it reads, whether the server owes it the file.
KINDS = {
    "silent": ([], True, False),
    "says hello first": ([HELLO], True, True),
    "octet by octet": ([bytes([octet]) for octet in HELLO], True, True),
    "half-closes after its hello": ([HELLO, END], True, True),
    "says more than its hello": ([HELLO + b"and", b" more\n", 300 * b"more"], True, True),
    "hangs up": ([END], False, False),
    "stops inside its hello": ([b"HELL", END], True, False),
    "half a hello": ([b"HELLO "], True, False),
    "another protocol": ([b"GET / HTTP/1.0\r\n\r\n"], True, False),
    "another version": ([b"HELLO 2\n"], True, False),
    "CR": ([b"HELLO 1\r\n"], True, False),
    "never reads": ([HELLO], False, False),
    "endless": ([70_000 * b"A"], False, False),
    "aborts": ([ABORT], True, False),
    "aborts inside its hello": ([b"HEL", ABORT], True, False),
    "aborts after its hello": ([HELLO, ABORT], True, False),
}
NAMES = list(KINDS)


class Stranger(Host):
    """A peer without a loop: each time it happens, it reads what is there and does one step."""

    ended = True  # nobody waits for it

    def __init__(self, world: Any, name: str, kind: str) -> None:
        super().__init__(world, f"{name}, {kind}")
        script, self.reads, self.deserves_file = KINDS[kind]
        self.script = list(script)
        self.sock: FakeSocket | None = None
        self.wake()

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
        """Read, then do the next step; leave when nothing is left to do."""
        try:
            at_end = self.reads and self.read()
            if self.script:
                self.act(self.script.pop(0))
            elif at_end:
                self.sock.depart()
        except BlockingIOError:
            return
        except OSError:
            self.sock.depart()
        if (self.script or at_end) and not self.sock.closed:
            self.wake()

    def read(self) -> bool:
        """Read what is there; tell whether the stream has ended."""
        while self.sock.incoming.arrived:
            self.sock.recv(4096)
        return self.sock.incoming.ended

    def act(self, step: Any) -> None:
        if step == END:
            self.sock.end_stream()
        elif step == ABORT:
            self.sock.depart(with_reset=True)
        else:
            self.script.insert(0, step)  # until it is taken
            rest = step[self.sock.send(step) :]
            self.script[:1] = [rest] if rest else []
