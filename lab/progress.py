"""Show the progress of a long run: on a terminal one line in place, elsewhere lines of its own.

Owns the line in place: a program writes `Line` when it has something new to report; `Progress` is
written by a timer of the loop, so it costs nothing between two lines. Called by swarm.py, scale.py,
lab/bench and learn/grade. A terminal that is frozen misses lines; the run does not wait for it.
"""

import os
from collections.abc import Callable
from contextlib import suppress

from edges.console import Console
from edges.system import Outlet
from reactor import Reactor, Timer

WIDTH = 79  # columns that the line in place may take
IN_PLACE, ELSEWHERE = 0.1, 1.0  # seconds between two lines of a loop


class Line:
    """The line in place, if the descriptor `number` leads to a terminal; otherwise nothing."""

    def __init__(self, number: int = 2) -> None:
        self.outlet = Outlet(number) if os.isatty(number) else None

    @property
    def in_place(self) -> bool:
        """Whether it can be seen."""
        return self.outlet is not None

    def show(self, text: str) -> None:
        """Write `text` over what is there."""
        self.put("\r" + text[:WIDTH].ljust(WIDTH))

    def clear(self) -> None:
        """Remove it: the next message begins where it began."""
        self.put("\r" + WIDTH * " " + "\r")

    def close(self) -> None:
        """Remove it for good."""
        if self.outlet is not None:
            self.clear()
            self.outlet.close()
            self.outlet = None

    def put(self, text: str) -> None:
        """Write at once, or not at all."""
        if self.outlet is not None:
            with suppress(OSError):  # no room, or the terminal is gone
                self.outlet.put(text.encode())


class Progress:
    """Shows what `text` returns, on stderr, again and again."""

    def __init__(self, reactor: Reactor, console: Console, text: Callable[[], str]) -> None:
        self.console = console
        self.text = text
        self.line = Line()
        self.reactor = reactor
        self.timer = self.look_later()

    def __str__(self) -> str:
        return "progress"

    def show(self) -> None:
        """Print the progress, and set the timer for the next time."""
        self.timer = self.look_later()
        if self.line.in_place:
            self.line.show(self.text())
        else:
            self.console.line(self.text())

    def look_later(self) -> Timer:
        pause = IN_PLACE if self.line.in_place else ELSEWHERE
        return self.reactor.call_later(pause, self, self.show)

    def close(self) -> None:
        """Stop showing the progress."""
        self.reactor.cancel(self.timer)
        self.line.close()

    def on_error(self, error: Exception) -> None:
        raise error
