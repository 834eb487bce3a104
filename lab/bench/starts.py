"""Starts: whole processes from their first instruction on, in elapsed time and processor time.

Such a process is short-lived, and the figure includes whatever else the machine does at that time.
So the commands take turns, and a sample is the median of several. All of them share one core; the
server of the clients has the other.

Python saves compiled modules, though not the compiled program itself. A first turn, which does not
count, makes sure that all modules are compiled.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from lab.bench.processes import Failed, Server
from lab.bench.progress import Progress
from lab.bench.rounds import Row
from lab.bench.subjects import eighty
from lab.processes import ROOT

NOTHING = "python3 -c pass"
NEEDED = "import argparse, selectors, socket"  # what a client cannot do without
IMPORTS = f'python3 -c "{NEEDED}"'
CLIENT = "eighty's client.py -q, to its end"  # the copy is on the disk by then
SERVER = "eighty's server.py -q, until it listens"
TURNS = 5  # in a sample

Cost = tuple[float, float]  # milliseconds: elapsed, and of processor time
Life = Callable[[], Cost]


def rows(path: Path, cores: set[int], rounds: int, progress: Progress) -> list[Row]:
    """Measure all of them, and return their rows. Raises Failed if one of them fails."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with Server(list(eighty("-q")), path, cores) as server, tempfile.TemporaryDirectory() as folder:
        lives: dict[str, Life] = {
            NOTHING: partial(ended, "-c", "pass"),
            IMPORTS: partial(ended, "-c", NEEDED),
            CLIENT: partial(fetched, str(server.port), path, Path(folder) / "copy"),
            SERVER: partial(listening, path),
        }
        for live in lives.values():
            live()
        progress.step("once")
        samples: dict[str, list[Cost]] = {name: [] for name in lives}
        for _ in range(rounds):
            for name, cost in sample(lives).items():
                samples[name].append(cost)
            progress.step("a round")
    return [row(name, costs) for name, costs in samples.items()]


def sample(lives: dict[str, Life]) -> dict[str, Cost]:
    """Run each command TURNS times, in turn; return the median of each."""
    costs = [{name: live() for name, live in lives.items()} for _ in range(TURNS)]
    return {
        name: (median(cost[name][0] for cost in costs), median(cost[name][1] for cost in costs))
        for name in lives
    }


def row(name: str, costs: list[Cost]) -> Row:
    """Return the row of results.json."""
    wall, cpu = ([round(each, 3) for each in column] for column in zip(*costs, strict=True))
    return {"name": name, "at": 0, "wall": wall, "cpu": cpu}


def ended(*words: str) -> Cost:
    """Run Python with these arguments to its end."""
    began = time.perf_counter()
    number = os.posix_spawn(sys.executable, [sys.executable, *words], os.environ, setpgroup=0)
    _, status, used = os.wait4(number, 0)
    took = time.perf_counter() - began
    if status:
        raise Failed(f"it ends with {os.waitstatus_to_exitcode(status)}: python3 {' '.join(words)}")
    return 1e3 * took, 1e3 * (used.ru_utime + used.ru_stime)


def fetched(port: str, path: Path, copy: Path) -> Cost:
    """Run the client; the copy must be the file."""
    cost = ended(str(ROOT / "client.py"), "-q", "--port", port, "127.0.0.1", str(copy))
    if copy.read_bytes() != path.read_bytes():
        raise Failed("client.py has saved what is not the file")
    copy.unlink()
    return cost


def listening(path: Path) -> Cost:
    """Start a server, on this core; end it as soon as it listens."""
    began = time.perf_counter()
    with Server(list(eighty("-q")), path, os.sched_getaffinity(0)) as server:
        return 1e3 * (time.perf_counter() - began), 1e-6 * server.cpu()
