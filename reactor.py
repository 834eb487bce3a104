"""The reactor: one thread that sleeps until something can be done at once, and then does it.

Owns the waiting: readiness, deadlines, signals. Knows a selector and a clock, both arguments, so
that a simulation can be the world. Must not know octets, nor why anybody waits. Called by whoever
has a socket: listener.py, connection.py and what is built on them.

    readiness   a socket is ready when the call (recv, send, accept) would not block now
    handler     an object with a socket `sock`, an `interest`, and methods the reactor calls
    interest    what a handler waits for: READ, WRITE, both, or 0, which means "not registered"
    deadline    a moment of the clock; a queue holds the deadlines of one length

One turn of the loop:

        +--> select: sleep until a socket is ready or the earliest deadline
        |        |
        |    for each ready handler, does it still wait for this? readable, then writable
        |        |
        |    for each deadline that has passed: act               last, see 2
        |        |
        +--- after_turn                                           a hook: the messages go out

 1. A handler earlier in the same batch may have closed a later one, and its number may already
    belong to a new socket. So it is the handler object that is asked, just before each call, what
    it waits for; a number is never looked up (epoll(7), "If using an event cache").
 2. Deadlines come after readiness, and a deadline counts only if it had passed before this turn's
    select looked: a client whose octets came before its deadline is not late. (A process that was
    stopped for a minute wakes with every deadline behind it, and its select does not even look.)
 3. An interest of 0 is an unregistered socket. epoll reports EPOLLHUP even to those who asked for
    nothing, over and over, so a socket that nobody waits for must not stand in the selector.
 4. Nothing is polled: with nobody ready and no deadline, the loop sleeps for ever, at no cost.
 5. An exception goes to the `on_error` of the handler that raised it, and the loop goes on.
 6. Readiness is level-triggered: what a handler leaves unread is reported again in the next turn.
    So one recv a turn is enough, and nobody who sends without end can hold the loop.
 7. Where something happens, `trace` is told if there is one: who watches the loop think (-v,
    --trace) is one more argument, and costs a comparison where there is none.
"""

import math
import selectors
import signal
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

Ready = list[tuple[selectors.SelectorKey, int]]


class Fallible(Protocol):
    """What the reactor needs of an object that it calls: to be told of the error it raised."""

    def on_error(self, error: Exception) -> None: ...


class Watched(Protocol):
    """What the selector is told of: a socket, and what its handler waits for."""

    @property
    def sock(self) -> "socket.SocketType | int": ...

    interest: int  # written by Reactor.watch alone


class Handler(Watched, Fallible, Protocol):
    """What the reactor needs of an object that waits for a socket."""

    def on_readable(self) -> None: ...
    def on_writable(self) -> None: ...


class Trace(Protocol):
    """Somebody who is told of each event, by its word in docs/trace.md: whose, and what more."""

    def __call__(self, event: str, who: object = None, **what: object) -> None: ...


H = TypeVar("H", bound=Fallible)


def nothing(*_: object) -> None:
    """Do nothing: the default hook, and the Python half of every signal handler."""


class DeadlineQueue(Generic[H]):
    """The deadlines of one length, handler by handler, the earliest first.

    What is armed goes to the end, so the order needs no care. Arm, cancel and look are O(1), and a
    cancelled deadline is gone at once. (A heap needs a way to forget: asyncio, trio and redis carry
    repair code for cancelled timers. For lengths that are few and fixed a queue is enough: libev's
    manual, "Be smart about timeouts", idea 4.) The head of a plain dict is found by walking over
    the holes before it: 0.90 s against 0.014 s to drain 50,000. Hence an OrderedDict. (It is an
    attribute, `moments`: a class that inherits from OrderedDict loses its short cuts, 1 to 2 % of a
    transfer.)
    """

    def __init__(self, length: float, act: Callable[[H], None], reactor: "Reactor") -> None:
        self.moments: OrderedDict[H, float] = OrderedDict()
        self.length = length
        self.act = act
        self.reactor = reactor

    def arm(self, handler: H) -> None:
        """Let `act(handler)` be called `length` seconds from now, and not before."""
        self.moments[handler] = self.reactor.clock() + self.length
        self.moments.move_to_end(handler)
        if self.reactor.trace is not None:
            self.reactor.trace("timer", handler, op="set", what=self.act, length=self.length)

    def cancel(self, handler: H) -> None:
        """Forget the deadline of `handler`, if it has one."""
        deadline = self.moments.pop(handler, None)
        if self.reactor.trace is not None and deadline is not None:
            self.reactor.trace("timer", handler, op="cancel", what=self.act)

    def left(self, handler: H) -> float:
        """Return the seconds that `handler` has left."""
        return self.moments[handler] - self.reactor.clock()

    def earliest(self) -> float:
        """Return the earliest deadline; the queue must not be empty."""
        return self.moments[next(iter(self.moments))]

    def expire(self, now: float, call: Callable[[H, Callable[[], None]], None]) -> None:
        """Take off each deadline that has passed at `now`, and act on it.

        What is armed meanwhile waits for the next turn, else a handler that arms itself anew with
        a length of 0 would keep everybody else from running.
        """
        for _ in range(len(self.moments)):
            if not self.moments or self.earliest() > now:
                return
            handler, _deadline = self.moments.popitem(last=False)
            if self.reactor.trace is not None:
                self.reactor.trace("timer", handler, op="fire", what=self.act)
            call(handler, partial(self.act, handler))


