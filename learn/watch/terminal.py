"""The terminal: single keys, a screen of our own, and the old state at the end.

Ctrl+C, Ctrl+Z and SIGTERM work as usual, and restore the terminal, too.
"""

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Callable, Sequence

from lab import tool

ENTER, LEAVE = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"
TOP, END_OF_LINE, END_OF_SCREEN = "\033[H", "\033[K", "\033[J"


def usable() -> bool:
    """Return whether there is a terminal that can do this, and we are in its foreground."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        return False
    return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


class Terminal:
    """The terminal, as a context manager; `redraw` is called when the screen has been lost."""

    def __init__(self, redraw: Callable[[], None]) -> None:
        self._redraw = redraw
        self._number = sys.stdin.fileno()
        self._modes = termios.tcgetattr(self._number)

    def __enter__(self) -> "Terminal":
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, tool.stop)
        signal.signal(signal.SIGTSTP, self._suspend)
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()

    def key(self, seconds: float) -> str:
        """Return the key that is pressed within `seconds`, or "". The end of input is "q"."""
        ready, _, _ = select.select([self._number], [], [], seconds)
        if not ready:
            return ""
        return os.read(self._number, 1).decode(errors="replace") or "q"

    def show(self, lines: Sequence[str], last: Sequence[str]) -> None:
        """Show `lines` at the top, as many as there is room for, and `last` below them."""
        room = max(0, self.size[1] - len(last) - 1)
        text = (END_OF_LINE + "\n").join([*lines[:room], *last])
        sys.stdout.write(TOP + text + END_OF_LINE + END_OF_SCREEN)
        sys.stdout.flush()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        columns, lines = shutil.get_terminal_size()
        return columns, lines

    def _take(self) -> None:
        tty.setcbreak(self._number)  # keys at once, without echo; Ctrl+C and Ctrl+Z still signals
        sys.stdout.write(ENTER)
        sys.stdout.flush()

    def _give_back(self) -> None:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(self._number, termios.TCSADRAIN, self._modes)

    def _suspend(self, number: int, frame: object) -> None:
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)  # goes on here after `fg`
        self._take()
        self._redraw()
