"""Read a trace: JSON Lines in, events out.

Owns the structure: which events there are, and the keys of each, with the kinds of their values.
invariants.py judges whether the events make sense together. Called by everything that reads a
trace. docs/trace.md is the format in words; the tests compare the two.

    bytes --split at LF--> lines --json--> objects --kinds--> events        line 1 is a `run`
                                                                            with a known `v`

A trace may come from anybody, so everything is checked, and a file and each line have limits. The
first error is reported, with the number of its line, in printable ASCII. Three things are no
errors: an unknown key and an unknown `ev`, which a newer recorder may write, and a torn last line,
which a crash leaves.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

VERSION = 1
LONGEST_LINE = 1 << 20  # bytes; ten thousand ready connections make a line of 150,000
LARGEST = 1 << 28  # bytes; 100,000 events, which is the recorder's cap, are seldom 30 MB
EXACT = 1 << 53  # whole numbers below this one are exact in every JSON reader
LONGEST_NUMBER = 600  # digits; a user may set Python's own limit to 640 or more
WORD_LIMIT = 4000  # bytes of a word, such as an address or a reason
SHOWN = 256  # bytes that `hex` has at most


class NotATrace(Exception):
    """These bytes are no trace that can be read; `str()` is why, in one line."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line: serial number, microseconds, turn, kind, object (or ""), and its other keys."""

    n: int
    t: int
    k: int
    ev: str
    on: str
    keys: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - the table KEYS says of what kind it is
        return self.keys[key]


@dataclass(frozen=True, slots=True)
class Trace:
    """A run: its events, the first of which is `run`, and whether its last line was torn."""

    events: list[Event]
    torn: bool

    @property
    def role(self) -> str:
        """Return which program wrote it: "server" or "client"."""
        return str(self.events[0]["role"])

    @property
    def whole(self) -> bool:
        """Tell whether it reaches from the beginning of the program to its end."""
        last = self.events[-1]
        return last.ev == "end" and last["dropped"] == 0


# --- kinds of values: a test, and the words for what it expects

Test = Callable[[Any], bool]
Kind = tuple[str, Test]


def is_whole(value: object) -> bool:
    """Tell whether a value is a whole number, 0 or more (to Python, true is a number as well)."""
    return type(value) is int and 0 <= value < EXACT


def is_amount(value: object) -> bool:
    """Tell whether a value is a number, 0 or more: no NaN, no infinity."""
    return is_whole(value) or (type(value) is float and math.isfinite(value) and 0 <= value < EXACT)


def is_word(value: object) -> bool:
    """Tell whether a value is printable ASCII of a sensible length."""
    return isinstance(value, str) and bool(re.fullmatch(f"[ -~]{{0,{WORD_LIMIT}}}", value))


def is_text(value: object) -> bool:
    """Tell whether a value is ASCII, with whatever an error may say of itself."""
    return isinstance(value, str) and value.isascii() and len(value) <= WORD_LIMIT


def is_hex(value: object) -> bool:
    """Tell whether a value is bytes in small hexadecimal digits."""
    return isinstance(value, str) and bool(re.fullmatch(f"([0-9a-f]{{2}}){{0,{SHOWN}}}", value))


def is_ready(value: object) -> bool:
    """Tell whether a value is a list of pairs: an object, and the events that it is ready for."""
    return isinstance(value, list) and all(
        isinstance(pair, list)
        and len(pair) == 2
        and is_word(pair[0])
        and pair[1] in ("r", "w", "rw")
        for pair in value
    )


def one_of(*words: str) -> Kind:
    """Return the kind of a word that is one of these."""
    return " or ".join(f'"{word}"' for word in words), lambda value: value in words


def is_length(value: object) -> bool:
    """Tell whether a value is a number; a length below 0 is over already."""
    return is_amount(value) or (type(value) in (int, float) and is_amount(-value))  # type: ignore[operator]


WHOLE: Kind = ("a whole number, 0 or more", is_whole)
LENGTH: Kind = ("a number", is_length)
TIMEOUT: Kind = ("a number, 0 or more, or null", lambda value: value is None or is_amount(value))
WORD: Kind = (f"printable ASCII of at most {WORD_LIMIT} bytes", is_word)
TEXT: Kind = (f"ASCII of at most {WORD_LIMIT} bytes", is_text)
NAME: Kind = ("a name", lambda value: is_word(value) and 0 < len(value) <= 200)
HEX: Kind = (f"hexadecimal digits of at most {SHOWN} bytes", is_hex)
CHECKSUM: Kind = ("8 hexadecimal digits", lambda value: is_hex(value) and len(value) == 8)
READY: Kind = ('a list of pairs [name, "r" or "w" or "rw"]', is_ready)
OBJECT: Kind = ("an object", lambda value: isinstance(value, dict))
INTEREST = one_of("", "r", "w", "rw")
TRUE: Kind = ("true", lambda value: value is True)

