"""A system like a BSD or macOS, as far as Python on Linux can pretend: for `make test-bsd`.

First on PYTHONPATH, Python imports this before a program's first statement. What Linux alone has is
taken away, and the variable BSD adds more, by words with commas between:

    kqueue      a selector that reports reading and writing one by one, writing first
    nottys      that selector refuses terminals, as kqueue does for some (EINVAL)
    badpoll     poll answers POLLNVAL for terminals, as on macOS ("does not support devices")
    nopoll      there is no poll at all
"""

import errno
import os
import select
import selectors
import socket

WORDS = os.environ.get("BSD", "").split(",")

for module, prefix in ((select, "epoll"), (socket, "msg_more"), (os, "o_path")):
    for name in [name for name in dir(module) if name.lower().startswith(prefix)]:
        delattr(module, name)

accept = socket.socket._accept


def accept_as_bsd(self):
    """Accept a connection; it is non-blocking if the listening socket is."""
    number, address = accept(self)
    os.set_blocking(number, self.getblocking())
    return number, address


socket.socket._accept = accept_as_bsd

open_file = os.open


def open_without_proc(path, *arguments, **more):
    """Open a file; there is no /proc."""
    if isinstance(path, str) and path.startswith("/proc/self/fd/"):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return open_file(path, *arguments, **more)


os.open = open_without_proc


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
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
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
