"""Let your server find the earliest of its timers without looking at all of them.

`min(timers.values())` looks at each in every turn, and so does the line that finds those that are
due: with thousands of clients that wait, each turn is slow. Keep the timers in a heap (`heapq`).
What becomes of a timer that is cancelled? It must not stay there until its time has come.
"""

import time
import unittest
from pathlib import Path

from lab import limits
from lab.torture import meters, wire
from lab.torture.good_clients import GoodClients
from lab.torture.server_process import ServerProcess
from learn.exercises.support import mine
from learn.museum.shows import timers_of_the_gone

FILE = mine("mine/server.py")
HELD = 3000  # clients that wait, each with its deadline
COUNT = 20  # transfers in one measurement
TIMES = 30  # measurements, of which the least counts: a busy machine makes some of them dearer
SHARE = 0.6  # of one look at all timers, which a transfer may cost more beside those who wait


@unittest.skipUnless(meters.available(), "needs the counters of /proc, which only Linux has")
class Timers(unittest.TestCase):
    """What many deadlines cost the clients that come and go."""

    def test_a_transfer_costs_the_same_while_thousands_of_clients_wait(self) -> None:
        limits.allow_clients(HELD)
        empty, full = self.server(), self.server()
        waiting = self.clients(full)
        waiting.hold(HELD)
        one, other = self.clients(empty), self.clients(full)
        rounds = [(_cost(empty, one), _cost(full, other), _look()) for _ in range(TIMES)]
        alone, beside, look = map(min, zip(*rounds, strict=True))
        assert beside - alone < SHARE * look, (
            f"a transfer took {1e6 * alone:.0f} us of processor time, "
            f"and {1e6 * beside:.0f} us while {HELD} clients waited"
        )

    def server(self) -> ServerProcess:
        """Return a new server with room for all."""
        command = [*FILE.delivering, "--quiet", "--timeout", "600", "--max-clients", "5000"]
        return self.enterContext(ServerProcess(command, stderr="nowhere"))

    def clients(self, server: ServerProcess) -> GoodClients:
        """Return clients of this server."""
        stream = wire.whole_stream(Path("sample.txt").read_bytes())
        clients = GoodClients(server.address, stream)
        self.addCleanup(clients.close)
        return clients

    def test_a_timer_that_is_cancelled_does_not_stay(self) -> None:
        shown = timers_of_the_gone(FILE.path)
        assert not shown.symptom, shown.seen


def _cost(server: ServerProcess, visitors: GoodClients) -> float:
    """Return the seconds of processor time that a transfer costs the server."""
    before = _used(server)
    visitors.serve(COUNT, at_once=1)
    return (_used(server) - before) / COUNT


def _used(server: ServerProcess) -> float:
    """Return the processor time used so far, as soon as the server sleeps.

    Of a process that runs, the kernel has not yet counted the last milliseconds.
    """
    meters.until(lambda: not meters.runs(server.process.pid), 1.0)
    return meters.reading(server.process.pid).cpu


def _look() -> float:
    """Return the seconds of processor time that one look at HELD timers costs on this machine."""
    timers = {object(): float(number) for number in range(HELD)}
    began = time.thread_time()
    _ = min(timers.values()), [action for action, moment in timers.items() if moment < 0]
    return time.thread_time() - began


if __name__ == "__main__":
    unittest.main()
