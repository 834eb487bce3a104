"""What `-v` shows of the loop, a line per turn: how long it slept, who was ready, what each did.

    turn 2: slept 0.4 ms; c1 readable: received 8, SENDING, sent 85, half-closed, DONE

Each turn's line stands before those of the conversation, as their heading.
"""

from collections.abc import Callable
from enum import Enum

from edges.console import Console
from reactor import READ, WRITE, Ready


class TurnLog:
    """Counts the turns and shows what came of each: a reactor's `trace`."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self.console = console
        self.clock = clock
        self.turns = 0
        self.asleep = 0.0  # since when
        self.slept = 0.0  # seconds
        self.place = 0  # of this turn's line among all of its lines
        self.deeds: dict[str, list[str]] = {}  # of the turn, by why who acts
        self.actor: object = None
        self.acting: list[str] = []  # the actor's deeds

    def __call__(self, event: str, who: object = None, **what: object) -> None:
        if event in LOOP:
            LOOP[event](self, who, **what)
        elif event in DEEDS:
            deed = DEEDS[event](**what)
            self.acting.append(deed if who is self.actor else f"{who} {deed}")

    def select(self, _who: object, timeout: float | None) -> None:
        self.asleep = self.clock()

    def wake(self, _who: object, ready: Ready) -> None:
        self.turns += 1
        self.slept = self.clock() - self.asleep
        self.place = len(self.console.lines)
        self.deeds = {}
        for key, events in ready:
            if events & READ:
                self.act(key.data, "readable")
            if events & WRITE:
                self.act(key.data, "writable")

    def call(self, who: object, action: Callable[[], None]) -> None:
        """Notice whose turn it is; any other call is made by somebody who acts already."""
        why = {"on_readable": "readable", "on_writable": "writable"}
        if word := why.get(getattr(action, "__name__", "")):
            self.act(who, word)

    def timer(self, who: object, op: str, **_what: object) -> None:
        if op == "fire":
            self.act(who, "deadline")

    def act(self, who: object, why: str) -> None:
        """Let what is done from now on be done by `who`."""
        self.actor = who
        self.acting = self.deeds.setdefault(f"{who} {why}", [])

    def turned(self, _who: object) -> None:
        """Show the turn, unless it only wrote messages: a line on that would be one more."""
        if list(self.deeds) != [f"{self.console} writable"]:
            self.console.lines.insert(self.place, self.line() + "\n")

    def line(self) -> str:
        """Return the line of this turn."""
        parts = [f"turn {self.turns}: slept {1000 * self.slept:.1f} ms"]
        for why, deeds in self.deeds.items():
            parts.append(f"{why}: {', '.join(deeds)}" if deeds else why)
        return "; ".join(parts if self.deeds else [*parts, "a deadline has passed"])


def _state(now: Enum, **_what: object) -> str:
    return now.name


def _rx(octets: bytes | None) -> str:
    if octets is None:
        return "nothing there"
    return f"received {len(octets)}" if octets else "end of stream"


def _tx(want: int, octets: bytes) -> str:
    return f"sent {len(octets)}" if len(octets) == want else f"sent {len(octets)} of {want}"


def _error(error: Exception) -> str:
    return type(error).__name__


LOOP: dict[str, Callable[..., None]] = {
    "select": TurnLog.select, "wake": TurnLog.wake, "call": TurnLog.call, "timer": TurnLog.timer,
    "turned": TurnLog.turned,
}  # fmt: skip
DEEDS: dict[str, Callable[..., str]] = {
    "open": lambda **_: "opened", "half": lambda: "half-closed", "close": lambda **_: "closed",
    "state": _state, "rx": _rx, "tx": _tx, "error": _error,
}  # fmt: skip
