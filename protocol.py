"""The protocol: octets, and nothing else.

Owns the grammar, the limits, the rules of a valid file, and the states. Knows no socket, no clock
and no selector; called by the two halves of the handshake, by the server and by the client. The
normative text is protocol.md, and the tests compare the two.

    server-stream = hello ( file / error ) / error            HELLO 1\\n FILE 14 7b55a718\\n ...
    client-stream = hello                                     HELLO 1\\n

A stream has no messages, only octets that arrive in pieces of any size. So a line is looked for in
what has been received so far, and there are three answers: it is here, it is not here yet, or it
can never come, because no legal line begins like this. The third answer is given as soon as it is
true; hence a peer that talks nonsense is refused at its first wrong octet, and what is kept of an
unfinished line never exceeds the longest legal one.
"""

import re
import zlib
from enum import Enum, auto

VERSION = 1
FILE_LIMIT = 80  # octets of a file, its LFs included: one line of a terminal
HELLO_LIMIT = 10  # octets of the longest hello, "HELLO 999" LF
REASON_LIMIT = 72  # octets of a reason: with "ERROR " and LF the line has 79


class ProtocolError(Exception):
    """The peer broke the protocol; `str()` is the reason, in printable ASCII."""


class PeerError(Exception):
    """The peer ended the conversation with an ERROR line; `str()` is its reason."""


class Damaged(Exception):
    """No rule was broken, but octets were lost or changed on the way."""


class State(Enum):
    """A state; there is one object of each, so identity is hash enough (0.4 us less per move)."""

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


# The legal transitions, each with its reason. Any other is a defect of ours.
SERVER_TRANSITIONS = {
    (ServerState.HELLO_SENT, ServerState.SENDING): "the client's hello is valid",
    (ServerState.SENDING, ServerState.DONE): "the last octet of the file is with the kernel",
}
CLIENT_TRANSITIONS = {
    (ClientState.CONNECTING, ClientState.HELLO_EXPECTED): "the connection stands",
    (ClientState.HELLO_EXPECTED, ClientState.RECEIVING): "the server's hello is valid",
    (ClientState.RECEIVING, ClientState.DONE): "the file is whole and verified",
}


class Line:
    """One kind of line: name, pattern, and samples, one of which completes any legal beginning."""

    def __init__(self, name: str, pattern: bytes, *samples: bytes) -> None:
        self.name = name
        self.pattern = re.compile(pattern)
        self.samples = samples

    def may_begin(self, octets: bytes) -> bool:
        """Tell whether some legal line begins with `octets`: lay them over each sample and look.

        "HELLO 2" over "HELLO 111" is "HELLO 211", which is legal; "HELLO 0" gives "HELLO 011".
        """
        return any(
            self.pattern.fullmatch(octets + sample[len(octets) :]) for sample in self.samples
        )


HELLO = Line("HELLO", rb"HELLO ([1-9][0-9]{0,2})\n", b"HELLO 111\n")
FILE = Line(
    "FILE",
    rb"FILE (0|[1-9]|[1-7][0-9]|80) ([0-9a-f]{8})\n",
    b"FILE 0 00000000\n",
    b"FILE 10 00000000\n",
)
ERROR = Line("ERROR", rb"ERROR ([ -~]{1,72})\n", b"ERROR " + REASON_LIMIT * b"." + b"\n")


def first_line(octets: bytes, *lines: Line) -> "tuple[Line, re.Match[bytes]] | None":
    """Return the line that `octets` begin with, one of `lines`, and its match; None: not yet.

    Raises ProtocolError as soon as none of `lines` can begin with `octets`.
    """
    for line in lines:
        if match := line.pattern.match(octets):
            return line, match
    if any(line.may_begin(octets) for line in lines):
        return None
    expected = " or ".join(line.name for line in lines)
    raise ProtocolError(f"expected {expected}, got {shown(octets)}")


def require_version(hello_line: "re.Match[bytes]") -> None:
    """Raise ProtocolError unless the matched hello names our version."""
    if int(hello_line[1]) != VERSION:
        raise ProtocolError(f"expected version {VERSION}, got {int(hello_line[1])}")


def hello() -> bytes:
    """Return our hello line."""
    return b"HELLO %d\n" % VERSION


def file_message(body: bytes) -> bytes:
    """Return the whole file message: the header with length and CRC-32 (ISO 3309), then `body`."""
    return b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)


def file_received(octets: bytes) -> tuple[bytes, bytes] | None:
    """Return the body that `octets` bring and what lies beyond it; None: it is not whole yet.

    Raises PeerError for an ERROR line, ProtocolError for any other line or for a body that is no
    valid file, and Damaged for one that does not have the announced checksum.
    """
    found = first_line(octets, FILE, ERROR)
    if found is None:
        return None
    line, match = found
    if line is ERROR:
        raise PeerError(match[1].decode("ascii"))
    end = match.end() + int(match[1])
    body = octets[match.end() : end]
    if len(octets) < end:
        return None
    if b"%08x" % zlib.crc32(body) != match[2]:
        raise Damaged(f"checksum {zlib.crc32(body):08x}, expected {match[2].decode('ascii')}")
    if rule := broken_rule(body):
        raise ProtocolError(f"not a valid file: {rule}")
    return body, octets[end:]


def error_message(reason: str) -> bytes:
    """Return the ERROR line for `reason` (printable ASCII), cut to the limit."""
    return b"ERROR %b\n" % reason.encode("ascii")[:REASON_LIMIT]


def broken_rule(body: bytes) -> str | None:
    """Return the rule of a valid file that `body` breaks first, and where; None if it is valid."""
    if len(body) > FILE_LIMIT:
        return f"more than {FILE_LIMIT} octets"
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8 at offset {error.start}"
    for name, octet in (("NUL", b"\0"), ("CR", b"\r")):
        if octet in body:
            return f"{name} at offset {body.index(octet)}"
    if body and not body.endswith(b"\n"):
        return f"no LF at the end of line {body.count(10) + 1}"
    return None


def shown(octets: bytes, limit: int | None = 32) -> str:
    """Return `octets` as quoted, escaped, printable ASCII, cut to `limit` octets.

    Everything that came from outside goes through here before a person sees it: a peer's escape
    sequences must not drive a terminal, nor its LFs forge a line of ours.
    """
    cut = octets[:limit]
    return repr(cut)[1:] + "..." * (len(cut) < len(octets))


def escaped(octets: bytes) -> str:
    """Return `octets` as printable ASCII, escaped, neither quoted nor cut: for a name."""
    return repr(octets)[2:-1]
