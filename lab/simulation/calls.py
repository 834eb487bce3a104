"""Fail the Nth call, for every N and every errno of its manual page.

    python -m lab.simulation calls

The method is curl's: run a scenario once and count the calls that can fail; then run it once more
for each pair of a call and an error, with just that call failing. The invariants must hold, every
client that was not hit must have an exact copy, and the loop must go on. A bug of our own is tried
as well: each call that a connection's handlers make raises something that is no OSError.
"""

import errno
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

from lab.simulation.chance import Calm
from lab.simulation.faults import DEFECT, NUMBERS
from lab.simulation.knobs import Knobs
from lab.simulation.world import World

Site = tuple[str, str]  # whose call, which call

# Where a bug of our own is tried: in the calls that a connection's handlers make.
HANDLED = {"recv", "send", "shutdown", "connect", "setblocking", "getsockopt", "register", "modify"}

SCENARIOS = {
    "three clients": (Knobs(), ()),
    "small pieces": (Knobs(clients=2, chunk=7, window=20), ()),
    "slow motion": (Knobs(clients=2, chunk=20, pause=0.001), ()),
    "one place, two listeners": (Knobs(clients=3, max_clients=1, listeners=2), ("aborts",)),
    "few descriptors": (Knobs(clients=3, places=1), ("hangs up",)),
    "strangers": (Knobs(clients=1), ("another protocol", "silent", "half-closes after its hello")),
    "dead ends first": (Knobs(clients=1, dead_ends=True), ()),
    "two periods": (Knobs(clients=2, periods=2), ("never reads",)),
}


class Nth:
    """Counts the calls that can fail, and lets the Nth fail."""

    def __init__(self, nth: int = 0, error: int = 0) -> None:
        self.nth, self.error = nth, error
        self.sites: list[Site] = []

    def strike(self, host: Any, call: str, sock: Any) -> int:
        self.sites.append((host.name.split()[0], call))
        return self.error if len(self.sites) == self.nth else 0


class Pair(NamedTuple):
    """One run to make: which call of which scenario fails, and how."""

    scenario: str
    nth: int
    site: Site
    error: int

    def __str__(self) -> str:
        name = "a defect" if self.error == DEFECT else errno.errorcode[self.error]
        return f"{self.scenario}: call {self.nth}, {' '.join(self.site)}: {name}"


def play(scenario: str, faults: Nth, story: list[str] | None = None) -> World:
    """Run a scenario once."""
    knobs, strangers = SCENARIOS[scenario]
    world = World(Calm(), knobs, faults, story)
    for kind in strangers:
        world.add_stranger(kind)
    return world.run()


def pairs(scenario: str) -> Iterator[Pair]:
    """Yield every pair of a scenario."""
    counting = Nth()
    play(scenario, counting)
    for nth, site in enumerate(counting.sites, 1):
        for error in NUMBERS[site[1]]:
            yield Pair(scenario, nth, site, error)
        if site[1] in HANDLED:
            yield Pair(scenario, nth, site, DEFECT)


class Tally(NamedTuple):
    """The results of the pairs of some scenarios, by call site."""

    calls: Counter[Site]
    tried: Counter[Site]
    survived: Counter[Site]
    deaths: list[str]

    def add(self, other: "Tally") -> None:
        self.calls.update(other.calls)
        self.tried.update(other.tried)
        self.survived.update(other.survived)
        self.deaths.extend(other.deaths)


def attempt(scenario: str) -> Tally:
    """Try every pair of a scenario."""
    tally = Tally(Counter(), Counter(), Counter(), [])
    for pair in pairs(scenario):
        tally.tried[pair.site] += 1
        tally.calls[pair.site] += pair.error == NUMBERS[pair.site[1]][0]
        try:
            play(pair.scenario, Nth(pair.nth, pair.error))
        except Exception as error:  # noqa: BLE001  # a violation, or what a program died of
            tally.deaths.append(f"NOT SURVIVED  {pair}: {error!r}")
        else:
            tally.survived[pair.site] += 1
    return tally


def main(scenarios: Sequence[str] | None, jobs: int) -> int:
    """Try every pair, print the table; return the exit status."""
    scenarios = scenarios or list(SCENARIOS)
    tally = Tally(Counter(), Counter(), Counter(), [])
    with ProcessPoolExecutor(jobs) as pool:
        for one in pool.map(attempt, scenarios):
            tally.add(one)
    print("\n".join(tally.deaths), end="\n" * bool(tally.deaths))
    print(f"{'whose':8} {'call':12} {'calls':>6} {'errors':>7} {'pairs':>7} {'survived':>9}")
    for site in sorted(tally.tried):
        counts = (tally.calls[site], len(NUMBERS[site[1]]), tally.tried[site], tally.survived[site])
        print("{:8} {:12} {:6} {:7} {:7} {:9}".format(*site, *counts))
    tried, survived = tally.tried.total(), tally.survived.total()
    print(f"{len(scenarios)} scenarios, {tried:,} pairs, {survived:,} survived")
    return 0 if tried == survived else 1
