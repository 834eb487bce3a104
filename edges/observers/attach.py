"""Attach the observers that the options ask for: the log of turns, the alarm, the recorder.

Owns the choice of observers, and their life. Called by program.py, before any socket is watched.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from types import ModuleType

from edges import colours
from edges.command_line import Options
from edges.console import Console
from edges.observers.alarm import Alarm
from edges.observers.events import Event, Observer
from edges.observers.instrument import instrumented
from edges.observers.recorder import Recorder
from edges.observers.stack import Stacks
from edges.observers.trace_file import TraceFile
from edges.observers.turns import TurnLog
from reactor import Reactor

SLOW = 0.1  # seconds; with -v, a call that takes longer is reported, as in asyncio's debug mode


@contextmanager
def attached(
    reactor: Reactor, console: Console, options: Options, program: ModuleType
) -> Iterator[list[Observer]]:
    """Let the observers watch. Raises Failure if the trace cannot be opened."""
    observers: list[Observer] = []

    def tell(event: Event) -> None:
        for observer in observers:
            observer(event)

    with ExitStack() as stack:
        if options.verbose:
            if colours.supported(os.isatty(console.sock)):
                console.paint = colours.painted
            observers.append(TurnLog(console, reactor.clock))
        if options.verbose or options.slow is not None:
            observers.append(Alarm(options.slow or SLOW, reactor.clock, console.line))
        if options.trace is not None:
            recorder = recorded(reactor, console, options, options.trace)
            observers.append(stack.enter_context(recorder))
        stack.enter_context(instrumented(reactor, program, tell))
        yield observers


@contextmanager
def recorded(reactor: Reactor, console: Console, options: Options, path: str) -> Iterator[Recorder]:
    """Record the run, from its first line to its last."""
    with closing(TraceFile(path, console.line)) as file:
        recorder = Recorder(reactor.clock, file.write, Stacks())
        asked = {name: value for name, value in options.values().items() if name != "trace"}
        recorder.begin(options.role, reactor.selector, asked)
        try:
            yield recorder
        finally:
            recorder.end()
