"""The terminal of a descriptor: its owner, what it shows, and how it treats the Enter key.

Owns what must be known about a terminal before a question, and a change of its mode, which is
undone. Knows termios(3); called by edges/prompt.py and edges/answers.py. Every function takes a
descriptor that may be anything, even closed.
"""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from edges.closing import close_quietly

INPUT, LOCAL = 0, 3  # places in the list of termios.tcgetattr


def foreground(number: int) -> int:
    """Return the process group that has our terminal now; 0: `number` is not our terminal."""
    try:
        return os.tcgetpgrp(number)
    except OSError:
        return 0


def in_background(number: int) -> bool:
    """Tell whether another job has our terminal: what is typed there is not for us."""
    return foreground(number) not in (0, os.getpgrp())


def is_same(output: int, terminal: int) -> bool:
    """Tell whether what is written to `output` appears at `terminal`."""
    try:
        same = os.fstat(output).st_rdev == os.fstat(terminal).st_rdev
    except OSError:  # closed
        return False
    # /dev/tty has a device number of its own, but it is our controlling terminal.
    return os.isatty(output) and (same or bool(foreground(output) and foreground(terminal)))


@contextmanager
def opened(terminal: int) -> Iterator[int]:
    """Open a descriptor that writes to this terminal, even if it was opened for reading only.

    After `su` the terminal may belong to another user. Then the descriptor that we were given can
    still be used, if it was opened for writing too. Raises OSError if there is no descriptor left.
    """
    try:
        number = os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        number = os.dup(terminal)
    try:
        yield number
    finally:
        close_quietly(os.close, number)


def discard_typed_ahead(terminal: int) -> None:
    """Forget what was typed and not read yet."""
    with suppress(termios.error):
        termios.tcflush(terminal, termios.TCIFLUSH)


def echoes(number: int) -> bool:
    """Tell whether this is a terminal that shows what is typed, Enter included."""
    try:
        return bool(termios.tcgetattr(number)[LOCAL] & termios.ECHO)
    except termios.error:
        return False


@contextmanager
def reading_lines(terminal: int) -> Iterator[bool]:
    """Make Enter end a line, and Ctrl+C send a signal, inside the block.

    On most terminals they do. But a program that was killed in the middle (an editor, `stty raw`)
    may have left this one in another mode, in which Enter is a CR and nothing ends a line. Yields
    False if the terminal has hung up.
    """
    try:
        before = termios.tcgetattr(terminal)
        change_mode(terminal, before)
    except termios.error:
        yield False
        return
    try:
        yield True
    finally:
        if not in_background(terminal):  # otherwise it is the mode of another program by now
            with suppress(termios.error):
                termios.tcsetattr(terminal, termios.TCSANOW, before)


def change_mode(terminal: int, before: list[Any]) -> None:
    """Set the flags for reading lines, if they are not set yet."""
    after = list(before)
    after[INPUT] = before[INPUT] & ~(termios.IGNCR | termios.INLCR) | termios.ICRNL
    after[LOCAL] = before[LOCAL] | termios.ICANON | termios.ISIG
    if after != before:
        termios.tcsetattr(terminal, termios.TCSANOW, after)
