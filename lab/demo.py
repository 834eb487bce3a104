"""`make demo` and `make trace`: one server and four clients in one terminal; ends by itself.

Client 1 connects first and then says nothing. The others come after it, and the server sends to all
of them in slow motion, piece by piece; the table of pieces.py shows each piece when it is sent. No
client waits for client 1, which gets its file at the end. Every copy is compared with the original:
status 0 says that all copies are exact, and that every program ended with status 0.

`--trace FILE` plays another scene, short enough to step through it, and the server records it: see
scene.py.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process
    from lab import posix

    posix.require()
    process.begin()

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import protocol
from edges import outputs, standard_streams
from lab.actors import (
    ORIGINAL,
    PATIENCE,
    Failed,
    Person,
    Program,
    Speaker,
    listen,
    put,
    say,
    serve,
    write,
)
from lab.pieces import LiveTrace, Table
from lab.scene import record

# 17 bytes per send: the line FILE is one piece, and the text of sample.txt is four more.
SLOW_MOTION = ["--quiet", "--chunk=17", "--pause=0.3", "--timeout=60"]


class Fetcher(Program):
    """A client.py, one column of the table. When it ends, its copy must be exact."""

    def __init__(self, number: int, port: int, copy: Path, scene: "Scene") -> None:
        self.number = number
        self.copy = copy
        self.scene = scene
        words = ("client.py", f"--port={port}", "127.0.0.1", copy, "--quiet")
        super().__init__(f"client {number}", *words)

    def hear(self) -> None:
        """Show its warnings, and how it ends."""
        super().hear()
        if self.ended:
            self.judge()
            self.scene.trace.hear()  # the last piece comes before the end
            self.scene.table.put(self.number, "saved")

    def judge(self) -> None:
        """Raise Failed unless it has ended with status 0 and an exact copy."""
        require_success(self)
        if not self.copy.exists() or self.copy.read_bytes() != ORIGINAL.read_bytes():
            raise Failed(f"the copy of client {self.number} is missing or wrong")


class Scene:
    """One server, a silent client, and three others. `play` raises Failed if it goes wrong."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.table = Table(partial(write, 1), os.isatty(1))
        stack.callback(self.table.end_row)
        self.trace = stack.enter_context(closing(LiveTrace(folder / "trace", self.table)))
        self.server, self.port = serve(stack, [*SLOW_MOTION, f"--trace={self.trace.path}"])

    def play(self) -> None:
        """Play the scene."""
        say("demo", "the server sends each client at most 17 bytes, then pauses for 0.3 s")
        self.table.head()
        silent = Person("client 1", self.port, partial(self.table.put, 1))
        self.stack.enter_context(closing(silent))
        clients: list[Fetcher] = []
        for number in (2, 3, 4):
            clients.append(self.come(number, silent, clients))
        self.table.put(1, "(says nothing)")
        everybody: tuple[Speaker, ...] = (self.server, self.trace, silent, *clients)
        listen(*everybody, until=lambda: all(client.ended for client in clients))
        self.speak(silent)
        self.end(silent)

    def come(self, number: int, silent: Person, others: list[Fetcher]) -> Fetcher:
        """Start a client; wait until it is accepted, so that the server's c2 is client 2."""
        copy = self.folder / f"copy {number}.txt"
        client = self.stack.enter_context(closing(Fetcher(number, self.port, copy, self)))
        everybody: tuple[Speaker, ...] = (self.server, self.trace, silent, *others, client)
        listen(*everybody, until=lambda: client.ended or self.trace.opened >= number)
        return client

    def speak(self, silent: Person) -> None:
        """Let client 1 speak at last; raise Failed unless it is sent the file."""
        silent.speak(protocol.hello(), "HELLO 1")
        listen(self.server, self.trace, silent, until=lambda: silent.ended)
        if silent.received != protocol.hello() + protocol.file_message(ORIGINAL.read_bytes()):
            raise Failed(f"client 1 got {silent.received!r}")
        self.trace.hear()
        self.table.put(1, "received")
        self.table.end_row()

    def end(self, silent: Person) -> None:
        """Stop the server, which has nothing more to do."""
        silent.close()
        self.server.process.send_signal(signal.SIGTERM)
        listen(self.server, until=lambda: self.server.ended)
        require_success(self.server)
        size = len(ORIGINAL.read_bytes())
        say("demo", f"4 copies, {size} bytes each, all exact; nobody waited for client 1")


def require_success(program: Program) -> None:
    """Wait for a program that is about to end; raise Failed unless its status is 0."""
    if program.process.wait(PATIENCE):
        raise Failed(f"{program.name} ended with status {program.process.returncode}")


def stop(number: int, _frame: object) -> None:
    """End after a signal as after an error, so that everything is cleaned up."""
    raise SystemExit(128 + number)


def main() -> int:
    """Play the scene in a folder of its own, and return the exit status."""
    standard_streams.open_closed()
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--trace", metavar="FILE", type=Path, help="record what the server does")
    trace = parser.parse_args().trace
    if same := outputs.clash({"--trace": str(trace) if trace else None}):
        parser.error(same)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            record(stack, trace.absolute()) if trace else Scene(stack, Path(folder)).play()
    except (Failed, OSError, subprocess.TimeoutExpired) as problem:
        put(2, f"demo: FAILED: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
