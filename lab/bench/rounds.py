"""Rounds: every subject in turn, again and again, so that a slow minute slows all of them alike.

One slot is one subject's load in one round. Many short rounds are better than a few long ones: a
disturbance of the machine often lasts longer than a slot, and so affects all subjects of a round.

The slots of a scene take about the same processor time. A first slot, which does not count, finds
out how many transfers that is, and warms the server up. The servers run on one core and the load on
another. Processor time is read once the server sleeps again, so it includes the end of the last
client.
"""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import IO

from lab.bench.processes import LOAD, Failed, Idle, Server
from lab.bench.progress import Progress
from lab.bench.subjects import Subject

FIRST = 500  # transfers of the first slot, at least one wave
FOREVER = "86400"  # seconds: the deadline where clients are held idle
ENOUGH = 50  # ticks: with these the split into user and system time is right within some 7 %

Row = dict[str, object]


class Seat:
    """A subject, its server once it has started, and its samples."""

    def __init__(self, subject: Subject, path: Path, cores: set[int]) -> None:
        self.subject = subject
        self.path = path
        self.cores = cores
        self.transfers = 0  # in a slot
        self.samples: list[dict[str, float]] = []
        self.ticks = [0, 0]
        self.stack = ExitStack()

    def start(self) -> None:
        """Start the server, and the idle clients that it must hold."""
        subject = self.subject
        more = ("--timeout", FOREVER) if subject.idle else ()
        lines = self.stack.enter_context(sink(subject.lines))
        self.server = Server([*subject.command, *more], self.path, self.cores, lines)
        self.stack.enter_context(self.server)
        if subject.idle:
            self.stack.enter_context(closing(Idle(self.server, subject.idle)))

    def renew(self) -> None:
        """Start a new server in place of the old one, and warm it up."""
        self.stack.close()
        self.start()
        self.load(FIRST)

    def load(self, transfers: int) -> dict[str, float]:
        """Put the load on the server; return the load's result and the server's cost."""
        subject = self.subject
        words = [LOAD, self.server.port, self.path, transfers, subject.at_a_time]
        command = [str(word) for word in words] + ["together"] * subject.together
        ticks, before = self.server.ticks(), self.server.settled()
        load = subprocess.run(command, capture_output=True, text=True, check=False)
        if load.returncode:
            raise Failed(f"{subject}: {load.stderr.strip()}")
        cpu = self.server.settled() - before
        told: dict[str, float] = json.loads(load.stdout)
        passed = zip(self.server.ticks(), ticks, strict=True)
        self.ticks = [ours + new - old for ours, (new, old) in zip(self.ticks, passed, strict=True)]
        return {"cpu": cpu / transfers / 1000, "rate": transfers / told.pop("seconds"), **told}

    def warm_up(self, seconds: float) -> None:
        """Find out how many transfers take `seconds` of processor time."""
        wave = self.subject.at_a_time if self.subject.together else 1
        cpu = self.load(max(FIRST, wave))["cpu"]
        waves = max(1, round(1e6 * seconds / cpu / wave))
        self.transfers = waves * wave
        if self.subject.life:
            self.transfers = min(self.transfers, self.subject.life - FIRST)
        self.ticks = [0, 0]

    def sample(self) -> None:
        """Measure one slot."""
        if self.subject.life:
            self.renew()
            self.ticks = [0, 0]
        self.samples.append(self.load(self.transfers))

    def row(self) -> Row:
        """Return the row of results.json: for each figure a list with one sample per round."""
        user, system = self.ticks
        row: Row = {"name": self.subject.name, "at": self.subject.at, "transfers": self.transfers}
        row["user"] = round(user / (user + system), 3) if user + system >= ENOUGH else None
        for key in self.samples[0]:
            row[key] = [round(sample[key], 3) for sample in self.samples]
        return row


@contextlib.contextmanager
def sink(kind: str) -> "Iterator[IO[str] | None]":
    """Yield a server's stderr: our own, a pipe that is read, or a file."""
    if kind == "pipe":
        reader = subprocess.Popen(
            ["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        assert reader.stdin is not None
        with reader:
            yield reader.stdin
            reader.kill()
    elif kind == "file":
        with tempfile.TemporaryFile("w") as file:
            yield file
    else:
        yield None


class Rounds:
    """All subjects of a scene. One that fails is reported and left out; the others go on."""

    def __init__(self, path: Path, cores: set[int], progress: Progress) -> None:
        self.path = path
        self.cores = cores
        self.progress = progress
        self.failed: dict[str, str] = {}

    def run(self, subjects: list[Subject], rounds: int, seconds: float) -> list[Row]:
        """Measure all subjects in interleaved rounds with slots this long; return their rows."""
        with ExitStack() as stack:
            seats = [Seat(subject, self.path, self.cores) for subject in subjects]
            for seat in seats:
                stack.callback(seat.stack.close)
            seats = [seat for seat in seats if self.survives(seat, seat.start)]
            seats = [s for s in seats if self.survives(s, partial(s.warm_up, seconds))]
            for _ in range(rounds):
                seats = [seat for seat in seats if self.survives(seat, seat.sample)]
            return [seat.row() for seat in seats]

    def survives(self, seat: Seat, action: Callable[[], None]) -> bool:
        """Call `action` with a seat; return whether the seat still takes part."""
        try:
            action()
        except Failed as failed:
            self.failed[str(seat.subject)] = str(failed)
            self.progress.left_out(str(seat.subject), failed)
            return False
        self.progress.step(str(seat.subject))
        return True
