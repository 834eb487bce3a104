"""What people see: messages on stderr, which never hold up the loop.

Owns the path of a line from `Console.line` to the kernel. Knows the reactor, which reports when
there is room again; must not know what the lines mean. Called by every part that says something.

    line, line --> lines of this turn --flush--> rest --write--> kernel --> terminal, pipe, file
                                         |        ^
                          rest is full:  |        |  one write a turn; what is not taken stays,
                                         v        |  and goes on once the reactor reports room
                                counted as dropped

The reader of stderr may stop: a terminal frozen by Ctrl+S, a pipe that nobody empties. Then
write(2) sleeps, and with it a server that has only one thread. So no write here ever waits:

 1. Bytes that the kernel does not take are kept, up to LIMIT and the lines of one more turn. More
    lines are dropped and counted until these bytes are out. The reader finds one gap, "(N lines
    dropped)".
 2. A line that was begun is completed before another begins.
 3. If the reader is gone (EPIPE, EIO), the disk full or stderr closed, what could not be written is
    dropped and counted, and nothing is waited for: a dead pipe reports room for ever. The next
    line tries again.
 4. Outside the loop, before a prompt and at the end, `wait` gives the reader a moment, no more.

As a last protection, only printable ASCII and LF pass, so no line can drive a terminal. Colours are
added after that (`paint`), around names that we wrote: edges/colours.py.
"""

import time
from collections.abc import Callable

from edges.system import Outlet
from reactor import WRITE, Reactor

LIMIT = 65536  # bytes kept for a reader that has stopped: as many as a pipe holds, pipe(7)
PATIENCE = 0.3  # seconds for such a reader, before a prompt and at the end
REPORTED = 2  # lines that `reported` remembers: that a drain begins, and how it ended

VISIBLE = bytes(byte if 32 <= byte < 127 or byte == 10 else ord("?") for byte in range(256))


class Console:
    """Lines for people, written to descriptor `number`. Without a reactor, call flush or wait."""

    def __init__(self, reactor: Reactor | None = None, number: int = 2) -> None:
        self.reactor = reactor
        self.outlet = Outlet(number)
        self.sock = self.outlet.sock
        self.interest = 0
        self.lines: list[str] = []  # of this turn
        self.rest = b""  # handed over to be written, and not taken yet
        self.at_stake = 0  # lines that count as dropped if writing the rest fails
        self.dropped = 0  # lines since the last gap that the reader knows of
        self.reported: list[str] = []
        self.paint: Callable[[bytes], bytes] = bytes  # which changes nothing, at no cost

    def line(self, text: str) -> None:
        """Queue one line; it leaves with the others of this turn."""
        self.lines.append(text + "\n")

    def report(self, text: str) -> None:
        """Queue one line, and remember it: the question may have to show it on a terminal."""
        self.line(text)
        self.reported = [*self.reported, text][-REPORTED:]

    def flush(self) -> None:
        """Write what is queued, in one write. Call it at the end of each turn."""
        if self.rest and (self.dropped or len(self.rest) >= LIMIT):
            self.dropped += len(self.lines)
            self.lines.clear()
        elif self.lines or self.dropped:
            self.admit()
        if self.rest:
            self.write()

    def admit(self) -> None:
        """Append the lines of this turn to the rest, after a line that counts what is missing."""
        self.at_stake += len(self.lines) + self.dropped
        if self.dropped:
            self.lines.insert(0, f"({self.dropped} lines dropped)\n")
            self.dropped = 0
        text = "".join(self.lines).encode("ascii", "backslashreplace").translate(VISIBLE)
        self.rest += self.paint(text)
        self.lines.clear()

    def write(self) -> None:
        """Write the rest, as much of it as is taken now; wait for room if there is more."""
        try:
            self.rest = self.rest[self.outlet.put(self.rest) :]
        except BlockingIOError:
            pass  # no room at all
        except OSError:
            self.give_up()
            return
        if not self.rest:
            self.at_stake = 0
        more = self.rest or self.dropped
        self.watch(WRITE if more and self.outlet.may_wait else 0)

    def give_up(self) -> None:
        """Drop the rest. A line of it that was begun stays torn, and counts as dropped."""
        self.dropped += self.at_stake
        self.at_stake = 0
        self.rest = b""
        self.watch(0)

    def watch(self, interest: int) -> None:
        """Wait for room, or stop waiting. (On macOS kqueue refuses some terminals: EINVAL.)"""
        if self.reactor is None:
            return
        try:
            self.reactor.watch(self, interest)
        except OSError:  # from now on the next line tries again, as it does for a file
            self.outlet.may_wait = False

    def wait(self, seconds: float = PATIENCE) -> None:
        """Flush; if the reader is behind, wait for it, at most `seconds`."""
        deadline = time.monotonic() + seconds
        self.flush()
        while self.rest and (left := deadline - time.monotonic()) > 0:
            if self.outlet.has_room(left):
                self.flush()
        self.flush()  # the lines that came after a rest that is out now

    def prompt(self, text: str) -> bool:
        """Write `text` without ending the line. Even without room, a question is not dropped.

        Returns False if it could not be written; True if it waits for a frozen reader.
        """
        self.lines.append(text)
        self.admit()
        self.wait()
        return not self.dropped

    def announce(self, text: str) -> None:
        """Write a line to stdout, at once: a program may be waiting for it."""
        self.flush()
        stdout = Console(number=1)
        stdout.line(text)
        stdout.close()

    def close(self) -> None:
        """Wait for the reader a last time, then leave the reactor and release the descriptor."""
        self.wait()
        self.watch(0)
        self.outlet.close()

    def on_writable(self) -> None:
        self.flush()

    def on_readable(self) -> None:
        """Never called: nobody waits to read here."""

    def on_error(self, error: Exception) -> None:
        """Survive our own bug in here: messages are lost, transfers go on."""
        self.give_up()
