"""Descriptors 0, 1 and 2: open from the start, and shared with other programs.

Owns two precautions. Knows descriptors only; `open_closed` is called once at the start
(edges/program.py), `private` by the parts that read or write one of the three (edges/console.py,
edges/answers.py).

    our descriptor 2 ---+
    the shell's 2 ------+--> one open file description --> terminal, pipe, file
    another program's 1-+    offset, O_NONBLOCK, ...

A descriptor is ours, but offset and O_NONBLOCK belong to the description (open(2)), which we share
with the shell and with every other program that it started. O_NONBLOCK set on descriptor 2 would
still be there after our end, and make `cat` in the same terminal fail with EAGAIN. So a part that
must not wait opens a description of its own.
"""

import errno
import fcntl
import os
import stat


def open_closed() -> None:
    """Fill those of 0, 1, 2 that are closed. Call it before the first socket is made.

    The kernel gives the lowest free number to the next file that is opened: after `2>&-` the
    listening socket would be stderr. The null device is opened the wrong way round, so that reading
    and writing still fail with EBADF: a copy written to a closed stdout must not count as saved.
    """
    for number, wrong_way in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            fcntl.fcntl(number, fcntl.F_GETFD)  # fails only if it is closed
        except OSError:
            os.open(os.devnull, wrong_way)


def private(number: int, access: int) -> int:
    """Return a new descriptor for what `number` leads to, non-blocking where that is possible.

    `access` is os.O_RDONLY or os.O_WRONLY. A pipe or a terminal is opened again, through its link
    in proc(5). A regular file is not: it never makes anybody wait, and its offset must stay shared
    (`>log 2>&1`). Sockets cannot be opened again, nor can anything without /proc or without
    permission (a terminal after `sudo -u`): these share their description.

    Raises OSError if `number` is closed or not open for `access`.
    """
    allowed = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
    if allowed not in (access, os.O_RDWR):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    if stat.S_ISREG(os.fstat(number).st_mode):
        return os.dup(number)
    try:
        return os.open(f"/proc/self/fd/{number}", access | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return os.dup(number)
