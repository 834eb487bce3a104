"""A selector on epoll(7), level-triggered, that does less than `selectors.EpollSelector`.

For each registration the standard selector runs Python code to make a named tuple, and looks the
file up twice. Without that, a transfer costs up to 1 us less (measured: `make bench`, scene
`selectors`, in docs/performance.md). It keeps every promise of `selectors.BaseSelector`: a test
runs CPython's own tests of selectors against it. edges/program.py chooses it where there is epoll;
reactor.py knows only the interface, and runs on the standard ones as well.
"""

import select
import selectors
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from reactor import READ, WRITE, Ready

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

IN, OUT = 1, 4  # EPOLLIN and EPOLLOUT; only Linux has the names (epoll_ctl(2))
ASKED = {READ: IN, WRITE: OUT, READ | WRITE: IN | OUT}  # what epoll is asked for, by interest

# Anything but OUT counts as READ, anything but IN as WRITE; so errors and hang-ups are both. The
# events that can come are the lowest five bits.
FULFILLED = [READ * bool(bits & ~OUT) | WRITE * bool(bits & ~IN) for bits in range(32)]

# Makes a named tuple without calling the class, whose function is in Python (measured: 2 %).
new = tuple.__new__


def descriptor(fileobj: "FileDescriptorLike") -> int:
    """Return the file descriptor of `fileobj`. Raises ValueError if it has none, or is closed."""
    try:
        number = fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
    except (AttributeError, TypeError, ValueError):
        raise ValueError(f"invalid file object: {fileobj!r}") from None
    if number < 0:
        raise ValueError(f"invalid file descriptor: {number}")
    return number


class EpollSelector(selectors.BaseSelector):
    """Readiness by epoll."""

    def __init__(self) -> None:
        self.epoll = vars(select)["epoll"]()  # select.epoll, which a checker knows on Linux only
        self.keys: dict[int, selectors.SelectorKey] = {}
        self.map: Mapping[FileDescriptorLike, selectors.SelectorKey] | None = ByFile(self)

    def register(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Watch `fileobj`. Raises ValueError for impossible events or a closed file, KeyError if it
        is watched already."""
        try:
            number = fileobj.fileno()  # type: ignore[union-attr]  # measured: nearly all are sockets
        except AttributeError:
            number = descriptor(fileobj)
        if events not in ASKED:
            raise ValueError(f"invalid events: {events!r}")
        if number in self.keys:
            raise KeyError(f"{fileobj!r} (FD {number}) is already registered")
        self.epoll.register(number, ASKED[events])
        key = self.keys[number] = new(selectors.SelectorKey, (fileobj, number, events, data))
        return key

    def modify(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Watch `fileobj` for other events. Raises ValueError; KeyError if it is not watched."""
        if events not in ASKED:
            raise ValueError(f"invalid events: {events!r}")
        old = self.find(fileobj)
        if events != old.events:
            try:
                self.epoll.modify(old.fd, ASKED[events])
            except OSError:
                del self.keys[old.fd]  # epoll may watch it no longer, so neither do we
                raise
        key = self.keys[old.fd] = new(selectors.SelectorKey, (old.fileobj, old.fd, events, data))
        return key

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        """Stop watching `fileobj`. Raises KeyError if it is not watched."""
        try:
            key = self.keys.pop(fileobj.fileno())  # type: ignore[union-attr]
        except (AttributeError, KeyError):
            key = self.keys.pop(self.find(fileobj).fd)
        try:
            self.epoll.unregister(key.fd)
        except OSError:
            pass  # closed already, and so forgotten by the kernel
        return key

    def find(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        """Return the key of `fileobj`, even if that is closed; KeyError if it is not watched."""
        try:
            key = self.keys.get(descriptor(fileobj))
        except ValueError:
            key = next((key for key in self.keys.values() if key.fileobj is fileobj), None)
            if key is None:
                raise
        if key is None:
            raise KeyError(f"{fileobj!r} is not registered")
        return key

    def select(self, timeout: float | None = None) -> Ready:
        """Sleep until a file is ready or `timeout` seconds have passed; return which are ready."""
        keys = self.keys
        # Python rounds up to milliseconds, epoll's unit: the loop never turns too early.
        if timeout is not None and timeout < 0:
            timeout = 0.0  # epoll takes it for "no limit"
        try:
            ready = self.epoll.poll(timeout, len(keys) or 1)
        except InterruptedError:  # raised by a signal handler in Python
            return []
        return [
            (key, FULFILLED[events & 31] & key.events)
            for number, events in ready
            if (key := keys.get(number))
        ]

    def get_map(self) -> "Mapping[FileDescriptorLike, selectors.SelectorKey]":
        """Return what is watched, by file; None once the selector is closed."""
        return self.map  # type: ignore[return-value]  # BaseSelector itself does so

    def close(self) -> None:
        """Release the file descriptor of epoll itself, and forget everything."""
        self.epoll.close()
        self.keys.clear()
        self.map = None


class ByFile(Mapping["FileDescriptorLike", selectors.SelectorKey]):
    """What a selector watches, by file object or descriptor."""

    def __init__(self, selector: EpollSelector) -> None:
        self.selector = selector

    def __len__(self) -> int:
        return len(self.selector.keys)

    def __getitem__(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        return self.selector.find(fileobj)

    def __iter__(self) -> "Iterator[FileDescriptorLike]":
        return iter(self.selector.keys)
