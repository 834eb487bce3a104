"""What the user learns about a failed download: the line, and the exit status of the client.

Called by client.py, and by lab/swarm.py for its many clients.
"""

from edges.failure import Failure
from edges.names import NotFound
from protocol import Damaged, PeerError, ProtocolError, shown

NO_CONNECTION, BROKEN_PROTOCOL, DAMAGED = 3, 4, 5  # exit statuses; 1 is "cannot save"

UNSETTLED = RuntimeError("the download has no outcome yet")  # until it has one


def settled(outcome: bytes | Exception) -> bytes:
    """Return the bytes, if that is the outcome, or raise the error with words for the user."""
    if isinstance(outcome, Exception):
        raise explained(outcome)
    return outcome


def explained(error: Exception) -> Exception:
    """Return `error` as a Failure with its line and status; an error that is a bug, unchanged."""
    if isinstance(error, NotFound):
        return Failure(str(error), NO_CONNECTION)
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
