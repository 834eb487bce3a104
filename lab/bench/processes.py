"""The processes of a bench: a server, and idle clients. It reads /proc, so it needs Linux.

Processor time is the clock of the whole process in nanoseconds, and includes threads that have
ended (clock_getcpuclockid(3)). The kernel only samples, at its ticks, how this time is split into
user and system: good enough over some seconds, but useless for a single round.
"""

import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from lab.processes import ROOT, NotStarted, ServerProcess

BUILD = ROOT / "build"  # `make bench` compiles the C programs into it
LOAD = BUILD / "load"
HOLD = BUILD / "hold"
STILL = 0.002  # seconds: a server that used no processor time for so long has finished its work


class Failed(Exception):
    """There are no figures; `str()` says why."""


class Server(ServerProcess):
    """A server on `cores`, delivering the file `path`; its stderr is `lines`, by default ours."""

    def __init__(
        self, command: list[str], path: Path, cores: set[int], lines: "IO[str] | None" = None
    ) -> None:
        try:
            super().__init__([*command, str(path)], stderr=lines or "ours", cwd=ROOT)
        except NotStarted as error:
            raise Failed(f"{error}: {' '.join([*command, str(path)])}") from None
        os.sched_setaffinity(self.process.pid, cores)

    def cpu(self) -> int:
        """Return the nanoseconds of processor time that it has used so far."""
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def settled(self, still: float = STILL) -> int:
        """Return the same, once the server has handled the last client and sleeps."""
        before, now = -1, self.cpu()
        while before != now:
            time.sleep(still)
            before, now = now, self.cpu()
        return now

    def ticks(self) -> tuple[int, int]:
        """Return its user and its system time, as far as the kernel has sampled them."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(stat[11]), int(stat[12])

    def resident(self) -> int:
        """Return the bytes of memory that it has in RAM."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Idle:
    """Clients that have connected, have the server's hello, and say nothing. A context manager.

    They have a process group of their own, so that only the bench gets Ctrl+C.
    """

    def __init__(self, server: Server, count: int) -> None:
        """Start them; return when all have been greeted."""
        self.process = subprocess.Popen(
            [str(HOLD), str(server.port), str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        with ExitStack() as stack:
            stack.callback(self.close)
            assert self.process.stdout is not None
            if self.process.stdout.readline() != "holding\n":
                raise Failed("a client was not greeted")
            stack.pop_all()

    def close(self) -> None:
        """End them."""
        self.process.kill()
        self.process.communicate()
