"""Find outputs that are the same file, before anything is written.

A program may write to several places at once: the copy, the trace, the standard streams. If two of
them are the same regular file, they write over each other, and a wrong copy would be reported as
exact. Called once the options are known, before any of these files is opened.

Names prove nothing: one file has many (links, `./copy`, /dev/stdout, a folder mounted twice). Two
names or descriptors lead to the same file if device and inode are the same (stat(2)). A file that
does not exist yet has neither, so its folder and its name count. Pipes, terminals and devices are
not compared: they keep what each writer sends.
"""

import os
import stat
from collections.abc import Mapping
from itertools import combinations

from edges.system import share_offset

Identity = tuple[object, ...]

STREAMS = {"standard output": 1, "standard error": 2}


def clash(files: Mapping[str, str | int | None]) -> str:
    """Return "A and B are the same file" if two outputs are; "" if all are different.

    `files` maps the user's name for each output to its path, to one of our descriptors, or to None.
    The standard streams are added here. They may be one file if they share one offset (`>log 2>&1`)
    or append: then they do not write over each other.
    """
    places = {**files, **STREAMS}
    found = {name: _identity(place) for name, place in places.items() if place is not None}
    for one, other in combinations(found, 2):
        if found[one] != found[other] or found[one] == () or places[one] == places[other] == 1:
            continue
        if one not in STREAMS or not share_offset(STREAMS[one], STREAMS[other]):
            return f"{one} and {other} are the same file"
    return ""


def _identity(place: str | int) -> Identity:
    """Return what the same regular file has under each of its names; () for anything else."""
    try:
        status = os.stat(place)
    except OSError:
        return _identity_of_new(place)
    except ValueError:  # a NUL
        return ()
    return _numbers(status, place) if stat.S_ISREG(status.st_mode) else ()


def _identity_of_new(place: str | int) -> Identity:
    """Return the identity of a file that is still to be made; () if it cannot be made."""
    if isinstance(place, int):
        return ()  # closed
    try:
        folder, name = os.path.split(os.path.realpath(place))
        status = os.stat(folder)
    except OSError:
        return ()
    return (*_numbers(status, folder), name)


def _numbers(status: os.stat_result, place: str | int) -> Identity:
    """Return device and inode; the path where there is no inode (0: some network drives)."""
    if status.st_ino:
        return (status.st_dev, status.st_ino)
    return () if isinstance(place, int) else (os.path.realpath(place),)
