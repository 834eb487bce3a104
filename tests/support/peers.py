"""Peers: the other end of a real connection, which keeps to the rules, or not.

The program under test is a process, so the test itself plays the other end, step by step, and reads
as the conversation it stages:

    with listening() as door, Client("127.0.0.1", "--port", door.port) as client:
        peer = door.accept()
        peer.send(HELLO).drip(file_message(b"hi\\n")).finish()
        assert peer.farewell() == HELLO
        assert client.wait() == 0

    with connect(server.address) as peer:
        assert peer.send(b"HELLO 1\\r\\n").farewell() == HELLO + b"ERROR ..."

Each step waits for an event, at most LIMIT seconds; none sleeps. What belongs to a `with` is closed
at its end. `delivering` is the one server here that needs nobody to play it: it has a thread.

Only whether the other end has read something no event tells; the kernel is asked (kernel.py).
"""

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from tests.support.kernel import LIMIT, await_condition, unread

SMALLEST = 1  # asked of SO_RCVBUF or SO_SNDBUF, this means "as small as the kernel allows"


class Peer:
    """One end of a connection, driven by hand."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(LIMIT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # one send, one segment
        self.sock = sock

    def send(self, *pieces: bytes) -> Self:
        """Send each piece; the next one only after the other end has read the one before."""
        for number, piece in enumerate(pieces):
            if number:
                self.await_read()
            self.sock.sendall(piece)
        return self

    def drip(self, data: bytes) -> Self:
        """Send byte by byte, each only after the other end has read the one before."""
        return self.send(*(data[i : i + 1] for i in range(len(data))))

    def drip_slowly(self, data: bytes, pace: float) -> int:
        """Send a byte every `pace` seconds until the other end leaves; return how many went out.

        The other end may say one thing (its hello) meanwhile; leaving is its end of stream.
        """
        self.sock.settimeout(pace)
        for count in range(len(data)):
            try:
                self.sock.sendall(data[count : count + 1])
                while self.sock.recv(4096):
                    pass
                return count + 1
            except TimeoutError:
                continue
            except ConnectionError:
                return count
        return len(data)

    def flood(self, data: bytes, most: int = 1 << 20) -> int:
        """Send `data` over and over until the other end leaves; return how many went out."""
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < most:
                sent += self.sock.send(data)
        return sent

    def urgent(self, data: bytes) -> Self:
        """Send TCP urgent data, of which the last byte goes out of band."""
        self.sock.send(data, socket.MSG_OOB)
        return self

    def await_read(self) -> Self:
        """Wait until the other end has read all that was sent, or is gone."""
        await_condition(lambda: not unread(self.sock), "the other end reads what was sent")
        return self

    def hear(self, count: int) -> bytes:
        """Return the next `count` bytes; fewer only at the end of the stream."""
        heard = b""
        while len(heard) < count and (data := self.sock.recv(count - len(heard))):
            heard += data
        return heard

    def hear_out(self) -> bytes:
        """Return all bytes up to the end of the stream; a reset is an error here."""
        heard = b""
        while data := self.sock.recv(65536):
            heard += data
        return heard

    def farewell(self) -> bytes:
        """Return all bytes up to whichever end the other side makes: end of stream or reset."""
        heard = b""
        with contextlib.suppress(ConnectionError):
            while data := self.sock.recv(65536):
                heard += data
        return heard

    def finish(self) -> Self:
        """Half-close: nothing more will be sent. (If the other end has left, nothing happens.)"""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        """Close; with unread bytes the kernel makes a reset of it."""
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    address: tuple[str, int], *, receive_buffer: int | None = None, patience: float = LIMIT
) -> Peer:
    """Return a raw client, connected; `receive_buffer` SMALLEST makes one that soon is full."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(patience)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(address)
        return Peer(sock)
    except BaseException:
        sock.close()
        raise


@dataclass
class Door:
    """A listening socket, and the connections that it has accepted."""

    sock: socket.socket
    peers: list[Peer] = field(default_factory=list)

    @property
    def host(self) -> str:
        return str(self.sock.getsockname()[0])

    @property
    def port(self) -> int:
        return int(self.sock.getsockname()[1])

    def accept(self) -> Peer:
        """Wait for the next connection."""
        self.sock.settimeout(LIMIT)
        peer = Peer(self.sock.accept()[0])
        self.peers.append(peer)
        return peer

    def untouched(self) -> bool:
        """Whether nobody is waiting to be accepted, and nobody ever was."""
        self.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self.peers.append(Peer(self.sock.accept()[0]))
        return not self.peers


def bound(host: str) -> socket.socket:
    """Return a socket on a free port of `host`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.bind((host, 0))
        return sock
    except BaseException:
        sock.close()
        raise


@contextlib.contextmanager
def listening(host: str = "127.0.0.1", backlog: int = 128) -> Iterator[Door]:
    """Listen on a free port; at the end close the door and every connection that came in."""
    with bound(host) as sock:
        sock.listen(backlog)
        door = Door(sock)
        try:
            yield door
        finally:
            for peer in door.peers:
                peer.close()


@contextlib.contextmanager
def refusing(host: str = "127.0.0.1") -> Iterator[int]:
    """Give a port where every connection is refused: taken, so that nobody else listens there."""
    with bound(host) as sock:
        yield sock.getsockname()[1]


@contextlib.contextmanager
def hanging(host: str = "127.0.0.1") -> Iterator[int]:
    """Give a port where connecting neither succeeds nor fails: its backlog of one is taken."""
    with listening(host, backlog=0) as door, connect((host, door.port)):
        yield door.port


@contextlib.contextmanager
def delivering(stream: bytes, host: str = "127.0.0.1") -> Iterator[int]:
    """Give the port of a server that says `stream` to one after the other, until each leaves."""
    with listening(host) as door:
        door.sock.settimeout(None)
        thread = threading.Thread(target=_deliver, args=(door.sock, stream))
        thread.start()
        try:
            yield door.port
        finally:
            door.sock.shutdown(socket.SHUT_RDWR)  # Linux: ends a waiting accept with EINVAL
            thread.join()


def _deliver(door: socket.socket, stream: bytes) -> None:
    """Serve until the door is shut. Whatever a client does, the next one is served."""
    while True:
        # accept alone would reserve a descriptor while it waits: the lowest, be it number 1, which
        # a test has closed.
        select.select([door], [], [])
        try:
            sock, _ = door.accept()
        except OSError:
            return
        with contextlib.suppress(OSError), sock:
            Peer(sock).send(stream).finish().farewell()
