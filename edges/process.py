"""The first and the last moment of a program, when no loop handles its signals.

Imported first of all, so that little can happen before it. Called by the programs where they are
run; a module that is only imported must not call it.

This file, edges/__init__.py, and the lines of a program before its call of `begin` must run in
Python 3.8, and the whole program file must parse there: an old Python gets a sentence and no
traceback.
"""

import gc
import signal
import sys
from typing import NoReturn

OLDEST = (3, 11)  # what eighty is written for

ours = False  # this process runs one of our programs, and nothing else


def begin() -> None:
    """Prepare the signals of this process for a program of its own.

    Ctrl+C ends it as it ends any other: by the signal, without a traceback. It may come while the
    other modules are imported. A Ctrl+C that is ignored stays ignored.

    A program in the background may use its terminal without being stopped: a message must not stop
    a server, not even after `stty tostop` (SIGTTOU). What is typed there then belongs to another
    program; reading it fails (EIO) and does not stop us either (SIGTTIN).

    A Python that is too old ends here.
    """
    global ours  # noqa: PLW0603  # a process begins once
    ours = True
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for name in ("SIGTTOU", "SIGTTIN"):
        if hasattr(signal, name):  # pragma: no branch  # Windows has neither
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    require_python()


def require_python() -> None:
    """End here with one line and status 1 if this Python is too old."""
    if sys.version_info < OLDEST:
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"eighty needs Python 3.11 or newer; this is Python {version}")


def end(status: int) -> NoReturn:
    """End this process with `status`. No late signal changes it: Signals ignores them by now.

    When Python ends, it searches all objects for reference cycles, several times. That takes a
    tenth of a client's whole run, for memory that goes back to the system anyway. Frozen objects
    are not searched. In development mode (-X dev) none is frozen: what was left open is reported.
    """
    if not sys.flags.dev_mode:
        gc.freeze()
    sys.exit(status)
