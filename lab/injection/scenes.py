"""The scenes: what happens to a program under strace, and what was seen of it.

A scene makes the same calls each time: there is one peer at a time, and each step waits until the
program sleeps again.
"""

import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lab.injection import strace
from lab.torture import meters
from tests.support.programs import CLOSING, HELLO, PROMPT, Program, conversation

BODY = b"every call of it may fail\n"
OLD = b"the old copy\n"
STREAM = conversation(BODY)
CLIENTS = 3
MOMENT = 0.5  # seconds given to a message that may never come
LIMIT = 10.0  # seconds after which a run counts as hanging
TICK = 0.01
WATCHED = re.compile(r"^epoll_ctl\(\d+, EPOLL_CTL_ADD, .*EPOLLIN, .* = 0$", re.MULTILINE)
END_READ = re.compile(r'^recvfrom\(\d+, "", .* = 0$', re.MULTILINE)
PORT = re.compile(r"^getsockname\(.*sin_port=htons\((\d+)\)", re.MULTILINE)


@dataclass
class Seen:
    """What was seen of one run."""

    status: int | None = None  # None: it did not end
    said: str = ""
    out: bytes = b""
    calls: list[strace.Call] = field(default_factory=list)
    injected: int = 0
    port: int = 0  # where a server listened
    streams: list[bytes] = field(default_factory=list)  # what each client of it got
    copy: bytes = b""
    left: list[str] = field(default_factory=list)  # in the client's folder, beside the copy


@dataclass(frozen=True)
class Place:
    """Where a run happens: a copy of the programs, a folder for files, a good server."""

    programs: Path
    folder: Path
    port: int

    @property
    def log(self) -> Path:
        """The file that strace writes."""
        return self.folder.with_suffix(".strace")

    @contextlib.contextmanager
    def run(
        self, script: str, *arguments: object, inject: str, seen: Seen, **how: Any
    ) -> Iterator[Program]:
        """Run a program under strace; when it has ended, note what was seen of it."""
        program = Program(
            str(self.programs / script),
            *arguments,
            prefix=strace.prefix(self.log, inject),
            python=strace.PYTHON,
            flags=("-X", "dev", "-W", "error", "-W", "default::ResourceWarning"),
            cwd=self.folder,
            env={"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""},
            **how,
        )
        try:
            yield program
            with contextlib.suppress(AssertionError):
                seen.status = program.wait(LIMIT)
        finally:
            program.kill()
            program.wait()
        log = self.log.read_text(errors="replace")
        seen.calls = strace.own_calls(log, str(self.programs))
        seen.injected = log.count("(INJECTED)")
        seen.said, seen.out = program.stderr, program.stdout_bytes


@dataclass(frozen=True)
class Scene:
    """A name, and a function that plays it: `inject` is for strace, `seen` gets the result."""

    name: str
    play: Callable[[Place, str, Seen], None]
    first: re.Pattern[str] = re.compile("")  # the first call that this scene is about
    calls: re.Pattern[str] = re.compile("")  # that fail in this scene; the others do in another


def play_client(
    place: Place, inject: str, seen: Seen, server: str = "127.0.0.1", mode: int = 0o664
) -> None:
    """A client of a good server replaces an old copy, which has another mode than a new file."""
    copy = place.folder / "copy"
    copy.write_bytes(OLD)
    copy.chmod(mode)
    arguments = (*CLIENT, "--port", place.port, server, "copy")
    with place.run("client.py", *arguments, inject=inject, seen=seen):
        pass
    seen.copy = copy.read_bytes()
    seen.left = [name for name in os.listdir(place.folder) if name != "copy"]


def play_name(place: Place, inject: str, seen: Seen) -> None:
    """The same, but the name of the server must be looked up."""
    play_client(place, inject, seen, server="localhost")


def play_private(place: Place, inject: str, seen: Seen) -> None:
    """The same, but nobody else may read the old copy."""
    play_client(place, inject, seen, mode=0o600)


def play_output(place: Place, inject: str, seen: Seen) -> None:
    """A client writes the copy to its standard output."""
    arguments = (*CLIENT, "--port", place.port, "127.0.0.1", "-")
    with place.run("client.py", *arguments, inject=inject, seen=seen):
        pass
    seen.left = os.listdir(place.folder)


def play_server(place: Place, inject: str, seen: Seen) -> None:
    """A server serves its clients, one after another; then SIGTERM."""
    (place.folder / "input").write_bytes(BODY)
    with place.run("server.py", *SERVER, inject=inject, seen=seen) as server:
        if listening(server, place, seen):
            serve(server, seen, CLIENTS)
            signal_to(server, signal.SIGTERM)


def play_question(place: Place, inject: str, seen: Seen) -> None:
    """Ctrl+C, the question, "y", a client of the next listening period; then SIGTERM."""
    (place.folder / "input").write_bytes(BODY)
    with place.run("server.py", *SERVER, inject=inject, seen=seen) as server:
        if listening(server, place, seen):
            signal_to(server, signal.SIGINT)
            with contextlib.suppress(AssertionError):
                server.expect(PROMPT, limit=MOMENT)
            fall_asleep(server)
            with contextlib.suppress(BrokenPipeError):
                server.answer("y\n")
            if listening(server, place, seen, period=2):
                serve(server, seen, 1)
            signal_to(server, signal.SIGTERM)


def play_terminal(place: Place, inject: str, seen: Seen) -> None:
    """The same on a terminal, with stderr in a file, and CR from the Enter key."""
    (place.folder / "input").write_bytes(BODY)
    shell = 'stty -icrnl; exec "$@" 2>messages'
    how = {"terminal": True, "shell": shell}
    with place.run("server.py", *SERVER, inject=inject, seen=seen, **how) as server:
        if listening(server, place, seen):
            signal_to(server, signal.SIGINT)
            with contextlib.suppress(AssertionError):
                server.expect(PROMPT, limit=MOMENT)
            fall_asleep(server)
            server.type("y\r")
            if listening(server, place, seen, period=2):
                seen.streams.append(fetched(seen.port))
                hear_out(place)
            signal_to(server, signal.SIGTERM)
    seen.said += (place.folder / "messages").read_text()


def listening(server: Program, place: Place, seen: Seen, period: int = 1) -> bool:
    """Wait until the loop watches its listener. The log has the port even if nobody printed it."""
    end = time.monotonic() + LIMIT
    while server.running and time.monotonic() < end:
        log = place.log.read_text(errors="replace") if place.log.exists() else ""
        if len(WATCHED.findall(log)) == 1 + period:  # first the signals, then each listener
            seen.port = int(PORT.findall(log)[-1])
            return True
        time.sleep(TICK)  # a file cannot be waited for
    return False


def serve(server: Program, seen: Seen, count: int) -> None:
    """Play `count` clients, one after another; note what each one gets."""
    for number in range(1, count + 1):
        seen.streams.append(fetched(seen.port))
        with contextlib.suppress(AssertionError):  # its messages may be what fails
            server.until(partial(_closed, number), limit=MOMENT)
        fall_asleep(server)


def _closed(number: int, text: str) -> bool:
    """Tell whether `text` has the closing lines of `number` connections."""
    return len(CLOSING.findall(text)) >= number


def fetched(port: int) -> bytes:
    """Return what a good client gets, even if it is cut short."""
    got = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), LIMIT) as sock:
        while b"\n" not in got and (data := sock.recv(256)):
            got += data
        sock.sendall(HELLO)
        while data := sock.recv(256):
            got += data
    return got


