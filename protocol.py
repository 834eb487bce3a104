"""The protocol: bytes, and nothing else.

Owns the grammar, the limits, the rules of a valid file, and the states. Knows nothing of sockets,
clocks or selectors; called by the two halves of the handshake, by the server and by the client.
The normative text is protocol.md, and the tests compare the two.

    server-stream = hello ( file / error ) / error            HELLO 1\\n FILE 14 7b55a718\\n ...
    client-stream = hello                                     HELLO 1\\n

A stream has no messages, only bytes that arrive in pieces of any size. So a line is looked for in
what has been received so far, and there are three answers: it is here, it is not here yet, or it
can never come, because no legal line begins like this. The third answer is given as soon as it is
true: a peer that sends nonsense is refused at its first wrong byte, and an unfinished line that is
kept is never longer than the longest legal one.
"""

import re
import zlib
from enum import Enum, auto

VERSION = 1
HELLO_LINE = f"HELLO {VERSION}"  # what both ends say, and the only hello that both accept
FILE_LIMIT = 80  # bytes of a file, its LFs included: one line of a terminal
HELLO_LIMIT = 10  # bytes of the longest hello, "HELLO 999" LF
REASON_LIMIT = 72  # bytes of a reason: with "ERROR " and LF the line has 79


class ProtocolError(Exception):
    """The peer broke the protocol; `str()` is the reason, in printable ASCII."""


class PeerError(Exception):
    """The peer ended the conversation with an ERROR line; `str()` is its reason."""


class Damaged(Exception):
    """No rule was broken, but bytes were lost or changed on the way."""


class State(Enum):
    """A state. There is one object of each, so its identity can be its hash (measured: a transfer
    costs 3 % less than with the hash of its name)."""

    __hash__ = object.__hash__


class ServerState(State):
    """What one connection of the server is doing."""

    HELLO_SENT = auto()
    SENDING = auto()
    DONE = auto()


class ClientState(State):
    """What the client is doing."""

    CONNECTING = auto()
    HELLO_EXPECTED = auto()
    RECEIVING = auto()
    DONE = auto()


# The legal transitions, each with its reason. Any other is a bug.
Transitions = dict[tuple[Enum, Enum], str]
SERVER_TRANSITIONS: Transitions = {
    (ServerState.HELLO_SENT, ServerState.SENDING): "the client's hello is valid",
    (ServerState.SENDING, ServerState.DONE): "the whole file is with the kernel",
}
CLIENT_TRANSITIONS: Transitions = {
    (ClientState.CONNECTING, ClientState.HELLO_EXPECTED): "the connection is established",
    (ClientState.HELLO_EXPECTED, ClientState.RECEIVING): "the server's hello is valid",
    (ClientState.RECEIVING, ClientState.DONE): "the file is whole and verified",
}


class Line:
    """One kind of line. Every legal beginning of one can be completed by the end of a sample."""

    def __init__(self, name: str, pattern: bytes, *samples: bytes) -> None:
        self.name = name
        self.pattern = re.compile(pattern)
        self.samples = samples

    def may_begin(self, received: bytes) -> bool:
        """Tell whether some legal line begins with `received`: complete it with a sample's end.

        "HELLO 2" becomes "HELLO 211", which is legal; "HELLO 0" becomes "HELLO 011", which is not.
        """
        return any(
            self.pattern.fullmatch(received + sample[len(received) :]) for sample in self.samples
        )


HELLO = Line("HELLO", rb"HELLO ([1-9][0-9]{0,2})\n", b"HELLO 111\n")
FILE = Line(
    "FILE",
    rb"FILE (0|[1-9]|[1-7][0-9]|80) ([0-9a-f]{8})\n",
    b"FILE 0 00000000\n",
    b"FILE 10 00000000\n",
)
ERROR = Line("ERROR", rb"ERROR ([ -~]{1,72})\n", b"ERROR " + REASON_LIMIT * b"." + b"\n")


def first_line(received: bytes, *lines: Line) -> "tuple[Line, re.Match[bytes]] | None":
    """Return which of `lines` the bytes `received` begin with, and its match; None: not yet.

    Raises ProtocolError as soon as none of `lines` can begin like that.
    """
    for line in lines:
        if match := line.pattern.match(received):
            return line, match
    if any(line.may_begin(received) for line in lines):
        return None
    expected = " or ".join(line.name for line in lines)
    raise ProtocolError(f"expected {expected}, got {shown(received)}")


def require_version(hello_line: "re.Match[bytes]") -> None:
    """Raise ProtocolError unless the matched hello names our version."""
    if int(hello_line[1]) != VERSION:
        raise ProtocolError(f"expected version {VERSION}, got {int(hello_line[1])}")


def hello() -> bytes:
    """Return our hello line."""
    return HELLO_LINE.encode("ascii") + b"\n"


def file_message(body: bytes) -> bytes:
    """Return the whole file message: the header with length and CRC-32 (ISO 3309), then `body`."""
    return b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)


def raise_if_error(line: Line, match: "re.Match[bytes]") -> None:
    """Raise PeerError, with the reason, if `line` is an ERROR line."""
    if line is ERROR:
        raise PeerError(match[1].decode("ascii"))


def file_received(received: bytes) -> tuple[bytes, bytes] | None:
    """Return the body in `received`, and the bytes after it; None: the body is not whole yet.

    Raises PeerError for an ERROR line, ProtocolError for any other line or for a body that is no
    valid file, and Damaged for one that does not have the announced checksum.
    """
    found = first_line(received, FILE, ERROR)
    if found is None:
        return None
    raise_if_error(*found)
    _, match = found
    end = match.end() + int(match[1])
    body = received[match.end() : end]
    if len(received) < end:
        return None
    if b"%08x" % zlib.crc32(body) != match[2]:
        raise Damaged(f"checksum {zlib.crc32(body):08x}, expected {match[2].decode('ascii')}")
    if rule := broken_rule(body):
        raise ProtocolError(f"not a valid file: {rule}")
    return body, received[end:]


def error_message(reason: str) -> bytes:
    """Return the ERROR line for `reason` (printable ASCII), cut to the limit."""
    return b"ERROR %b\n" % reason.encode("ascii")[:REASON_LIMIT]


def broken_rule(body: bytes) -> str | None:
    """Return the rule of a valid file that `body` breaks first, and where; None if it is valid."""
    if len(body) > FILE_LIMIT:
        return f"more than {FILE_LIMIT} bytes"
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8 at offset {error.start}"
    for name, byte in (("NUL", b"\0"), ("CR", b"\r")):
        if byte in body:
            return f"{name} at offset {body.index(byte)}"
    if body and not body.endswith(b"\n"):
        return f"no LF at the end of line {body.count(10) + 1}"
    return None


def shown(data: bytes, limit: int | None = 32) -> str:
    """Return `data` as quoted, escaped, printable ASCII, cut to `limit` bytes.

    Everything that came from outside goes through here before a person sees it: a peer's escape
    sequences must not drive a terminal, nor its LFs forge a line of our own.
    """
    cut = data[:limit]
    return repr(cut)[1:] + ("..." if len(cut) < len(data) else "")


def escaped(data: bytes) -> str:
    """Return `data` as printable ASCII, escaped, neither quoted nor cut: for a name."""
    return repr(data)[2:-1]
