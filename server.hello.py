"""The server's half of the handshake: it speaks first, then judges the client's answer.

Pure functions on octets, loaded by edges/dotted.py and used by server.py for every connection.
"""

import protocol

OURS = protocol.hello()  # and theirs: our version has no other


def greeting() -> bytes:
    """Return what the server says at once on accept."""
    return OURS


def parse(received: bytes) -> bytes | None:
    """Return the octets that lie beyond the hello in all `received` so far; None: it is not whole.

    Raises ProtocolError for any other hello as soon as it can no longer become one, and for another
    version once its LF is there.
    """
    if received.startswith(OURS):
        return received[len(OURS) :]
    if found := protocol.first_line(received, protocol.HELLO):
        protocol.require_version(found[1])  # raises: with our version it would have been OURS
    return None
