"""Descriptors 0, 1 and 2: open from the start, and shared with other programs.

Owns the first of two precautions, `open_closed`, which edges/program.py calls once at the start.
The second is `private` in edges/posix.py, for the parts that read or write one of the three
(edges/outlet.py, `Source` in edges/posix.py). Knows descriptors only.

    our descriptor 2 ---+
    the shell's 2 ------+--> one open file description --> terminal, pipe, file
    another program's 1-+    offset, O_NONBLOCK, ...

A descriptor is ours, but offset and O_NONBLOCK belong to the description (open(2)), which we share
with the shell and with every other program that it started. O_NONBLOCK set on descriptor 2 would
still be there after our end, and make `cat` in the same terminal fail with EAGAIN. So a part that
must not wait opens a description of its own.
"""

import os


def open_closed() -> None:
    """Open each of 0, 1, 2 that is closed. Call it before the first socket is made.

    The kernel gives the lowest free number to the next file that is opened: after `2>&-` the
    listening socket would be stderr. The null device is opened the wrong way round, so that reading
    and writing still fail with EBADF: a copy written to a closed stdout must not count as saved.
    """
    for number, wrong_way in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_RDONLY)):
        try:
            os.get_inheritable(number)  # fails only if it is closed
        except OSError:
            os.open(os.devnull, wrong_way)
