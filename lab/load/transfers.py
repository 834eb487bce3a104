"""Many transfers in a row: the server's memory must not grow.

The memory is read after every thousand. The result is the slope of the line through all readings
after the warm-up (least squares), in bytes per transfer. A page has 4096 bytes: one that is touched
late adds 0.05 bytes per transfer over 90,000 transfers. An object that leaks in each transfer adds
50 or more.
"""

import sys
import time
from collections.abc import Sequence
from typing import TextIO

from lab.load.figures import Figure
from lab.torture import meters, wire
from lab.torture.good_clients import GoodClients
from lab.torture.server_process import Options, ServerProcess

OPTIONS: Options = {"timeout": 60}
STEP = 1000  # transfers between two readings of the memory
WARM_UP = 0.1  # share of the transfers before the memory counts
SLOPE_LIMIT = 4  # bytes per transfer


def measure(command: Sequence[str], count: int) -> list[Figure]:
    """Make `count` transfers in steps, return the figures; shows its progress on stderr."""
    with ServerProcess(command, stderr="nowhere") as server:
        crowd = GoodClients(server.address, wire.whole_stream(wire.SAMPLE))
        try:
            return _measure(server.known_pid, crowd, count)
        finally:
            crowd.close()


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the straight line closest to `points` (least squares)."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def _measure(pid: int, crowd: GoodClients, count: int) -> list[Figure]:
    crowd.serve(1)
    meters.wait_for_calm(pid, 0.1, 1.0)
    descriptors = len(meters.descriptors(pid))
    before = meters.reading(pid)
    began = time.monotonic()
    points = _run(pid, crowd, count, sys.stderr)
    seconds = time.monotonic() - began
    cpu = meters.reading(pid).since(before).cpu
    meters.until(lambda: len(meters.descriptors(pid)) <= descriptors, 5.0)
    left = len(meters.descriptors(pid)) - descriptors
    served = crowd.served - 1
    warm = [point for point in points if point[0] >= WARM_UP * count]
    growth = slope(warm)
    return [
        Figure("exact copies", f"{served:,}", f"{count:,}", served == count),
        Figure(
            "growth after the warm-up",
            f"{growth:.3f} bytes per transfer",
            f"< {SLOPE_LIMIT}",
            growth < SLOPE_LIMIT,
        ),
        Figure(
            "memory, first and last", f"{warm[0][1] / 1024:,.0f} and {warm[-1][1] / 1024:,.0f} KiB"
        ),
        Figure("descriptors left open", f"{left}", "0", left == 0),
        Figure("transfers per second", f"{count / seconds:,.0f}"),
        Figure("server's processor time", f"{1e6 * cpu / count:.0f} us per transfer"),
    ]


def _run(pid: int, crowd: GoodClients, count: int, progress: TextIO) -> list[tuple[float, float]]:
    """Make the transfers; return (transfers so far, bytes of memory), one pair for each step."""
    points = []
    for done in range(0, count, STEP):
        crowd.serve(min(STEP, count - done))
        points.append((float(crowd.served), float(meters.memory(pid))))
        if progress.isatty() or done // STEP % 10 == 9:
            end = "\r" if progress.isatty() else "\n"
            text = f"{crowd.served - 1:,} of {count:,}, {points[-1][1] / 1024:,.0f} KiB"
            print(text, end=end, file=progress, flush=True)
        if crowd.failures:
            print(f"\nfirst failure: {crowd.failures[0]}", file=progress)
            break
    return points
