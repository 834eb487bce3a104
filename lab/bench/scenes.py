"""The scenes of a bench: in each of them one thing changes and all else stays the same.

A scene is a function that takes a Plan and returns its entry in results.json. Most scenes are a
list of subjects for the rounds; memory, system calls and the profile are measured once, and starts
have rounds of their own.
"""

import json
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lab.bench import machine, starts, strace
from lab.bench.processes import BUILD, Failed, Idle
from lab.bench.progress import Progress
from lab.bench.rounds import Rounds, Row, Seat
from lab.bench.subjects import EIGHTY, YARDSTICK, Subject, eighty, known, missing, peer
from lab.limits import most_files
from lab.processes import ROOT

STARTERS = ROOT / "lab" / "bench" / "starters"
ASYNCIO, UVLOOP = "asyncio Protocol", "uvloop Protocol"
FOUR = (YARDSTICK, EIGHTY, UVLOOP, ASYNCIO)  # for scenes that would take too long with all servers
HELD_FIRST = 1000  # idle clients whose memory includes what a server allocates once; 9,000 follow
SPARE = 100  # descriptors that a process needs besides its clients

Scene = dict[str, object]


@dataclass
class Plan:
    """How much is measured, and on which servers."""

    path: Path
    cores: set[int]  # of the servers
    quick: bool = False
    rounds: int | None = None
    servers: dict[str, tuple[str, ...]] = field(default_factory=known)
    progress: Progress = field(default_factory=Progress)

    def four(self) -> dict[str, tuple[str, ...]]:
        return {name: self.servers[name] for name in FOUR if name in self.servers}

    def measure(self, name: str, subjects: list[Subject], rounds: int, seconds: float) -> Scene:
        """Measure the subjects: `rounds` rounds with slots of `seconds`, fewer in a quick run."""
        rounds = self.rounds or (1 + (name == "peers") if self.quick else rounds)
        seconds = 0.1 if self.quick else seconds
        self.progress.begin(name, len(subjects) * (rounds + 2))
        run = Rounds(self.path, self.cores, self.progress)
        rows = run.run(subjects, rounds, seconds)
        return {"rounds": rounds, "rows": rows, "not run": missing() | run.failed}


def peers(plan: Plan) -> Scene:
    """All servers under the same load: the table."""
    subjects = [Subject(name, command) for name, command in plan.servers.items()]
    return plan.measure("peers", subjects, 40, 0.15)


def concurrency(plan: Plan) -> Scene:
    """More and more clients at once, all of them open in the server: see load.c on waves."""
    levels = [10, 100, 1000] if plan.quick else [10, 100, 1000, 5000]
    servers = plan.four() if plan.quick else plan.servers
    subjects = [
        Subject(name, command, n, at_a_time=n, together=True)
        for n in levels
        if n + SPARE <= most_files()
        for name, command in servers.items()
        if n <= 1000 or name != "thread per client"  # it took a minute for one wave of 5,000
    ]
    return plan.measure("concurrency", subjects, 5, 0.25)


def idle(plan: Plan) -> Scene:
    """The same load, beside more and more idle clients."""
    levels = [0, 1000] if plan.quick else [0, 100, 1000, 10_000]
    subjects = [
        Subject(name, command, n, idle=n)
        for name, command in plan.four().items()
        for n in levels
        if n + SPARE <= most_files()
    ]
    return plan.measure("idle", subjects, 24, 0.15)


def lines(plan: Plan) -> Scene:
    """Our own server with messages, without them, and with a trace."""
    trace = str(BUILD / "trace.jsonl")
    subjects = [
        Subject(YARDSTICK, plan.servers[YARDSTICK]),
        Subject("-q", eighty("-q")),
        Subject("lines to a pipe that is read", eighty(), lines="pipe"),
        Subject("lines to a file", eighty(), lines="file"),
        Subject("-q --trace FILE", eighty("-q", "--trace", trace), life=TRACED),
    ]
    return plan.measure("lines", subjects, 30, 0.15)


TRACED = 3000  # transfers; a trace ends after 100,000 events


def selectors(plan: Plan) -> Scene:
    """Our own server on each selector there is."""
    starter = str(STARTERS / "with_selector.py")
    subjects = [
        Subject(name, eighty("-q", starter=(starter, kind) if kind else ()), n, idle=n)
        for name, kind in (
            ("epoll, our own", ""),
            ("epoll, standard", "EpollSelector"),
            ("poll, standard", "PollSelector"),
            ("select, standard", "SelectSelector"),
        )
        for n in ([0, 800] if plan.quick else [0, 100, 800])  # select(2) takes numbers below 1,024
    ]
    return plan.measure("selectors", subjects, 12, 0.15)


