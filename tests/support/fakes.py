"""A world without a kernel: sockets that the test controls, and a clock that only waiting moves.

    selector = FakeSelector()
    reactor = Reactor(selector, selector.clock)
    sock = selector.socket(b"bytes to receive", b"")
    selector.after(3.0, lambda: sock.incoming.append(b"late ones"))

Time passes inside `select` alone, and only while no socket is ready: up to the end of the sleep, or
to the next action that was scheduled with `after`. Readiness is level-triggered: each `select` asks
the sockets again. A sleep that nothing would ever end is a deadlock, and a loop that turns again
and again while no time passes is a spin: both fail the test.
"""

import math
import selectors
from collections.abc import Callable, Mapping
from typing import Any

from reactor import READ, WRITE, Reactor, Ready

SPIN = 1000  # turns in no time


def armed(reactor: Reactor) -> list[object]:
    """Return what `reactor` would still call: its timers, and the handlers with a deadline."""
    found: list[object] = []
    for schedule in reactor.schedules:
        found += schedule.waiting
    return found


class FakeSocket:
    """What a test says it is. An exception in a list is raised where its turn comes."""

    def __init__(self, selector: "FakeSelector", *incoming: bytes | Exception) -> None:
        self.number = min(set(range(3, len(selector.numbers) + 4)) - selector.numbers)
        selector.numbers.add(self.number)
        self.selector = selector
        self.incoming: list[bytes | Exception] = list(incoming)  # for recv; b"": end of stream
        self.backlog: list[Any] = []  # for accept: pairs of a socket and an address
        self.room = math.inf  # bytes that send will take
        self.fails: dict[str, Exception] = {}  # what a call of this name raises
        self.sent: list[bytes] = []  # what each send took
        self.flags: list[int] = []  # of each send
        self.closings = 0

    def fileno(self) -> int:
        return -1 if self.closings else self.number

    def ready(self) -> int:
        reads = READ * bool(self.incoming or self.backlog or "recv" in self.fails)
        return reads | WRITE * bool(self.room or "send" in self.fails)

    def enter(self, call: str) -> None:
        if error := self.fails.get(call):
            raise error

    def setblocking(self, flag: bool) -> None:
        self.enter("setblocking")

    def recv(self, most: int) -> bytes:
        self.enter("recv")
        data = self.incoming.pop(0) if self.incoming else BlockingIOError()
        if isinstance(data, Exception):
            raise data
        if data[most:]:
            self.incoming.insert(0, data[most:])
        return data[:most]

    def send(self, data: bytes, flags: int = 0) -> int:
        self.enter("send")
        if not self.room and data:
            raise BlockingIOError
        taken = int(min(len(data), self.room))
        self.room -= taken
        self.sent.append(data[:taken])
        self.flags.append(flags)
        return taken

    def shutdown(self, how: int) -> None:
        self.enter("shutdown")

    def accept(self) -> tuple[Any, object]:
        self.enter("accept")
        found = self.backlog.pop(0) if self.backlog else BlockingIOError()
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        self.closings += 1
        self.selector.numbers.discard(self.number)  # the next socket may have it: the lowest


class FakeSelector(selectors.BaseSelector):
    """What epoll is to the reactor, with the clock of its world."""

    def __init__(self) -> None:
        self.now = 1000.0  # a monotonic clock may begin anywhere
        self.numbers: set[int] = set()
        self.keys: dict[int, selectors.SelectorKey] = {}
        self.told: list[tuple[object, ...]] = []  # each call that it got
        self.sleeps: list[float | None] = []  # the time given to each select
        self.lies: Ready = []  # reported by the next select, ready or not
        self.laid_down: list[tuple[float, Callable[[], object]]] = []
        self.still = (0.0, 0)  # when time last passed, and the number of turns before

    def clock(self) -> float:
        return self.now

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Let `act()` happen so much later, while the loop sleeps."""
        self.laid_down.append((self.now + seconds, act))

    def socket(self, *incoming: bytes | Exception) -> FakeSocket:
        return FakeSocket(self, *incoming)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self.told.append(("register", fileobj, events))
        fileobj.enter("register")
        if fileobj.fileno() < 0:
            raise ValueError(f"invalid number: {fileobj.fileno()}")
        if fileobj.fileno() in self.keys:
            raise KeyError(f"{fileobj.fileno()} is already registered")
        return self.remember(fileobj, events, data)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self.told.append(("modify", fileobj, events))
        if fileobj.fileno() not in self.keys:
            raise KeyError(f"{fileobj.fileno()} is not registered")
        return self.remember(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        self.told.append(("unregister", fileobj))
        return self.keys.pop(fileobj.fileno())

    def remember(self, fileobj: Any, events: int, data: Any) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, fileobj.fileno(), events, data)
        self.keys[key.fd] = key
        return key

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {key.fileobj: key for key in self.keys.values()}

    def select(self, timeout: float | None = None) -> Ready:
        self.sleeps.append(timeout)
        self.look_out_for_a_spin()
        end = self.now + (math.inf if timeout is None else timeout)
        self.happen()
        while not (ready := self.lies + self.ready()) and self.now < end:
            moment = min([end, *(when for when, _ in self.laid_down)])
            assert moment < math.inf, "deadlock: nobody is ready, and nothing will ever happen"
            self.now = moment
            self.happen()
        self.lies = []
        return ready

    def look_out_for_a_spin(self) -> None:
        if self.still[0] != self.now:
            self.still = (self.now, len(self.sleeps))
        assert len(self.sleeps) - self.still[1] < SPIN, "spin: the loop turns, and no time passes"

    def happen(self) -> None:
        """Do what was laid down for now."""
        due = [(when, act) for when, act in self.laid_down if when <= self.now]
        self.laid_down = [(when, act) for when, act in self.laid_down if when > self.now]
        for _, act in due:
            act()

    def ready(self) -> Ready:
        """Return the keys that are ready, in the order of registration."""
        events = [(key, key.fileobj.ready() & key.events) for key in self.keys.values()]  # type: ignore[union-attr]
        return [(key, ready) for key, ready in events if ready]
