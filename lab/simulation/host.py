"""A host: one process in the world, with its descriptors, its selector, and its bad luck.

The real programs (server_end.py, client_end.py) and the strangers (strangers.py) are hosts. A host
is awake while it may have something to do; then it is in `World.pending` and will get a turn.
"""

import errno
import heapq
import math
import os
from typing import Any

from lab.simulation.faults import DEFECT, Faults

FIRST_NUMBER = 3  # after the standard streams


def failure(number: int) -> Exception:
    """Return what a call that fails with errno `number` raises."""
    if number == DEFECT:
        return ZeroDivisionError("a planted defect")
    return OSError(number, os.strerror(number))


class Descriptor:
    """What has a descriptor in a host: a socket, a listener, a pipe."""

    __slots__ = ("host", "name", "number", "seen_idle", "wire", "world")

    def __init__(self, host: "Host", name: str) -> None:
        self.host = host
        self.world = host.world
        self.name = name
        self.number = -1
        self.wire: Any = None  # the connection, if it belongs to one
        self.seen_idle = False  # was reported ready although there was nothing to do

    def fileno(self) -> int:
        return self.number

    def may_lie(self) -> bool:
        """Tell whether a selector may report this as ready when it is not."""
        return True

    def moved(self) -> None:
        """Note that a turn has achieved something: it was no spin."""
        self.seen_idle = False
        self.host.idle_turns = 0

    def enter(self, call: str) -> None:
        """Begin a call, which may be made to fail."""
        host = self.host
        if host.faults is not None and (error := host.fault(call, self)):
            raise failure(error)

    def tell(self, what: str, data: bytes | None = None) -> None:
        if self.world.story is not None:
            self.world.tell(self.name, what if data is None else f"{what} {data!r}")


class Host:
    """A process. Like the kernel, it gives a new descriptor the lowest free number."""

    faults: Faults | None = None

    def __init__(self, world: Any, name: str, limit: int = 1000) -> None:
        self.world = world
        self.name = name
        self.limit = limit  # like RLIMIT_NOFILE: the first number that cannot be used
        self.open: dict[int, Descriptor] = {}
        self.free: list[int] = []  # a heap of the numbers below `top` that are not open
        self.top = FIRST_NUMBER
        self.awake = False
        self.idle_turns = 0  # in a row

    def __str__(self) -> str:
        return self.name

    def wake(self) -> None:
        if not self.awake:
            self.awake = True
            self.world.pending.append(self)

    def moment(self) -> float:
        """Return the moment at which it must wake in any case."""
        return math.inf

    def happen(self) -> None:
        """Take a turn: there may be something to do."""
        raise NotImplementedError

    def has_room(self) -> bool:
        return bool(self.free) or self.top < self.limit

    def take_number(self, sock: Descriptor) -> None:
        """Give `sock` a descriptor."""
        if not self.has_room():
            raise failure(errno.EMFILE)
        if self.free:
            sock.number = heapq.heappop(self.free)
        else:
            sock.number = self.top
            self.top += 1
        self.open[sock.number] = sock

    def release(self, sock: Descriptor) -> None:
        """Take its descriptor back, if it has one."""
        if sock.number >= 0:
            del self.open[sock.number]
            heapq.heappush(self.free, sock.number)
            sock.number = -1

    def fault(self, call: str, sock: Descriptor) -> int:
        """Return the errno with which this call is made to fail; 0: it does not fail."""
        if self.faults is None:
            return 0
        error = self.faults.strike(self, call, sock)
        if error:
            self.world.struck(self, call, sock, error)
        return error
