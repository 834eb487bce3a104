"""The processes of a bench: a server, and clients that wait for nothing. Linux: /proc is read.

Processor time is the clock of the whole process, in nanoseconds, threads that have ended included
(clock_getcpuclockid(3)). How it is split into user and system, the kernel only samples, at its
ticks: good enough over some seconds, and useless for a single round.
"""

import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"  # `make bench` compiles the C programs into it
LOAD = BUILD / "load"
HOLD = BUILD / "hold"
STILL = 0.002  # seconds without processor time after which a server has done all it had to do


class Failed(Exception):
    """There are no figures; `str()` says why."""


class Process:
    """A child that is ended on leaving the `with`, whatever happens.

    It has a process group of its own: Ctrl+C is for the bench alone, else each server would have
    its last words on the terminal.
    """

    process: "subprocess.Popen[str]"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()

    def line(self) -> str:
        """Return the next line that it prints; "" if it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()


class Server(Process):
    """A server that starts; it can be asked once `wait` has returned."""

    def __init__(
        self, command: list[str], path: Path, cores: set[int], lines: "IO[str] | None" = None
    ) -> None:
        words = [*command, str(path)]
        self.command = " ".join(words)
        try:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=lines,
                text=True,
                cwd=ROOT,
                process_group=0,
            )
        except OSError as error:
            raise Failed(f"it does not start: {error.strerror}: {self.command}") from None
        os.sched_setaffinity(self.process.pid, cores)

    def wait(self) -> "Server":
        """Return when it listens."""
        line = self.line()
        if not line.startswith("listening on "):
            raise Failed(f"it does not listen: {self.command}")
        self.port = line.rpartition(":")[2].strip()
        return self

    def cpu(self) -> int:
        """Return the nanoseconds of processor time that it has used so far."""
        return time.clock_gettime_ns((~self.process.pid << 3) | 2)

    def settled(self, still: float = STILL) -> int:
        """Return the same, when it has dealt with the last client and sleeps."""
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
        """Return the octets of memory that it has in RAM."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


class Idle(Process):
    """Clients that have connected, have the server's hello, and say nothing."""

    def __init__(self, server: Server, count: int) -> None:
        self.process = subprocess.Popen(
            [str(HOLD), server.port, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def wait(self) -> None:
        """Return when all of them have been greeted."""
        if self.line() != "holding\n":
            raise Failed("a client was not greeted")
