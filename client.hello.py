"""The client's half of the handshake: it judges the server's greeting, then answers.

Pure functions on octets, loaded by edges/dotted.py and used by client.py.
"""

import protocol


def reply() -> bytes:
    """Return what the client says once the server's hello is accepted."""
    return protocol.hello()


def parse(received: bytes) -> bytes | None:
    """Return the octets that lie beyond the hello in all `received` so far; None: it is not whole.

    Raises PeerError for a server that says ERROR instead, and ProtocolError for anything else, as
    soon as it can no longer become a hello, and for another version once its LF is there.
    """
    found = protocol.first_line(received, protocol.HELLO, protocol.ERROR)
    if found is None:
        return None
    line, match = found
    if line is protocol.ERROR:
        raise protocol.PeerError(match[1].decode("ascii"))
    protocol.require_version(match)
    return received[match.end() :]
