"""The reactor: one thread that sleeps until something can be done, and then does it.

Owns the waiting: readiness and timers. The selector and the clock are passed in, so a simulation
can replace both. Knows neither the protocol nor the reason why a handler waits. Called by the
owners of sockets: listener.py, connection.py and what is built on them.

    readiness   a socket is ready when the call (recv, send, accept) would not block now
    handler     an object with a socket `sock`, an `interest`, and the callbacks for it
    interest    what a handler waits for: READ, WRITE, both, or 0, which means "not registered"
    deadline    a moment of the clock at which something must be done

One turn of the loop:

        +--> select: sleep until a socket is ready, or until the earliest deadline
        |        |
        |    for each ready handler, if it still waits for this: on_readable, then on_writable
        |        |
        |    for each deadline that has passed: the timer's callback       (last, see rule 2)
        |        |
        +--- after_turn                                          a hook: the messages go out

 1. The list of ready sockets was made when select returned, and may be out of date: a handler
    called earlier in this turn may have closed a later one, and the kernel may have given the same
    file descriptor to a new socket. So each handler object is asked what it waits for, just before
    it is called (epoll(7), "If using an event cache").
 2. Timers come after readiness, and a deadline counts only if it had passed before this turn's
    select: a client whose bytes came before its deadline is not late. (After SIGSTOP, select may
    return an empty list because its timeout has expired, without asking the kernel again.)
 3. Interest 0 means unregistered. epoll reports EPOLLHUP even for interest 0, again and again, so a
    socket that nobody waits for must not stay in the selector.
 4. Nothing is polled: with no socket ready and no deadline, the loop sleeps for ever, at no cost.
 5. An exception goes to the `on_error` of the handler that raised it, and the loop goes on.
 6. Readiness is level-triggered: bytes that a handler leaves unread are reported again in the next
    turn. So one recv per turn is enough, and a client that never stops sending cannot starve the
    others.
"""

import math
import selectors
import time
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from socket import SocketType
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

Ready = list[tuple[selectors.SelectorKey, int]]  # what select returns: keys and their events


def nothing(*_: object) -> None:
    """Do nothing: the default hook."""


