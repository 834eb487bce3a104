"""The sentences of docs/performance.md that contain figures, as functions of results.json alone.

The sentences in the document itself are true whatever the figures are.
"""

from lab.bench.markdown import paragraph
from lab.bench.results import Results, middle, not_run, row, rows, user_time
from lab.bench.subjects import BARE, EIGHTY, YARDSTICK


def circumstances(results: Results) -> str:
    """Return when, on which machine and with which software we measured, and what is missing."""
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


def budget(results: Results) -> str:
    """Return how the times of eighty and of C are split between the kernel and the program."""
    split = []
    for name in (EIGHTY, YARDSTICK):
        found = row(results, "peers", name)
        user = user_time(found)
        if not found or user is None:
            return "The run was too short to split the time.\n"
        cpu = middle(found["cpu"])
        split += [cpu, cpu - user, user]
    return paragraph(
        "eighty needs {:.1f} microseconds: {:.1f} in the kernel and {:.1f} in Python. "
        "C needs {:.1f}: {:.1f} in the kernel and {:.1f} in its own code.".format(*split)
    )


def limit(results: Results) -> str:
    """Return how much more the bare loop needs than C, and eighty more than the bare loop."""
    found = [row(results, "peers", name) for name in (YARDSTICK, BARE, EIGHTY)]
    if not all(found):
        return "Not all three servers were measured.\n"
    c, bare, ours = (middle(each["cpu"]) for each in found if each)
    return paragraph(
        f"C needs {c:.1f} microseconds per transfer. The bare loop in Python needs "
        f"{more(bare - c)} than C, and eighty needs {more(ours - bare)} than the bare loop."
    )


def more(difference: float) -> str:
    """Return a difference of microseconds in words."""
    return f"{abs(difference):.1f} {'more' if difference >= 0 else 'less'}"


def counted(results: Results) -> str:
    """Return the number of system calls that each server makes for a transfer."""
    found = rows(results, "calls")
    if not found:
        return "Not counted, because strace was not installed.\n"
    words = [f"{each['name']} {sum(each['calls'].values()):.1f}" for each in found]
    transfers = results["scenes"]["calls"]["transfers"]
    return paragraph(f"System calls per transfer, of {transfers:,} transfers: {', '.join(words)}.")
