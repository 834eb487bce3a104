"""The server's half of the handshake: it speaks first, then judges the client's answer.

Pure functions on bytes, loaded by edges/dotted.py and used by server.py for every connection.
"""

import protocol

OURS = protocol.hello()  # theirs is the same: version 1 has no other hello


def greeting() -> bytes:
    """Return what the server says at once on accept."""
    return OURS


def parse(received: bytes) -> bytes | None:
    """Return the bytes after the hello in `received`; None: the hello is not whole yet.

    Raises ProtocolError as soon as `received` can no longer become a hello, and for another
    version once its LF is there.
    """
    if received.startswith(OURS):
        return received[len(OURS) :]
    found = protocol.first_line(received, protocol.HELLO)
    if found is not None:
        protocol.require_version(found[1])  # always raises: our own version would have been OURS
    return None
