"""Attacks on what the server runs on: no descriptors are left, or no processor."""

import time
from collections.abc import Callable
from typing import NamedTuple

from lab.torture import meters
from lab.torture.arena import Arena, Scale
from lab.torture.attack import Attack, by_deadline
from lab.torture.server_process import Options
from lab.torture.wire import HELLO

CPU_LIMIT = 0.01  # of one processor, while the descriptors are exhausted
# Seconds of processor time for reaching the limit: the first EMFILE, the message, the retries, all
# in code that has not run before. It does not grow with the time spent there, and is most of what a
# short window measures on a slow machine. A loop that spins uses 300 ms in 0.3 s.
ENTERING = 0.01
LINES_LIMIT = 2  # that an episode may write: paused, resumed
RESUME_LIMIT = 0.1  # seconds from a free descriptor to serving again
LATE = 0.3  # seconds more, for a machine that is busy; `lab.load exhaustion` allows none
NOTICE = 0.1  # seconds at the limit before it is raised, and a little more in each round


class Exhaustion(NamedTuple):
    """What was seen at the descriptor limit; times in seconds."""

    waiting: int  # clients in the backlog
    seconds: float  # at the limit
    cpu: float  # of which running
    wakeups: int
    lines: int  # written from the pause until all had been served
    after_close: float  # from a client's leaving to serving again
    after_raise: float  # from a raised limit to serving again, the longest of all rounds


def descriptor_exhaustion(arena: Arena) -> str:
    """Takes the server's last descriptor away (prlimit RLIMIT_NOFILE), then more clients come. Must
    be seen: it waits in peace (at most 1 % CPU after 10 ms for reaching the limit, at most 2 lines
    in all), and nobody is lost: one descriptor that comes free serves them all, one after the
    other, within 100 ms of it; and likewise when the limit is raised.
    """
    rounds = 1 if arena.scale.window < 1 else 5
    seen = exhaust(arena, arena.scale.good, arena.scale.exhaustion, rounds)
    resumed = max(seen.after_close, seen.after_raise)
    return (
        f"{100 * seen.cpu / seen.seconds:.2f} % CPU in {seen.seconds:.2g} s, {seen.lines} lines, "
        f"resumed within {1000 * resumed:.0f} ms"
    )


def exhaust(arena: Arena, waiting: int, seconds: float, rounds: int) -> Exhaustion:
    """Let `waiting` clients wait for `seconds` at the limit; demand what must hold, tell what was.

    First a client leaves and sets a descriptor free; then, `rounds` times, the limit is raised,
    and no event tells the server of it: it has to look again by itself.
    """
    limit = arena.server.descriptor_limit()
    # The client before us must be closed first, or the holder gets a descriptor above the limit.
    arena.calm_down()
    (holder,) = arena.peers(1)
    lines = arena.lines()
    try:
        began = time.monotonic()
        spent = _wait_at_the_limit(arena, waiting, seconds)
        seconds = time.monotonic() - began
        _demand_sleep(arena, spent.cpu, seconds)
        after_close = _resumed(arena, holder.close)
        _demand_prompt(arena, after_close)
        arena.calm_down()
        lines = arena.lines() - lines
        after_raise = max(_round(arena, limit, turn / rounds) for turn in range(rounds))
    finally:
        arena.server.limit_descriptors(limit)
    seen = Exhaustion(waiting, seconds, *spent, lines, after_close, after_raise)
    _demand_peace(arena, seen)
    return seen


def _wait_at_the_limit(arena: Arena, waiting: int, seconds: float) -> meters.Reading:
    """Bring the server to its limit, with `waiting` clients; measure it for `seconds` there."""
    arena.calm_down()  # the clients that have left are closed by then
    arena.server.limit_descriptors(meters.lowest_free(arena.pid))
    before = meters.reading(arena.pid)
    arena.expect(waiting)
    arena.good.knock(waiting)
    greeted = arena.good.hear_something(seconds)
    arena.demand(not greeted, "a waiting client heard something, though no descriptor was free")
    return meters.reading(arena.pid).since(before)


def _resumed(arena: Arena, set_free: Callable[[], None]) -> float:
    """Set a descriptor free; let the waiting clients be served; return the seconds to the first."""
    began = time.monotonic()
    set_free()
    arena.good.finish()
    return (arena.good.first_byte or float("inf")) - began


def _round(arena: Arena, limit: int, phase: float) -> float:
    """Raise the limit once, at another `phase` (0..1) of a retry that comes every 100 ms."""
    _wait_at_the_limit(arena, 3, NOTICE + phase * RESUME_LIMIT)
    return _resumed(arena, lambda: arena.server.limit_descriptors(limit))


def _demand_peace(arena: Arena, seen: Exhaustion) -> None:
    arena.demand(seen.lines <= LINES_LIMIT, f"{seen.lines} lines at the descriptor limit")
    _demand_prompt(arena, seen.after_raise)


def is_peaceful(cpu: float, seconds: float) -> bool:
    """Tell whether `cpu` seconds of processor time in `seconds` at the limit are those of sleep."""
    return cpu <= ENTERING + CPU_LIMIT * seconds


def _demand_sleep(arena: Arena, cpu: float, seconds: float) -> None:
    share = round(100 * cpu / seconds)
    arena.demand(is_peaceful(cpu, seconds), f"{share} % CPU at the descriptor limit")


def _demand_prompt(arena: Arena, resumed: float) -> None:
    arena.demand(resumed <= RESUME_LIMIT + LATE, f"served again after {resumed:.2f} s (inf: never)")


def long_stall(arena: Arena) -> str:
    """Takes the processor away until every deadline is over (SIGSTOP, SIGCONT; Ctrl+Z and `fg` do
    the same), while clients that had been greeted send their hellos. Must be seen: their bytes
    came in time, so they are served; the trap is that an interrupted `select` whose time is over
    reports nobody ready, without having looked.
    """
    arena.serve(1)
    peers = arena.peers(arena.scale.good)
    if meters.available():
        # It is to be stopped in its sleep, and long before the deadline.
        meters.until(lambda: not meters.runs(arena.pid), arena.deadline / 4)
    arena.server.stop_running()
    for peer in peers:
        peer.send(HELLO)
    heard = peers[0].hears_something(peers[-1].opened + arena.deadline + 0.1)
    arena.server.go_on()
    arena.demand(not heard, "a stopped server answered")
    for peer in peers:
        arena.demand_copy(peer.read_to_end(arena.soon))
    arena.serve()
    return f"{len(peers)} served, though the server stood still beyond their deadline"


def _quietly(scale: Scale) -> Options:
    return {"timeout": 60, "quiet": None}


ATTACKS = (
    Attack("descriptor-exhaustion", descriptor_exhaustion, _quietly),
    Attack("long-stall", long_stall, by_deadline),
)
