"""Write every byte of a copy, and force it to the disk.

Owns the steps between os.write and the disk; not every system has all of them.
Called by saving.py.
"""

import os
import stat

from edges import waiting
from edges.closing import close_quietly
from edges.system import sync_file


def write(descriptor: int, body: bytes) -> None:
    """Write every byte; if this is a regular file, force them to the disk."""
    while body:  # a disk that is nearly full takes some of them first
        try:
            body = body[os.write(descriptor, body) :]
        except BlockingIOError:  # standard output, and another program made it non-blocking
            waiting.ready({descriptor: waiting.WRITABLE}, None)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        sync_file(descriptor)


def sync_folder(path: str, folder: int | None) -> None:
    """Force the names in a folder to the disk: a rename is stored there, not in the file."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
    descriptor = os.open(path if folder is None else ".", flags, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        close_quietly(os.close, descriptor)
