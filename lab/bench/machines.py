"""The machines on which the whole bench has run: each keeps a summary of its latest run.

A ratio depends on the machine: eighty runs more Python than C does, and the kernel's share of the
time differs between processors. So results.json carries the summaries of the other machines along.
"""

from lab.bench.markdown import bold, markdown, paragraph
from lab.bench.results import Results, Row, middle, ratios, row, user_time
from lab.bench.scenes import ASYNCIO, UVLOOP
from lab.bench.subjects import BARE, EIGHTY, YARDSTICK

SHOWN = (YARDSTICK, BARE, EIGHTY, UVLOOP, ASYNCIO)
THEIRS = (
    (YARDSTICK, "that of the bare epoll server in C"),
    (UVLOOP, "that of a Protocol on uvloop"),
    (ASYNCIO, "that of a Protocol on asyncio"),
)
# The scenes in which eighty and C have the same load: a hundred clients at a time, nobody idle.
SCENES = ("peers", "lines", "idle")

Summary = dict[str, object]


def summary(results: Results) -> Summary:
    """Return what a run says about its machine: of each server the microseconds, how many of them
    are user time, and how many times as many eighty needs."""
    found = results["circumstances"]
    ours = row(results, "peers", EIGHTY)
    servers = {name: row(results, "peers", name) for name in SHOWN}
    rows = {name: costs(each, ours) for name, each in servers.items() if each and ours}
    return {key: found[key] for key in ("processor", "date", "Python")} | {"servers": rows}


def costs(each: Row, ours: Row) -> dict[str, float | None]:
    """Return the figures of one server."""
    user = user_time(each)
    return {
        "cpu": round(middle(each["cpu"]), 2),
        "user": None if user is None else round(user, 2),
        "eighty": round(middle(ratios(ours, each)), 3),
    }


def with_others(results: Results, known: list[Summary]) -> Results:
    """Return `results` with the summaries of all machines: its own, and those `known` before."""
    own = summary(results)
    others = [each for each in known if each["processor"] != own["processor"]]
    return results | {"machines": [*others, own]}


def table(results: Results) -> str:
    """Return the table of the machines, each with its servers."""
    return markdown(
        ["machine, day", "server", "µs", "user", "system", "eighty needs"],
        [
            [
                f"{machine['processor']}, {machine['date']}", bold(name), f"{each['cpu']:.1f}",
                *split(each["cpu"], each["user"]),
                "" if name == EIGHTY else f"{each['eighty']:.2f} times as much",
            ]
            for machine in results["machines"]
            for name, each in machine["servers"].items()
        ],
    )  # fmt: skip


def split(cpu: float, user: float | None) -> tuple[str, str]:
    """Return user and system time as two cells; empty if the run was too short to tell."""
    return ("", "") if user is None else (f"{user:.1f}", f"{cpu - user:.1f}")


def scenes(results: Results) -> str:
    """Return the table of the scenes that have the same load."""
    return markdown(
        ["scene", "µs of eighty", "times C"],
        [[name, f"{cpu:.1f}", f"{times:.2f}"] for name, cpu, times in same_load(results)],
    )


def answer(results: Results) -> str:
    """Return the most important figures in words, as ranges over machines and scenes."""
    machines = [machine["servers"] for machine in results["machines"] if machine["servers"]]
    if not machines:
        return "Nothing was measured.\n"
    ours = [each[EIGHTY]["cpu"] for each in machines]
    ours += [cpu for _, cpu, _ in same_load(results)]
    words = []
    for name, what in THEIRS:
        if times := [each[name]["eighty"] for each in machines if name in each]:
            words.append(f"{between(times, '.2f')} times {what}")
    return paragraph(
        f"A transfer costs eighty **{between(ours, '.0f')} microseconds** of processor time, "
        f"depending on the machine and the scene: {', '.join(words)}."
    )


def between(figures: list[float], form: str) -> str:
    """Return the range of some figures; a single one if they look the same."""
    least, most = format(min(figures), form), format(max(figures), form)
    return least if least == most else f"{least} to {most}"


def same_load(results: Results) -> list[tuple[str, float, float]]:
    """Return the scenes with the same load: name, microseconds of eighty, times C."""
    found = []
    for scene in SCENES:
        ours = row(results, scene, EIGHTY) or row(results, scene, "-q")
        limit = row(results, scene, YARDSTICK)
        if ours and limit:
            found.append((scene, middle(ours["cpu"]), middle(ratios(ours, limit))))
    return found
