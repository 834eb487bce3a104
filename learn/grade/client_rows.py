"""The rows of a client's grade: the exchanges of tests/vectors.json, and servers that are worse.

A row is a server that does one thing to the client, and the outcome that is expected.
"""

import socket
import struct
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tests.support.exchanges import EXCHANGES, Exchange

HELLO = b"HELLO 1\n"
BODY = b"Hello, client!\n"
STREAM = HELLO + b"FILE %d %08x\n%b" % (len(BODY), zlib.crc32(BODY), BODY)
USUAL, SHORT = 4.0, 0.4  # seconds of --timeout; a client waits for the end of the short one only
CONNECTED, REFUSED, LAST_ADDRESS = "connected", "refused", "last address"


class Scene(NamedTuple):
    """One row: `act` plays the server on a connection; `body` must be saved (None: no file).

    `status` is the exit status that protocol.md demands, `where` the address that the client is
    given, and `timeout` its --timeout.
    """

    name: str
    does: str
    act: Callable[[socket.socket], None]
    status: int
    body: bytes | None = None
    timeout: float = USUAL
    where: str = CONNECTED

    @property
    def wanted(self) -> str:
        """The expected outcome, as a sentence."""
        if self.body is not None:
            return f"status 0, and the {len(self.body)} bytes are saved"
        return f"a status that is not 0 ({STATUSES[self.status]}), and the old file is untouched"


STATUSES = {
    3: "3: no connection, or out of time",
    4: "4: the server broke the protocol, or said ERROR",
    5: "5: cut short, or damaged",
}


def scenes() -> list[Scene]:
    """Return all rows, the exchanges first."""
    return [*map(_scene, (one for one in EXCHANGES if one.status is not None)), *WORSE]


def _scene(one: Exchange) -> Scene:
    def act(sock: socket.socket) -> None:
        sock.sendall(one.server)
        if one.server_ends == "reset":
            _hear(sock, len(one.client))
            time.sleep(SETTLED)
            _reset(sock)
        else:
            _finish(sock)

    assert one.status is not None
    body = one.body if one.status == 0 else None
    says = one.says.rstrip(".")
    return Scene(one.name, says, act, one.status, body)


SETTLED = 0.3  # seconds for the client to read what was sent; a reset may destroy what is unread


def _finish(sock: socket.socket) -> None:
    """End the server's stream, and read until the client ends its own."""
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass


def _hear(sock: socket.socket, count: int) -> None:
    while count > 0 and (heard := sock.recv(count)):
        count -= len(heard)


def _reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _in_pieces(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number in range(len(STREAM)):
        sock.sendall(STREAM[number : number + 1])
        time.sleep(0.002)  # so that no two pieces arrive together
    _finish(sock)


def _silent(sock: socket.socket) -> None:
    while sock.recv(4096):
        pass


def _stalls(sock: socket.socket) -> None:
    sock.sendall(STREAM[:-3])
    _silent(sock)


def _drips(sock: socket.socket) -> None:
    for number in range(len(STREAM) - 1):
        sock.sendall(STREAM[number : number + 1])
        time.sleep(SHORT / 4)
    _silent(sock)  # the file is never whole, however late the client is


def _stays(sock: socket.socket) -> None:
    sock.sendall(STREAM)
    _silent(sock)


def _floods(sock: socket.socket) -> None:
    sock.sendall(HELLO)
    while True:
        sock.sendall(b"A" * 4096)


def _whole(sock: socket.socket) -> None:
    sock.sendall(STREAM)
    _finish(sock)


def _nobody(sock: socket.socket) -> None:
    """Do nothing: no client gets here."""


# Seconds that a server waits for a client. The client's end ends it long before: a server that left
# at the very moment when the client is late would let it end in time.
PATIENCE = 60.0


def guarded(act: Callable[[socket.socket], None], sock: socket.socket) -> None:
    """Play the server on `sock`; a client that leaves ends it, or PATIENCE without a byte."""
    with sock, suppress(OSError):
        sock.settimeout(PATIENCE)
        act(sock)


WORSE = [
    Scene("in-pieces", "The whole stream comes byte by byte", _in_pieces, 0, BODY),
    Scene("nobody-listens", "Nobody listens there", _nobody, 3, where=REFUSED),
    Scene(
        "last-address",
        "Only the last address of the name works",
        _whole,
        0,
        BODY,
        USUAL,
        LAST_ADDRESS,
    ),
    Scene("silent-server", "The server accepts and says nothing", _silent, 3, None, SHORT),
    Scene("stalled-server", "The server stops in the middle of the file", _stalls, 3, None, SHORT),
    Scene("dripping-server", "The server sends a byte now and then", _drips, 3, None, SHORT),
    Scene("staying-server", "The server sends the file and never ends", _stays, 0, BODY),
    Scene("endless-server", "The server sends a line without end", _floods, 4),
]
