"""The tables of docs/performance.md: each is a function of results.json, found by its name."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.bench import machines, sentences, starts, targets
from lab.bench.markdown import Cells, bold, markdown, often
from lab.bench.results import (
    Results,
    Row,
    by_cost,
    curves,
    middle,
    ratios,
    row,
    rows,
    spread,
    user_time,
)  # fmt: skip
from lab.bench.subjects import EIGHTY, YARDSTICK

OF_LOAD = 0.95  # the load itself may limit the throughput if it is busy for this share of its time
FIRST = 12  # functions of the profile that are shown


def peers(results: Results) -> str:
    """Return the table of all servers."""
    limit = row(results, "peers", YARDSTICK)
    return markdown(
        ["server", "µs", "user", "system", "times C", "transfers/s"],
        [peer(each, limit) for each in by_cost(rows(results, "peers"))],
    )


def peer(each: Row, limit: Row | None) -> Cells:
    """Return one server's line; the throughput is a lower bound where the load was fully busy."""
    cpu = middle(each["cpu"])
    split = machines.split(cpu, user_time(each))
    bound = "≥ " if middle(each["busy"]) > OF_LOAD else ""
    return [
        bold(each["name"]), f"{cpu:.1f}", *split,
        spread(ratios(each, limit), ".2f") if limit else "", f"{bound}{middle(each['rate']):,.0f}",
    ]  # fmt: skip


def latency(results: Results) -> str:
    """Return the table of times from connect to the end of stream."""
    return markdown(
        ["server", "median", "90 %", "99 %", "greatest"],
        [
            [bold(each["name"])]
            + [f"{1e-3 * middle(each[key]):.1f} ms" for key in ("p50", "p90", "p99", "max")]
            for each in by_cost(rows(results, "peers"), "p50")
        ],
    )


@dataclass(frozen=True)
class Growth:
    """The table of a curve: each server's figure at each place, and its growth from `base`."""

    scene: str
    what: str
    base: int | None = None
    key: str = "cpu"
    unit: float = 1.0
    form: str = ",.1f"

    def __call__(self, results: Results) -> str:
        found = curves(results, self.scene)
        places = sorted({at for curve in found.values() for at in curve})
        head = [self.what, *[f"{at:,}" for at in places]]
        growth = [] if self.base is None else ["growth"]
        return markdown(head + growth, [self.line(results, name, places) for name in found])

    def line(self, results: Results, name: str, places: list[int]) -> Cells:
        """Return one server's line: its medians, and the last one divided by that at `base`."""
        found = [row(results, self.scene, name, at) for at in places]
        cells = [bold(name), *[self.cell(each) for each in found]]
        if self.base is None:
            return cells
        first = row(results, self.scene, name, self.base)
        last = [each for each in found if each][-1]
        grown = ratios(last, first, self.key) if first and last is not first else []
        return [*cells, spread(grown, ".2f") if grown else ""]

    def cell(self, each: Row | None) -> str:
        return format(self.unit * middle(each[self.key]), self.form) if each else "-"


def memory(results: Results) -> str:
    """Return the table of bytes per idle client."""
    return markdown(
        ["server", "bytes per idle client"],
        [
            [bold(each["name"]), f"{middle(each['bytes']):,.0f}"]
            for each in by_cost(rows(results, "memory"), "bytes")
        ],
    )


def lines(results: Results) -> str:
    """Return the table of what eighty's own output costs."""
    limit, quiet = row(results, "lines", YARDSTICK), row(results, "lines", "-q")
    found = [each for each in rows(results, "lines") if each["name"] != YARDSTICK]
    return markdown(
        ["eighty", "µs", "times C", "times `-q`"],
        [
            [
                f"`{each['name']}`" if each["name"].startswith("-") else each["name"],
                f"{middle(each['cpu']):.1f}",
                spread(ratios(each, limit), ".2f") if limit else "",
                spread(ratios(each, quiet), ".2f") if quiet else "",
            ]
            for each in found
        ],
    )


