"""A host that runs one of our programs: its reactor, its selector, its signals."""

import math
import signal
import sys
from collections.abc import Callable
from typing import Any

from edges.observers.instrument import instrumented
from edges.observers.recorder import Recorder
from lab.simulation.faults import Faults
from lab.simulation.host import Descriptor, Host
from lab.simulation.selector import FakeSelector
from reactor import READ, DeadlineQueue, Reactor, Ready
from signals import Signals


def armed(reactor: Reactor) -> list[tuple[Any, float]]:
    """Return each handler that has a deadline, and when that is."""
    found = [(timer.handler, timer.deadline) for timer in reactor.timers.waiting]
    for schedule in reactor.schedules:
        if isinstance(schedule, DeadlineQueue):
            found += schedule.waiting.items()
    return found


def disarm(reactor: Reactor) -> None:
    """Forget every deadline."""
    for schedule in reactor.schedules:
        schedule.waiting.clear()


class SignalPipe(Descriptor):
    """The end of the socketpair from which the loop reads signals."""

    def __init__(self, host: Host) -> None:
        super().__init__(host, f"signals of {host.name}")
        self.numbers = b""
        host.take_number(self)

    def events(self) -> int:
        return READ if self.numbers else 0

    def recv(self, count: int) -> bytes:
        if not self.numbers:
            raise BlockingIOError
        self.moved()
        numbers, self.numbers = self.numbers[:count], self.numbers[count:]
        return numbers


class Program(Host):
    """A process with a loop."""

    def __init__(self, world: Any, name: str, limit: int, faults: Faults | None) -> None:
        super().__init__(world, name, limit)
        self.later_faults = (
            faults  # before its loop runs nothing fails: a program that cannot start just ends
        )
        self.selector = FakeSelector(self)
        self.reactor = Reactor(self.selector, world.clock)
        self.pipe: SignalPipe | None = None
        self.found: Ready = []  # at the last look
        self.due: float | None = None  # `moment`, once it is computed
        self.looked_at = world.now  # when it last called `select`
        self.ended = False

    def record(self, lines: list[bytes]) -> None:
        """Let a trace of the whole run be written to `lines`."""

        def write(line: bytes) -> bool:
            lines.append(line)
            return True

        role = self.name.split()[0]
        recorder = Recorder(self.world.clock, write)
        recorder.begin(role, self.selector, {})
        module = sys.modules[role]
        self.world.watching.enter_context(instrumented(self.reactor, module, recorder))

    def hear_signals(self, act: Callable[[int], None]) -> None:
        """Do what `with Signals(act)` does, without the signals of this very process."""
        self.pipe = SignalPipe(self)
        self.signals = Signals(act)
        self.signals.sock = self.pipe  # type: ignore[assignment]
        ours = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self.signals.old_handlers = dict.fromkeys(ours)
        self.reactor.watch(self.signals, READ)

    def signal(self, number: int) -> None:
        """Deliver a signal."""
        if self.pipe is not None:
            self.world.tell(self.name, f"gets {signal.Signals(number).name}")
            self.pipe.numbers += bytes([number])
            self.wake()

    def leave(self) -> None:
        """End: nothing can wake it any more."""
        if self.pipe is not None:
            self.reactor.watch(self.signals, 0)
            self.release(self.pipe)
            self.pipe = None
        self.due = math.inf
        self.ended = True

    def sleep(self, seconds: float | None) -> Ready:
        """Pass the time of a `select`; return what is truly ready at its end."""
        if self.idle_turns > 3 and self.idle_turns > self.patience():
            self.world.violation(f"{self.name} wakes up again and again, for nothing")
        self.idle_turns += 1
        self.due = None
        self.looked_at = self.world.now
        self.faults = self.later_faults
        return self.found

    def may_wake(self) -> bool:
        """Tell whether `select` would return now; sometimes it does so for nothing."""
        self.found = self.selector.ready()
        if self.found or self.moment() <= self.world.now:
            return True
        spurious = self.world.knobs.spurious
        if spurious and self.world.chance.maybe(spurious):
            self.idle_turns = 0
            return True
        return False

    def patience(self) -> int:
        """Return how many turns in a row may achieve nothing. A deadline takes two: one finds that
        it has passed, the next looks at the sockets first; then there may be nothing to do."""
        return 4 + 2 * len(armed(self.reactor))

    def moment(self) -> float:
        """Return when the timeout of `select` ends; as the kernel's, it is rounded up to ms."""
        if self.due is None:
            left = max(0.0, self.reactor.earliest() - self.looked_at)
            self.due = self.looked_at + (
                left if left == math.inf else math.ceil(left * 1000) / 1000
            )
        return self.due
