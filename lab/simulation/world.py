"""The world of one run: the clock, what is pending, and whose turn it is.

Everything that can happen next is in one of two lists, and chance picks from both:

    pending      will happen: bytes arrive, a host that was woken takes a turn
    calamities   may happen: a reset, a signal, a delay

Time passes only when nothing is pending, up to the next moment for which a host waits, or when a
delay is picked. So events can come in any order, and the answers of chance determine the run.

The world runs inside the server's `select` (ServerEnd.sleep): while the server sleeps, the rest of
the world lives. If nothing is pending and no host waits for any moment, the story ends: the server
gets a signal to stop, and a host that does not end then is in a deadlock.
"""

import errno
import math
import signal
from contextlib import ExitStack
from typing import Any, Self

import client
from lab.simulation import verdicts
from lab.simulation.chance import Chance, Seeded
from lab.simulation.client_end import HOLE, ITSELF, ClientEnd, Sockets
from lab.simulation.faults import NOT_NOW, Faults, Weather
from lab.simulation.knobs import Knobs
from lab.simulation.program import disarm
from lab.simulation.server_end import ServerEnd
from lab.simulation.strangers import NAMES, Stranger
from lab.simulation.wire import TROUBLES, Pending, Wire

ENDLESS = 100_000  # steps; the longest honest run has some thousands
STALL = 60.0  # seconds
BEGINNING = 1000.0  # of the clock; a monotonic clock may begin anywhere


class Violation(BaseException):
    """An invariant is broken. It is no Exception, so that no handler of the programs catches it."""


class Broken(AssertionError):
    """The error of a run: the violation, and the command that shows it again."""


class World:
    """One run."""

    def __init__(
        self,
        chance: Chance,
        knobs: Knobs | None = None,
        faults: Faults | None = None,
        story: list[str] | None = None,
    ) -> None:
        self.chance = chance
        self.knobs = knobs = knobs or Knobs.drawn(chance)
        self.hurried = knobs.hurried()
        self.story = story
        self.now = BEGINNING
        self.steps = 0
        self.pending: list[Any] = []
        self.calamities: list[Any] = []
        self.alarms: list[tuple[float, Any]] = []
        self.places: dict[Any, Any] = {HOLE: "hole", ITSELF: "itself"}
        self.wires: list[Wire] = []
        self.running: Any = None  # the client whose code runs, and makes sockets
        if faults is None and (knobs.not_now or knobs.shortage or knobs.anything):
            faults = Weather(chance, knobs.not_now, knobs.shortage, knobs.anything)
        self.server = ServerEnd(self, faults)
        self.clients = [ClientEnd(self, n + 1, faults) for n in range(knobs.clients)]
        self.strangers: list[Stranger] = []
        self.hosts = [self.server, *self.clients]
        self.watching = ExitStack()  # the recorders
        for _ in range(knobs.strangers):
            self.add_stranger(NAMES[chance.below(len(NAMES))])
        self.calamities += [Pending(self.delay) for _ in range(knobs.delays)]
        self.tell("world", str(knobs))

    @classmethod
    def of_seed(cls, seed: int, story: list[str] | None = None) -> Self:
        return cls(Seeded(seed), story=story)

    def add_stranger(self, kind: str) -> Stranger:
        stranger = Stranger(self, f"stranger {len(self.strangers) + 1}", kind)
        self.strangers.append(stranger)
        self.hosts.append(stranger)
        return stranger

    def clock(self) -> float:
        return self.now

    def run(self) -> Self:
        """Run to the end. Raises Broken if an invariant is broken."""
        real, client.socket = client.socket, Sockets(self)
        try:
            self.server.run()
            while self.pending or not all(host.ended for host in self.hosts):
                self.step()
            verdicts.hold_at_the_end(self)
        except Violation as violation:
            self.tell("world", f"VIOLATION: {violation}")
            raise Broken(str(violation)) from None
        finally:
            client.socket = real
            self.vanish()
        return self

    def vanish(self) -> None:
        """Remove every timer and recorder, however the run has ended."""
        for program in (self.server, *self.clients):
            program.selector.close()
            disarm(program.reactor)
        self.watching.close()

    def step(self) -> None:
        """Let one thing happen."""
        self.steps += 1
        if self.steps > ENDLESS:
            self.violation("the run does not end")
        calamities, pending = self.calamities, self.pending
        if calamities and self.chance.maybe(self.knobs.haste):
            calamities.pop(self.chance.below(len(calamities))).happen()
        elif pending:
            pending.pop(self.chance.below(len(pending)) if len(pending) > 1 else 0).happen()
        else:
            self.wait()

    # Time.

    def next_moment(self) -> float:
        """Return the earliest moment for which a host waits."""
        moments = [host.moment() for host in self.hosts]
        moments += [when for when, _ in self.alarms]
        return min(moments)

    def wait(self) -> None:
        """Let time pass to the next moment; if there is none, end the story."""
        when = self.next_moment()
        if when < math.inf:
            self.pass_time(max(when, self.now))
        elif self.server.serving and not self.server.sent_signals:
            self.server.signal(signal.SIGTERM)
        else:
            self.violation("deadlock: nothing pends, no deadline, and somebody is not done")

    def pass_time(self, moment: float) -> None:
        due_hosts = [host for host in self.hosts if host.moment() <= moment]
        self.now = moment
        for host in due_hosts:
            host.wake()
        due = [alarm for alarm in self.alarms if alarm[0] <= moment]
        for alarm in due:
            self.alarms.remove(alarm)
            self.pending.append(alarm[1])

    def at(self, when: float, event: Any) -> None:
        self.alarms.append((when, event))

    def delay(self) -> None:
        """A calamity: time passes although there are things to do."""
        when = self.next_moment()
        left = when - self.now if when < math.inf else 0.0
        waits = (left, left / 2, left + 0.0001, left + STALL)
        self.tell("world", "time passes")
        self.pass_time(self.now + max(0.0, waits[self.chance.below(len(waits))]))

    # Called by the network and the kernel.

    def piece(self, length: int) -> int:
        """Return how many of `length` bytes arrive together."""
        return length - self.chance.below(length) if self.knobs.split and length > 1 else length

    def connected(self, wire: Wire) -> None:
        self.wires.append(wire)
        if self.chance.maybe(self.knobs.trouble):
            trouble = TROUBLES[self.chance.below(len(TROUBLES))]
            self.calamities.append(Pending(wire.suffer, trouble))

    def struck(self, host: Any, call: str, sock: Any, error: int) -> None:
        """Note that a call is made to fail, and which clients that may hurt."""
        sock.moved()
        if error == errno.EAGAIN and call in NOT_NOW:
            return
        what = f"{call} fails: {errno.errorcode.get(error, 'a defect')}"
        self.tell(sock.name, what)
        if host is not self.server:
            host.harm.append(what)
        if sock.wire is not None:
            sock.wire.harm.append(what)

    # Stories and verdicts.

    def tell(self, who: str, what: str) -> None:
        if self.story is not None:
            self.story.append(f"{self.now - BEGINNING:11.4f}  {who:<16} {what}")

    def violation(self, text: str) -> None:
        raise Violation(text)
