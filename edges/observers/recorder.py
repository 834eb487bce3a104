"""The recorder: what the loop does, event by event, as the lines of docs/trace.md.

Owns the form of a line. It is an observer, so it is called in the middle of everything: it must not
raise, and decides nothing. Where the lines go is trace_file.py's business.

    {"n":19,"t":91620,"k":2,"ev":"rx","on":"c1","bytes":8,"hex":"48454c4c4f20310a","stack":[...]}

A peer's bytes are written in hexadecimal, and what is not ASCII is escaped, so that a trace is
harmless wherever it is shown. Time comes from the reactor's clock: with a simulated clock, the same
run gives the same bytes.
"""

import json
import re
import sys
import zlib
from collections.abc import Callable, Mapping

import protocol
from connection import Connection
from edges.failure import reason
from edges.names import shown_address
from edges.observers.events import (
    Action,
    Called,
    Closed,
    Event,
    HalfClosed,
    Listening,
    Opened,
    Raised,
    Received,
    Returned,
    Sent,
    Sleeps,
    TimerCancelled,
    TimerFired,
    TimerSet,
    Transition,
    Turned,
    Wakes,
    Watches,
)
from edges.observers.names import function_name, object_name
from edges.observers.stack import Stacks
from reactor import READ, WRITE

VERSION = 1  # of the format
LIMIT = 100_000  # events; a longer trace is of no use to a reader, and a disk may fill up
HEX_LIMIT = 256  # bytes shown of one recv or send; no legal message is longer
WHY_LIMIT = 200  # characters of an error

INTERESTS = {0: "", READ: "r", WRITE: "w", READ | WRITE: "rw"}

ENCODE = json.JSONEncoder(separators=(",", ":")).encode

Fields = dict[str, object]
Conversation = Opened | Transition | Received | Sent | HalfClosed | Closed | Listening

OPS: dict[type, str] = {TimerSet: "set", TimerCancelled: "cancel", TimerFired: "fire"}


class Recorder:
    """Writes a line for each event, and at the end one with the number of those it left out."""

    def __init__(
        self,
        clock: Callable[[], float],
        write: Callable[[bytes], bool],
        stacks: Stacks | None = None,
    ) -> None:
        self.clock = clock
        self.write = write  # tells whether it can take more
        self.stacks = stacks  # None: the lines do not say where the program was
        self.full = False
        self.began = clock()
        self.events = 0
        self.dropped = 0
        self.turn = 0
        self.watched = 0  # sockets in the selector

    def __call__(self, event: Event) -> None:
        if isinstance(event, Sleeps):
            self.turn += 1
        elif isinstance(event, Watches):
            self.watched += bool(event.now) - bool(event.was)
        if self.full:
            self.dropped += 1
            return
        name, subject, fields = described(event)
        if isinstance(event, Sleeps):
            fields["fds"] = self.watched
        if self.stacks is not None:
            fields["stack"] = self.stacks.here(about(event))
        self.line(name, subject, fields)

    def line(self, event: str, subject: object, fields: Fields) -> None:
        self.events += 1
        microseconds = round(1e6 * (self.clock() - self.began))
        head: Fields = {"n": self.events, "t": microseconds, "k": self.turn, "ev": event}
        if subject is not None:
            head["on"] = object_name(subject)
        taken = self.write(ENCODE(head | fields).encode() + b"\n")
        self.full = not taken or self.events >= LIMIT

    def begin(self, role: str, selector: object, options: Mapping[str, object]) -> None:
        """Write the first line: what runs, and with which options."""
        fields: Fields = {
            "v": VERSION,
            "role": role,
            "selector": type(selector).__name__,
            "python": ".".join(map(str, sys.version_info[:3])),
            "protocol": protocol.VERSION,
            "options": {key: _plain(value) for key, value in options.items()},
            "clock": round(1e6 * self.began),
        }
        self.line("run", None, fields)

    def end(self) -> None:
        """Write the last line."""
        self.line("end", None, {"dropped": self.dropped})


Described = tuple[str, object, Fields]


def described(event: Event) -> Described:  # noqa: PLR0911  # a table
    """Return the name of an event in a trace, its object (None: the loop), and its fields."""
    match event:
        case Sleeps(timeout):
            return "select", None, {"timeout_ms": _milliseconds(timeout)}
        case Wakes(ready):
            seen = [[object_name(key.data), INTERESTS[events]] for key, events in ready]
            return "wake", None, {"ready": seen}
        case Turned():
            return "turned", None, {}
        case Watches(handler, was, now):
            return "watch", handler, {"was": INTERESTS[was], "now": INTERESTS[now]}
        case TimerSet() | TimerCancelled() | TimerFired():
            return _timer(event)
        case Called() | Returned() | Raised():
            return _call(event)
    return _conversation(event)


def _call(event: Called | Returned | Raised) -> Described:
    if isinstance(event, Raised):
        error = event.error
        why = reason(error) if isinstance(error, OSError) else str(error)
        fields: Fields = {"exc": type(error).__name__, "why": _plain(why[:WHY_LIMIT])}
        return "error", event.handler, fields
    word = "call" if isinstance(event, Called) else "done"
    return word, event.handler, {"cb": function_name(event.action)}


def _timer(event: TimerSet | TimerCancelled | TimerFired) -> Described:
    fields: Fields = {"op": OPS[type(event)], "what": function_name(event.action)}
    if isinstance(event, TimerSet):
        fields["in_ms"] = _milliseconds(event.delay)
    return "timer", event.handler, fields


def _conversation(event: Conversation) -> Described:  # noqa: PLR0911  # a table
    match event:
        case Opened(connection):
            return "open", connection, _opened(connection)
        case Transition(connection, was, now, why):
            return "state", connection, {"was": was.name, "now": now.name, "why": why}
        case Received(connection, data):
            again = {"again": True} if data is None else {}
            return "rx", connection, _shown(data or b"") | again
        case Sent(connection, want, data):
            again = {"again": True} if want and not data else {}
            return "tx", connection, {"want": want} | _shown(data) | again
        case HalfClosed(connection):
            return "half", connection, {}
        case Closed(connection, how):
            return "close", connection, {"how": how}
    return "listen", event.server, _listening(event.address, event.body)


def _listening(address: str, body: bytes) -> Fields:
    crc32 = f"{zlib.crc32(body):08x}"
    return {"address": address, "body_len": len(body), "body_crc32": crc32}


# The method that an event is about. The innermost line of the stack has called it.
METHODS: dict[type, Action] = {
    Opened: Connection.__init__,
    Transition: Connection.transition,
    Received: Connection.receive,
    Sent: Connection.send,
    HalfClosed: Connection.half_close,
    Closed: Connection.close,
}


def about(event: Event) -> Action | None:
    """Return the function that `event` is about, if it is one that a reader should see."""
    return event.action if isinstance(event, Called) else METHODS.get(type(event))


def _opened(connection: Connection) -> Fields:
    peer = shown_address(connection.peer_address)
    return {"fd": connection.sock.fileno(), "peer": peer, "state": connection.state.name}


def _shown(data: bytes) -> Fields:
    return {"bytes": len(data), "hex": data[:HEX_LIMIT].hex()}


def _plain(value: object) -> object:
    """Return a value that any reader accepts and any terminal can show: a name may be anything."""
    if isinstance(value, str):
        return re.sub("[^ -~]", lambda odd: ascii(odd[0])[1:-1], value)
    return value


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 3)
