"""The frame that both programs have: standard streams, signals, loop, console, exit status."""

import select
import selectors
from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext

from edges import standard_streams
from edges.console import Console
from edges.epoll import EpollSelector
from edges.failure import Failure, reason
from reactor import Interrupted, Reactor, Signals

Reader = Callable[[Console, list[str] | None], Namespace]  # of the command line
Body = Callable[[Reactor, Console, Signals, Namespace], int]


def run(
    name: str,
    read: Reader,
    body: Body,
    arguments: list[str] | None,
    loop: Callable[[selectors.BaseSelector], Reactor] = Reactor,
) -> int:
    """Return the status of `body`, which gets the options; tell of a failure in one line.

    Raises SystemExit for --help, --version (0) and usage errors (2).
    """
    try:
        standard_streams.open_closed()
        with (
            Signals() as signals,
            closing(loop(best_selector())) as reactor,
            closing(Console(reactor)) as console,
        ):
            reactor.after_turn = console.flush
            try:
                options = read(console, arguments)
                with watched(name, reactor, console, options):
                    return body(reactor, console, signals, options)
            except Failure as failure:
                console.line(f"{name}: {failure}")
                return failure.status
            except Interrupted as interrupted:
                console.line(f"{name}: interrupted by {interrupted}")
                return 128 + interrupted.number
    except OSError as error:
        return refused(name, error)


def watched(
    name: str, reactor: Reactor, console: Console, options: Namespace
) -> AbstractContextManager[None]:
    """Let those watch the loop whom the options ask for: only then are they imported.

    (They are a tenth of all that a client imports.)
    """
    if options.verbose or options.slow is not None or options.trace is not None:
        from edges.observers import observed  # noqa: PLC0415

        return observed(reactor, console, name.removesuffix(".py"), options)
    return nullcontext()


def refused(name: str, error: OSError) -> int:
    """Tell that the system refuses what nothing works without, such as a descriptor for the loop.

    Everything is closed by now, so there is room for a console again. Returns the exit status.
    """
    with closing(Console()) as console:
        console.line(f"{name}: cannot go on: {reason(error)}")
    return 1


def best_selector() -> selectors.BaseSelector:
    """Return our own selector where there is epoll, else the standard library's best."""
    if hasattr(select, "epoll"):
        return EpollSelector()
    return selectors.DefaultSelector()
