"""The file that a trace goes to: whole lines or nothing, and never at the cost of the service.

Owns how --trace FILE is opened, written and given up. Called by attach.py and the recorder.

Each line is a write(2) of its own, so a crash, or SIGKILL, leaves all lines so far. A selector
cannot wait for a regular file, so such a write may hold up the loop while the disk is busy. This is
the price of a trace, and the reason why it is made only on request. What can be waited for, such as
a FIFO, is opened non-blocking. A reader that stops reading ends the trace, and so does a full disk.
"""

import os
from collections.abc import Callable
from contextlib import suppress

import protocol
from edges.closing import close_quietly
from edges.failure import Failure, reason
from edges.system import NO_WAIT

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | NO_WAIT


class TraceFile:
    """An open file that takes lines until a write fails; `tell` then gets one line about it."""

    def __init__(self, path: str, tell: Callable[[str], None]) -> None:
        self.shown = protocol.shown(os.fsencode(path), limit=None)
        self.tell = tell
        self.size = 0  # bytes, all of whole lines
        try:
            self.descriptor = os.open(path, FLAGS, 0o666)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            why = f"cannot trace to {self.shown}: {reason(error)}; give another FILE"
            raise Failure(why) from error

    def write(self, line: bytes) -> bool:
        """Write a line; return False if the trace has ended without it."""
        if self.descriptor < 0:
            return False
        try:
            taken = os.write(self.descriptor, line)
            while taken < len(line):  # the next write says why
                taken += os.write(self.descriptor, line[taken:])
        except OSError as error:
            self.give_up(error)
            return False
        self.size += taken
        return True

    def give_up(self, error: OSError) -> None:
        """Remove what was written of the last line, and write no more."""
        with suppress(OSError):  # not a regular file: what was written is gone
            os.ftruncate(self.descriptor, self.size)
        self.close()
        self.tell(f"the trace ends: cannot write to {self.shown}: {reason(error)}")

    def close(self) -> None:
        """Release the descriptor. Calling it twice is harmless."""
        if self.descriptor >= 0:
            close_quietly(os.close, self.descriptor)
        self.descriptor = -1
