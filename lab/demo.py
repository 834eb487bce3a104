"""`make demo` and `make trace`: one server and four clients in one terminal; ends by itself.

Client 1 connects first and then says nothing; the others come at the same time, and the server
sends in slow motion, so that one sees it turn from one to the next. Nobody waits for client 1,
which gets its file at the end. Every copy is compared with the original, octet for octet: status 0
says that all are exact, and that every program ended with status 0.

`--trace FILE` lets the server record the run. The scene has one more client then, a stranger that
speaks another protocol and is refused, and larger pieces, so that there is less to step through.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process

    process.begin()

import argparse
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import protocol
from edges import standard_streams

ROOT = Path(protocol.__file__).parent
ORIGINAL = ROOT / "sample.txt"
SLOW_MOTION = ["--chunk=16", "--pause=0.1"]  # octets per send, seconds between sends
RECORDED = ["--chunk=40", "--pause=0.1"]  # a file message has 85: two sends are a part of it
STRANGER = b"GET / HTTP/1.1\r\n"
PATIENCE = 30.0  # seconds for the whole demo, which takes about two


class Failed(Exception):
    """The demo did not go as it must; `str()` says in what."""


def say(name: str, text: str) -> None:
    """Print one line under the name of the program or person that said it."""
    put(1, f"{name:8} | {text}")


def put(number: int, line: str) -> None:
    """Write a line. If nobody reads any more (`| head`), the demo still ends by itself, quietly."""
    with suppress(OSError):
        os.write(number, f"{line}\n".encode("ascii", "backslashreplace"))


class Program:
    """server.py or client.py, running; what it prints is shown line by line under its name."""

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
        octets = os.read(self.fileno(), 4096)
        *lines, self.unfinished = (self.unfinished + octets).split(b"\n")
        for line in lines:
            self.lines.append(line.decode("ascii", "backslashreplace"))
            say(self.name, self.lines[-1])
        self.ended = octets == b""

    def port(self) -> str | None:
        """Return the port that it listens on, once it has said so."""
        said = [line for line in self.lines if line.startswith("listening on ")]
        return said[0].rpartition(":")[2] if said else None

    def close(self) -> None:
        """End it if it has not ended, and leave nothing of it behind."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()


class Person:
    """A client by hand: it connects, says nothing, and speaks when it is told to."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.received = b""
        self.ended = False
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        say(name, "(connects, and says nothing)")

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self.sock.fileno()

    def hear(self) -> None:
        """Take what has come."""
        octets = self.sock.recv(4096)
        self.received += octets
        self.ended = octets == b""

    def speak(self, octets: bytes, how: str) -> None:
        """Say `octets`."""
        say(self.name, f"(says {how})")
        self.sock.sendall(octets)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()


def listen(*speakers: Program | Person, until: Callable[[], bool]) -> None:
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
    server = Program("server", "server.py", "--host=127.0.0.1", "--port=0", *words, ORIGINAL)
    stack.enter_context(closing(server))
    listen(server, until=lambda: server.ended or server.port() is not None)
    port = server.port()
    if port is None:
        raise Failed("the server does not listen")
    return server, int(port)


def play(stack: ExitStack, folder: Path, trace: Path | None) -> None:
    """Play the scene; raise Failed if anything is not as it must be."""
    words = [*RECORDED, f"--trace={trace}"] if trace else SLOW_MOTION
    server, port = serve(stack, words)
    silent = stack.enter_context(closing(Person("client 1", port)))
    if trace:
        listen(server, silent, until=lambda: silent.received != b"")  # so that it is c1
        refuse(stack, server, port)
    clients = []
    for number in (2, 3, 4):
        copy = folder / f"copy {number}.txt"
        client = Program(f"client {number}", "client.py", f"--port={port}", "127.0.0.1", copy)
        clients.append(stack.enter_context(closing(client)))
    listen(server, silent, *clients, until=lambda: all(client.ended for client in clients))
    silent.speak(protocol.hello(), "hello at last")
    listen(server, silent, until=lambda: silent.ended)
    silent.close()
    server.process.send_signal(signal.SIGTERM)
    listen(server, until=lambda: server.ended)
    compare(silent, folder)
    for program in (*clients, server):
        if program.process.wait(PATIENCE):
            raise Failed(f"{program.name} ended with status {program.process.returncode}")


def refuse(stack: ExitStack, server: Program, port: int) -> None:
    """Let a stranger come, speak another protocol, and be refused."""
    stranger = stack.enter_context(closing(Person("stranger", port)))
    stranger.speak(STRANGER, "GET / HTTP/1.1")
    listen(server, stranger, until=lambda: stranger.ended)
    stranger.close()
    if b"\nERROR expected HELLO" not in stranger.received:
        raise Failed(f"the stranger got {stranger.received!r}")


def compare(silent: Person, folder: Path) -> None:
    """Raise Failed unless all four copies are exact."""
    original = ORIGINAL.read_bytes()
    if silent.received != protocol.hello() + protocol.file_message(original):
        raise Failed(f"client 1 got {silent.received!r}")
    for number in (2, 3, 4):
        copy = folder / f"copy {number}.txt"
        if not copy.exists() or copy.read_bytes() != original:
            raise Failed(f"the copy of client {number} is missing or wrong")
    say("demo", f"4 copies, {len(original)} octets each, all exact; nobody waited for client 1")


def stop(number: int, _frame: object) -> None:
    """End on a signal as on an error: by way of every clean-up."""
    raise SystemExit(128 + number)


def main() -> int:
    """Play the scene in a folder of its own, and return the exit status."""
    standard_streams.open_closed()
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--trace", metavar="FILE", type=Path, help="record what the server does")
    trace = parser.parse_args().trace
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            play(stack, Path(folder), trace and trace.absolute())
    except (Failed, OSError, subprocess.TimeoutExpired) as problem:
        put(2, f"demo: FAILED: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
