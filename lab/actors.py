"""The actors of the demo and of the recorded scene: programs, people, and a loop that listens.

Owns the processes and the sockets. demo.py and scene.py decide what each actor does, and when.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

import protocol

ROOT = Path(protocol.__file__).parent
ORIGINAL = ROOT / "sample.txt"
PATIENCE = 30.0  # seconds without a word from anybody; a whole scene takes two to four


class Failed(Exception):
    """The demo went wrong; `str()` says where."""


def say(name: str, text: str) -> None:
    """Print one line under the name of the program or person that said it."""
    put(1, f"{name:8} | {text}")


def put(number: int, line: str) -> None:
    """Write a line."""
    write(number, f"{line}\n")


def write(number: int, text: str) -> None:
    """Write `text`. If the reader has left (`| head`), the demo still ends by itself, quietly."""
    with suppress(OSError):
        os.write(number, text.encode("ascii", "backslashreplace"))


class Program:
    """server.py or client.py, running; each line that it prints is shown under its name.

    (Not a ServerProcess of processes.py: that one collects in threads what a server prints. Here
    one loop hears all programs and people, so that their lines appear in the order they came.)
    """

    def __init__(self, name: str, *words: str | Path) -> None:
        self.name = name
        self.lines: list[str] = []
        self.unfinished = b""
        self.ended = False
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        self.pipe = self.process.stdout

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self.pipe.fileno()

    def hear(self) -> None:
        """Show the lines that have come."""
        data = os.read(self.fileno(), 4096)
        *lines, self.unfinished = (self.unfinished + data).split(b"\n")
        for line in lines:
            self.lines.append(line.decode("ascii", "backslashreplace"))
            say(self.name, self.lines[-1])
        self.ended = data == b""

    def port(self) -> str | None:
        """Return the port that it listens on, once it has said so."""
        said = [line for line in self.lines if line.startswith("listening on ")]
        return said[0].rpartition(":")[2] if said else None

    def close(self) -> None:
        """End it if it still runs, and close its pipes."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()


class Person:
    """A client played by hand: it connects, and sends only what the scene tells it to send.

    `tell` shows what it does; by default as a line under its name.
    """

    def __init__(self, name: str, port: int, tell: Callable[[str], None] | None = None) -> None:
        self.name = name
        self.tell = tell or partial(say, name)
        self.received = b""
        self.ended = False
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.tell("(connects)")

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self.sock.fileno()

    def hear(self) -> None:
        """Take what has come."""
        data = self.sock.recv(4096)
        self.received += data
        self.ended = data == b""

    def speak(self, data: bytes, how: str) -> None:
        """Say `data`."""
        self.tell(f"(says {how})")
        self.sock.sendall(data)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()


class Speaker(Protocol):
    """What `listen` can hear."""

    ended: bool

    def fileno(self) -> int:
        """Return the descriptor to wait for."""

    def hear(self) -> None:
        """Take what has come."""


def listen(*speakers: Speaker, until: Callable[[], bool]) -> None:
    """Hear all `speakers` that have not ended, until `until()`."""
    end = time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as selector:
        for speaker in speakers:
            if not speaker.ended:
                selector.register(speaker, selectors.EVENT_READ, speaker)
        while not until():
            ready = selector.select(max(0, end - time.monotonic()))
            if not ready:
                raise Failed(f"nothing was heard for {PATIENCE:.0f} seconds")
            for key, _ in ready:
                key.data.hear()
                if key.data.ended:
                    selector.unregister(key.data)


def serve(stack: ExitStack, words: list[str]) -> tuple[Program, int]:
    """Start the server with these options; return it and its port."""
    server = Program("server", "server.py", "--host=127.0.0.1", "--port=0", *words, ORIGINAL.name)
    stack.enter_context(closing(server))
    listen(server, until=lambda: server.ended or server.port() is not None)
    port = server.port()
    if port is None:
        raise Failed("the server does not listen")
    return server, int(port)


@contextmanager
def frozen(program: Program) -> Iterator[None]:
    """Stop a program for a moment, so that all that is sent to it in that time arrives together."""
    if not hasattr(signal, "SIGSTOP"):  # Windows: it may see one after the other
        yield
        return
    program.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        yield
    finally:
        program.process.send_signal(signal.SIGCONT)
