"""The frame of the tools that print: learn.grade, learn.museum, learn.watch, lab.torture.

Owns what their standard streams and their parent may do to them. Standard output may be full,
closed, or a pipe whose reader (`head`) has seen enough. The parent may have blocked the signals
that end a program. The four programs that run on the reactor have edges/program.py for this.
"""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from edges import standard_streams
from edges.failure import reason
from signals import STOPS, change_mask


def run(name: str, main: Callable[[list[str]], int]) -> NoReturn:
    """Run `main` with the command line, and exit with its status; 1 if it cannot print."""
    change_mask("SIG_UNBLOCK", STOPS)
    open_streams()
    try:
        try:
            status = main(sys.argv[1:])
        finally:
            sys.stdout.flush()  # after --help as well, which leaves by SystemExit
    except OSError as error:
        status = 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the exit
        if error.errno != errno.EPIPE:
            with suppress(OSError):
                print(f"{name}: {reason(error)}", file=sys.stderr)
    sys.exit(status)


def open_streams() -> None:
    """Let what is printed to a closed stream disappear.

    Python makes such a stream None: it has no flush() and no isatty(), and print() writes to stdout
    what is meant for stderr.
    """
    standard_streams.open_closed()
    for stream, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, stream) is None:
            null = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  # to the end
            setattr(sys, stream, null)
