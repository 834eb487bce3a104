"""The sentences of docs/performance.md that say a figure, as functions of results.json alone.

What stands in the document itself is true whatever the figures are.
"""

from lab.bench.markdown import paragraph
from lab.bench.results import Results, middle, not_run, ratios, row, rows, user_time
from lab.bench.subjects import BARE, EIGHTY, YARDSTICK

LIMITS = (
    (YARDSTICK, "that of the bare epoll server in C"),
    ("uvloop Protocol", "that of a Protocol on uvloop"),
    ("asyncio Protocol", "that of a Protocol on asyncio"),
)


def circumstances(results: Results) -> str:
    """Say when, on what and with what all of it was measured, and what is missing."""
    found = results["circumstances"]
    apart = ("date", "processor", "cores", "system", "load average")
    with_what = [f"{name} {what}" for name, what in found.items() if name not in apart]
    text = (
        f"`make bench`, {found['date']}: {found['processor']}, {found['cores']} cores, "
        f"{found['system']}; {', '.join(with_what)}. "
        f"Load average at the start: {found['load average']}."
    )
    missing = [f" Not run: {name} ({why})." for name, why in not_run(results).items()]
    return paragraph(text + "".join(missing))


def answer(results: Results) -> str:
    """Say the most important figures in words."""
    ours = row(results, "peers", EIGHTY)
    theirs = {what: row(results, "peers", name) for name, what in LIMITS}
    if not ours:
        return "Nothing was measured.\n"
    words = [f"{middle(ratios(ours, r)):.2f} times {what}" for what, r in theirs.items() if r]
    return paragraph(
        f"A transfer costs eighty **{middle(ours['cpu']):.0f} microseconds** of processor time: "
        f"{', '.join(words)}."
    )


def budget(results: Results) -> str:
    """Say how the time of eighty is split between the kernel and Python, beside C."""
    split = []
    for name in (EIGHTY, YARDSTICK):
        found = row(results, "peers", name)
        user = user_time(found)
        if not found or user is None:
            return "It was not measured long enough to be split.\n"
        cpu = middle(found["cpu"])
        split += [cpu, cpu - user, user]
    return paragraph(
        "Of eighty's {:.1f} microseconds, {:.1f} are spent in the kernel and {:.1f} in Python. "
        "Of C's {:.1f}, {:.1f} are spent in the kernel and {:.1f} in C.".format(*split)
    )


def limit(results: Results) -> str:
    """Say how much lies between C and the bare loop, and how much between that and eighty."""
    found = [row(results, "peers", name) for name in (YARDSTICK, BARE, EIGHTY)]
    if not all(found):
        return "Not all of the three were measured.\n"
    c, bare, ours = (middle(each["cpu"]) for each in found if each)
    return paragraph(
        f"C takes {c:.1f} microseconds, the bare loop in Python {bare - c:+.1f}, "
        f"eighty {ours - bare:+.1f} beside that."
    )


def counted(results: Results) -> str:
    """Say how many system calls a transfer takes each of them."""
    found = rows(results, "calls")
    if not found:
        return "Not counted: there was no strace.\n"
    words = [f"{each['name']} {sum(each['calls'].values()):.1f}" for each in found]
    transfers = results["scenes"]["calls"]["transfers"]
    return paragraph(f"System calls per transfer, of {transfers:,}: {', '.join(words)}.")
