"""Another program as a process, and what it prints.

It has a session of its own, and ends with all it has started. Its environment has a mark, and at
the end every process that has the mark is killed, a daemon too. (Only Linux shows the environment
of other processes; elsewhere the process group is killed.)
"""

import os
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from lab.torture import meters

MARK = "EIGHTY_CHILD"  # the environment variable of all that it starts
EMPTY: Mapping[str, str] = {}
KEPT = 1 << 20  # bytes of an output that are kept; the rest is only counted
LOOK = 0.05  # seconds until a moment that may change is asked for again


class Output:
    """What a process writes to one pipe; a thread reads it, so that the process never waits."""

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
        """Wait for the end of the output, which comes soon after the end of the process."""
        self._thread.join(0.2)

    def finish(self) -> None:
        """Wait for the end of the output, then close the pipe."""
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._pipe.close()

    def _read(self) -> None:
        while data := os.read(self._pipe.fileno(), 1 << 16):
            with self._grown:
                self.lines += data.count(b"\n")
                self.text += data[: max(0, KEPT - len(self.text))]
                self._grown.notify_all()
        with self._grown:
            self.closed = True
            self._grown.notify_all()


class Child:
    """A running program; `prepare` is called first in the new process. Raises OSError.

    Its environment is ours with `extra` added.

    The new process is a fork of a program with threads, so `prepare` may do little.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stderr: int | IO[str] | None,
        stdout: int = subprocess.PIPE,
        folder: Path | None = None,
        prepare: Callable[[], None] | None = None,
        extra: Mapping[str, str] = EMPTY,
    ) -> None:
        self._mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            start_new_session=True,  # it must not get our Ctrl+C
            env={**os.environ, **extra, MARK: self._mark},
            preexec_fn=prepare,  # noqa: PLW1509
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def finish(self, limit: float) -> tuple[int | None, bytes]:
        """Wait until it ends; return its status, None if it is not in time, and its stderr.

        Nobody reads its stdout meanwhile: it must not be a pipe.
        """
        end = time.monotonic() + limit
        return self.finish_by(lambda: end)

    def finish_by(self, moment: Callable[[], float]) -> tuple[int | None, bytes]:
        """Do the same until a moment of the monotonic clock, which may change meanwhile."""
        assert self.process.stderr is not None
        errors, status = Output(self.process.stderr), None
        while status is None and (left := moment() - time.monotonic()) > 0:
            with suppress(subprocess.TimeoutExpired):
                status = self.process.wait(min(left, LOOK))
        self.end()
        errors.finish()
        return status, errors.text

    def end(self) -> None:
        """Kill it and all that it has started; calling it again is harmless."""
        if self.process.returncode is None:  # not reaped: its process id is still its own
            os.killpg(self.process.pid, signal.SIGKILL)
        meters.kill_marked(f"{MARK}={self._mark}")
        self.process.wait()
