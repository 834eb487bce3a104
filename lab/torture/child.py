"""Another program as a process: it has a session of its own, and ends with all it has started.

Its environment has a mark, and at the end every process that has the mark is killed, a daemon too.
(Only Linux shows the environment of other processes; elsewhere the process group is killed.)
"""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

from lab.torture import meters

MARK = "EIGHTY_CHILD"  # the environment variable of all that it starts
EMPTY: Mapping[str, str] = {}
LOOK = 0.05  # seconds until a moment that may change is asked for again


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
        """Wait until it ends; return its status, None if it is not in time, and its stderr."""
        end = time.monotonic() + limit
        return self.finish_by(lambda: end)

    def finish_by(self, moment: Callable[[], float]) -> tuple[int | None, bytes]:
        """Do the same until a moment of the monotonic clock, which may change meanwhile."""
        while (left := moment() - time.monotonic()) > 0:
            try:
                _, said = self.process.communicate(timeout=min(left, LOOK))
            except subprocess.TimeoutExpired:
                continue
            return self.process.returncode, said or b""
        self.end()
        return None, self.process.communicate()[1] or b""

    def end(self) -> None:
        """Kill it and all that it has started; calling it again is harmless."""
        if self.process.returncode is None:  # not reaped: its process id is still its own
            os.killpg(self.process.pid, signal.SIGKILL)
        meters.kill_marked(f"{MARK}={self._mark}")
        self.process.wait()
