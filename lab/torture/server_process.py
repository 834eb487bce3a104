"""The server that is judged, as a process of its own.

Any command will do that prints `listening on HOST:PORT` on stdout. In the command

    {file}       stands for the path of the file to deliver
    {options}    stands for the options that an attack needs, spelled as protocol.md's server has
                 them (--timeout S, --chunk N, --pause S, --max-clients N, --drain S, --quiet)

and a command without them is taken as it is: then the file is learnt from the first good client,
the deadline from `--deadline`, and attacks that need an option cannot be made (n/a).
"""

import os
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Self

from lab.torture import meters
from lab.torture.good_clients import Address

Options = Mapping[str, float | None]
DEFAULT = (sys.executable, "server.py", "{file}", "--host", "127.0.0.1", "--port", "0", "{options}")
STARTING = 10.0  # seconds that a server gets to say where it listens
MARK = "EIGHTY_JUDGED"  # the environment variable of whatever a judged server starts
KEPT = 1 << 20  # octets of an output that are kept; the rest is only counted
LISTENING = re.compile(rb"listening on \[?([0-9A-Fa-f:.]+?)\]?:([0-9]+)\b")


class NotStarted(Exception):
    """The command did not say where it listens; `said` is what it wrote on stderr instead."""

    def __init__(self, reason: str, said: bytes = b"") -> None:
        super().__init__(reason)
        self.said = said


