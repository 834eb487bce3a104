"""The recorder: what the loop does, event by event, as the lines of docs/trace.md.

Owns the form of a line. It is the reactor's `trace`, so it is called in the middle of everything:
it must not raise, and decides nothing. Where the lines go is trace_file.py's business.

    {"n":19,"t":91620,"k":2,"ev":"rx","on":"c1","bytes":8,"hex":"48454c4c4f20310a"}

Peer octets are written in hexadecimal, and what is not ASCII is escaped, so that a trace is inert
wherever it is shown. Time comes from the reactor's clock: with a made-up clock, the same run gives
the same octets.
"""

import json
import re
import sys
import zlib
from collections.abc import Callable, Mapping
from enum import Enum

import protocol
from edges.addresses import shown_address
from edges.failure import reason
from reactor import READ, WRITE, Ready

VERSION = 1  # of the format
LIMIT = 100_000  # events; a longer trace is of no use to any reader, and a disk has an end
HEX_LIMIT = 256  # octets shown of one recv or send; no legal message is longer
WHY_LIMIT = 200  # characters of an error

INTERESTS = {0: "", READ: "r", WRITE: "w", READ | WRITE: "rw"}

ENCODE = json.JSONEncoder(separators=(",", ":")).encode

Fields = dict[str, object]


class Recorder:
    """Writes a line for each event, and at the end one with the number of those it left out."""

    def __init__(self, clock: Callable[[], float], write: Callable[[bytes], bool]) -> None:
        self.clock = clock
        self.write = write  # tells whether it can take more
        self.full = False
        self.began = clock()
        self.events = 0
        self.dropped = 0
        self.turn = 0
        self.watched = 0  # sockets in the selector

    def __call__(self, event: str, who: object = None, **what: object) -> None:
        if event == "select":
            self.turn += 1
            what["fds"] = self.watched
        elif event == "watch":
            self.watched += bool(what["now"]) - bool(what["was"])
        if self.full:
            self.dropped += 1
        else:
            self.line(event, who, FIELDS.get(event, dict)(**what))

    def line(self, event: str, who: object, fields: Fields) -> None:
        self.events += 1
        microseconds = round(1e6 * (self.clock() - self.began))
        head: Fields = {"n": self.events, "t": microseconds, "k": self.turn, "ev": event}
        if who is not None:
            head["on"] = str(who)
        taken = self.write(ENCODE(head | fields).encode() + b"\n")
        self.full = not taken or self.events >= LIMIT

    def begin(self, role: str, selector: object, options: Mapping[str, object]) -> None:
        """Write the first line: what runs, and how it was asked to."""
        self("run", role=role, selector=selector, options=options)

    def end(self) -> None:
        """Write the last line."""
        self.line("end", None, {"dropped": self.dropped})


def _run(role: str, selector: object, options: Mapping[str, object]) -> Fields:
    return {
        "v": VERSION,
        "role": role,
        "selector": type(selector).__name__,
        "python": ".".join(map(str, sys.version_info[:3])),
        "protocol": protocol.VERSION,
        "options": {key: _plain(value) for key, value in options.items()},
    }


def _listen(address: str, body: bytes) -> Fields:
    crc32 = f"{zlib.crc32(body):08x}"
    return {"address": address, "body_len": len(body), "body_crc32": crc32}


def _select(timeout: float | None, fds: int) -> Fields:
    return {"timeout_ms": None if timeout is None else _milliseconds(timeout), "fds": fds}


def _wake(ready: Ready) -> Fields:
    return {"ready": [[str(key.data), INTERESTS[events]] for key, events in ready]}


def _call(action: Callable[..., object]) -> Fields:
    return {"cb": name(action)}


def _error(error: Exception) -> Fields:
    why = reason(error) if isinstance(error, OSError) else str(error)
    return {"exc": type(error).__name__, "why": _plain(why[:WHY_LIMIT])}


def _opened(fd: int, peer: object, state: Enum) -> Fields:
    return {"fd": fd, "peer": shown_address(peer), "state": state.name}


def _state(was: Enum, now: Enum, why: str) -> Fields:
    return {"was": was.name, "now": now.name, "why": why}


def _watch(was: int, now: int) -> Fields:
    return {"was": INTERESTS[was], "now": INTERESTS[now]}


def _rx(octets: bytes | None) -> Fields:
    return _shown(octets or b"") | ({"again": True} if octets is None else {})


def _tx(want: int, octets: bytes) -> Fields:
    return {"want": want} | _shown(octets) | ({"again": True} if want and not octets else {})


def _timer(op: str, what: Callable[..., object], length: float | None = None) -> Fields:
    fields: Fields = {"op": op, "what": name(what)}
    return fields if length is None else fields | {"in_ms": _milliseconds(length)}


def _shown(octets: bytes) -> Fields:
    return {"bytes": len(octets), "hex": octets[:HEX_LIMIT].hex()}


def _plain(value: object) -> object:
    """Return a value that any reader takes and any terminal shows: a name may be anything."""
    if isinstance(value, str):
        return re.sub("[^ -~]", lambda odd: ascii(odd[0])[1:-1], value)
    return value


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 3)


def name(action: object) -> str:
    """Return the name of what is called, by way of whatever holds its arguments."""
    return str(getattr(getattr(action, "func", action), "__qualname__", action))


# How the fields of an event come from what the loop tells; those of any other are told as they are.
FIELDS: dict[str, Callable[..., Fields]] = {
    "run": _run, "listen": _listen, "select": _select, "wake": _wake, "call": _call,
    "done": _call, "error": _error, "open": _opened, "state": _state, "watch": _watch, "rx": _rx,
    "tx": _tx, "timer": _timer,
}  # fmt: skip
