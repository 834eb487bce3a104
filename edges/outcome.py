"""How a download that failed is told: the line, and the exit status of the client.

Called by client.py alone; what success looks like, it says itself.
"""

from edges.failure import Failure
from protocol import Damaged, PeerError, ProtocolError, shown

NO_CONNECTION, BROKEN_PROTOCOL, DAMAGED = 3, 4, 5  # exit statuses; 1 is "cannot save"


def explained(error: Exception) -> Exception:
    """Return the Failure that the user is told of; any other `error` as it is."""
    if isinstance(error, PeerError):
        reason = shown(str(error).encode(), limit=None)
        return Failure(f"the server said ERROR {reason}; nothing saved", BROKEN_PROTOCOL)
    if isinstance(error, ProtocolError):
        return Failure(f"the server broke the protocol: {error}; nothing saved", BROKEN_PROTOCOL)
    if isinstance(error, Damaged):
        return Failure(f"{error}; nothing saved, try again", DAMAGED)
    if isinstance(error, TimeoutError):
        return Failure(f"{error}; nothing saved, try again or use --timeout", NO_CONNECTION)
    return error
