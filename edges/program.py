"""The frame that both programs have: standard streams, signals, loop, console, exit status."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TypeVar

from edges import process, standard_streams
from edges.command_line import Options, Parser
from edges.console import Console
from edges.failure import Failure, reason
from edges.system import best_selector
from reactor import Reactor
from signals import Interrupted, Signals

O = TypeVar("O", bound=Options)  # noqa: E741  # the options of one program
Body = Callable[[Reactor, Console, Signals, O], int]


def run(name: str, kind: type[O], body: Body[O], arguments: list[str] | None) -> int:
    """Return the status of `body`, which gets the options; report a failure in one line.

    Raises SystemExit for --help, --version (0) and usage errors (2).
    """
    try:
        standard_streams.open_closed()
        with (
            Signals(final=process.ours) as signals,
            closing(Reactor(best_selector(), time.perf_counter)) as reactor,
            closing(Console(reactor)) as console,
        ):
            reactor.after_turn = console.flush
            try:
                options = Parser(console, name, kind).read(arguments)
                with observed(reactor, console, options, body):
                    return body(reactor, console, signals, options)
            except Failure as failure:
                console.line(f"{name}: {failure}")
                return failure.status
            except Interrupted as interrupted:
                console.line(f"{name}: interrupted by {interrupted}")
                return 128 + interrupted.number
    except OSError as error:
        return refused(name, error)


def observed(
    reactor: Reactor, console: Console, options: Options, body: Body[O]
) -> AbstractContextManager[object]:
    """Attach the observers that the options ask for. Only then are they imported: they are a tenth
    of all that a client imports."""
    if options.verbose or options.slow is not None or options.trace is not None:
        from edges.observers.attach import attached  # noqa: PLC0415

        return attached(reactor, console, options, sys.modules[body.__module__])
    return nullcontext()


def refused(name: str, error: OSError) -> int:
    """Report that the system refuses something essential, such as a file descriptor for the loop.
    Everything is closed by now, so there is room for a console. Returns the exit status."""
    what = f"{error.filename}: " if error.filename else ""
    with closing(Console()) as console:
        console.line(f"{name}: cannot go on: {what}{reason(error)}")
    return 1
