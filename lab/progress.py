"""Show the progress of a long run: on a terminal one line in place, elsewhere a line a second.

A timer of the loop drives it, so it costs nothing between two lines. Called by swarm.py and
scale.py. A terminal that is frozen misses lines; the run does not wait for it.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from edges.console import Console
from edges.system import Outlet
from reactor import Reactor, Timer

WIDTH = 79  # columns that the line in place may take
IN_PLACE, ELSEWHERE = 0.1, 1.0  # seconds between two looks


class Progress:
    """Shows what `line` returns, on stderr, again and again."""

    def __init__(self, reactor: Reactor, console: Console, line: Callable[[], str]) -> None:
        self.console = console
        self.line = line
        self.outlet = Outlet(2)
        self.in_place = os.isatty(2)
        self.reactor = reactor
        self.timer = self.look_later()

    def __str__(self) -> str:
        return "progress"

    def show(self) -> None:
        """Show how far the run has come, and set the timer for the next time."""
        self.timer = self.look_later()
        if self.in_place:
            self.put("\r" + self.line().ljust(WIDTH))
        else:
            self.console.line(self.line())

    def look_later(self) -> Timer:
        return self.reactor.call_later(IN_PLACE if self.in_place else ELSEWHERE, self, self.show)

    def put(self, text: str) -> None:
        """Write at once, or not at all."""
        with suppress(OSError):  # no room, or nobody there
            self.outlet.put(text.encode())

    def close(self) -> None:
        """Clear the line in place: the next output begins where it began."""
        self.reactor.cancel(self.timer)
        if self.in_place:
            self.put("\r" + WIDTH * " " + "\r")
        self.outlet.close()

    def on_error(self, error: Exception) -> None:
        raise error
