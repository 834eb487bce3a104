"""What the tests of the exercises share: a running program, and a client that sends anything."""

import os
import re
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

HELLO = b"HELLO 1\n"
LIMIT = 5.0  # seconds that we wait for anything
CHOSEN = "EIGHTY_EXERCISE_FILE"  # in the environment: the reader's file, if it is another one


class Mine(NamedTuple):
    """A file of the reader's that an exercise is about."""

    path: Path

    @property
    def command(self) -> list[str]:
        """The command that runs it, on a free port."""
        return [sys.executable, str(self.path), "--port", "0"]

    @property
    def delivering(self) -> list[str]:
        """The same for a server, which gets the file to deliver as its first argument."""
        return [sys.executable, str(self.path), "sample.txt", "--port", "0"]


def mine(usual: str) -> Mine:
    """Return the reader's file that is tested: `usual`, or the one that SERVER= named."""
    return Mine(Path(os.environ.get(CHOSEN) or usual))


class Server:
    """server.py on a free port; `said` is its stderr, once it has ended."""

    def __init__(self) -> None:
        command = [sys.executable, "server.py", "sample.txt", "--host", "127.0.0.1", "--port", "0"]
        self.said: str = ""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = str(self._process.stdout.readline())
        match = re.search(r":([0-9]+)\n", line)
        if match is None:
            raise RuntimeError("server.py does not start: " + self._process.communicate()[1])
        self.port = int(match[1])

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self.said = str(self._process.communicate()[1])


def connect(port: int) -> socket.socket:
    """Return a connection that has been greeted."""
    sock = socket.create_connection(("127.0.0.1", port), LIMIT)
    with suppress(OSError):
        sock.recv(len(HELLO))
    return sock


def talk(port: int, words: bytes) -> bytes:
    """Connect, send `words`, and return all that the server sends until it ends the stream."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), LIMIT) as sock, suppress(OSError):
        sock.sendall(words)
        while piece := sock.recv(4096):
            heard += piece
    return heard
