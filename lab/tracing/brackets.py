"""The sentences on turns, calls and sleep: invariants 1, 2, 7 and 8.

Owns what is true of any event loop, whatever it serves. Called by invariants.py, which gives each
class every event, in order; `see` and `finish` yield violations, in words.
"""

from collections.abc import Iterator
from typing import ClassVar

from lab.tracing.events import Event

EARLY = 1.0  # milliseconds by which rounding may make a wait seem too short
# Errors that judge bytes: a handler that raises one in on_readable must have received something.
JUDGEMENTS = ("ProtocolError", "PeerError", "Damaged")
RECEIVER = ".on_readable"


class Brackets:
    """1. Calls are brackets: each `done` closes the latest `call` that is open, and between two
    turns none is open. A handler that the loop called has returned, or the loop could not go on. A
    deadline that fires is a call as well, and an error belongs to the call that raised it.
    """

    def __init__(self) -> None:
        self.open: list[Event] = []
        self.failed: set[int] = set()  # which of them have raised
        self.fired: Event | None = None

    def see(self, event: Event) -> Iterator[str]:
        yield from self.obeyed(event)
        if event.ev == "call":
            self.open.append(event)
        elif event.ev == "done":
            yield from self.closed(event)
        elif event.ev == "error":
            yield from self.raised(event)
        elif event.ev in ("select", "turned"):
            yield from self.left_open(event.ev)
        elif event.ev == "timer" and event["op"] == "fire":
            self.fired = event

    def obeyed(self, event: Event) -> Iterator[str]:
        """Let a deadline that has fired be followed by its call."""
        fired, self.fired = self.fired, None
        if fired is None or event.ev == "end":
            return
        if (event.ev, event.on, event.keys.get("cb")) != ("call", fired.on, fired["what"]):
            yield f"{fired['what']} of {fired.on} has fired, and {event.ev} follows, not its call"

    def raised(self, event: Event) -> Iterator[str]:
        if not self.open or self.open[-1].on != event.on:
            yield f"an error of {event.on}, and the latest open call is {self.innermost()}"
        elif self.open[-1].n in self.failed:
            yield f"a second error in one call, {self.innermost()}"
        else:
            self.failed.add(self.open[-1].n)

    def closed(self, event: Event) -> Iterator[str]:
        if self.open and (self.open[-1].on, self.open[-1]["cb"]) == (event.on, event["cb"]):
            self.open.pop()
            return
        yield f"done with {described(event)}, and the latest open call is {self.innermost()}"
        while self.open and (self.open[-1].on, self.open[-1]["cb"]) != (event.on, event["cb"]):
            self.open.pop()
        del self.open[-1:]

    def left_open(self, ev: str) -> Iterator[str]:
        for call in self.open:
            yield f"{ev}, and {described(call)} is open since event {call.n}"
        self.open.clear()

    def innermost(self) -> str:
        return described(self.open[-1]) if self.open else "none"

    def finish(self) -> Iterator[str]:
        yield from self.left_open("the end")


class OnlyInsideCalls:
    """2. A connection acts only inside its own calls: bytes come and go, states change and
    directions end because the loop called a handler, never otherwise. So one thread is enough, and
    what a handler sees is not changed by another handler while it runs.
    """

    def __init__(self) -> None:
        self.open: list[str] = []

    def see(self, event: Event) -> Iterator[str]:
        if event.ev == "call":
            self.open.append(event.on)
        elif event.ev == "done":
            del self.open[-1:]
        elif event.ev in ("select", "turned"):
            self.open.clear()
        elif event.ev in ("rx", "tx", "state", "half") and self.open[-1:] != [event.on]:
            inside = f"inside a call of {self.open[-1]}" if self.open else "outside of any call"
            yield f"{event.ev} of {event.on} {inside}"

    def finish(self) -> Iterator[str]:
        yield from ()


