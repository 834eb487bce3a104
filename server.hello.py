"""The server's half of the handshake: it speaks first, then judges the client's answer.

Pure functions on octets, loaded by edges/dotted.py and used by server.py for every connection.
"""

import protocol


def greeting() -> bytes:
    """Return what the server says at once on accept."""
    return protocol.hello()


def parse(received: bytes) -> bytes | None:
    """Return the octets that lie beyond the hello in all `received` so far; None: it is not whole.

    Raises ProtocolError for any other hello as soon as it can no longer become one, and for another
    version once its LF is there.
    """
    found = protocol.first_line(received, protocol.HELLO)
    if found is None:
        return None
    _, match = found
    protocol.require_version(match)
    return received[match.end() :]
