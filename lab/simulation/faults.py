"""Faults: which calls can fail, with which errors, and the source of the decision.

The errors are those of the manual pages (accept(2), recv(2), send(2), shutdown(2), connect(2),
getsockopt(2), getsockname(2), ioctl(2) for setblocking, socket(2), epoll_ctl(2), close(2)), with
what Linux, macOS and the network add. EINTR is not among them: Python never shows it (PEP 475).
"""

import errno
from typing import Any, Protocol

from lab.simulation.chance import Chance

GONE = (  # accept reports an error of the connection that waited, and drops it
    "ECONNABORTED EPROTO ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH EOPNOTSUPP "
    "ENETUNREACH ETIMEDOUT"
)
SHORTAGE = (
    "EMFILE ENFILE ENOBUFS ENOMEM"  # accept leaves the connection in the backlog, as with EPERM
)
WRONG = "EBADF EFAULT EINVAL ENOTSOCK"  # only our own bug, or a broken kernel, causes these

ERRORS = {
    "accept": f"EAGAIN {GONE} {SHORTAGE} {WRONG} EPERM ENOSR ESOCKTNOSUPPORT EPROTONOSUPPORT",
    "recv": f"EAGAIN ECONNREFUSED ECONNRESET EHOSTUNREACH ENETUNREACH ENOBUFS ENOMEM ENOTCONN "
    f"EPIPE ETIMEDOUT {WRONG}",
    "send": f"EAGAIN EACCES EALREADY ECONNRESET EDESTADDRREQ EHOSTUNREACH EISCONN EMSGSIZE "
    f"ENETDOWN ENETUNREACH ENOBUFS ENOMEM ENOTCONN EOPNOTSUPP EPERM EPIPE EPROTOTYPE ETIMEDOUT "
    f"{WRONG}",
    "shutdown": "EBADF EINVAL ENOBUFS ENOTCONN ENOTSOCK",
    "connect": f"EACCES EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY ECONNREFUSED "
    f"ECONNRESET EHOSTUNREACH EISCONN ENETUNREACH ENOBUFS EPERM EPROTOTYPE ETIMEDOUT {WRONG}",
    "getsockopt": f"ENOBUFS ENOMEM ENOPROTOOPT {WRONG}",
    "getsockname": f"ENOBUFS {WRONG}",
    "getpeername": f"ENOBUFS ENOTCONN {WRONG}",
    "setblocking": "EBADF EFAULT EINVAL ENOTTY",
    "socket": f"EACCES EAFNOSUPPORT EINVAL EPROTONOSUPPORT {SHORTAGE}",
    "close": "EBADF EDQUOT EIO ENOSPC",
    "register": "EBADF EEXIST EINVAL ELOOP ENOENT ENOMEM ENOSPC EPERM",
    "modify": "EBADF EINVAL ENOENT ENOMEM EPERM",
    "unregister": "EBADF EINVAL ENOENT ENOMEM EPERM",
}
NUMBERS = {
    call: [getattr(errno, name) for name in names.split() if hasattr(errno, name)]
    for call, names in ERRORS.items()
}
GONE_NUMBERS = {getattr(errno, name) for name in GONE.split() if hasattr(errno, name)}
SHORTAGE_NUMBERS = [getattr(errno, name) for name in SHORTAGE.split()]
DEFECT = -1  # in place of an errno: the call raises what only our own bug would raise
NOT_NOW = {"recv", "send", "accept"}  # these may find that it was not ready after all


class Faults(Protocol):
    """A source of decisions about which calls fail."""

    def strike(self, host: Any, call: str, sock: Any) -> int:
        """Return the errno with which this call of `host` fails; 0: it does not fail."""


class Weather:
    """Faults by chance: often would-block, sometimes shortages in accept, rarely anything else."""

    def __init__(self, chance: Chance, not_now: float, shortage: float, anything: float) -> None:
        self.chance = chance
        self.not_now, self.shortage, self.anything = not_now, shortage, anything

    def strike(self, host: Any, call: str, sock: Any) -> int:
        maybe = self.chance.maybe
        if call in NOT_NOW and maybe(self.not_now):
            return errno.EAGAIN
        if call == "accept" and maybe(self.shortage):
            return SHORTAGE_NUMBERS[self.chance.below(len(SHORTAGE_NUMBERS))]
        if maybe(self.anything):
            return NUMBERS[call][self.chance.below(len(NUMBERS[call]))]
        return 0
