"""One hostile client on one socket, driven step by step.

An attacker sends what it wants, when it wants, and watches what comes back. Every wait has an end:
`by` is a moment of the monotonic clock.
"""

import select
import socket
import struct
import time
from typing import NamedTuple

from lab.torture.good_clients import PATIENCE, Address

END = "end of stream"  # the server closed in the orderly way
RESET = "reset"  # the kernel said RST
OPEN = "still open"  # no end until `by`, or until ENOUGH

# Bytes. A server's whole stream has at most 105. One that never stops sending has always something
# to read, so that the moment `by` would never come.
ENOUGH = 1 << 16


class Ending(NamedTuple):
    """How a stream ended: all its bytes, END, RESET or OPEN, and seconds since the connect."""

    data: bytes
    how: str
    after: float


class Peer:
    """A connection to `address`; `received` is all that was read so far.

    `receive_buffer` shrinks SO_RCVBUF before the connect, so that the kernel of this end takes
    little, and the server cannot send everything at once. The connect may take `patience` seconds.
    """

    def __init__(
        self, address: Address, *, receive_buffer: int | None = None, patience: float = PATIENCE
    ) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.received = b""
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(patience)
        # Before the connect: after it, others may run first, and a deadline would seem to be early.
        self.opened = time.monotonic()
        try:
            self.sock.connect(address)
        except OSError:
            self.sock.close()
            raise

    def send(self, data: bytes) -> bool:
        """Send all `data`; return whether the server still took it."""
        try:
            self.sock.sendall(data)
        except OSError:
            return False
        return True

    def send_urgent(self, byte: bytes) -> None:
        """Send one byte as TCP urgent data."""
        self.sock.send(byte, socket.MSG_OOB)

    def pour(self, data: bytes) -> int | None:
        """Send as much of `data` as fits now; return the number, None if the connection is over."""
        self.sock.setblocking(False)
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return None

    def half_close(self) -> None:
        """Half-close: end our direction of the stream."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has reset the connection; `ending` will show it

    def reset(self) -> None:
        """Leave as a crashed program does: RST instead of an orderly end."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """End in the orderly way; calling it again is harmless."""
        self.sock.close()

    def read(self, length: int, by: float) -> bytes:
        """Return all that was received, as soon as it has `length` bytes, or at the end."""
        while (missing := length - len(self.received)) > 0 and not self._receive(missing, by):
            pass
        return self.received

    def read_to_end(self, by: float, enough: int = ENOUGH) -> Ending:
        """Read until the stream ends, until `by`, or until more than `enough` bytes came."""
        while (how := self._receive(1 << 16, by, enough)) is None:
            pass
        return Ending(self.received, how, time.monotonic() - self.opened)

    def hears_something(self, by: float) -> bool:
        """Wait until anything arrives, bytes or an end; return whether it did before `by`."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(max(0.0, by - time.monotonic()) * 1000))

    def _receive(self, limit: int, by: float, enough: int = ENOUGH) -> str | None:
        """Receive once; return how the stream ended, None if it goes on."""
        if len(self.received) > enough or not self.hears_something(by):
            return OPEN
        try:
            data = self.sock.recv(limit)
        except OSError:
            return RESET
        self.received += data
        return None if data else END
