"""A system like a BSD or macOS, as far as Python on Linux can pretend: for `make test-bsd`.

This folder is first on PYTHONPATH, so Python imports this file before a program's first statement.
It removes what only Linux has: epoll, MSG_MORE, O_PATH, and the files in /proc that lead to a
program's own descriptors. It adds what other systems have: F_FULLFSYNC, and accepted sockets that
are non-blocking if the listening socket is. Words in the variable BSD, with commas between them,
add more:

    kqueue      a selector that reports reading and writing one by one, writing first
    nottys      that selector refuses terminals, as kqueue does for some (EINVAL)
    badpoll     poll answers POLLNVAL for terminals, as on macOS ("does not support devices")
    nopoll      there is no poll at all, as in a Python that found the poll of its macOS broken
    devfd       /dev/fd is a real folder, without links
"""

import errno
import fcntl
import os
import select
import selectors
import socket
from pathlib import PurePath

WORDS = os.environ.get("BSD", "").split(",")

for module, prefix in ((select, "epoll"), (socket, "msg_more"), (os, "o_path")):
    for name in [name for name in dir(module) if name.lower().startswith(prefix)]:
        delattr(module, name)


def failure(number, path=None):
    """Return the error with this number."""
    return OSError(number, os.strerror(number), path)


# Sockets: accept(2) hands on O_NONBLOCK.

accept = socket.socket._accept


def accept_as_bsd(self):
    """Accept a connection; it is non-blocking if the listening socket is."""
    number, address = accept(self)
    os.set_blocking(number, self.getblocking())
    return number, address


socket.socket._accept = accept_as_bsd

# Descriptors as files: no /proc, and /dev/fd is perhaps a folder in which nothing is a link.

HIDDEN = ("/proc/self/fd", "/proc/thread-self/fd")
STANDARD = {PurePath("/dev/stdin"): 0, PurePath("/dev/stdout"): 1, PurePath("/dev/stderr"): 2}


def in_folder(path, *folders):
    """Tell whether `path` is one of the folders, or in one."""
    given = isinstance(path, str | PurePath)
    return given and any(PurePath(path).is_relative_to(folder) for folder in folders)


def without_proc(call):
    """Return `call`, which does not find /proc."""

    def hidden(path=".", *arguments, **more):
        if in_folder(path, *HIDDEN):
            raise failure(errno.ENOENT, path)
        return call(path, *arguments, **more)

    return hidden


def open_as_bsd(path, *arguments, **more):
    """Open a file. For one in /dev/fd that means: duplicate the descriptor, as dup(2) does."""
    if in_folder(path, "/dev/fd") and (name := os.path.basename(path)).isdecimal():
        return os.dup(int(name))
    return real_open(path, *arguments, **more)


def lstat_as_bsd(path, *arguments, **more):
    """Return the status; nothing in /dev/fd is a link."""
    call = real_stat if in_folder(path, "/dev/fd") else real_lstat
    return call(path, *arguments, **more)


def readlink_as_bsd(path, *arguments, **more):
    """Read a link. /dev/stdout leads to /dev/fd."""
    if in_folder(path, "/dev/fd"):
        raise failure(errno.EINVAL, path)
    if isinstance(path, str | PurePath) and PurePath(path) in STANDARD:
        return f"fd/{STANDARD[PurePath(path)]}"
    return real_readlink(path, *arguments, **more)


real_open, real_stat, real_lstat, real_readlink = os.open, os.stat, os.lstat, os.readlink
os.open = without_proc(real_open)
if "devfd" in WORDS:
    os.open, os.lstat = without_proc(open_as_bsd), without_proc(lstat_as_bsd)
    os.readlink, os.stat = without_proc(readlink_as_bsd), without_proc(real_stat)
os.supports_dir_fd.add(os.open)  # the replacement takes a folder as well

# The disk: F_FULLFSYNC.

fcntl.F_FULLFSYNC = 51
real_fcntl = fcntl.fcntl


def fcntl_as_bsd(descriptor, command, *arguments):
    """Do what fcntl(2) does, and F_FULLFSYNC."""
    if command == fcntl.F_FULLFSYNC:
        return os.fsync(descriptor)
    return real_fcntl(descriptor, command, *arguments)


fcntl.fcntl = fcntl_as_bsd

# Waiting.


class BadPoll:
    """poll(2) that does not support terminals."""

    real = select.poll

    def __init__(self):
        self.poll_of_others = self.real()
        self.bad = set()

    def register(self, fileobj, mask=7):
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if os.isatty(number):
            self.bad.add(number)
        else:
            self.poll_of_others.register(number, mask)

    def unregister(self, fileobj):
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if number in self.bad:
            self.bad.discard(number)
        else:
            self.poll_of_others.unregister(number)

    def modify(self, fileobj, mask):
        self.poll_of_others.modify(fileobj, mask)

    def poll(self, timeout=None):
        found = [(number, select.POLLNVAL) for number in self.bad]
        return found + self.poll_of_others.poll(0 if found else timeout)


class KqueueSelector(selectors.PollSelector):
    """Events of kqueue: a socket that can be read and written comes twice."""

    _selector_cls = BadPoll.real

    def register(self, fileobj, events, data=None):
        number = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        if "nottys" in WORDS and os.isatty(number):
            raise failure(errno.EINVAL)
        return super().register(fileobj, events, data)

    def select(self, timeout=None):
        ready = super().select(timeout)
        events = [(key, one) for key, both in ready for one in (2, 1) if both & one]
        return events[: max(len(self.get_map()), 1)]


if "badpoll" in WORDS:
    select.poll = BadPoll
if "nopoll" in WORDS:
    del select.poll
if "kqueue" in WORDS:
    selectors.KqueueSelector = selectors.DefaultSelector = KqueueSelector
