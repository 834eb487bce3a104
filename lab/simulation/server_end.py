"""The server's end: the real Server; while it sleeps in `select`, the rest of the world lives.

Replaced are only its arguments: selector, clock, console, listening sockets.
"""

import math
from collections.abc import Iterable
from typing import Any

from edges.command_line import ServerOptions
from lab.simulation import invariants, verdicts
from lab.simulation.faults import Faults
from lab.simulation.host import FIRST_NUMBER
from lab.simulation.program import Program
from lab.simulation.sockets import FakeListener, FakeSocket
from lab.simulation.wire import Pending, Wire
from reactor import Ready
from server import ENDINGS, Server

PLACES = (("10.0.0.1", 7080), ("10.0.0.2", 7080))
ANOTHER_BODY = b"another file\n"  # of the second period
ODD_ADDRESSES = ((), None, "", ("host",), ("::1", 7080, 0, "scope"))  # faults.md, A13


class ServerEnd(Program):
    """The process that runs Server.serve, one listening period after another."""

    def __init__(self, world: Any, faults: Faults | None) -> None:
        knobs = world.knobs
        limit = FIRST_NUMBER + 1 + knobs.listeners + knobs.places
        super().__init__(world, "server", limit, faults)
        self.called = self.serving = False
        self.body = b""
        self.wires: list[Wire] = []  # c1, c2, …
        self.wires_before = 0  # this period
        self.sent_signals: list[int] = []  # of this period
        self.stops = 0  # how many periods a signal has ended, or is about to
        self.stopped_at = math.inf  # when the drain began
        self.accept_has_failed = False
        self.pauses = self.resumptions = 0  # of accepting, by the messages
        self.in_episode = False
        options = ServerOptions(
            quiet=False, chunk=knobs.chunk, pause=knobs.pause, drain=knobs.drain,
            timeout=knobs.timeout, max_clients=knobs.max_clients,
        )  # fmt: skip
        self.server = Server(self.reactor, self, options)  # type: ignore[arg-type]
        self.reactor.after_turn = self.after_turn

    def run(self) -> None:
        """Serve one period after another, as server.serve does."""
        knobs = self.world.knobs
        self.hear_signals(self.server.on_signal)
        for period in range(knobs.periods):
            self.body = (knobs.body, ANOTHER_BODY)[period]
            self.sent_signals = []
            self.wires_before = len(self.wires)
            self.stopped_at = math.inf
            for number in knobs.signals:
                self.world.calamities.append(Pending(self.signal, number))
            sockets = [
                FakeListener(self, place, knobs.backlog) for place in PLACES[: knobs.listeners]
            ]
            self.faults = None
            self.serving = True
            self.server.serve(self.body, sockets)  # type: ignore[arg-type]
            self.serving = False
            invariants.hold_after_a_period(self)
        self.leave()

    def signal(self, number: int) -> None:
        if self.serving:
            self.stops += not self.sent_signals
            self.sent_signals.append(number)
            super().signal(number)

    def sleep(self, seconds: float | None) -> Ready:
        """Let the rest of the world live until there is a reason to wake."""
        super().sleep(seconds)
        self.wake()
        self.called = False
        step = self.world.step
        while not self.called:
            step()
        return self.found

    def happen(self) -> None:
        self.awake = False
        self.called = self.may_wake()

    def accepted(self, sock: FakeSocket) -> object:
        """Note which connection is accepted; return the address that accept gives."""
        wire = sock.wire
        self.wires.append(wire)
        wire.number = len(self.wires)
        wire.accepted_at = self.world.now
        wire.body = self.body
        wire.file = self.server.message
        sock.name = f"c{wire.number}"
        sock.tell(f"is accepted from {wire.client.name}, as descriptor {sock.number}")
        if self.world.knobs.odd_addresses:
            return ODD_ADDRESSES[wire.number % len(ODD_ADDRESSES)]
        return sock.peer_address

    def left_waiting(self, queue: Iterable[FakeSocket]) -> None:
        """Note that a listener closes although a client waits: only if accept did not work."""
        for sock in queue:
            sock.wire.harm.append("the listener closed")
        if not self.accept_has_failed:
            self.world.violation("the backlog was not emptied before the listener was closed")

    def report(self, text: str) -> None:
        """Take a message of the server about its listening period."""
        self.line(text)

    def line(self, text: str) -> None:
        """Take a message of the server: this host is its console."""
        self.idle_turns = 0
        who, _, what = text.partition(" ")
        word = what.partition(" ")[0]
        if word not in ("S:", "C:"):
            self.world.tell("server says", text)
        if word in ENDINGS and who[0] == "c":
            verdicts.judge_word(self, self.wires[int(who[1:]) - 1], word)
        elif text.startswith("accepting paused"):
            invariants.judge_pause(self)
            self.in_episode = True
            self.pauses += 1
        elif "cannot accept any more" in text:
            self.stops += not self.sent_signals  # if it was the last listener
        elif text.startswith("stopping"):
            self.stopped_at = min(self.stopped_at, self.world.now)
            self.in_episode = False  # it ends with the listeners, without a word
        elif text.startswith("accepting resumed"):
            self.in_episode = False
            self.resumptions += 1

    def after_turn(self) -> None:
        invariants.hold_after_a_turn(self)
