"""Let your server find the earliest of its timers without looking at all of them.

`min(timers.values())` looks at each in every turn, and so does the line that finds those that are
due: with thousands of clients that wait, each turn is slow. Keep the timers in a heap (`heapq`).
What becomes of a timer that is cancelled? It must not stay there until its time has come.
"""

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
ROUNDS = 40  # of transfers that are measured; the cheapest counts: nothing disturbed it
COUNT = 10  # transfers in a round
MORE = 2.0  # times the processor time that a transfer may cost while they wait


@unittest.skipUnless(meters.available(), "needs the counters of /proc, which only Linux has")
class Timers(unittest.TestCase):
    """What many deadlines cost the clients that come and go."""

    def test_a_transfer_costs_the_same_while_thousands_of_clients_wait(self) -> None:
        limits.allow_clients(HELD)
        command = [*FILE.delivering, "--timeout", "600", "--max-clients", "5000"]
        with ServerProcess(command, stderr="nowhere") as server:
            stream = wire.whole_stream(Path("sample.txt").read_bytes())
            visitors, waiting = (GoodClients(server.address, stream) for _ in range(2))
            visitors.serve(COUNT, at_once=1)  # by then Python has what it needs
            alone = _cost(server, visitors)
            waiting.hold(HELD)
            beside = _cost(server, visitors)
            waiting.close()
            visitors.close()
        assert beside < MORE * alone, (
            f"a transfer took {1e6 * alone / COUNT:.0f} us of processor time, "
            f"and {1e6 * beside / COUNT:.0f} us while {HELD} clients waited"
        )

    def test_a_timer_that_is_cancelled_does_not_stay(self) -> None:
        shown = timers_of_the_gone(FILE.path)
        assert not shown.symptom, shown.seen


def _cost(server: ServerProcess, visitors: GoodClients) -> float:
    """Return the seconds of processor time that the cheapest round cost the server."""
    costs = []
    for _ in range(ROUNDS):
        before = meters.reading(server.process.pid)
        visitors.serve(COUNT, at_once=1)
        costs.append(meters.reading(server.process.pid).since(before).cpu)
    return min(costs)


if __name__ == "__main__":
    unittest.main()
