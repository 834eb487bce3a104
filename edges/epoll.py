"""A selector on epoll with nothing to spare: what `selectors.EpollSelector` does, at less cost.

The standard selector makes a named tuple per registration and looks each file up twice; here a
transfer costs 1 to 2 microseconds of processor time less (`make bench`, scene `selectors`). It is
chosen by edges/program.py where there is epoll; reactor.py knows only the interface, and runs on
the standard ones as well.
"""

import select
import selectors
from collections.abc import Mapping
from typing import TYPE_CHECKING

from reactor import READ, WRITE, Ready

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

IN, OUT = select.POLLIN, select.POLLOUT  # the numbers of EPOLLIN and EPOLLOUT, and known everywhere
ASKED = (0, IN, OUT, IN | OUT)  # what epoll is asked for, by interest


# What epoll's events fulfil: all but OUT (so error and hang-up as well) READ, all but IN WRITE.
# The five events that can come stand in the lowest five bits.
FULFILLED = [READ * bool(bits & ~OUT) | WRITE * bool(bits & ~IN) for bits in range(32)]

# What calling the class of a named tuple does, without its function in Python: 0.2 us.
new = tuple.__new__


class EpollSelector(selectors.BaseSelector):
    """Readiness by epoll(7), level-triggered."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.keys: dict[int, selectors.SelectorKey] = {}

    def register(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Begin to watch `fileobj`. Raises OSError if its number is watched already."""
        # Asked for in place, here and below: a function for it is 1 % of all that Python does.
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        self.epoll.register(number, ASKED[events])
        key = self.keys[number] = new(selectors.SelectorKey, (fileobj, number, events, data))
        return key

    def modify(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Watch `fileobj` for other events."""
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        self.epoll.modify(number, ASKED[events])
        key = self.keys[number] = new(selectors.SelectorKey, (fileobj, number, events, data))
        return key

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        """Watch `fileobj` no longer."""
        key = self.keys.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())
        try:
            self.epoll.unregister(key.fd)
        except OSError:
            pass  # closed already, and so forgotten; the standard selector is silent too
        return key

    def select(self, timeout: float | None = None) -> Ready:
        """Sleep until a file is ready or `timeout` seconds have passed; return who is ready."""
        # Rounded up to milliseconds, epoll's unit: the loop never turns too early, and for nothing.
        keys = self.keys
        ready = self.epoll.poll(timeout, len(keys) or 1)
        return [
            (key, FULFILLED[events & 31] & key.events)
            for number, events in ready
            if (key := keys.get(number))
        ]

    def get_map(self) -> "Mapping[FileDescriptorLike, selectors.SelectorKey]":
        """Return who is watched."""
        return {key.fileobj: key for key in self.keys.values()}

    def close(self) -> None:
        """Release the descriptor of epoll itself, and forget everybody."""
        self.epoll.close()
        self.keys.clear()