class Reactor:
    """The event loop. One instance serves all sockets of a program."""

    def __init__(
        self,
        selector: selectors.BaseSelector | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.selector = selector or selectors.DefaultSelector()
        self.clock = clock
        self.timers = Timers()
        self.schedules: list[Timers | DeadlineQueue[Any]] = [self.timers]
        self.after_turn: Callable[[], None] = nothing
        self.running = False

    def run(self, until: Callable[[], object]) -> None:
        """Run turns until `until()` is true; it is called before each turn.

        Raises RuntimeError if called by a handler: the loop is running already.
        """
        if self.running:
            raise RuntimeError("the loop is running already: a handler must return, not run it")
        self.running = True
        try:
            while not until():
                self.turn()
        finally:
            self.running = False

    def turn(self) -> None:
        """Sleep until there is something to do; do all of it."""
        asleep = self.clock()
        earliest = self.earliest()
        timeout = None if earliest == math.inf else max(0.0, earliest - asleep)
        for key, events in self.selector.select(timeout):
            handler = key.data
            if events & READ and handler.interest & READ:
                self.call(handler, handler.on_readable)
            if events & WRITE and handler.interest & WRITE:
                self.call(handler, handler.on_writable)
        if earliest <= asleep:
            for schedule in self.schedules:
                schedule.expire(asleep, self.call)
        self.after_turn()

    def earliest(self) -> float:
        """Return the earliest deadline; infinity if there is none."""
        earliest = math.inf
        for schedule in self.schedules:
            if schedule.waiting and (deadline := schedule.earliest()) < earliest:
                earliest = deadline
        return earliest

    def call(self, handler: "Fallible", action: Callable[[], None]) -> None:
        """Run `action` for `handler`; an exception goes to the handler's `on_error`.

        The only place in the loop that catches every Exception: a failure in one connection must
        not affect another. A BaseException such as SystemExit ends the loop, and so does what
        `on_error` raises.
        """
        try:
            action()
        except Exception as error:
            handler.on_error(error)

    def watch(self, handler: "Watched", interest: int) -> None:
        """Make `handler` wait for `interest`. No other code registers sockets in the selector."""
        before = handler.interest
        if interest == before:
            return
        if not before:
            self.selector.register(handler.sock, interest, handler)
        elif not interest:
            self.selector.unregister(handler.sock)
        else:
            handler.interest = 0  # if modify fails, the selector forgets the handler
            self.selector.modify(handler.sock, interest, handler)
        handler.interest = interest

    def call_later(self, delay: float, handler: "Fallible", act: Callable[[], None]) -> "Timer":
        """Call `act()` for `handler` once, `delay` seconds from now or a little later."""
        return self.timers.add(self.clock() + delay, handler, act)

    def cancel(self, timer: "Timer") -> None:
        """Forget `timer`. Cancelling one that has fired or was cancelled is harmless."""
        self.timers.discard(timer)

    def deadline_queue(self, length: float, act: "Callable[[H], None]") -> "DeadlineQueue[H]":
        """Return a new queue: `length` seconds after a handler is armed, `act(handler)` is called.

        It stays in `schedules` until it is removed from there.
        """
        queue = DeadlineQueue(length, act, self.clock)
        self.schedules.append(queue)
        return queue

    def close(self) -> None:
        """Release the selector."""
        self.selector.close()


class Fallible(Protocol):
    """An object that the reactor calls. An exception in such a call goes to its `on_error`."""

    def on_error(self, error: Exception) -> None: ...


class Watched(Protocol):
    """A handler as the selector sees it. It also has the callback for what it waits for,
    `on_readable` or `on_writable`, and `on_error`."""

    @property
    def sock(self) -> SocketType | int: ...

    interest: int  # written by Reactor.watch alone; begins as 0


class Timer(NamedTuple):
    """One call in the future. It is compared by deadline, then by serial number."""

    deadline: float
    serial: int
    handler: Fallible
    act: Callable[[], None]


class Timers:
    """Timers with any delay, in a sorted list, the earliest first.

    Adding and cancelling find the place by bisection. The list then moves its later entries by one
    place, which takes 3 us for 10,000 of them. A heap would move fewer, but cannot remove an entry
    from its middle: asyncio and trio leave cancelled timers in it, count them, and rebuild it when
    there are too many.
    """

    def __init__(self) -> None:
        self.waiting: list[Timer] = []
        self.added = 0

    def add(self, deadline: float, handler: Fallible, act: Callable[[], None]) -> Timer:
        """Return a new timer; of two with the same deadline the older one fires first."""
        self.added += 1
        timer = Timer(deadline, self.added, handler, act)
        self.waiting.insert(bisect_right(self.waiting, timer), timer)
        return timer

    def discard(self, timer: Timer) -> bool:
        """Take `timer` out; tell whether it was still here."""
        place = bisect_left(self.waiting, timer)
        found = self.waiting[place : place + 1] == [timer]
        if found:
            del self.waiting[place]
        return found

    def earliest(self) -> float:
        """Return the earliest deadline; something must be waiting."""
        return self.waiting[0].deadline

    def expire(self, now: float, call: Callable[[Fallible, Callable[[], None]], None]) -> None:
        """Call each timer that is due at `now`.

        They are listed first, so a timer that one of these calls adds waits for the next turn: one
        that adds itself again with a delay of 0 cannot keep the loop here for ever. Each is taken
        out just before its call, so if a call cancels a later one, that one is not called.
        """
        for timer in self.waiting[: bisect_right(self.waiting, now, key=lambda t: t.deadline)]:
            if self.discard(timer):
                call(timer.handler, timer.act)


H = TypeVar("H", bound=Fallible)


class DeadlineQueue(Generic[H]):
    """The deadlines of many handlers that all get the same time, the earliest first.

    Every connection has a deadline, so these get a faster structure. All delays are equal, so a new
    deadline is the latest one and goes to the end: arming, cancelling and looking are O(1)
    (libev's manual, "Be smart about timeouts", idea 4). It is an OrderedDict because the first key
    of a plain dict is found by walking over the holes that deleted keys leave: 0.90 s against
    0.014 s to empty a queue of 50,000.
    """

    def __init__(self, length: float, act: Callable[[H], None], clock: Callable[[], float]) -> None:
        self.length: Final = length  # another length would break the order
        self.act = act
        self.clock = clock
        self.waiting: OrderedDict[H, float] = OrderedDict()

    def arm(self, handler: H) -> None:
        """Call `act(handler)` `length` seconds from now; a second `arm` starts again."""
        self.waiting[handler] = self.clock() + self.length
        self.waiting.move_to_end(handler)

    def cancel(self, handler: H) -> None:
        """Forget the deadline of `handler`, if it has one."""
        self.waiting.pop(handler, None)

    def earliest(self) -> float:
        """Return the earliest deadline; something must be waiting."""
        return next(iter(self.waiting.values()))

    def expire(self, now: float, call: Callable[[H, Callable[[], None]], None]) -> None:
        """Act on each deadline that is due at `now`: see Timers.expire."""
        due = list(takewhile(lambda entry: entry[1] <= now, self.waiting.items()))
        for handler, deadline in due:
            # The same object, not an equal one: neither cancelled, nor armed again in this instant.
            if self.waiting.get(handler) is deadline:
                del self.waiting[handler]
                call(handler, partial(self.act, handler))
