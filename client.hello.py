"""The client's half of the handshake: it judges the server's greeting, then answers.

Pure functions on bytes, loaded by edges/dotted.py and used by client.py.
"""

import protocol


def reply() -> bytes:
    """Return what the client says once the server's hello is accepted."""
    return protocol.hello()


def parse(received: bytes) -> bytes | None:
    """Return the bytes after the hello in `received`; None: the hello is not whole yet.

    Raises PeerError if the server says ERROR instead. Raises ProtocolError as soon as `received`
    can become neither of the two, and for another version once its LF is there.
    """
    found = protocol.first_line(received, protocol.HELLO, protocol.ERROR)
    if found is None:
        return None
    protocol.raise_if_error(*found)
    _, match = found
    protocol.require_version(match)
    return received[match.end() :]
