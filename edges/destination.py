"""Where a name leads: to one of our own descriptors, an open file, a file, or nothing yet.

Owns what must be known about OUTPUT_FILE before anything is opened. Called by saving.py, and by
command_line.py, which compares outputs.
"""

import os
import stat
from contextlib import suppress

from edges.system import bad_name

# The names by which a process finds its own descriptors: links on Linux, real folders elsewhere.
OWN_DESCRIPTORS = ("/dev/fd", "/proc/self/fd", "/proc/thread-self/fd")

# Links that Linux follows in one name (path_resolution(7)). `stat` has already refused a loop; one
# that is made between the two calls ends here.
LINKS_LIMIT = 40


def descriptor_of(path: str) -> int | None:
    """Return our own descriptor that `path` means: "-", /dev/stdout, /dev/fd/7; None: a file."""
    if path == "-":
        return 1
    with suppress(OSError):
        target = followed(path)
        name, folders = os.path.basename(target), map(os.path.realpath, OWN_DESCRIPTORS)
        if name.isdecimal() and os.path.lexists(target) and _real_folder(target) in folders:
            return int(name)
    return None


def status(path: str) -> os.stat_result | None:
    """Return the status of what `path` leads to; None if that would be a new file.

    Raises OSError for a name that can be neither.
    """
    if why := bad_name(path):
        raise OSError(why)
    try:
        return os.stat(path)
    except FileNotFoundError:
        if path.rpartition("/")[2] in ("", "."):  # "", "new/" and "new/." cannot name a file
            raise
        return None


def require_writable(path: str, old: os.stat_result) -> None:
    """Raise OSError for a directory, and for a file that we may not write but could replace."""
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError("it is a directory")
    if not os.access(path, os.W_OK):
        raise PermissionError("it may not be written")


def followed(path: str) -> str:
    """Return `path` with the links of its last part followed: rename would replace the link itself.

    Not realpath, which takes "new/.." for "." without asking whether there is a "new".
    """
    target = path
    for _ in range(LINKS_LIMIT):
        if not os.path.islink(target) or is_open_file(target):
            break
        target = os.path.join(os.path.dirname(target), os.readlink(target))
    return target


def is_open_file(path: str) -> bool:
    """Tell whether `path` is a link in /proc, which leads to an open file and not to a name.

    The text of such a link only describes the file: "pipe:[7]", or "/tmp/copy (deleted)". (To
    compare the file that `path` leads to with the one that the text names would be a race: another
    copy may take the name between the two calls.)
    """
    return os.path.islink(path) and _real_folder(path).startswith("/proc/")


def folder_of(path: str) -> str:
    """Return the folder that `path` is in."""
    return os.path.dirname(path) or "."


def _real_folder(path: str) -> str:
    return os.path.realpath(folder_of(path))
