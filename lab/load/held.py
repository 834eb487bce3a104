"""Many clients held at once, then all of them served.

Each client connects, is greeted and says nothing until all are connected: then every connection of
the server is in HELLO_SENT with a deadline. Each connection needs a descriptor in the server's
process and one in ours, so the limit of open files limits the number.
"""

import time
from collections.abc import Sequence

from lab.limits import allow_clients
from lab.load.figures import Figure
from lab.torture import meters, wire
from lab.torture.good_clients import GoodClients
from lab.torture.server_process import Options, ServerProcess

OPTIONS: Options = {"timeout": 600, "quiet": None}
WARM_UP = 200  # transfers until the server's memory no longer grows by itself
WINDOW = 1.0  # seconds in which nothing may happen


def measure(command: Sequence[str], clients: int) -> list[Figure]:
    """Hold `clients` clients at once, serve them all, return the figures; raises TooFewFiles."""
    allow_clients(clients)
    with ServerProcess(command, stderr="nowhere") as server:
        crowd = GoodClients(server.address, wire.whole_stream(wire.SAMPLE))
        try:
            return _measure(server.known_pid, crowd, clients)
        finally:
            crowd.close()


def _measure(pid: int, crowd: GoodClients, clients: int) -> list[Figure]:
    crowd.serve(WARM_UP)
    meters.wait_for_calm(pid, 0.1, 1.0)
    memory, descriptors = meters.memory(pid), len(meters.descriptors(pid))
    began = time.monotonic()
    crowd.hold(clients)
    arriving = time.monotonic() - began
    held = len(meters.descriptors(pid)) - descriptors
    each = (meters.memory(pid) - memory) / clients
    idle = _idle(pid)
    began = time.monotonic()
    crowd.finish()
    serving = time.monotonic() - began
    served = crowd.served - WARM_UP
    meters.until(lambda: len(meters.descriptors(pid)) <= descriptors, 5.0)
    left = len(meters.descriptors(pid)) - descriptors
    return [
        Figure("held at once", f"{held:,}", f"{clients:,}", held == clients),
        Figure("exact copies afterwards", f"{served:,}", f"{clients:,}", served == clients),
        Figure("memory per held client", f"{each:,.0f} bytes of VmRSS", "<= 4,096", each <= 4096),
        Figure(
            "while all are held",
            f"{idle.sleeps} wake-ups, {idle.cpu * 1e9:.0f} ns of CPU in {WINDOW:g} s",
            "0, 0",
            idle == (0, 0),
        ),
        Figure("time until all were greeted", f"{arriving:.2f} s"),
        Figure("time until all were served", f"{serving:.2f} s"),
        Figure("descriptors left open", f"{left}", "0", left == 0),
    ]


def _idle(pid: int) -> meters.Reading:
    """Return what the server does in WINDOW seconds in which no client does anything."""
    meters.wait_for_calm(pid, 0.1, 2.0)
    before = meters.reading(pid)
    time.sleep(WINDOW)  # the window itself: nothing may happen in it
    return meters.reading(pid).since(before)
