"""Which errors each system call may give: the ERRORS sections of the man pages of Linux.

`--fast` injects the first one of each line. EFAULT is left out, since Python cannot pass a wrong
address, and ENOSYS, since eighty needs these calls.
"""

NO_DESCRIPTOR = "EMFILE ENFILE ENOMEM "
DISK = "ENOSPC EDQUOT EFBIG EIO "
NFS = "ESTALE "  # the server has removed the file; in few man pages, and possible in every call
PATH = "EACCES ENOENT ENOTDIR ELOOP ENAMETOOLONG EPERM EROFS ENOMEM EIO " + NFS

ERRNOS = {
    "accept4": NO_DESCRIPTOR + "ENOBUFS ECONNABORTED EAGAIN EINTR EPERM EPROTO EBADF EINVAL "
    "ENOTSOCK EOPNOTSUPP ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH ENETUNREACH ETIMEDOUT",
    "access": "EACCES ENOENT ENOTDIR ELOOP ENAMETOOLONG EROFS EIO ENOMEM ETXTBSY " + NFS,
    "bind": "EADDRINUSE EACCES EADDRNOTAVAIL EBADF EINVAL ENOTSOCK ENOMEM",
    "clone3": "EAGAIN ENOMEM EPERM",
    "close": "EIO EBADF EINTR ENOSPC EDQUOT " + NFS,
    "connect": "ECONNREFUSED ETIMEDOUT ENETUNREACH EHOSTUNREACH EACCES EPERM EADDRINUSE "
    "EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EALREADY EBADF EINPROGRESS EINTR EISCONN ENOTSOCK "
    "EPROTOTYPE",
    "dup": "EMFILE EBADF",
    "epoll_create1": NO_DESCRIPTOR,
    "epoll_ctl": "ENOMEM ENOSPC EBADF EEXIST EINVAL ENOENT EPERM ELOOP",
    "epoll_wait": "EINTR EBADF EINVAL",
    "fchmod": "EPERM EACCES EIO EROFS EBADF EOPNOTSUPP " + NFS,
    "fcntl": "EMFILE EBADF EINVAL EINTR",
    "fsync": "EIO ENOSPC EDQUOT EBADF EROFS EACCES EINVAL EINTR EOPNOTSUPP " + NFS,
    "getpeername": "ENOTCONN ENOBUFS EBADF EINVAL ENOTSOCK",
    "getrandom": "EAGAIN EINTR EINVAL",
    "getsockname": "ENOBUFS EBADF EINVAL ENOTSOCK",
    "getsockopt": "ENOPROTOOPT EBADF EINVAL ENOTSOCK",
    "ioctl": "ENOTTY EBADF EINVAL EIO",
    "listen": "EADDRINUSE EBADF ENOTSOCK EOPNOTSUPP",
    "newfstatat": PATH + "EBADF",
    "openat": PATH + NO_DESCRIPTOR + "ENOSPC EDQUOT EEXIST EISDIR EINTR EBUSY ENXIO ETXTBSY "
    "EOVERFLOW EAGAIN",
    "poll": "EINTR ENOMEM EINVAL",
    "read": "EIO EISDIR EAGAIN EINTR EBADF EINVAL " + NFS,
    "readlink": PATH + "EINVAL",
    "recvfrom": "ECONNRESET ETIMEDOUT ECONNREFUSED EHOSTUNREACH EAGAIN EINTR EBADF EINVAL ENOMEM "
    "ENOTCONN ENOTSOCK",
    "rename": PATH + DISK + "EXDEV EBUSY EEXIST EINVAL EISDIR EMLINK ENOTEMPTY ETXTBSY",
    "sendto": "ECONNRESET EPIPE EAGAIN EINTR ENOBUFS ENOMEM EACCES EALREADY EBADF EDESTADDRREQ "
    "EINVAL EISCONN EMSGSIZE ENOTCONN ENOTSOCK EOPNOTSUPP EPROTOTYPE",
    "setsockopt": "ENOPROTOOPT EBADF EINVAL ENOTSOCK",
    "shutdown": "ENOTCONN EBADF EINVAL ENOTSOCK",
    "socket": NO_DESCRIPTOR + "ENOBUFS EACCES EAFNOSUPPORT EINVAL EPROTONOSUPPORT",
    "socketpair": NO_DESCRIPTOR + "EAFNOSUPPORT EOPNOTSUPP EPROTONOSUPPORT",
    "unlink": PATH + "EBUSY EISDIR",
    "write": DISK + "EPIPE EAGAIN EINTR EBADF EDESTADDRREQ EINVAL EPERM " + NFS,
}

# The same calls by the other names that a machine or a C library may have for them.
ALIASES = {
    "accept": "accept4",
    "clone": "clone3",
    "dup3": "dup",
    "epoll_pwait": "epoll_wait",
    "faccessat": "access",
    "faccessat2": "access",
    "fstat": "newfstatat",
    "lstat": "newfstatat",
    "open": "openat",
    "ppoll": "poll",
    "readlinkat": "readlink",
    "recv": "recvfrom",
    "renameat": "rename",
    "renameat2": "rename",
    "send": "sendto",
    "stat": "newfstatat",
    "unlinkat": "unlink",
}


def of(call: str) -> list[str]:
    """Return the names of the errors that `call` may give."""
    return list(dict.fromkeys(ERRNOS[ALIASES.get(call, call)].split()))
