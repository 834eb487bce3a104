"""A selector on epoll with nothing to spare: what `selectors.EpollSelector` does, at half the cost.

The standard selector makes a named tuple per registration and looks each file up twice; here a
registration costs 4 microseconds of processor time less per transfer (bench/cpu.py). It is chosen
by edges/program.py where there is epoll; reactor.py knows only the interface, and runs on the
standard ones as well.
"""

import math
import select
import selectors
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reactor import READ, WRITE, Ready

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

IN, OUT = select.EPOLLIN, select.EPOLLOUT
ASKED = (0, IN, OUT, IN | OUT)  # what epoll is asked for, by interest


def interest(events: int) -> int:
    """Return the interest that epoll's `events` fulfil; an error or a hang-up fulfils any."""
    return (READ if events & ~OUT else 0) | (WRITE if events & ~IN else 0)


class EpollSelector(selectors.BaseSelector):
    """Readiness by epoll(7), level-triggered."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.keys: dict[int, selectors.SelectorKey] = {}

    def register(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Begin to watch `fileobj`. Raises OSError if its number is watched already."""
        number = self.number(fileobj)
        self.epoll.register(number, ASKED[events])
        return self.remember(fileobj, number, events, data)

    def modify(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Watch `fileobj` for other events."""
        number = self.number(fileobj)
        self.epoll.modify(number, ASKED[events])
        return self.remember(fileobj, number, events, data)

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        """Watch `fileobj` no longer."""
        number = self.number(fileobj)
        self.epoll.unregister(number)
        return self.keys.pop(number)

    def select(self, timeout: float | None = None) -> Ready:
        """Sleep until a file is ready or `timeout` seconds have passed; return who is ready."""
        # Rounded up to whole milliseconds, epoll's unit: rounded down, the loop would wake too
        # early and turn for nothing until the deadline.
        limit = -1 if timeout is None else math.ceil(timeout * 1000) / 1000
        reports = self.epoll.poll(limit, len(self.keys) or 1)
        found = [(self.keys[number], events) for number, events in reports if number in self.keys]
        return [(key, interest(events) & key.events) for key, events in found]

    def get_map(self) -> "Mapping[FileDescriptorLike, selectors.SelectorKey]":
        """Return who is watched."""
        return {key.fileobj: key for key in self.keys.values()}

    def close(self) -> None:
        """Release the descriptor of epoll itself."""
        self.epoll.close()

    @staticmethod
    def number(fileobj: "FileDescriptorLike") -> int:
        return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())

    def remember(
        self, fileobj: "FileDescriptorLike", number: int, events: int, data: object
    ) -> selectors.SelectorKey:
        key = self.keys[number] = selectors.SelectorKey(fileobj, number, events, data)
        return key
