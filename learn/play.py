"""Clients to play with at the Python prompt: good ones, bad ones, and crowds.

    >>> from learn.play import say
    >>> say(b"HELLO 1\\n")

They talk to a server on port 7080 of this machine. Each waits two seconds at most for an answer,
so the prompt comes back even if the server never answers.
"""

import socket
import struct
import sys
import time
from collections.abc import Iterator

SERVER = ("127.0.0.1", 7080)
HELLO = b"HELLO 1\n"
PATIENCE = 2.0  # seconds


def connect() -> socket.socket:
    """Return a new connection, on which nothing has been sent."""
    return socket.create_connection(SERVER, timeout=PATIENCE)


def listen(client: socket.socket) -> bytes:
    """Return all that the server sends, up to the end of its stream."""
    received = b""
    while data := client.recv(65536):
        received += data
    return received


def say(data: bytes) -> bytes:
    """Connect, send `data`, and return all that the server answers."""
    with connect() as client:
        client.sendall(data)
        return listen(client)


def say_slowly(data: bytes, pause: float = 0.3) -> str:
    """Send `data` byte by byte with pauses; return a sentence that says how far that went."""
    with connect() as client:
        for count in range(len(data)):
            time.sleep(pause)
            try:
                client.sendall(data[count : count + 1])
            except OSError:
                return f"the server has gone, after {count} bytes"
        listen(client)
        return f"all {len(data)} bytes could be said"


def vanish() -> None:
    """Connect, then go without a goodbye, as a program that crashes does: that is a reset."""
    client = connect()
    client.recv(100)
    # SO_LINGER, on, for 0 seconds: close sends a reset instead of an orderly end.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
    client.close()


_LINGER = "hh" if sys.platform == "win32" else "ii"


def deaf() -> socket.socket:
    """Say hello, and then read nothing of the answer; return the connection."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # a small buffer on this side
    client.connect(SERVER)
    client.sendall(HELLO)
    return client


def crowd(number: int) -> str:
    """Connect many polite clients at the same moment; return a sentence that says what they got."""
    start = time.monotonic()
    clients = [connect() for _ in range(number)]
    served = 0
    until = start + PATIENCE
    for client in clients:
        if _is_served(client, until):
            served += 1
            until = time.monotonic() + PATIENCE  # the server goes on, so it may take its time
    for client in clients:
        client.close()
    when = f"in {time.monotonic() - start:.2f} s" if served == number else "after 2 s of waiting"
    return f"{served} of {number} got the file {when}"


def _is_served(client: socket.socket, until: float) -> bool:
    client.settimeout(max(0.01, until - time.monotonic()))
    try:
        client.sendall(HELLO)
        received = client.recv(65536)
        client.settimeout(PATIENCE)  # it is being served: a large file may take a while
        received += listen(client)
    except OSError:
        return False
    return received.startswith(HELLO + b"FILE ")


def thank_and_read() -> str:
    """Send the hello, and a moment later a thank-you; then read, and return what arrived."""
    with connect() as client:
        client.sendall(HELLO)
        time.sleep(0.2)
        client.sendall(b"thank you\n")
        time.sleep(0.5)
        received = 0
        try:
            while data := client.recv(65536):
                received += len(data)
                time.sleep(0.002)  # a reader that is a little slower than the sender
        except ConnectionResetError:
            return f"reset after {received:,} bytes"
        return f"the whole stream: {received:,} bytes"


def polite() -> Iterator[str]:
    """Stop twice in the middle: see chapter 15."""
    yield "I say hello, and wait"
    yield "I say goodbye, and wait"
