"""Who watches the loop think: the log of turns, the alarm for slow calls, the recorder.

Owns which of them there are, from the options, and their life. Called by program.py, before anybody
watches a socket. Without an observer the reactor's `trace` stays None.
"""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from edges.alarm import Alarm
from edges.console import Console
from edges.recorder import Recorder
from edges.trace_file import TraceFile
from edges.turns import TurnLog
from reactor import Reactor, Trace

SLOW = 0.1  # seconds; with -v, a call that takes longer is told of: as asyncio's debug mode does


class Several:
    """Tells each event to all."""

    def __init__(self, observers: list[Trace]) -> None:
        self.observers = observers

    def __call__(self, event: str, who: object = None, **what: object) -> None:
        for observer in self.observers:
            observer(event, who, **what)


@contextmanager
def observed(reactor: Reactor, console: Console, role: str, options: Namespace) -> Iterator[None]:
    """Let those watch whom the options ask for. Raises Failure if the trace cannot be opened."""
    observers: list[Trace] = []
    with ExitStack() as stack:
        if options.verbose:
            observers.append(TurnLog(console, reactor.clock))
        if options.verbose or options.slow is not None:
            observers.append(Alarm(options.slow or SLOW, reactor.clock, console.line))
        if options.trace is not None:
            observers.append(stack.enter_context(recorded(reactor, console, role, options)))
        if observers:
            reactor.trace = Several(observers) if observers[1:] else observers[0]
        try:
            yield
        finally:
            reactor.trace = None


@contextmanager
def recorded(
    reactor: Reactor, console: Console, role: str, options: Namespace
) -> Iterator[Recorder]:
    """Record the run, from its first line to its last."""
    with closing(TraceFile(options.trace, console.line)) as file:
        recorder = Recorder(reactor.clock, file.write)
        asked = {name: value for name, value in vars(options).items() if name != "trace"}
        recorder.begin(role, reactor.selector, asked)
        try:
            yield recorder
        finally:
            recorder.end()
