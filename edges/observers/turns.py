"""What `-v` shows of the loop, a line per turn: its sleep, the ready sockets, what was done.

    turn 2: slept 0.4 ms; c1 readable: received 8, SENDING, sent 85, half-closed, DONE

Each turn's line comes before those of the conversation, as their heading.
"""

from collections.abc import Callable

from edges.console import Console
from edges.observers.events import (
    Action,
    Called,
    Closed,
    Event,
    HalfClosed,
    Opened,
    Raised,
    Received,
    Sent,
    Sleeps,
    TimerFired,
    Transition,
    Turned,
    Wakes,
)
from edges.observers.names import object_name
from reactor import READ, WRITE, Ready

Conversation = Opened | Transition | Received | Sent | HalfClosed | Closed
CONVERSATION = (Opened, Transition, Received, Sent, HalfClosed, Closed)

WORDS: dict[type, str] = {
    Opened: "opened",
    Received: "end of stream",
    HalfClosed: "half-closed",
    Closed: "closed",
}

CALLBACKS = {"on_readable": "readable", "on_writable": "writable"}


class TurnLog:
    """An observer that counts the turns, and shows what was ready and done in each."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self.console = console
        self.clock = clock
        self.turns = 0
        self.asleep = 0.0  # since when
        self.slept = 0.0  # seconds
        self.place = 0  # of this turn's line among all of its lines
        self.deeds: dict[str, list[str]] = {}  # of the turn, by the actor and the reason
        self.actor: object = None
        self.acting: list[str] = []  # the actor's deeds

    def __call__(self, event: Event) -> None:
        match event:
            case Sleeps():
                self.asleep = self.clock()
            case Wakes(ready):
                self.wake(ready)
            case Called(handler, action):
                self.called(handler, action)
            case TimerFired(handler, _):
                self.act(handler, "deadline")
            case Turned():
                self.show()
            case _:
                self.note(event)

    def wake(self, ready: Ready) -> None:
        self.turns += 1
        self.slept += self.clock() - self.asleep
        self.place = len(self.console.lines)
        self.deeds = {}
        for key, events in ready:
            if events & READ:
                self.act(key.data, "readable")
            if events & WRITE:
                self.act(key.data, "writable")

    def called(self, handler: object, action: Action) -> None:
        """Notice which object acts now; any other call is made by one that acts already."""
        if why := CALLBACKS.get(getattr(action, "__name__", "")):
            self.act(handler, why)

    def act(self, actor: object, why: str) -> None:
        """Count what is done from now on as done by `actor`."""
        self.actor = actor
        self.acting = self.deeds.setdefault(f"{object_name(actor)} {why}", [])

    def note(self, event: Event) -> None:
        """Remember what was done, with the name of the object if that is not the actor."""
        if isinstance(event, Raised):
            self.add(event.handler, type(event.error).__name__)
        elif isinstance(event, CONVERSATION):
            self.add(event.connection, deed(event))

    def add(self, subject: object, what: str) -> None:
        self.acting.append(what if subject is self.actor else f"{object_name(subject)} {what}")

    def show(self) -> None:
        """Show the turn, unless it only wrote messages (a line about it would be another message)
        or only woke for a deadline (the next turn acts on it)."""
        if not self.deeds:
            return
        if list(self.deeds) != ["console writable"]:
            self.console.lines.insert(self.place, self.line() + "\n")
        self.slept = 0.0

    def line(self) -> str:
        """Return the line of this turn."""
        parts = [f"turn {self.turns}: slept {1000 * self.slept:.1f} ms"]
        for why, deeds in self.deeds.items():
            parts.append(f"{why}: {', '.join(deeds)}" if deeds else why)
        return "; ".join(parts)


def deed(event: Conversation) -> str:
    """Return what a connection did, in a word or two."""
    match event:
        case Transition(_, _, now, _):
            return now.name
        case Received(_, None):
            return "nothing there"
        case Received(_, data) if data:
            return f"received {len(data)}"
        case Sent(_, want, data):
            return f"sent {len(data)}" + (f" of {want}" if len(data) < want else "")
    return WORDS[type(event)]
