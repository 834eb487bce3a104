"""How a download that failed is told: the line, and the exit status of the client.

Called by client.py, and by lab/swarm.py for its many. What success looks like, they say
themselves.
"""

from edges.failure import Failure
from protocol import Damaged, PeerError, ProtocolError, shown

NO_CONNECTION, BROKEN_PROTOCOL, DAMAGED = 3, 4, 5  # exit statuses; 1 is "cannot save"


def settled(outcome: bytes | Exception) -> bytes:
    """Return the octets, if that is the outcome; else raise it as the user is to be told of it."""
    if isinstance(outcome, Exception):
        raise explained(outcome)
    return outcome


def explained(error: Exception) -> Exception:
    """Return the Failure that the user is told of; any other `error` as it is."""
    if isinstance(error, PeerError):
        why = f"the server said ERROR {shown(str(error).encode(), limit=None)}; nothing saved"
        return Failure(f"{why}, try again later", BROKEN_PROTOCOL)
    if isinstance(error, ProtocolError):
        why = f"the server broke the protocol: {error}; nothing saved"
        return Failure(f"{why}, check its address and port", BROKEN_PROTOCOL)
    if isinstance(error, Damaged):
        return Failure(f"{error}; nothing saved, try again", DAMAGED)
    if isinstance(error, TimeoutError):
        return Failure(f"{error}; nothing saved, try again or use --timeout", NO_CONNECTION)
    return error