def hear_out(place: Place) -> None:
    """Wait until the server has read the end of its client's stream, which it may never do.

    Otherwise it may still be asleep when the next signal comes. Then Python writes the number of
    the signal before the closing line, and that is not the call that was to fail.
    """
    meters.until(lambda: bool(END_READ.search(place.log.read_text(errors="replace"))), MOMENT)


def traced(tracer: Program) -> int | None:
    """Return the process that strace runs; None: it has ended."""
    children = Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split()
    return int(children[0]) if children else None


def fall_asleep(tracer: Program) -> None:
    """Wait until the program sleeps in a call (Linux)."""
    end = time.monotonic() + LIMIT
    while (child := traced(tracer)) and time.monotonic() < end:
        with contextlib.suppress(OSError):
            if "State:\tS" in Path(f"/proc/{child}/status").read_text():
                return
        time.sleep(TICK)


def signal_to(tracer: Program, number: signal.Signals) -> None:
    """Send a signal to the program once it sleeps, not to strace, its parent process."""
    fall_asleep(tracer)
    with contextlib.suppress(ProcessLookupError):
        if child := traced(tracer):
            os.kill(child, number)


CLIENT = ("--timeout", 2)
SERVER = ("--host", "127.0.0.1", "--port", 0, "input")
DRAINING = re.compile(r"--- SIGINT|epoll_ctl\(\d+, EPOLL_CTL_DEL")
SCENES = (
    Scene("client", play_client),
    Scene("client NAME", play_name, re.compile(r"\.eighty-"), re.compile(r"socketpair|clone")),
    Scene("client 0600", play_private, calls=re.compile("fchmod")),
    Scene("client -", play_output, re.compile(r"(dup3?|fcntl)\(1[,)]|write\(1,")),
    Scene("server", play_server),
    Scene("question", play_question, DRAINING),
    Scene("terminal", play_terminal, DRAINING),
)
