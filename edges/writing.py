"""Writing: every byte, and as far as the disk.

Owns the steps between os.write and the disk, of which some systems do not know all. Called by
saving.py.
"""

import errno
import fcntl
import os
import stat

from edges import waiting
from edges.closing import close_quietly

# fsync's answers from a file or a file system that cannot do it (fsync(2), and FUSE).
NO_FSYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

# macOS: its fsync leaves the bytes in the cache of the disk, and this does not.
FULL_FSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def write(descriptor: int, body: bytes) -> None:
    """Write every byte; to a file, as far as the disk itself."""
    while body:  # a disk that is nearly full takes some of them first
        try:
            body = body[os.write(descriptor, body) :]
        except BlockingIOError:  # standard output, and another program made it non-blocking
            waiting.ready({descriptor: waiting.WRITABLE}, None)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        sync_file(descriptor)


def sync_file(descriptor: int) -> None:
    """Bring the bytes of a file to the disk, if its file system can do that at all."""
    try:
        if FULL_FSYNC is not None:
            fcntl.fcntl(descriptor, FULL_FSYNC)
            return
    except OSError:
        pass  # not every file system can; fsync decides
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FSYNC:
            raise


def sync_folder(path: str, folder: int | None) -> None:
    """Bring the names in a folder to the disk: a rename is written there, not in the file."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
    descriptor = os.open(path if folder is None else ".", flags, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        close_quietly(os.close, descriptor)
