"""The sentences of docs/performance.md that say a figure, as functions of results.json alone.

What stands in the document itself is true whatever the figures are.
"""

from bench.results import Results, middle, not_run, ratios, row, rows
from bench.subjects import EIGHTY, YARDSTICK


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
