"""Instrument a reactor and its connections: make an event of each call at which something happens.

Owns the wrappers, which exist only during a run. Instrumentation libraries work like this, too
(OpenTelemetry wraps the methods of a web framework): the observed code has no line for it, and runs
at full speed while nothing observes it.

    with instrumented(reactor, program, observer):
        ...

The reactor is one object, so its own methods are replaced. Connections come and go, so their
classes' methods are replaced; events of connections on another reactor are not reported.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

from connection import Connection
from edges.names import shown_address
from edges.observers.events import (
    Called,
    Closed,
    Event,
    HalfClosed,
    Listening,
    Observer,
    Opened,
    Raised,
    Received,
    Returned,
    Sent,
    Sleeps,
    TimerCancelled,
    TimerFired,
    TimerSet,
    Transition,
    Turned,
    Wakes,
    Watches,
)
from reactor import DeadlineQueue, Reactor, Ready, Timer

Wrapper = Callable[..., Any]


@contextmanager
def instrumented(reactor: Reactor, program: ModuleType, observer: Observer) -> Iterator[None]:
    """Send `observer` the events of `reactor` and of the connections that live on it.

    `program` is the module server or client: its classes know how a connection ends, and when a
    listening period begins.
    """
    with ExitStack() as undo:
        _Loop(reactor, observer, undo).wrap()
        _Connections(reactor, program, observer, undo).wrap()
        yield


class Wrapping:
    """Methods that are replaced until `undo` ends."""

    def __init__(self, reactor: Reactor, observer: Observer, undo: ExitStack) -> None:
        self.reactor = reactor
        self.tell = observer
        self.undo = undo

    def replace(self, owner: object, name: str, make: Callable[[Wrapper], Wrapper]) -> None:
        """Put `make(original)` in the place of the method `name` of `owner`."""
        had_its_own = name in vars(owner)
        original = getattr(owner, name)
        setattr(owner, name, wraps(original)(make(original)))
        if had_its_own:
            self.undo.callback(setattr, owner, name, original)
        else:
            self.undo.callback(delattr, owner, name)


class _Loop(Wrapping):
    """The reactor: its sleep, its calls, its timers."""

    def wrap(self) -> None:
        reactor = self.reactor
        self.replace(reactor.selector, "select", self.select)
        self.replace(reactor, "after_turn", self.after_turn)
        self.replace(reactor, "call", self.call)
        self.replace(reactor, "watch", self.watch)
        self.replace(reactor, "call_later", self.call_later)
        self.replace(reactor, "cancel", self.cancel)
        self.replace(reactor, "deadline_queue", self.deadline_queue)
        self.replace(reactor.timers, "expire", self.expire)
        for schedule in reactor.schedules:
            if isinstance(schedule, DeadlineQueue):
                self.observe(schedule)

    def select(self, original: Wrapper) -> Wrapper:
        def select(timeout: float | None = None) -> Ready:
            self.tell(Sleeps(timeout))
            ready: Ready = original(timeout)
            self.tell(Wakes(ready))
            return ready

        return select

    def after_turn(self, original: Wrapper) -> Wrapper:
        def after_turn() -> None:
            self.tell(Turned())
            original()

        return after_turn

    def call(self, original: Wrapper) -> Wrapper:
        def call(handler: Any, action: Callable[[], None]) -> None:
            def observed() -> None:
                self.tell(Called(handler, action))
                try:
                    action()
                except Exception as error:
                    self.tell(Raised(handler, error))
                    raise

            original(handler, observed)
            self.tell(Returned(handler, action))

        return call

    def watch(self, original: Wrapper) -> Wrapper:
        def watch(handler: Any, interest: int) -> None:
            before = handler.interest
            original(handler, interest)
            if handler.interest != before:
                self.tell(Watches(handler, before, interest))

        return watch

    def call_later(self, original: Wrapper) -> Wrapper:
        def call_later(delay: float, handler: Any, act: Callable[[], None]) -> Timer:
            timer: Timer = original(delay, handler, act)
            self.tell(TimerSet(handler, act, delay))
            return timer

        return call_later

    def cancel(self, original: Wrapper) -> Wrapper:
        def cancel(timer: Timer) -> None:
            waits = timer in self.reactor.timers.waiting
            original(timer)
            if waits:
                self.tell(TimerCancelled(timer.handler, timer.act))

        return cancel

    def expire(self, original: Wrapper) -> Wrapper:
        def expire(now: float, call: Wrapper) -> None:
            def fire(handler: Any, act: Callable[[], None]) -> None:
                self.tell(TimerFired(handler, act))
                call(handler, act)

            original(now, fire)

        return expire

    def deadline_queue(self, original: Wrapper) -> Wrapper:
        def deadline_queue(length: float, act: Callable[[Any], None]) -> DeadlineQueue[Any]:
            queue: DeadlineQueue[Any] = original(length, act)
            self.observe(queue)
            return queue

        return deadline_queue

    def observe(self, queue: DeadlineQueue[Any]) -> None:
        """Wrap the methods of one queue; it lives no longer than the run."""
        arm, cancel = queue.arm, queue.cancel

        def armed(handler: Any) -> None:
            arm(handler)
            self.tell(TimerSet(handler, queue.act, queue.length))

        def cancelled(handler: Any) -> None:
            waits = handler in queue.waiting
            cancel(handler)
            if waits:
                self.tell(TimerCancelled(handler, queue.act))

        self.replace(queue, "arm", lambda _: armed)
        self.replace(queue, "cancel", lambda _: cancelled)
        self.replace(queue, "expire", self.expire)


class _Connections(Wrapping):
    """The connections of a program, and the server that owns them."""

    def __init__(
        self, reactor: Reactor, program: ModuleType, observer: Observer, undo: ExitStack
    ) -> None:
        super().__init__(reactor, observer, undo)
        self.program = program
        self.endings: dict[object, str] = {}  # of connections that are about to be closed

    def wrap(self) -> None:
        for kind in list(vars(self.program).values()):
            if isinstance(kind, type) and issubclass(kind, Connection) and kind is not Connection:
                self.wrap_kind(kind)
        if hasattr(self.program, "Server"):
            self.replace(self.program.Server, "serve", self.serve)
        self.replace(Connection, "transition", self.transition)
        self.replace(Connection, "receive", self.receive)
        self.replace(Connection, "send", self.send)
        self.replace(Connection, "half_close", self.half_close)
        self.replace(Connection, "close", self.close)

    def wrap_kind(self, kind: type[Connection]) -> None:
        """Wrap what the classes of a program add: how a connection begins, and how it ends."""
        if Connection in kind.__bases__:
            self.replace(kind, "__init__", self.opened)
            for name in ("end", "on_error"):
                if name in vars(kind):
                    self.replace(kind, name, getattr(self, name))

    def opened(self, original: Wrapper) -> Wrapper:
        def init(connection: Any, *details: object) -> None:
            original(connection, *details)
            self.about(connection, Opened(connection))

        return init

    def about(self, connection: Connection, event: Event) -> None:
        """Report `event`, unless it is another reactor's."""
        if connection.reactor is self.reactor:
            self.tell(event)

    def end(self, original: Wrapper) -> Wrapper:
        def end(connection: Any, ending: str, why: str = "") -> None:
            self.endings[connection] = ending + why
            original(connection, ending, why)

        return end

    def on_error(self, original: Wrapper) -> Wrapper:
        def on_error(connection: Any, error: Exception) -> None:
            self.endings[connection] = "failed"
            try:
                original(connection, error)
            finally:
                self.endings.pop(connection, None)

        return on_error

    def transition(self, original: Wrapper) -> Wrapper:
        def transition(connection: Any, state: Any) -> None:
            was = connection.state
            original(connection, state)
            why = connection.transitions[was, state]
            self.about(connection, Transition(connection, was, state, why))

        return transition

    def receive(self, original: Wrapper) -> Wrapper:
        def receive(connection: Any, *most: int) -> bytes | None:
            data: bytes | None = original(connection, *most)
            self.about(connection, Received(connection, data))
            return data

        return receive

    def send(self, original: Wrapper) -> Wrapper:
        def send(connection: Any, most: int | None = None, flags: int = 0) -> int:
            unsent = connection.unsent
            taken: int = original(connection, most, flags)
            self.about(connection, Sent(connection, len(unsent), unsent[:taken]))
            return taken

        return send

    def half_close(self, original: Wrapper) -> Wrapper:
        def half_close(connection: Any) -> None:
            original(connection)
            self.about(connection, HalfClosed(connection))

        return half_close

    def close(self, original: Wrapper) -> Wrapper:
        def close(connection: Any) -> None:
            is_open = connection.sock.fileno() >= 0
            original(connection)
            if is_open:
                self.about(connection, Closed(connection, self.endings.pop(connection, "over")))

        return close

    def serve(self, original: Wrapper) -> Wrapper:
        def serve(server: Any, body: bytes, sockets: list[Any]) -> None:
            if server.reactor is self.reactor:
                self.tell(Listening(server, shown_address(sockets[0].getsockname()), body))
            original(server, body, sockets)

        return serve
