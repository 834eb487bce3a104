"""The client's end: the real Download, which has a turn when it is ready or its time is up.

Replaced are only its arguments, and the module `socket`, with which client.py makes sockets.
"""

import signal
import socket
from typing import Any

from client import Download
from lab.simulation import invariants, verdicts
from lab.simulation.faults import Faults
from lab.simulation.program import Program
from lab.simulation.server_end import PLACES
from lab.simulation.sockets import FakeSocket
from lab.simulation.wire import Pending
from reactor import nothing

REFUSED, HOLE, ITSELF = ("10.0.0.6", 7080), ("10.0.0.7", 7080), ("10.0.0.8", 7080)
DEAD_ENDS = (REFUSED, HOLE, ITSELF)


class Sockets:
    """Replaces the module `socket` in client.py: a new socket belongs to the client that runs."""

    def __init__(self, world: Any) -> None:
        self.world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)

    def socket(self, family: int, kind: int) -> FakeSocket:
        host = self.world.running
        sock = FakeSocket(host)
        sock.enter("socket")
        host.take_number(sock)
        sock.address = (f"10.1.0.{host.nth}", 40000 + sock.number)
        return sock


class ClientEnd(Program):
    """The process that runs Download."""

    def __init__(self, world: Any, nth: int, faults: Faults | None) -> None:
        super().__init__(world, f"client {nth}", 1000, faults)
        self.nth = nth
        self.harm: list[str] = []  # its own calls that were made to fail
        self.download: Download | None = None
        self.outcome: Any = None
        self.began_at = 0.0
        self.interrupted = False
        self.wake()

    def happen(self) -> None:
        self.awake = False
        if self.ended:
            return
        self.world.running = self
        if self.download is None:
            self.begin()
        elif self.may_wake():
            self.reactor.turn()
        if self.download.over():
            self.end()
            return
        invariants.hold_for_client(self)
        self.due = None
        if self.selector.ready():
            self.wake()

    def begin(self) -> None:
        """Do what client.fetch, and Download.run before its loop, do."""
        knobs, chance = self.world.knobs, self.world.chance
        self.began_at = self.world.now
        where = [PLACES[self.nth % knobs.listeners]]
        if knobs.dead_ends:
            where[:0] = DEAD_ENDS[chance.below(3) :]
        self.download = Download(self.reactor, knobs.patience, nothing, self.say)
        if chance.maybe(knobs.interrupts):
            self.hear_signals(self.on_signal)
            self.world.calamities.append(Pending(self.signal, signal.SIGINT))
        self.faults = self.later_faults
        self.download.begin()
        self.download.found([(socket.AF_INET, address) for address in where])

    def on_signal(self, number: int) -> None:
        self.interrupted = True
        self.download.interrupt(number)

    def end(self) -> None:
        """Do what Download.run does after its loop."""
        self.outcome = self.download.outcome
        self.download.end()
        self.leave()
        self.world.tell(self.name, f"ends with {self.outcome!r}")
        verdicts.judge_outcome(self)

    def say(self, text: str) -> None:
        self.world.tell(f"{self.name} says", text)

    @property
    def wire(self) -> Any:
        """The last connection that was established, if any."""
        connection = self.download.connection if self.download else None
        return connection.sock.wire if connection else None
