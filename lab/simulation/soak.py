"""The soak: very many simulated transfers, on every core, with progress.

    python -m lab.simulation soak --count 1000000

A failing seed ends it, and is printed with the command that shows its story.
"""

import gc
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from lab.simulation.world import Broken, World

BATCH = 100  # seeds


def live(first: int) -> Counter[str]:
    """Run the worlds of some seeds; return their results."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.set_threshold(100_000, 50, 50)
    seen: Counter[str] = Counter()
    began = time.process_time()
    for seed in range(first, first + BATCH):
        try:
            tally(World.of_seed(seed).run(), seen)
        except Exception as error:
            command = f"python -m lab.simulation replay {seed}"
            raise Broken(f"seed {seed}: {error!r}\nits story: {command}") from error
    seen["milliseconds of processor time"] = int(1000 * (time.process_time() - began))
    return seen


def tally(world: World, seen: Counter[str]) -> None:
    seen["worlds"] += 1
    seen["steps"] += world.steps
    seen["transfers"] += len(world.clients)
    for client in world.clients:
        exact = isinstance(client.outcome, bytes)
        seen["exact copies" if exact else f"no copy: {type(client.outcome).__name__}"] += 1
    for wire in world.server.wires:
        seen[f"the server's word: {wire.word}"] += 1


def soak(count: int, first: int, jobs: int) -> Counter[str]:
    """Simulate at least `count` transfers, beginning with the world of seed `first`."""
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(jobs) as pool:
        seeds = iter(range(first, sys.maxsize, BATCH))
        running = {pool.submit(live, next(seeds)) for _ in range(2 * jobs)}
        while total["transfers"] < count:
            for done in finished(running):
                total += done.result()
                running.add(pool.submit(live, next(seeds)))
            show(total, count)
        for left in running:
            left.cancel()
    return total


def finished(running: set[Future[Counter[str]]]) -> Iterator[Future[Counter[str]]]:
    """Wait until some batches are done; remove them, and yield their results."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for one in done:
        running.remove(one)
        yield one


def show(total: Counter[str], count: int) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    if sys.stderr.isatty() or total["worlds"] % (100 * BATCH) == 0:
        text = f"{total['transfers']:,} of {count:,} transfers in {total['worlds']:,} worlds"
        print(text, end=end, file=sys.stderr, flush=True)


def main(count: int, first: int, jobs: int) -> int:
    """Soak, print the figures; return the exit status."""
    began = time.monotonic()
    try:
        total = soak(count, first, jobs)
    except Broken as broken:
        print(f"\n{broken}")
        return 1
    seconds = time.monotonic() - began
    processor = total.pop("milliseconds of processor time") / 1000
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    for what in sorted(total):
        print(f"{total[what]:14,}  {what}")
    print(f"{0:14,}  violations")
    rate = total["transfers"] / processor
    print(f"{seconds:.0f} s, {jobs} processes, {rate:,.0f} transfers per second of processor time")
    print(f"first seed {first}; {memory:,} KiB was the most that any process took")
    return 0
