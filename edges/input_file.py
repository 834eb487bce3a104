"""The file that the server delivers: read whole and checked before any client may connect.

Owns how INPUT_FILE is opened; the rules of a valid file are in protocol.py. Called by server.py
once for each listening period: all clients of the period get these bytes, whatever happens to the
file later.

A name can lead to anything. The open of a FIFO waits for a writer, /dev/zero never ends, a sparse
file claims 10 GB and a file in /proc claims 0. So nothing is trusted that can be checked. The open
does not wait. The kind of file is checked on the open descriptor: after a check of the name, and
before the open, the file could be exchanged. The size is the number of bytes that arrive, up to the
first byte too many.
"""

import os
import stat

import protocol
from edges.closing import close_quietly
from edges.failure import Failure, reason
from edges.system import NO_WAIT


def read(path: str) -> bytes:
    """Return the bytes of the valid file at `path`.

    Raises Failure for anything else; its line names `path` and the first rule that it breaks.
    """
    try:
        body = _first_bytes(path, protocol.FILE_LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _cannot_deliver(path, reason(error)) from error
    if rule := protocol.broken_rule(body):
        raise _cannot_deliver(path, rule)
    return body


def _first_bytes(path: str, limit: int) -> bytes:
    """Return at most the first `limit` bytes of the regular file at `path`."""
    descriptor = os.open(path, os.O_RDONLY | NO_WAIT)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        body = b""
        while more := os.read(descriptor, limit - len(body)):  # none at the end or at the limit
            body += more
        return body
    finally:
        close_quietly(os.close, descriptor)


def _cannot_deliver(path: str, why: str) -> Failure:
    return Failure(f"cannot deliver {protocol.shown(os.fsencode(path), limit=None)}: {why}")