class Turns:
    """7. A turn is select, wake, work, turned, in this order, and between select and wake nothing
    happens: the one thread sleeps. Events are numbered without a gap, turns too, and time does not
    go back.
    """

    AFTER: ClassVar = {"select": ("turned", ""), "wake": ("select",), "turned": ("wake",)}

    def __init__(self) -> None:
        self.phase = ""  # the latest of select, wake, turned
        self.last = Event(0, 0, 0, "", "", {})

    def see(self, event: Event) -> Iterator[str]:
        if event.ev == "end" and event["dropped"]:
            return
        yield from self.counted(event)
        if event.ev in self.AFTER:
            if self.phase not in self.AFTER[event.ev]:
                yield f"{event.ev} after {self.phase or 'the beginning'}"
            self.phase = event.ev
        elif self.phase == "select":
            yield f"{event.ev} {event.on}".rstrip() + " while the loop sleeps"
        elif event.ev == "end" and self.phase == "wake":
            yield "the end in the middle of a turn"
        self.last = event

    def counted(self, event: Event) -> Iterator[str]:
        if event.n != self.last.n + 1:
            yield f"event {event.n} after event {self.last.n}"
        if event.t < self.last.t:
            yield f"time goes back from {self.last.t} to {event.t} us"
        turn = self.last.k + (event.ev == "select")
        if event.k != turn:
            yield f"{event.ev} in turn {event.k}, expected turn {turn}"

    def finish(self) -> Iterator[str]:
        yield from ()


class NoBusyLoop:
    """8. Nothing is polled. The loop wakes because a socket is ready or a deadline has passed. A
    deadline counts only if it had passed before select looked, so it may take a second turn, never
    a third. And a socket that is ready is served: a connection that stays ready, with nothing sent
    or received, would make the loop spin (after "again" the kernel had been wrong; that is no
    spin).
    """

    def __init__(self) -> None:
        self.asleep: Event | None = None
        self.idle = 0  # turns running in which nothing happened
        self.unserved: dict[
            tuple[str, str], int
        ] = {}  # (connection, event): the turn since which it is ready
        self.connections: set[str] = set()
        self.reading: set[str] = set()  # connections whose on_readable has received nothing yet
        self.full = ""  # the connection that has received in the innermost call

    def see(self, event: Event) -> Iterator[str]:
        yield from self.read(event)
        if event.ev == "select":
            self.asleep = event
        elif event.ev == "wake":
            yield from self.woken(event)
        elif event.ev == "timer" and event["op"] == "fire":
            self.idle = 0
        elif event.ev == "turned" and self.idle > 1:
            yield "nobody was ready and no deadline fired, for the second turn running"
        elif event.on in self.connections or event.ev == "open":
            self.serve(event)

    def woken(self, event: Event) -> Iterator[str]:
        self.idle = 0 if event["ready"] else self.idle + 1
        if not event["ready"]:
            yield from self.woken_by_nobody(event)
        for name, events in event["ready"]:
            for letter in events if name in self.connections else "":
                if (name, letter) in self.unserved:
                    yield (
                        f'{name} is ready for "{letter}" again, and since turn '
                        f"{self.unserved[name, letter]} it has {DEED[letter]} nothing"
                    )
                self.unserved[name, letter] = event.k

    def woken_by_nobody(self, event: Event) -> Iterator[str]:
        if self.asleep is None:
            return
        timeout, slept = self.asleep["timeout_ms"], (event.t - self.asleep.t) / 1000
        if timeout is None:
            yield "woken by nobody, and there is no deadline"
        elif slept < timeout - EARLY:
            yield f"woken by nobody after {slept:.1f} ms, and the deadline is in {timeout:.1f} ms"

    def read(self, event: Event) -> Iterator[str]:
        """A handler that is called to read receives, or tries to; only once, since others wait."""
        if event.ev == "rx" and self.full == event.on:
            yield f"{event.on} receives twice in one call"
        if event.ev in ("rx", "call", "done"):
            self.full = event.on if event.ev == "rx" else ""
        match event.ev:
            case "call" if event["cb"].endswith(RECEIVER) and event.on in self.connections:
                self.reading.add(event.on)
            case "rx":
                self.reading.discard(event.on)
            case "error" if event["exc"] not in JUDGEMENTS:
                self.reading.discard(event.on)
            case "done" if event["cb"].endswith(RECEIVER) and event.on in self.reading:
                yield f"{event['cb']} of {event.on} is over, and nothing was received"
                self.reading.discard(event.on)

    def serve(self, event: Event) -> None:
        """Note what a connection does about its readiness."""
        match event.ev:
            case "open" | "close":
                self.forget(event.on, "rw")
                (self.connections.add if event.ev == "open" else self.connections.discard)(event.on)
            case "rx" | "tx":
                self.forget(event.on, "r" if event.ev == "rx" else "w")
            case "watch":
                self.forget(event.on, "".join(set("rw") - set(event["now"])))

    def forget(self, name: str, letters: str) -> None:
        for letter in letters:
            self.unserved.pop((name, letter), None)

    def finish(self) -> Iterator[str]:
        yield from ()


DEED = {"r": "received", "w": "sent"}


def described(call: Event) -> str:
    """Return a call in words."""
    return f"{call['cb']} of {call.on}"
