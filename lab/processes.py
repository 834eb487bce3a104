"""A server as a child process, from its start to its end: the one driver of servers in lab/.

Any command will do if it prints `listening on HOST:PORT` on its stdout. The child has a session of
its own, so that only we get Ctrl+C. Threads read its outputs, so that it never waits for us. At the
end of the `with` block it is ended, whatever happens, with all the processes that it has started.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import protocol
from edges.failure import Failure
from lab.torture import meters
from lab.torture.child import Child, Output

ROOT = Path(protocol.__file__).resolve().parent
STARTING = 10.0  # seconds that a server gets to say where it listens
ENDING = 10.0  # seconds that a server of our own gets to end: twice what its drain may take
LAST_PORT = 65535  # a larger number is no port, and a socket would not take it
LISTENING = re.compile(rb"^listening on \[?([0-9A-Fa-f:.]+?)\]?:([0-9]{1,5})\b", re.MULTILINE)

Address = tuple[str, int]


def listening(said: bytes) -> Address | None:
    """Return the address in a server's line `listening on`; None if this is not that line."""
    found = LISTENING.search(said)
    if found is None or int(found[2]) > LAST_PORT:
        return None
    host = found[1].decode()
    return {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host), int(found[2])


class NotStarted(Failure):
    """The command did not say where it listens; `said` is what it wrote to stderr."""

    def __init__(self, reason: str, said: bytes = b"") -> None:
        super().__init__(reason)
        self.said = said


class ServerProcess(Child):
    """A server: once this object is made, it listens at `address`; it ends with the `with`.

    `stderr` says where its messages go: "read" collects them in `errors`; "terminal" is a terminal
    and "pipe" a pipe, both full, and nobody reads them; "gone" is a pipe whose reader has left;
    "nowhere" is /dev/null; "ours" is our own stderr; a file is that file. `cwd` is its folder.
    `starting` is how many seconds it has to say where it listens. `prepare` is called first in the
    new process; that is a fork of a program with threads, so `prepare` may do little. Raises
    NotStarted.
    """

    errors: Output | None = None

    def __init__(
        self,
        command: Sequence[str],
        *,
        stderr: str | IO[str] = "read",
        starting: float = STARTING,
        prepare: Callable[[], None] | None = None,
        cwd: Path | None = None,
    ) -> None:
        theirs, self._kept = _standard_error(stderr) if isinstance(stderr, str) else (stderr, [])
        ours = [theirs] if isinstance(theirs, int) and theirs >= 0 else []
        copies = [number for number in ours if number not in self._kept]
        try:
            super().__init__(command, stderr=theirs, folder=cwd, prepare=prepare)
        except OSError as error:
            self._let_go()
            raise NotStarted(f"{command[0]}: {error.strerror or error}") from None
        finally:
            for number in copies:
                os.close(number)
        assert self.process.stdout is not None
        self.output = Output(self.process.stdout)
        if self.process.stderr is not None:
            self.errors = Output(self.process.stderr)
        self.output.wait_for(LISTENING, starting)
        address = listening(self.output.text)
        if address is None:
            raise self._not_started(command[0], starting)
        self.address = address

    @property
    def port(self) -> int:
        """The port at which it listens."""
        return self.address[1]

    def send_signal(self, number: int) -> None:
        """Send a signal to all of its process group."""
        os.killpg(self.process.pid, number)

    def status(self) -> int:
        """Return the exit status of the ended process, or the signal that ended it as -number.

        It is not reaped yet, so that its meters can still be read.
        """
        if not hasattr(os, "waitid"):
            return self.process.wait()
        result = os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)
        assert result is not None
        return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status

    def terminal_is_blocking(self) -> bool:
        """Tell whether its terminal (stderr="terminal") still has the blocking mode it had."""
        return os.get_blocking(self._kept[-1])

    def end(self) -> None:
        """End it at once, with all that it has started, and close its outputs."""
        super().end()
        for output in filter(None, (self.output, self.errors)):
            output.finish()
        self._let_go()

    def _not_started(self, name: str, starting: float) -> NotStarted:
        """End it and return why: it ended, or it still runs and did not say where."""
        status: int | None = None
        with suppress(subprocess.TimeoutExpired):
            status = self.process.wait(0.2 if self.output.closed else 0)
        self.end()
        said = self.errors.text if self.errors else b""
        last = "; ".join(said.decode(errors="replace").splitlines()[-1:])
        how = f"in {starting:g} s" if status is None else f"but ended with status {status}"
        return NotStarted(f"{name} did not print `listening on HOST:PORT` {how}: `{last}`", said)

    def _let_go(self) -> None:
        while self._kept:
            os.close(self._kept.pop())


def _standard_error(kind: str) -> tuple[int | None, list[int]]:
    """Return the server's stderr, and the descriptors that must stay open while it runs."""
    plain = {"read": subprocess.PIPE, "nowhere": subprocess.DEVNULL, "ours": None}
    if kind in plain:
        return plain[kind], []
    if kind == "terminal":
        keyboard, terminal = os.openpty()
        _fill(terminal)
        return terminal, [keyboard, terminal]
    reader, writer = os.pipe()
    if kind == "pipe":
        _fill(writer)
        return writer, [reader]
    os.close(reader)
    return writer, []


def _fill(writer: int) -> None:
    """Write until it is full, so that one more line would block."""
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b".")
    os.set_blocking(writer, True)


class OwnServer(ServerProcess):
    """server.py on a free port of the loopback interface, quiet; it delivers the file `path`."""

    def __init__(self, path: str, *options: str) -> None:
        """Start it, and wait until it listens. Raises Failure with its own words if it fails."""
        words = ["--host=127.0.0.1", "--port=0", "--quiet", *options, "--", path]
        try:
            super().__init__([sys.executable, str(ROOT / "server.py"), *words])
        except NotStarted as failure:
            last = failure.said.decode(errors="replace").splitlines()[-1:]
            raise Failure(f"no server: {last[0] if last else failure}") from None
        self.at_first = meters.reading(self.process.pid).cpu  # the interpreter has started by now

    def seconds(self) -> float:
        """Return the processor time that serving has taken so far. Call this before it ends."""
        return meters.reading(self.process.pid).cpu - self.at_first

    def terminate(self) -> None:
        """Ask it to drain: to accept no new client, and to end when the last one has gone."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does; it has ended when this returns."""
        self.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> str:
        """Drain it; return its last line, which counts how its connections ended."""
        self.terminate()
        return self.last_line()

    def last_line(self) -> str:
        """Wait for its end; return the last line that it said, and its status unless that is 0."""
        try:
            status = self.process.wait(ENDING)
        except subprocess.TimeoutExpired:
            self.end()
            return "it did not end"
        self.end()
        assert self.errors is not None
        said = ["it said nothing", *self.errors.text.decode(errors="replace").splitlines()][-1]
        return f"{said} (status {status})" if status else said
