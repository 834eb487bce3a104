"""What Linux, macOS and the BSDs have, and Windows does not: its counterpart is windows.py.

Each name here is in both files; system.py chooses. The two larger parts have files of their own,
outlet.py and terminal.py.
"""

import errno
import fcntl
import os
import resource
import select
import selectors
import stat
import sys

from edges.closing import close_quietly
from edges.epoll import EpollSelector
from edges.waiting import READABLE, ready

# For an open that must neither wait for the other end of a FIFO nor change our terminal.
NO_WAIT = os.O_NONBLOCK | os.O_NOCTTY

MOST_SOCKETS = sys.maxsize  # that a selector can watch

USUAL_FILES = 1024  # the limit of open files where the system does not say

# Errors of a file, or file system, that does not support the call: fsync(2), F_FULLFSYNC on SMB.
NO_FSYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOTTY}

# macOS: fsync leaves the bytes in the cache of the disk; this call does not.
FULL_FSYNC: int = getattr(fcntl, "F_FULLFSYNC", 0)  # 0: there is none


def open_files() -> int:
    """Return the soft limit of open files, or the usual one where the system refuses to say."""
    try:
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (OSError, ValueError):
        return USUAL_FILES
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def best_selector() -> selectors.BaseSelector:
    """Return our own selector where there is epoll, else the standard library's best."""
    if hasattr(select, "epoll"):
        return EpollSelector()
    return selectors.DefaultSelector()


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
        return os.open(f"/proc/self/fd/{number}", access | NO_WAIT)
    except OSError:
        return os.dup(number)


def share_offset(one: int, other: int) -> bool:
    """Tell whether two descriptors of one regular file write one after the other.

    They do if both append, or if one is a copy of the other (`>log 2>&1`). Copies share the status
    flags, too: a flag that is set on one appears on the other. We test this with O_NONBLOCK,
    because it means nothing to a regular file.
    """
    flags, others = (fcntl.fcntl(number, fcntl.F_GETFL) for number in (one, other))
    if flags & others & os.O_APPEND:
        return True
    fcntl.fcntl(one, fcntl.F_SETFL, flags ^ os.O_NONBLOCK)
    try:
        return fcntl.fcntl(other, fcntl.F_GETFL) != others
    finally:
        fcntl.fcntl(one, fcntl.F_SETFL, flags)


class Source:
    """Descriptor `number` for reading, one byte at a time; it can be waited for."""

    def __init__(self, number: int) -> None:
        self.number = private(number, os.O_RDONLY)
        self.blocking = os.get_blocking(self.number)

    def fileno(self) -> int:
        return self.number

    def read(self) -> bytes:
        """Return the next byte, b"" at the end. Raises BlockingIOError while there is none."""
        if self.blocking and not ready({self.number: READABLE}, 0):
            raise BlockingIOError
        return os.read(self.number, 1)

    def close(self) -> None:
        close_quietly(os.close, self.number)


def bad_name(_path: str) -> str:
    """Return why no copy can have this name; "" because every file name is allowed here."""
    return ""


def words(error: OSError) -> str:
    """Return the system's own words for an error, or "" if it has none."""
    return error.strerror or ""


def sync_file(descriptor: int) -> None:
    """Force the bytes of a file to the disk, if its file system can do that at all.

    os.fsync is tried only if F_FULLFSYNC is not supported. After an error of the disk, it might
    succeed, because the kernel reports an error once; but the bytes would be lost.
    """
    for sync in (full_fsync, os.fsync) if FULL_FSYNC else (os.fsync,):
        try:
            sync(descriptor)
            return
        except OSError as error:
            if error.errno not in NO_FSYNC:
                raise


def full_fsync(descriptor: int) -> None:
    """Empty the cache of the disk as well (macOS)."""
    fcntl.fcntl(descriptor, FULL_FSYNC)
