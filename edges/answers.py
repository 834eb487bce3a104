"""Lines from stdin, for as long as somebody may still answer.

Owns the reading of one line at a time. Knows the signals and the console; called by
edges/prompt.py. It needs no terminal, nor even an open stdin.

    line <-- byte <-- read(2)
               |
               +---- sleep until stdin can be read
                         |
                         +--> a signal came                 Interrupted
                         +--> no answer in time             NoAnswer

`input()` cannot do this. It would sleep through Ctrl+C, because our signal handlers do nothing (PEP
475). It also reads ahead. Here one byte is read at a time, because what follows the line is the
next answer, as in `printf 'y\\nn\\n' | server.py`, or is for a program that reads stdin after us.
"""

import time

from edges.console import Console
from edges.system import Source, terminal
from edges.waiting import READABLE, Events, ready
from signals import Signals

LONGEST = 4096  # bytes of a line; a terminal never gives a longer one (N_TTY_BUF_SIZE)
PATIENCE = 10.0  # seconds for an answer from a file, a pipe, a socket
LOOK_AGAIN = 0.1  # seconds; only while the console has lines that it could not write
ENDS = (b"\n", b"\r", b"")  # of a line: LF, CR, the end of the stream


class NoAnswer(Exception):
    """Nobody is going to answer."""


class Answers:
    """The lines of descriptor `stdin`.

    With `person`, someone types at a terminal, and there is no time limit.
    `after_cr`: the line before ended in CR, so an LF that follows is not a line of its own.
    """

    def __init__(
        self, console: Console, signals: Signals, stdin: int, *, person: bool, after_cr: bool
    ) -> None:
        self.console = console
        self.signals = signals
        self.person = person
        self.after_cr = after_cr
        self.echoed = terminal.echoes(stdin)
        self.deadline = None if person else time.monotonic() + PATIENCE
        try:
            self.stdin: Source | None = Source(stdin)
        except OSError:  # closed: the same as empty
            self.stdin = None

    def close(self) -> None:
        if self.stdin is not None:
            self.stdin.close()

    def line(self) -> bytes:
        """Return the next line with the LF or CR that ends it; at the end of the stream, the rest.

        Raises Interrupted or NoAnswer.
        """
        line = byte = self.byte()
        if self.after_cr and byte == b"\n":
            line = byte = self.byte()
        while byte not in ENDS:
            if len(line) == LONGEST:
                raise NoAnswer
            byte = self.byte()
            line += byte
        self.after_cr = byte == b"\r"
        self.signals.check()
        return line

    def byte(self) -> bytes:
        """Return the next byte; b"" at the end of the stream."""
        while self.stdin is not None:
            try:
                return self.stdin.read()
            except BlockingIOError:
                self.sleep(self.stdin.fileno())
            except OSError:
                break  # a directory, a terminal that hung up: the same as empty
        return b""

    def sleep(self, stdin: int) -> None:
        """Sleep until stdin has something, or has ended."""
        found: Events = {}
        while stdin not in found:
            found = self.wait(stdin)
            self.signals.check()
            self.console.flush()

    def wait(self, stdin: int) -> Events:
        """Wait until something happens; return the events."""
        seconds = LOOK_AGAIN if self.console.rest else None
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise NoAnswer
            seconds = min(left, seconds or left)
        wanted = {stdin: READABLE, self.signals.sock.fileno(): READABLE}
        try:
            return ready(wanted, seconds)
        except OSError as error:  # the system has no memory for the call
            raise NoAnswer from error
