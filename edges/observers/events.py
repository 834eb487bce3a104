"""The events of a run: what happens in the loop, as the observers get it.

Each is a named tuple, so the type checker finds a misspelt event or field. docs/trace.md says how a
trace shows each of them.
"""

from collections.abc import Callable
from enum import Enum
from selectors import SelectorKey
from typing import Any, NamedTuple

Action = Callable[..., object]


class Sleeps(NamedTuple):
    """A turn begins: the loop calls select, with this timeout in seconds (None: no deadline)."""

    timeout: float | None


class Wakes(NamedTuple):
    """select has returned."""

    ready: list[tuple[SelectorKey, int]]


class Turned(NamedTuple):
    """The work of the turn is done."""


class Called(NamedTuple):
    """The reactor calls a handler. Calls nest."""

    handler: object
    action: Action


class Raised(NamedTuple):
    """The innermost call has raised an exception."""

    handler: object
    error: Exception


class Returned(NamedTuple):
    """A call has returned; its exception, if there was one, is handled."""

    handler: object
    action: Action


class Watches(NamedTuple):
    """The selector watches a handler for something else from now on."""

    handler: object
    was: int
    now: int


class TimerSet(NamedTuple):
    """A deadline is set, `delay` seconds from now."""

    handler: object
    action: Action
    delay: float


class TimerCancelled(NamedTuple):
    """A deadline is cancelled before it has passed."""

    handler: object
    action: Action


class TimerFired(NamedTuple):
    """A deadline has passed; the call follows."""

    handler: object
    action: Action


class Opened(NamedTuple):
    """There is a connection: accepted by a server, or about to connect."""

    connection: Any


class Transition(NamedTuple):
    """A connection changes its state."""

    connection: object
    was: Enum
    now: Enum
    why: str


class Received(NamedTuple):
    """recv has returned these bytes; b"": the end of the stream; None: nothing there after all."""

    connection: object
    data: bytes | None


class Sent(NamedTuple):
    """send has taken these bytes, of `want` bytes that were to be sent."""

    connection: object
    want: int
    data: bytes


class HalfClosed(NamedTuple):
    """A connection has ended its direction of the stream."""

    connection: object


class Closed(NamedTuple):
    """The socket is closed; on a server `how` begins with one of ENDINGS."""

    connection: object
    how: str


class Listening(NamedTuple):
    """A server begins a listening period."""

    server: object
    address: str
    body: bytes


Event = (
    Sleeps | Wakes | Turned | Called | Raised | Returned | Watches
    | TimerSet | TimerCancelled | TimerFired
    | Opened | Transition | Received | Sent | HalfClosed | Closed | Listening
)  # fmt: skip

Observer = Callable[[Event], None]
