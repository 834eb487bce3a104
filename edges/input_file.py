"""The file that the server delivers, read whole and judged before anyone may connect.

Owns how INPUT_FILE is opened; the rules of a valid file are protocol.py's. Called by server.py once
for each listening period: everyone who is served in it gets these very octets, whatever happens to
the file meanwhile.

A name can lead to anything. The open of a FIFO waits for a writer, /dev/zero never ends, a sparse
file claims 10 GB and a file in /proc claims 0. So nothing is believed that can be looked at: the
open does not wait, what was opened is asked for its kind (asking the name first would leave a
moment to swap it), and the size is what arrives, up to the first octet too many.
"""

import os
import stat

import protocol
from edges.failure import Failure, reason

# Wait for nobody, and never adopt a terminal as our own.
FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY


def read(path: str) -> bytes:
    """Return the octets of the valid file at `path`.

    Raises Failure, naming `path` and the first thing wrong with it, for anything else.
    """
    try:
        octets = _first_octets(path, protocol.FILE_LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _cannot_deliver(path, reason(error)) from error
    if rule := protocol.broken_rule(octets):
        raise _cannot_deliver(path, rule)
    return octets


def _first_octets(path: str, limit: int) -> bytes:
    """Return at most the first `limit` octets of the regular file at `path`."""
    descriptor = os.open(path, FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        octets = b""
        while more := os.read(descriptor, limit - len(octets)):  # none at the end or at the limit
            octets += more
        return octets
    finally:
        os.close(descriptor)


def _cannot_deliver(path: str, why: str) -> Failure:
    return Failure(f"cannot deliver {protocol.shown(os.fsencode(path), limit=None)}: {why}")
