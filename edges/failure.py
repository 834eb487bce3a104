"""A failure that the user reads as one line: what, why, and what to do."""

import errno
import os

from edges import system


class Failure(Exception):
    """Ends a program with one clear line, its `str()`, and an exit `status`; never a traceback."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def reason(error: BaseException) -> str:
    """Return why a call failed: one line, never an empty one, in the system's own words.

    Works for any exception. Some have no text (MemoryError), some have several lines.
    """
    if isinstance(error, MemoryError):
        error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    known = system.words(error) if isinstance(error, OSError) else ""
    words = (known or str(error)).split()
    return " ".join(words or [type(error).__name__]).lower()