class Reactor:
    """The loop. One instance serves all the sockets of a program."""

    def __init__(
        self,
        selector: selectors.BaseSelector | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.selector = selector or selectors.DefaultSelector()
        self.clock = clock
        self.queues: list[DeadlineQueue[Any]] = []
        self.trace: Trace | None = None
        self.after_turn: Callable[[], None] = nothing

    def queue(self, length: float, act: Callable[[H], None]) -> DeadlineQueue[H]:
        """Return a new queue of deadlines `length` seconds long that end in `act(handler)`."""
        queue = DeadlineQueue(length, act, self)
        self.queues.append(queue)
        return queue

    def watch(self, handler: Watched, interest: int) -> None:
        """Let `handler` wait for `interest` from now on. The only place that tells the selector."""
        before = handler.interest
        if interest == before:
            return
        if not before:
            self.selector.register(handler.sock, interest, handler)
        elif not interest:
            self.selector.unregister(handler.sock)
        else:
            self.selector.modify(handler.sock, interest, handler)
        handler.interest = interest
        if self.trace is not None:
            self.trace("watch", handler, was=before, now=interest)

    def run(self, until: Callable[[], object]) -> None:
        """Turn until `until()` is true: it is asked between the turns."""
        while not until():
            self.turn()

    def turn(self) -> None:
        """Sleep until there is something to do; do all of it."""
        asleep = self.clock()
        earliest = self.earliest()
        ready = self.select(earliest - asleep)
        for key, events in ready:
            handler = key.data
            if events & READ and handler.interest & READ:
                self.call(handler, handler.on_readable)
            if events & WRITE and handler.interest & WRITE:
                self.call(handler, handler.on_writable)
        if earliest <= asleep:
            for queue in self.queues:
                queue.expire(asleep, self.call)
        if self.trace is not None:
            self.trace("turned")
        self.after_turn()

    def select(self, most: float) -> Ready:
        """Sleep until somebody is ready, or `most` seconds; return who is."""
        timeout = None if most == math.inf else (most if most > 0.0 else 0.0)
        if self.trace is None:
            return self.selector.select(timeout)
        self.trace("select", timeout=timeout)
        ready = self.selector.select(timeout)
        self.trace("wake", ready=ready)
        return ready

    def earliest(self) -> float:
        """Return the earliest deadline of all; infinity: there is none."""
        earliest = math.inf
        for queue in self.queues:  # a loop of our own: min() and max() cost a microsecond a turn
            if queue.moments and (moment := queue.earliest()) < earliest:
                earliest = moment
        return earliest

    def call(self, handler: Fallible, action: Callable[[], None]) -> None:
        """Run `action` for `handler`; if it raises, tell the handler: a connection ends itself.

        This is the only place that catches every Exception. One connection's misfortune, or a
        defect of ours that only it meets, must not reach another. What is no Exception, such as
        SystemExit, ends the loop, and so does what `on_error` raises: Signals does so on purpose.
        """
        if self.trace is not None:
            self.trace("call", handler, action=action)
        try:
            action()
        except Exception as error:
            if self.trace is not None:
                self.trace("error", handler, error=error)
            handler.on_error(error)
        if self.trace is not None:
            self.trace("done", handler, action=action)

    def close(self) -> None:
        """Release the selector."""
        self.selector.close()


class Interrupted(Exception):
    """A signal asked the program to end; `number` is which."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Signals:
    """Signals as octets on a socketpair: for the loop they are one more socket to read.

    A handler that sets a flag does not wake `select`, which PEP 475 makes go on sleeping; and a
    signal between the look at the flag and the sleep would be lost. `signal.set_wakeup_fd` writes
    the number to a socket instead, from C, at once; the Python-level handler does nothing, for it
    might run in the middle of anything. The octet lies there until the loop comes to read it. When
    the socketpair is full the octet is dropped, but then hundreds wait already.

    A context manager for the main thread. SIGINT and SIGHUP that were ignored at the start stay
    ignored: a shell starts `command &` and `nohup` so. All is put back at the end.
    """

    interest = 0

    def __init__(self, act: Callable[[int], None] = nothing) -> None:
        self.act = act

    def __enter__(self) -> "Signals":
        self.sock, self.writer = socket.socketpair()
        self.sock.setblocking(False)
        self.writer.setblocking(False)
        self.old_writer = signal.set_wakeup_fd(self.writer.fileno(), warn_on_full_buffer=False)
        ours = [signal.SIGTERM]
        for number in (signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                ours.append(number)
        self.old_handlers = {number: signal.signal(number, nothing) for number in ours}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.old_handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self.old_writer)
        for sock in (self.sock, self.writer):
            with suppress(OSError):  # it is released all the same, see Connection.close
                sock.close()

    def __str__(self) -> str:
        return "signals"

    def received(self) -> list[int]:
        """Return the numbers of our signals that have come since the last look."""
        try:
            return [number for number in self.sock.recv(4096) if number in self.old_handlers]
        except BlockingIOError:
            return []

    def on_readable(self) -> None:
        """Act on each signal, in order."""
        for number in self.received():
            self.act(number)

    def on_writable(self) -> None:
        """Never called: nobody waits to write here."""

    def on_error(self, error: Exception) -> None:
        """Let a defect out: a program that cannot be stopped must not go on."""
        raise error

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        for number in self.received():
            raise Interrupted(number)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let a signal raise Interrupted inside the block: for the few calls that no selector can
        wait for, such as opening a FIFO. Outside the loop only, with nothing half-done at stake."""

        def interrupt(number: int, frame: object) -> None:
            self.handle_with(nothing)  # one signal, one exception
            raise Interrupted(number)

        try:
            self.handle_with(interrupt)
            self.check()
            yield
        finally:
            self.handle_with(nothing)

    def handle_with(self, handler: Callable[..., None]) -> None:
        for number in self.old_handlers:
            signal.signal(number, handler)
