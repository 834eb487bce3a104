"""The question after Ctrl+C: listen again?

Owns one question on stderr and one line from stdin. Knows the console, and the socket of the
signals; called by server.py between two listening periods, when no loop runs.

    ask --> question --> stdin or a signal, whichever comes first --> yes
                ^                                         |     |
                |  any other answer, at most three times  |     +---> no, an empty line, the end of
                +-----------------------------------------+           the stream, a signal

No answer is a no, so nothing here needs a terminal, nor even an open stdin. `input()` would not do:
our signal handlers do nothing, so it would sleep through Ctrl+C (PEP 475), and it reads ahead.

 1. poll(2), not the selector: epoll refuses regular files and /dev/null (EPERM).
 2. One octet a read: what follows the line is the next answer, `printf 'y\\nn\\n' | server.py`, or
    belongs to whoever reads the same stdin after us.
 3. What was typed during the drain is thrown away: a stray "y" must not decide.
"""

import os
import select
import termios
from contextlib import closing, suppress

from edges import standard_streams
from edges.console import Console
from reactor import Interrupted, Signals

QUESTION = "Continue listening? [y/N] "
TIMES = 4  # asked once, and again at most three times
YES = (b"y", b"yes")
NO = (b"n", b"no", b"")
LONGEST = 80  # octets kept of a line: far more than any answer has
LOOK_AGAIN = 100  # milliseconds; only while stderr is frozen, which poll is not asked about


def ask(console: Console, signals: Signals, stdin: int = 0) -> bool:
    """Return True if the answer read from descriptor `stdin` is yes."""
    if in_background(stdin):
        return False
    discard_typed_ahead(stdin)
    with closing(Answers(console, signals, stdin)) as answers:
        try:
            return decide(console, answers)
        except Interrupted:
            console.line("")  # nobody pressed Enter behind the question
            return False


def in_background(stdin: int) -> bool:
    """Tell whether reading would stop this process, by SIGTTIN: another has the terminal now."""
    try:
        return os.tcgetpgrp(stdin) != os.getpgrp()
    except OSError:  # no terminal, or not the one that controls us
        return False


def discard_typed_ahead(stdin: int) -> None:
    """Forget what a terminal holds for us."""
    try:
        termios.tcflush(stdin, termios.TCIFLUSH)
    except termios.error:
        pass  # no terminal: what is piped in was meant


def decide(console: Console, answers: "Answers") -> bool:
    """Ask until there is an answer; raise Interrupted at a signal."""
    for _ in range(TIMES):
        console.prompt(QUESTION)
        line = answers.line()
        if not (line.endswith(b"\n") and answers.echoed):
            console.line("")
        answer = line.strip().lower()
        if answer in YES + NO:
            return answer in YES
    return False


class Answers:
    """The lines of stdin, for as long as no signal comes."""

    def __init__(self, console: Console, signals: Signals, stdin: int) -> None:
        self.console = console
        self.signals = signals
        self.echoed = os.isatty(stdin)
        try:
            self.stdin = standard_streams.private(stdin, os.O_RDONLY)
        except OSError:  # closed: as good as empty
            self.stdin = os.open(os.devnull, os.O_RDONLY)
        self.blocking = os.get_blocking(self.stdin)
        self.poll = select.poll()
        self.poll.register(self.stdin, select.POLLIN)
        self.poll.register(signals.sock, select.POLLIN)

    def close(self) -> None:
        with suppress(OSError):  # it is released all the same
            os.close(self.stdin)

    def line(self) -> bytes:
        """Return the next line with its LF, or what there is of it if the stream ends.

        Raises Interrupted if a signal has come before or meanwhile.
        """
        line = b""
        while not line.endswith(b"\n") and (octet := self.octet()):
            line += octet
            if len(line) > LONGEST:
                line = b"?" + octet  # no answer any more, whatever follows
                self.signals.check()  # it might never end
        self.signals.check()
        return line

    def octet(self) -> bytes:
        """Return the next octet of stdin, b"" at its end; raise Interrupted at a signal."""
        if self.blocking:
            self.sleep()
        while True:
            try:
                return os.read(self.stdin, 1)
            except BlockingIOError:
                self.sleep()
            except OSError:
                return b""  # a directory, a terminal that hung up: as good as empty

    def sleep(self) -> None:
        """Sleep until stdin has something, or has ended; raise Interrupted at a signal."""
        ready: list[int] = []
        while self.stdin not in ready:
            events = self.poll.poll(LOOK_AGAIN if self.console.rest else None)
            ready = [number for number, _ in events]
            self.signals.check()
            self.console.flush()
