"""The network: connections, and streams whose bytes fly before they arrive.

Everything that is under way is in `World.pending` until the world picks it, so every order is
possible. The ends of a connection are in sockets.py.

    send --> flying --- happens, a piece at a time ---> arrived --> recv
             |<-------------- window ----------------------->|

A reset overtakes what flies and destroys it.
"""

import errno
from typing import Any

TROUBLES = (
    "reset", "reset of the client", "reset of the server", "silence",
    "early end of the server's stream", "early end of the client's stream",
)  # fmt: skip
CUT, RESET = -1, -2  # what a flaw can be, besides bits that are flipped


class Pending:
    """One thing that will happen: `act`."""

    def __init__(self, act: Any, *arguments: Any) -> None:
        self.act, self.arguments = act, arguments

    def happen(self) -> None:
        self.act(*self.arguments)


class Wire:
    """A connection as the world sees it: both ends, and what happened to them."""

    def __init__(self, client: Any, server: Any) -> None:
        self.client, self.server = client, server  # their sockets
        self.harm: list[str] = []  # what the world has done to it, not a program
        self.was_reset = False  # some end got a reset, for whatever reason
        self.number = 0  # the server's: connection c1, c2, …
        self.accepted_at = 0.0
        self.silent = False  # nothing arrives any more
        self.body: bytes | None = None  # what the server delivers when it accepts this one
        self.file = b""  # its file message
        self.word = ""  # the server's closing word

    def suffer(self, trouble: str) -> None:
        """Do one of TROUBLES to it."""
        self.harm.append(trouble)
        self.client.world.tell("network", f"{trouble}: {self.client.name}")
        if trouble == "silence":
            self.silent = True
        elif trouble == "early end of the server's stream":
            self.server.outgoing.cut()
        elif trouble == "early end of the client's stream":
            self.client.outgoing.cut()
        if trouble in ("reset", "reset of the client"):
            self.client.fail(errno.ECONNRESET)
        if trouble in ("reset", "reset of the server"):
            self.server.fail(errno.ECONNRESET)


class Stream:
    """One direction of a connection."""

    __slots__ = (
        "arrived", "ended", "ending", "flaw", "flying", "reader", "sent", "under_way", "window",
        "writer",
    )  # fmt: skip

    def __init__(self, writer: Any, reader: Any, window: int) -> None:
        self.writer, self.reader = writer, reader
        self.window = window
        self.flying = self.arrived = b""
        self.ending = self.ended = False  # the end of stream: sent; arrived
        self.under_way = False
        self.sent = 0
        self.flaw: tuple[int, int] | None = None  # at which byte, and what

    def room(self) -> int:
        return self.window - len(self.flying) - len(self.arrived)

    def put(self, data: bytes) -> None:
        """Take bytes from the writer; with a flaw, some arrive damaged or not at all."""
        if self.flaw is not None and self.sent <= self.flaw[0] < self.sent + len(data):
            data = self.damaged(data, *self.flaw)
        self.sent += len(data)
        if not self.ending:
            self.flying += data
            self.go()

    def damaged(self, data: bytes, place: int, kind: int) -> bytes:
        """Return the bytes that will arrive: one has flipped bits, or all from one on are lost."""
        before, after = data[: place - self.sent], data[place - self.sent :]
        if kind > 0:
            return before + bytes([after[0] ^ kind]) + after[1:]
        self.flying += before
        self.ending = kind == CUT
        self.go()
        if kind == RESET:
            self.reader.reset_soon()
        return b""

    def cut(self) -> None:
        """End here, silently: what flies, and what is sent later, is lost."""
        self.flying = b""
        self.ending = True
        self.go()

    def go(self) -> None:
        """Schedule the arrival of what is in here."""
        if not self.under_way:
            self.under_way = True
            self.reader.world.pending.append(self)

    def happen(self) -> None:
        """Let some bytes, or the end of stream, arrive."""
        self.under_way = False
        reader = self.reader
        if self.writer.wire is not None and self.writer.wire.silent:
            return
        if self.flying and (reader.closed or reader.dead):  # nobody will read: a reset answers
            self.flying = b""
            self.writer.reset_soon()
        elif self.flying:
            piece = reader.world.piece(len(self.flying))
            self.arrived += self.flying[:piece]
            self.flying = self.flying[piece:]
        elif self.ending:
            self.ended = True
        if self.flying or (self.ending and not self.ended):
            self.go()
        reader.host.wake()

    def __str__(self) -> str:
        return f"stream of {self.writer.name}"