COMMON: dict[str, Kind] = {"n": WHOLE, "t": WHOLE, "k": WHOLE, "ev": NAME}
KEYS: dict[str, dict[str, Kind]] = {
    "run": {
        "v": WHOLE, "role": one_of("server", "client"), "selector": WORD, "python": WORD,
        "protocol": WHOLE, "options": OBJECT,
    },
    "listen": {"on": NAME, "address": WORD, "body_len": WHOLE, "body_crc32": CHECKSUM},
    "select": {"timeout_ms": TIMEOUT, "fds": WHOLE},
    "wake": {"ready": READY},
    "call": {"on": NAME, "cb": NAME},
    "error": {"on": NAME, "exc": NAME, "why": TEXT},
    "done": {"on": NAME, "cb": NAME},
    "open": {"on": NAME, "fd": WHOLE, "peer": WORD, "state": NAME},
    "state": {"on": NAME, "was": NAME, "now": NAME, "why": TEXT},
    "watch": {"on": NAME, "was": INTEREST, "now": INTEREST},
    "rx": {"on": NAME, "bytes": WHOLE, "hex": HEX},
    "tx": {"on": NAME, "want": WHOLE, "bytes": WHOLE, "hex": HEX},
    "timer": {"on": NAME, "op": one_of("set", "cancel", "fire"), "what": NAME},
    "half": {"on": NAME},
    "close": {"on": NAME, "how": TEXT},
    "turned": {},
    "end": {"dropped": WHOLE},
}  # fmt: skip
# Keys that an event may have, or must have where a word of another key says so.
OPTIONAL: dict[str, dict[str, Kind]] = {
    "run": {"clock": WHOLE},
    "rx": {"again": TRUE},
    "tx": {"again": TRUE},
    "timer": {"in_ms": LENGTH},
}


# --- reading


def read(stream: BinaryIO) -> Trace:
    """Return the trace in `stream`. Raises NotATrace, and OSError of the stream."""
    events: list[Event] = []
    torn = False
    for number, line in lines(stream):
        try:
            event = parsed(line)
        except ValueError as error:
            if line.endswith(b"\n") or number == 1:
                raise NotATrace(f"line {number}: {error}") from error
            torn = True
            break
        if (event.ev == "run") != (number == 1):
            raise NotATrace(f"line {number}: a trace has one run, its first line")
        if events and events[-1].ev == "end":
            raise NotATrace(f"line {number}: there is something after the end")
        events.append(event)
    if not events:
        raise NotATrace("it is empty")
    return Trace(events, torn)


def lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers; raise NotATrace where there are too many bytes."""
    size = number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        size += len(line)
        if len(line) > LONGEST_LINE:
            raise NotATrace(f"line {number}: longer than {LONGEST_LINE} bytes")
        if size > LARGEST:
            raise NotATrace(f"larger than {LARGEST} bytes")
        yield number, line


def parsed(line: bytes) -> Event:
    """Return the event of a line; raise ValueError, in one line of ASCII, if it has none."""
    try:
        return event_of(json_object(line))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def event_of(found: dict[str, Any]) -> Event:
    """Return the event that an object is. What another version means is not known."""
    if found.get("ev") == "run" and not (is_whole(found.get("v")) and found["v"] == VERSION):
        raise ValueError(f"version {shown(found.get('v'))}, and only version {VERSION} is known")
    for key, kind in COMMON.items():
        require(found, key, kind)
    ev = found["ev"]
    may = OPTIONAL.get(ev, {})
    for key, kind in KEYS.get(ev, {}).items():
        require(found, key, kind)
    for key in may.keys() & found.keys():
        require(found, key, may[key])
    known = {key: found[key] for key in (KEYS.get(ev, {}) | may) if key in found}
    event = Event(found["n"], found["t"], found["k"], ev, known.get("on", ""), known)
    require_sense(event)
    return event


def json_object(line: bytes) -> dict[str, Any]:
    """Return the object that a line is."""
    try:
        found = json.loads(
            line.decode("utf-8"),
            object_pairs_hook=unambiguous,
            parse_int=sensible,
            parse_constant=refuse,
        )
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg.lower()} at column {error.colno}") from error
    if not isinstance(found, dict):
        raise ValueError(f"expected an object, got {shown(found)}")
    return found


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these pairs; of two with one key, readers would take this or that."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def sensible(digits: str) -> int:
    """Return a whole number; raise ValueError for one that nobody counts to."""
    if len(digits) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def refuse(constant: str) -> NoReturn:
    """Raise ValueError for NaN and Infinity, which Python reads and JSON has not."""
    raise ValueError(f"not JSON: {constant}")


def require(found: Mapping[str, Any], key: str, kind: Kind) -> None:
    """Raise ValueError unless there is such a key, with a value of this kind."""
    words, test = kind
    if key not in found:
        raise ValueError(f"{key} is missing, expected {words}")
    if not test(found[key]):
        raise ValueError(f"{key} is {shown(found[key])}, expected {words}")


def require_sense(event: Event) -> None:
    """Raise ValueError where two keys of one event contradict each other."""
    if event.ev == "timer" and (event["op"] == "set") != ("in_ms" in event.keys):
        raise ValueError("in_ms belongs to a timer that is set, and to no other")
    if event.ev in ("rx", "tx") and len(event["hex"]) != 2 * min(event["bytes"], SHOWN):
        raise ValueError(f"bytes is {event['bytes']}, and hex has {len(event['hex']) // 2} bytes")
    if event.ev in ("rx", "tx") and "again" in event.keys and event["bytes"]:
        raise ValueError(f'"again" is for nothing at all, and bytes is {event["bytes"]}')
    if event.ev == "tx" and event["bytes"] > event["want"]:
        raise ValueError(f"bytes is {event['bytes']}, more than was wanted: {event['want']}")


def shown(value: object) -> str:
    """Return a value of a file as printable ASCII, cut."""
    text = ascii(value)
    return text[:40] + "..." * (len(text) > 40)
