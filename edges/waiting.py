"""Wait for a few descriptors without the loop: at the question, and at the end of a program.

Owns one call, `ready`. Knows poll(2) and select(2). Called by the parts that read stdin or write to
the standard streams: answers.py, outlet.py, writing.py, and `Source` of each system.

Why poll(2), and not the selector of the loop: epoll refuses regular files and the null device
(EPERM), and select(2) takes only descriptors below 1024. But poll(2) on macOS does not support all
devices: for some terminals it answers POLLNVAL. For these, only select(2) is left.
"""

import select

READABLE, WRITABLE = 1, 4  # POLLIN, POLLOUT: the same numbers wherever there is a poll(2)
REFUSED = 32  # POLLNVAL: closed; on macOS also a device that poll(2) does not support
TOO_HIGH = 1024  # FD_SETSIZE: the first descriptor that select(2) cannot take

Events = dict[int, int]  # of each descriptor


def ready(wanted: Events, seconds: float | None) -> Events:
    """Wait until a descriptor has one of its `wanted` events; return the events.

    At most `seconds`; None: for ever. Returns an empty dictionary if nothing happened yet. Raises
    OSError if the system cannot wait at all, and ValueError for a descriptor that is negative.
    """
    if not hasattr(select, "poll"):
        return selected(wanted, seconds)
    found = polled(wanted, seconds)
    refused = {number for number, events in found.items() if events & REFUSED}
    if not refused or max(wanted) >= TOO_HIGH:
        return found
    others = {number: events for number, events in found.items() if number not in refused}
    return others or selected(wanted, seconds)


def polled(wanted: Events, seconds: float | None) -> Events:
    """Wait with poll(2)."""
    poll = vars(select)["poll"]()  # select.poll, which a checker does not know on Windows
    for number, events in wanted.items():
        poll.register(number, events)
    return dict(poll.poll(None if seconds is None else 1000 * seconds))


def selected(wanted: Events, seconds: float | None) -> Events:
    """Wait with select(2)."""
    readers = [number for number, events in wanted.items() if events & READABLE]
    writers = [number for number, events in wanted.items() if events & WRITABLE]
    readable, writable, _ = select.select(readers, writers, [], seconds)
    return {**dict.fromkeys(readable, READABLE), **dict.fromkeys(writable, WRITABLE)}
