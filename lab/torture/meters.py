"""The kernel's counters of a process, read from Linux's /proc without disturbing it.

Wake-ups. A process that has nothing to do sleeps inside `select()`. Each time a thread goes to
sleep the kernel adds one to its voluntary_ctxt_switches; so, over a window that begins and ends
asleep, the difference is exactly the number of times that it woke up, found its work and went to
sleep again. A loop that never sleeps at all would show no switches either; it shows as processor
time: /proc/PID/schedstat counts the nanoseconds spent running, and a process that slept through the
whole window has spent none. Zero of both means: not one turn of the loop, however short.

Every figure is the sum over all threads of the process and of its children, so that a server in a
wrapper or with workers is measured as a whole.
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FEW = 0.1  # of a processor, which a loop that spins gets on a busy machine, too
LONGER = 3  # times as long a process may take to fall asleep if it was given less than that
POLL = 0.002  # seconds between two looks at /proc, where the kernel offers no event to wait for


class Reading(NamedTuple):
    """Processor time in seconds and voluntary sleeps, both since the process began."""

    cpu: float
    sleeps: int

    def since(self, earlier: "Reading") -> "Reading":
        """Return what was added after `earlier`."""
        return Reading(self.cpu - earlier.cpu, self.sleeps - earlier.sleeps)


def available() -> bool:
    """Return whether this kernel has these counters: Linux has, macOS has no /proc."""
    return Path("/proc/self/schedstat").exists()


def family(pid: int) -> list[int]:
    """Return `pid` and all its living descendants."""
    pids = [pid]
    for member in pids:  # grows while it is walked
        for task in Path(f"/proc/{member}/task").glob("*/children"):
            pids += map(int, _text(task).split())
    return pids


def reading(pid: int) -> Reading:
    """Return the processor time and the voluntary sleeps of the process so far."""
    tasks = _tasks(pid)
    cpu = sum(int((_text(task / "schedstat") or "0").split()[0]) for task in tasks)
    return Reading(cpu / 1e9, sum(_voluntary(_text(task / "status")) for task in tasks))


def stopped(pid: int) -> bool:
    """Return whether every thread of the process is stopped (SIGSTOP)."""
    states = [_text(task / "stat").rpartition(")")[2].split()[:1] for task in _tasks(pid)]
    return all(state in (["T"], ["Z"]) for state in states)


def runs(pid: int) -> bool:
    """Tell whether any thread of the process runs, or would if it got a processor."""
    states = [_text(task / "stat").rpartition(")")[2].split()[:1] for task in _tasks(pid)]
    return ["R"] in states


def memory(pid: int) -> int:
    """Return the bytes of resident memory (VmRSS)."""
    for line in _text(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def descriptors(pid: int) -> set[int]:
    """Return the open descriptors of the process itself."""
    try:
        return set(map(int, os.listdir(f"/proc/{pid}/fd")))
    except OSError:
        return set()


def lowest_free(pid: int) -> int:
    """Return the next descriptor that the process will get when it opens a file."""
    taken = descriptors(pid)
    return next(number for number in range(len(taken) + 1) if number not in taken)


def terminal(pid: int) -> int:
    """Return the number of the controlling terminal of the process, 0 if it has none."""
    fields = _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(fields[4]) if fields else 0


def kill_marked(mark: str) -> None:
    """Kill every process whose environment has `mark`, by its process id, until none is left.

    They are stopped first, so that none can start another one in the meantime.
    """
    for _ in range(100):
        pids = [pid for pid in _pids() if mark.encode() in _environment(pid)]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        if not pids:
            return


def until(condition: Callable[[], bool], limit: float) -> bool:
    """Look until `condition` holds, for at most `limit` seconds; return whether it does.

    For facts that only /proc shows and no descriptor reports: a peer that has closed, a process
    that sleeps.
    """
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL)
    return True


def wait_for_calm(pid: int, length: float, limit: float) -> None:
    """Wait until the process has slept for `length` seconds without a break, at most `limit`.

    On a busy machine a process that has work may wait for a processor: it does not sleep, though
    its meters stand still, and it may take LONGER.
    """
    began = since = time.monotonic()
    first = last = reading(pid)
    while (now := time.monotonic()) < since + length:
        starved = last.since(first).cpu < FEW * limit
        if now > began + limit * (LONGER if starved else 1):
            break
        time.sleep(POLL)
        if runs(pid) or reading(pid) != last:
            last, since = reading(pid), time.monotonic()


def _tasks(pid: int) -> list[Path]:
    return [task for member in family(pid) for task in Path(f"/proc/{member}/task").glob("*")]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()] if available() else []


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _voluntary(status: str) -> int:
    _, _, rest = status.partition("\nvoluntary_ctxt_switches:")
    return int(rest.split()[0]) if rest else 0


def _text(path: Path) -> str:
    """Return the text of a file of /proc, empty if the process or thread is gone."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