class NotPossible(Exception):
    """The attack needs something that this server, or what we know of it, does not offer."""


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before `--`, and the command behind it, the default one if there is none."""
    where = words.index("--") if "--" in words else len(words)
    return list(words[:where]), list(words[where + 1 :]) or list(DEFAULT)


def expand(command: Sequence[str], file: str, options: Options) -> list[str]:
    """Return `command` with {file} and {options} replaced."""
    words: list[str] = []
    for word in command:
        words += arguments(options) if word == "{options}" else [word.replace("{file}", file)]
    return words


def arguments(options: Options) -> list[str]:
    """Return `options` as words of a command line; None: an option without a value."""
    words: list[str] = []
    for name, value in options.items():
        words += [f"--{name}"] if value is None else [f"--{name}", f"{value:g}"]
    return words


class Output:
    """What a process writes on one pipe, read at once in a thread so that it never waits for us."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.text = b""
        self.lines = 0
        self.closed = False
        self._pipe = pipe
        self._grown = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_for(self, pattern: "re.Pattern[bytes]", limit: float) -> "re.Match[bytes] | None":
        """Return the match of `pattern` as soon as it has been written, None after `limit` s."""
        with self._grown:
            self._grown.wait_for(lambda: self.closed or pattern.search(self.text), limit)
            return pattern.search(self.text)

    def drain(self) -> None:
        """Wait for the end of the output, which a process that has ended leaves soon."""
        self._thread.join(0.2)

    def finish(self) -> None:
        """Wait for the end of the output, then let go of the pipe."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._pipe.close()

    def _read(self) -> None:
        while octets := os.read(self._pipe.fileno(), 1 << 16):
            with self._grown:
                self.lines += octets.count(b"\n")
                self.text += octets[: max(0, KEPT - len(self.text))]
                self._grown.notify_all()
        with self._grown:
            self.closed = True
            self._grown.notify_all()


class Server:
    """A server at `address`; `pid` is its process, None if only its address is known.

    `errors` is what it writes on stderr, None if that is not ours to read.
    """

    errors: Output | None = None

    def __init__(self, address: Address, pid: int | None) -> None:
        self.address = address
        self.pid = pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the server as it is: whoever started it ends it."""

    def interrupt(self) -> None:
        """Do what Ctrl+C in its terminal does (SIGINT)."""
        self._signal(signal.SIGINT)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._signal(signal.SIGTERM)

    def stop_running(self) -> None:
        """Take the processor away from it (SIGSTOP); it has stopped when this returns."""
        self._signal(signal.SIGSTOP)
        meters.until(lambda: meters.stopped(self.known_pid), 1.0)

    def go_on(self) -> None:
        """Give the processor back (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def limit_descriptors(self, number: int) -> None:
        """Allow it only descriptors below `number` from now on."""
        _, hard = self._descriptor_limits()
        resource.prlimit(self.known_pid, resource.RLIMIT_NOFILE, (number, hard))

    def descriptor_limit(self) -> int:
        """Return its soft limit of open descriptors; raises NotPossible where that is private."""
        return self._descriptor_limits()[0]

    def _descriptor_limits(self) -> tuple[int, int]:
        if not hasattr(resource, "prlimit"):
            raise NotPossible("needs prlimit, which only Linux has")
        return resource.prlimit(self.known_pid, resource.RLIMIT_NOFILE)

    def last_words(self) -> bytes:
        """Return what it wrote on stderr so far, all of it if it has ended."""
        if self.errors is None:
            return b""
        if self.pid is not None and self.ended(0):
            self.errors.drain()
        return self.errors.text

    def ended(self, limit: float) -> bool:
        """Tell whether its process ends within `limit` seconds."""
        if not hasattr(os, "pidfd_open"):
            return meters.until(self._is_gone, limit)
        try:
            notice = os.pidfd_open(self.known_pid)
        except ProcessLookupError:
            return True
        poll = select.poll()  # not select(), which cannot take a number above 1023
        poll.register(notice, select.POLLIN)
        try:
            return bool(poll.poll(limit * 1000))
        finally:
            os.close(notice)

    @property
    def known_pid(self) -> int:
        """The number of its process; raises NotPossible if that is not known."""
        if self.pid is None:
            raise NotPossible("only with --pid")
        return self.pid

    def _is_gone(self) -> bool:
        try:
            os.kill(self.known_pid, 0)
        except ProcessLookupError:
            return True
        return False

    def _signal(self, number: int) -> None:
        os.kill(self.known_pid, number)


class ServerProcess(Server):
    """A server started by us, the leader of its own process group; ended with the `with`.

    What it has started ends with it, daemons too: its environment holds a mark, and every process
    that still has the mark is killed (only Linux shows the environment of others).

    `stderr`: "read" collects it in `errors`; "terminal" is a terminal and "pipe" a pipe that nobody
    reads, both full; "gone" a pipe whose reader has left; "nowhere" is /dev/null. It gets
    `starting` seconds to say where it listens. `prepare` is called first in the new process, which
    is a fork of a program with threads, so it may do little. Raises NotStarted.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stderr: str = "read",
        starting: float = STARTING,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        theirs, self._kept = _standard_error(stderr)
        self._mark = uuid.uuid4().hex
        self.process = self._start(command, theirs, prepare)
        assert self.process.stdout is not None
        self.output = Output(self.process.stdout)
        if self.process.stderr is not None:
            self.errors = Output(self.process.stderr)
        super().__init__(("", 0), self.process.pid)
        self.address = self._listening(command, starting)

    def __exit__(self, *_: object) -> None:
        self._end()

    def status(self) -> int:
        """Return the exit status of the ended process, or less the number of the signal.

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

    def _is_gone(self) -> bool:
        return self.process.poll() is not None

    def _start(
        self, command: Sequence[str], stderr: int, prepare: Callable[[], None] | None
    ) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # our Ctrl+C is not the server's
                env={**os.environ, MARK: self._mark},
                preexec_fn=prepare,  # noqa: PLW1509
            )
        except OSError as error:
            self._let_go()
            raise NotStarted(f"{command[0]}: {error.strerror or error}") from None
        finally:
            if stderr >= 0 and stderr not in self._kept:
                os.close(stderr)

    def _listening(self, command: Sequence[str], starting: float) -> Address:
        match = self.output.wait_for(LISTENING, starting)
        if match is None:
            raise self._not_started(command[0], starting)
        host = {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(match[1].decode(), match[1].decode())
        return host, int(match[2])

    def _signal(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def _not_started(self, name: str, starting: float) -> NotStarted:
        """End it and return why: it ended, or it still runs and did not say where."""
        status = self.status() if self.ended(0.2 if self.output.closed else 0) else None
        self._end()
        said = self.errors.text if self.errors else b""
        last = "; ".join(said.decode(errors="replace").splitlines()[-1:])
        how = f"in {starting:g} s" if status is None else f"but ended with status {status}"
        return NotStarted(f"{name} did not print `listening on HOST:PORT` {how}: `{last}`", said)

    def _end(self) -> None:
        if self.process.returncode is None:  # not reaped: the number is still its own
            os.killpg(self.process.pid, signal.SIGKILL)
        meters.kill_marked(f"{MARK}={self._mark}")
        self.process.wait()
        for output in filter(None, (self.output, self.errors)):
            output.finish()
        self._let_go()

    def _let_go(self) -> None:
        while self._kept:
            os.close(self._kept.pop())


def _standard_error(kind: str) -> tuple[int, list[int]]:
    """Return what the server gets as stderr, and the descriptors that we keep open as long."""
    if kind == "read":
        return subprocess.PIPE, []
    if kind == "nowhere":
        return subprocess.DEVNULL, []
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
    """Write until no octet more fits, so that the very next line blocks whoever writes it."""
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b".")
    os.set_blocking(writer, True)
