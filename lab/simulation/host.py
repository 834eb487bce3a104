"""A host: one process in the world, with its descriptors, its selector, and its bad luck.

Real programs (ends.py) and strangers (strangers.py) are hosts. A host is awake while there may be
something to do for it; then it stands in `World.pending` and will be looked at.
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
    """What has a number in a host: a socket, a listener, a pipe."""

    __slots__ = ("host", "name", "number", "seen_idle", "wire", "world")

    def __init__(self, host: "Host", name: str) -> None:
        self.host = host
        self.world = host.world
        self.name = name
        self.number = -1
        self.wire: Any = None  # the connection, if it belongs to one
        self.seen_idle = False  # was reported ready, and nothing has come of it yet

    def fileno(self) -> int:
        return self.number

    def may_lie(self) -> bool:
        """Tell whether a selector may report this as ready when it is not."""
        return True

    def moved(self) -> None:
        """Note that something has come of a turn: the opposite of a spin."""
        self.seen_idle = False
        self.host.idle_turns = 0

    def enter(self, call: str) -> None:
        """Begin a call: it may fail by decree."""
        host = self.host
        if host.faults is not None and (error := host.fault(call, self)):
            raise failure(error)

    def tell(self, what: str, data: bytes | None = None) -> None:
        if self.world.story is not None:
            self.world.tell(self.name, what if data is None else f"{what} {data!r}")


class Host:
    """A process. Descriptors are numbered as by the kernel: the lowest free number is next."""

    faults: Faults | None = None

    def __init__(self, world: Any, name: str, limit: int = 1000) -> None:
        self.world = world
        self.name = name
        self.limit = limit  # as RLIMIT_NOFILE: the lowest number that is not to be had
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
        """Return when it wants to be woken in any case."""
        return math.inf

    def happen(self) -> None:
        """Look around: something may be there to do."""
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
        """Return the errno with which this call fails by decree; 0: it goes on."""
        if self.faults is None:
            return 0
        error = self.faults.strike(self, call, sock)
        if error:
            self.world.struck(self, call, sock, error)
        return error
