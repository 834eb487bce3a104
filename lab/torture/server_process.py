"""The server that is judged, as a process of its own.

Any command will do if it prints `listening on HOST:PORT` on stdout. In the command

    {file}       is replaced by the path of the file to deliver
    {options}    is replaced by the options that an attack needs, spelled as server.py spells them
                 (--timeout S, --chunk N, --pause S, --max-clients N, --drain S, --quiet)

A command without them is used as it is: then the first good client shows what the file is,
`--deadline` says what the deadline is, and attacks that need an option cannot be made (n/a).
"""

import os
import resource
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Self

from lab import processes
from lab.processes import Address, NotStarted
from lab.torture import meters
from lab.torture.child import Output

__all__ = [
    "DEFAULT",
    "NotPossible",
    "NotStarted",
    "Options",
    "Server",
    "ServerProcess",
    "expand",
    "split",
]

Options = Mapping[str, float | None]
DEFAULT = (sys.executable, "server.py", "{file}", "--host", "127.0.0.1", "--port", "0", "{options}")


class NotPossible(Exception):
    """The attack needs something that this server lacks, or that we do not know about it."""


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before `--` and the command after it, or the default command."""
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


class Server:
    """A server at `address`; `pid` is its process, None if only its address is known.

    `errors` is what it writes to stderr, None if we do not read it.
    """

    errors: Output | None = None

    def __init__(self, address: Address, pid: int | None) -> None:
        self.address = address
        self.pid = pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the server as it is: we did not start it."""

    def interrupt(self) -> None:
        """Do what Ctrl+C in its terminal does (SIGINT)."""
        self._signal(signal.SIGINT)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._signal(signal.SIGTERM)

    def stop_running(self) -> None:
        """Stop it (SIGSTOP); it has stopped when this returns."""
        self._signal(signal.SIGSTOP)
        meters.until(lambda: meters.stopped(self.known_pid), 1.0)

    def go_on(self) -> None:
        """Let it go on (SIGCONT)."""
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
        """Return what it has written to stderr so far; after its end, all of it."""
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
        """Its process id; raises NotPossible if it is not known."""
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


class ServerProcess(processes.ServerProcess, Server):
    """A server started by us: processes.py says how it is started and ended."""

    def __init__(self, command: Sequence[str], **how: Any) -> None:
        super().__init__(command, **how)
        self.pid = self.process.pid

    def _is_gone(self) -> bool:
        return self.process.poll() is not None

    def _signal(self, number: int) -> None:
        self.send_signal(number)
