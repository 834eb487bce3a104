"""The world of one run: the clock, what is pending, and whose turn it is.

Everything that can happen next stands in one of two lists, and chance picks from both:

    pending      will happen: octets arrive, a host that was woken looks around
    calamities   may happen: a reset, a signal, a delay

Time passes only when nothing is pending, up to the next moment somebody waits for, or when a delay
is picked. So the order of all things is free, and a run is a function of its chances.

The world turns inside the server's `select` (ServerHost.sleep): while the server sleeps, the rest
lives. If nothing is pending and nobody waits for any moment, the story ends: the server is told to
stop, and whoever does not end then has met a deadlock.
"""

import errno
import math
import signal
from typing import Any, Self

import client
from reactor import Ready
from tests.simulation import invariants
from tests.simulation.chance import Chance, Seeded
from tests.simulation.client_end import HOLE, ITSELF, ClientEnd, Sockets
from tests.simulation.faults import NOT_NOW, Faults, Weather
from tests.simulation.knobs import Knobs
from tests.simulation.network import Pending, Wire
from tests.simulation.server_end import ServerEnd
from tests.simulation.strangers import NAMES, Stranger

ENDLESS = 100_000  # steps; the longest honest run has some thousands
TROUBLES = (
    "reset", "reset of the client", "reset of the server", "silence",
    "early end of the server's stream", "early end of the client's stream",
)  # fmt: skip
STALL = 60.0  # seconds
BEGINNING = 1000.0  # of the clock; a monotonic clock may begin anywhere


class Violation(BaseException):
    """An invariant is broken. No Exception, so that no handler can take it for its own."""


class Broken(AssertionError):
    """What a run with a violation raises: the violation, and how to see it again."""


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
        """Live through it. Raises Broken if an invariant is."""
        real, client.socket = client.socket, Sockets(self)
        try:
            self.server.run()
            while self.pending or not all(host.ended for host in self.hosts):
                self.step()
            invariants.hold_at_the_end(self)
        except Violation as violation:
            self.tell("world", f"VIOLATION: {violation}")
            raise Broken(str(violation)) from None
        finally:
            client.socket = real
            self.vanish()
        return self

    def vanish(self) -> None:
        """Leave nothing armed or watched, however the run has ended."""
        for program in (self.server, *self.clients):
            program.selector.close()
            for queue in program.reactor.queues:
                queue.clear()

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
        """Return the earliest moment that somebody waits for."""
        moments = [host.moment() for host in self.hosts]
        moments += [when for when, _ in self.alarms]
        return min(moments)

    def wait(self) -> None:
        """Let time pass to the next moment; if there is none, let the story end."""
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

    # What the network and the kernel ask.

    def piece(self, length: int) -> int:
        """Return how many of so many octets arrive together."""
        return length - self.chance.below(length) if self.knobs.split and length > 1 else length

    def taken(self, length: int) -> int:
        """Return how many of so many octets, for which there is room, the kernel takes."""
        if self.knobs.short and length > 1 and self.chance.maybe(self.knobs.short):
            return length - self.chance.below(length)
        return length

    def window(self) -> int:
        return self.knobs.window

    def connected(self, wire: Wire) -> None:
        self.wires.append(wire)
        if self.chance.maybe(self.knobs.trouble):
            self.calamities.append(Pending(self.trouble, wire))

    def shuffled(self, ready: Ready) -> Ready:
        """Return some of the ready keys, in any order."""
        if not self.chance.maybe(self.knobs.disorder):
            return ready
        left = list(ready)
        count = len(left) - self.chance.below(len(left))
        return [left.pop(self.chance.below(len(left))) for _ in range(count)]

    def exaggerated(self, ready: Ready, selector: Any) -> Ready:
        """Return the ready keys and perhaps one that is not ready."""
        if not self.chance.maybe(self.knobs.spurious):
            return ready
        selector.host.idle_turns = 0
        true = [key for key, _ in ready]
        false = [key for key in selector.keys.values() if key not in true and key.fileobj.may_lie()]
        if not false:
            return ready
        key = false[self.chance.below(len(false))]
        return [(key, key.events), *ready]

    # Calamities of a wire, and faults.

    def trouble(self, wire: Wire) -> None:
        kind = TROUBLES[self.chance.below(len(TROUBLES))]
        wire.harm.append(kind)
        self.tell("network", f"{kind}: {wire.client.name}")
        if kind == "silence":
            wire.silent = True
        if kind in ("reset", "reset of the client"):
            wire.client.fail(errno.ECONNRESET)
        if kind in ("reset", "reset of the server"):
            wire.server.fail(errno.ECONNRESET)
        if kind == "early end of the server's stream":
            wire.server.outgoing.cut()
        if kind == "early end of the client's stream":
            wire.client.outgoing.cut()

    def struck(self, host: Any, call: str, sock: Any, error: int) -> None:
        """Note that a call fails by decree, and whom that may hurt."""
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
