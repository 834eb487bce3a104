"""The descriptor exhaustion of lab/torture, for longer and with more clients."""

from collections.abc import Sequence

from lab.load.figures import Figure
from lab.torture import wire
from lab.torture.arena import FULL, Arena
from lab.torture.attacks.at_the_machine import (
    LINES_LIMIT,
    RESUME_LIMIT,
    Exhaustion,
    exhaust,
    is_peaceful,
)
from lab.torture.server_process import Options, ServerProcess

OPTIONS: Options = {"timeout": 120, "quiet": None}


def measure(command: Sequence[str], waiting: int, seconds: float, rounds: int) -> list[Figure]:
    """Let `waiting` clients wait for `seconds` at the limit, return the figures.

    Then the limit is raised `rounds` times, each time at another moment between two retries.
    """
    with ServerProcess(command) as server:
        stream = wire.whole_stream(wire.SAMPLE)
        with Arena(server, FULL, OPTIONS["timeout"] or 0, stream, 1.0) as arena:
            arena.serve(1)
            seen = exhaust(arena, waiting, seconds, rounds)
            return _figures(seen, arena.wanted, arena.good.served)


def _figures(seen: Exhaustion, wanted: int, served: int) -> list[Figure]:
    share = f"{100 * seen.cpu / seen.seconds:.2f} %"
    peaceful = is_peaceful(seen.cpu, seen.seconds)
    limit = f"<= {1000 * RESUME_LIMIT:.0f} ms"
    return [
        Figure("waiting at the descriptor limit", f"{seen.waiting} clients, {seen.seconds:.3g} s"),
        Figure("processor time there", share, "<= 1 % and 10 ms", peaceful),
        Figure("wake-ups there", f"{seen.wakeups / seen.seconds:.1f} per second"),
        Figure("lines written", f"{seen.lines}", f"<= {LINES_LIMIT}", seen.lines <= LINES_LIMIT),
        Figure("clients lost", f"{wanted - served} of {wanted}", "0", served == wanted),
        Figure(
            "serving again after a client has left",
            f"{1000 * seen.after_close:.1f} ms",
            limit,
            seen.after_close <= RESUME_LIMIT,
        ),
        Figure(
            "serving again after the limit was raised, the longest time",
            f"{1000 * seen.after_raise:.1f} ms",
            limit,
            seen.after_raise <= RESUME_LIMIT,
        ),
    ]