def pythons(plan: Plan) -> Scene:
    """Our own server, and asyncio, on each Python that is installed here."""
    found = machine.pythons()
    subjects = [Subject(YARDSTICK, plan.servers[YARDSTICK])]
    for version, python in found.items():
        subjects.append(Subject(f"{EIGHTY}, Python {version}", eighty("-q", python=python)))
        command = peer("asyncio_protocol", python)
        subjects.append(Subject(f"{ASYNCIO}, Python {version}", command))
    scene = plan.measure("pythons", subjects, 20, 0.15)
    absent = {f"Python {v}": "not found" for v in machine.VERSIONS if v not in found}
    for name in absent:
        print(f"NOT RUN: {name} is not found here", file=sys.stderr)
    return scene | {"not run": absent}


def memory(plan: Plan) -> Scene:
    """Bytes of resident memory that each idle client costs its server, without the kernel's."""
    count = 500 if plan.quick else 9000
    count = min(count, most_files() - HELD_FIRST - SPARE)
    plan.progress.begin("memory", len(plan.servers))
    rows: list[Row] = []
    failed = {}
    for name, command in plan.servers.items():
        try:
            rows.append({"name": name, "at": 0, "bytes": [held(plan, name, command, count)]})
        except Failed as why:
            failed[name] = str(why)
            plan.progress.left_out(name, why)
        plan.progress.step(name)
    return {"clients": count, "rows": rows, "not run": missing() | failed}


def held(plan: Plan, name: str, command: tuple[str, ...], count: int) -> float:
    """Return the bytes that each of `count` idle clients costs; those before them do not count."""
    seat = Seat(Subject(name, command, idle=HELD_FIRST), plan.path, plan.cores)
    with seat.stack:
        seat.start()
        seat.server.settled()
        before = seat.server.resident()
        with closing(Idle(seat.server, count)):
            seat.server.settled()
            return (seat.server.resident() - before) / count


def calls(plan: Plan) -> Scene:
    """The number of system calls per transfer, and for eighty the list of them."""
    transfers = 100 if plan.quick else 1000
    plan.progress.begin("calls", 1 + len(plan.four()))
    if not strace.is_here():
        print("NOT RUN: there is no strace here", file=sys.stderr)
        return {"transfers": 0, "rows": [], "one": [], "not run": {"strace": "not found"}}
    rows = []
    for name, command in plan.four().items():
        seen = strace.calls(command, plan.path, plan.cores, transfers, 100)
        rows.append({"name": name, "calls": strace.per_transfer(seen, transfers)})
        plan.progress.step(name)
    one = strace.calls(plan.servers[EIGHTY], plan.path, plan.cores, 1, 1)
    plan.progress.step("one transfer")
    return {"transfers": transfers, "rows": rows, "one": one, "not run": {}}


def profile(plan: Plan) -> Scene:
    """Where the user time of eighty goes, function by function."""
    plan.progress.begin("profile", 1)
    with tempfile.NamedTemporaryFile("r") as output:
        starter = (str(STARTERS / "profiled.py"), output.name)
        subject = Subject(EIGHTY, eighty("-q", starter=starter), lines="pipe")
        seat = Seat(subject, plan.path, plan.cores)
        with seat.stack:
            seat.start()
            seat.warm_up(1.0 if plan.quick else 6.0)
            seat.server.process.send_signal(signal.SIGUSR1)
            seat.sample()
            seat.server.process.send_signal(signal.SIGTERM)
            seat.server.process.wait()
        samples: dict[str, int] = json.load(output)
    plan.progress.step(EIGHTY)
    return {"samples": samples}


def start(plan: Plan) -> Scene:
    """How long both programs take to start, and how long the client takes in all."""
    rounds = plan.rounds or (1 if plan.quick else 12)
    plan.progress.begin("start", rounds + 1)
    try:
        rows = starts.rows(plan.path, plan.cores, rounds, plan.progress)
    except Failed as why:
        plan.progress.left_out("start", why)
        return {"rounds": 0, "rows": [], "not run": {"start": str(why)}}
    return {"rounds": rounds, "rows": rows, "not run": {}}


SCENES: dict[str, Callable[[Plan], Scene]] = {
    "peers": peers,
    "concurrency": concurrency,
    "idle": idle,
    "memory": memory,
    "lines": lines,
    "selectors": selectors,
    "pythons": pythons,
    "calls": calls,
    "profile": profile,
    "start": start,
}