def pythons(results: Results) -> str:
    """Return the table of the versions of Python."""
    limit = row(results, "pythons", YARDSTICK)
    return markdown(
        ["server", "µs", "times C"],
        [
            [each["name"], f"{middle(each['cpu']):.1f}", spread(ratios(each, limit), ".2f")]
            for each in sorted(rows(results, "pythons"), key=lambda each: str(each["name"]))
            if limit and each is not limit
        ],
    )


def calls(results: Results) -> str:
    """Return how many system calls of each kind one transfer takes."""
    found = rows(results, "calls")
    total: dict[str, float] = {}
    for each in found:
        for name, count in each["calls"].items():
            total[name] = total.get(name, 0) + count
    shown = [name for name in sorted(total, key=lambda n: -total[n]) if total[name] >= 0.05]
    body = [[f"`{name}`", *[often(each["calls"].get(name, 0)) for each in found]] for name in shown]
    sums = ["all", *[f"**{sum(each['calls'].values()):.1f}**" for each in found]]
    return markdown(["calls per transfer", *[bold(each["name"]) for each in found]], [*body, sums])


def one(results: Results) -> str:
    """Return the system calls of one transfer of eighty, as strace recorded them."""
    return "```text\n" + "\n".join(results["scenes"]["calls"]["one"]) + "\n```\n"


def profile(results: Results) -> str:
    """Return the functions in which eighty spends its user time."""
    samples: dict[str, int] = results["scenes"]["profile"]["samples"]
    total = sum(samples.values())
    if not total:
        return "It was not measured long enough to take a sample.\n"
    first = sorted(samples.items(), key=lambda pair: -pair[1])[:FIRST]
    user = user_time(row(results, "peers", EIGHTY))
    others = total - sum(count for _, count in first)
    counts = [(f"`{name}`", count) for name, count in first]
    return markdown(
        [f"function ({total:,} samples)", "user time", "µs"],
        [
            [
                name,
                f"{100 * count / total:.0f} %",
                "" if user is None else f"{user * count / total:.1f}",
            ]
            for name, count in [*counts, (f"{len(samples) - len(first)} others", others)]
        ],
    )


def start(results: Results) -> str:
    """Return the table of starts."""
    least = row(results, "start", starts.IMPORTS)
    return markdown(
        ["process", "ms", "times the imports", "ms of processor time", "times the imports"],
        [
            [f"`{each['name']}`" if each["name"].startswith("python3") else bold(each["name"])]
            + [
                cell
                for key in ("wall", "cpu")
                for cell in (
                    f"{middle(each[key]):.1f}",
                    spread(ratios(each, least, key), ".2f") if least else "",
                )
            ]
            for each in rows(results, "start")
        ],
    )


TABLES: dict[str, Callable[[Results], str]] = {
    "peers": peers,
    "concurrency": Growth("concurrency", "µs, by clients at once", 100),
    "idle": Growth("idle", "µs, by idle clients", 0),
    "memory": memory,
    "lines": lines,
    "selectors": Growth("selectors", "µs, by idle clients", 0),
    "pythons": pythons,
    "calls": calls,
    "profile": profile,
    "start": start,
}
PARTS = TABLES | {
    "circumstances": sentences.circumstances,
    "answer": machines.answer,
    "machines": machines.table,
    "scenes": machines.scenes,
    "targets": targets.table,
    "budget": sentences.budget,
    "limit": sentences.limit,
    "concurrency, throughput": Growth(
        "concurrency", "transfers/s, by clients at once", key="rate", form=",.0f"
    ),
    "concurrency, latency": Growth("concurrency", "ms, by clients at once", key="p99", unit=1e-3),
    "idle, latency": Growth("idle", "ms, by idle clients", key="p99", unit=1e-3),
    "latency": latency,
    "counted": sentences.counted,
    "one": one,
}
