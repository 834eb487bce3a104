"""The tables and sentences of docs/performance.md, as functions of results.json alone.

A sentence that says a figure, or which of two is the greater one, is written here, where it follows
from the figures; what stands in the document itself is true whatever they are.
"""

from collections.abc import Callable

from bench import targets
from bench.results import (
    Results,
    Row,
    curves,
    middle,
    not_run,
    ratios,
    row,
    rows,
    spread,
)
from bench.subjects import EIGHTY, YARDSTICK

OF_LOAD = 0.95  # share of its time from which on the load may be what limits the throughput
FIRST = 12  # functions of the profile that are shown

Cells = list[str]


def markdown(head: Cells, lines: list[Cells]) -> str:
    """Return a table."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rule, *lines])


def bold(name: str) -> str:
    """Return a server's name, ours in bold."""
    return f"**{name}**" if name.startswith(EIGHTY) else name


def by_cost(found: list[Row], key: str = "cpu") -> list[Row]:
    """Return rows in the order of their medians."""
    return sorted(found, key=lambda each: middle(each[key]))


def circumstances(results: Results) -> str:
    """Say when, on what and with what all of it was measured, and what is missing."""
    found = results["circumstances"]
    apart = ("date", "processor", "cores", "system", "load average")
    with_what = [f"{name} {what}" for name, what in found.items() if name not in apart]
    text = (
        f"`make bench`, {found['date']}: {found['processor']}, {found['cores']} cores, "
        f"{found['system']}; {', '.join(with_what)}. "
        f"Load average at the start: {found['load average']}.\n"
    )
    for name, why in not_run(results).items():
        text += f"Not run: {name} ({why}).\n"
    return text


def answer(results: Results) -> str:
    """Say the most important figures in words."""
    ours = row(results, "peers", EIGHTY)
    words = []
    for name, what in (
        (YARDSTICK, "that of the bare epoll server in C"),
        ("uvloop Protocol", "that of a Protocol on uvloop"),
        ("asyncio Protocol", "that of a Protocol on asyncio"),
    ):
        theirs = row(results, "peers", name)
        if ours and theirs:
            words.append(f"{middle(ratios(ours, theirs)):.2f} times {what}")
    if not ours or not words:
        return "Nothing was measured.\n"
    return (
        f"A transfer costs eighty **{middle(ours['cpu']):.0f} microseconds** of processor time: "
        f"{', '.join(words)}.\n"
    )


def budget(results: Results) -> str:
    """Say how the time of eighty is split between the kernel and Python, beside C."""
    words = []
    for name in (EIGHTY, YARDSTICK):
        found = row(results, "peers", name)
        if not found or found["user"] is None:
            return "It was not measured long enough to be split.\n"
        cpu, share = middle(found["cpu"]), found["user"]
        words.append((cpu, cpu * (1 - share), cpu * share))
    (all_ours, system, user), (all_theirs, their_system, their_user) = words
    return (
        f"Of eighty's {all_ours:.1f} microseconds, {system:.1f} are spent in the kernel and "
        f"{user:.1f} in Python. Of C's {all_theirs:.1f}, {their_system:.1f} are spent in the "
        f"kernel and {their_user:.1f} in C.\n"
    )


def counted(results: Results) -> str:
    """Say how many system calls a transfer takes each of them."""
    words = [f"{each['name']} {sum(each['calls'].values()):.1f}" for each in rows(results, "calls")]
    transfers = results["scenes"]["calls"]["transfers"]
    return f"System calls per transfer, over {transfers:,} transfers: {', '.join(words)}.\n"


def peers(results: Results) -> str:
    """Return the table of all servers."""
    limit = row(results, "peers", YARDSTICK)
    return markdown(
        ["server", "µs", "user", "system", "times C", "transfers/s"],
        [peer(each, limit) for each in by_cost(rows(results, "peers"))],
    )


def peer(each: Row, limit: Row | None) -> Cells:
    """Return one server's line; the throughput is a lower bound where the load was fully busy."""
    cpu, share = middle(each["cpu"]), each["user"]
    user, system = ("", "") if share is None else (f"{cpu * share:.1f}", f"{cpu * (1 - share):.1f}")
    bound = "≥ " if middle(each["busy"]) > OF_LOAD else ""
    return [
        bold(each["name"]), f"{cpu:.1f}", user, system,
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


def growth(scene: str, base: int, what: str) -> Callable[[Results], str]:
    """Return the function for the table of a curve, with its growth from `base` to its end."""

    def table(results: Results) -> str:
        found = curves(results, scene)
        places = sorted({at for curve in found.values() for at in curve})
        head = [what, *[f"{at:,}" for at in places], "growth"]
        return markdown(head, [grown(results, scene, name, places, base) for name in found])

    return table


def grown(results: Results, scene: str, name: str, places: list[int], base: int) -> Cells:
    """Return one server's line: its medians, and how much dearer the last place is than `base`."""
    found = [row(results, scene, name, at) for at in places]
    first, last = row(results, scene, name, base), [each for each in found if each][-1]
    factor = f"{spread(ratios(last, first), '.2f')}" if first and last is not first else ""
    return [bold(name), *[f"{middle(each['cpu']):.1f}" if each else "-" for each in found], factor]


def memory(results: Results) -> str:
    """Return the table of octets per idle client."""
    return markdown(
        ["server", "octets per idle client"],
        [
            [bold(each["name"]), f"{middle(each['octets']):,.0f}"]
            for each in by_cost(rows(results, "memory"), "octets")
        ],
    )


def lines(results: Results) -> str:
    """Return the table of what eighty's own words cost."""
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


def often(count: float) -> str:
    """Return how often something happens per transfer, nothing for hardly ever."""
    return f"{count:.2f}" if count >= 0.005 else ""


def one(results: Results) -> str:
    """Return the system calls of one transfer of eighty, as strace wrote them down."""
    return "```text\n" + "\n".join(results["scenes"]["calls"]["one"]) + "\n```\n"


def profile(results: Results) -> str:
    """Return the functions in which eighty spends its user time."""
    samples: dict[str, int] = results["scenes"]["profile"]["samples"]
    total = sum(samples.values())
    first = sorted(samples.items(), key=lambda pair: -pair[1])[:FIRST]
    body = [[f"`{name}`", f"{100 * count / total:.0f} %"] for name, count in first]
    others = total - sum(count for _, count in first)
    rest = [f"{len(samples) - len(first)} others", f"{100 * others / total:.0f} %"]
    return markdown([f"function ({total:,} samples)", "user time"], [*body, rest])


TABLES: dict[str, Callable[[Results], str]] = {
    "peers": peers,
    "concurrency": growth("concurrency", 100, "clients at once"),
    "idle": growth("idle", 0, "idle clients"),
    "memory": memory,
    "lines": lines,
    "selectors": growth("selectors", 0, "idle clients"),
    "pythons": pythons,
    "calls": calls,
    "profile": profile,
}
PARTS = TABLES | {
    "circumstances": circumstances,
    "answer": answer,
    "budget": budget,
    "counted": counted,
    "targets": targets.table,
    "latency": latency,
    "one": one,
}
