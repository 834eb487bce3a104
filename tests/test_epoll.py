"""Our selector answers as the standard ones do, in every situation that a socket can be in.

Each situation is made with real sockets and pipes; poll(2) waits until the kernel is in it. Then
all selectors are asked the same question, and so is the fake selector, as far as it goes: the unit
tests rely on it, so it must not hide wrong use.
"""

import errno
import os
import re
import select
import selectors
import socket
import struct
import time
import unittest
from contextlib import ExitStack, closing
from types import SimpleNamespace
from typing import Any

import pytest

from edges.epoll import EpollSelector
from reactor import READ, WRITE, Reactor
from tests.support.fakes import FakeSelector

try:
    from test import test_selectors as cpython  # some distributions leave it out
except ImportError:
    cpython = None

STANDARD = [selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector]
ALL = [EpollSelector, *STANDARD]
LIMIT = 5000  # milliseconds
WRONG = (KeyError, ValueError, OSError)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=ALL, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def selector(request):
    with closing(request.param()) as selector:
        yield selector


def reaches(sock, events):
    """Wait until the kernel reports `events` for `sock`; 0: an error or hang-up."""
    poll = select.poll()
    poll.register(sock, events)
    assert poll.poll(LIMIT)
    return sock


# --- situations: each returns a socket or the end of a pipe


def pair(stack):
    return [stack.enter_context(end) for end in socket.socketpair()]


def pipe(stack):
    reader, writer = os.pipe()
    return [stack.enter_context(os.fdopen(reader, "rb", 0)), os.fdopen(writer, "wb", 0)]


def tcp(stack):
    """Return the two ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        one = stack.enter_context(socket.create_connection(door.getsockname()))
        return one, stack.enter_context(door.accept()[0])


def quiet(stack):
    return pair(stack)[0]


def bytes_wait(stack):
    one, other = pair(stack)
    other.send(b"x")
    return reaches(one, select.POLLIN)


def fill(sock):
    sock.setblocking(False)
    try:
        while True:
            sock.send(bytes(65536))
    except BlockingIOError:
        return sock


def no_room(stack):
    return fill(pair(stack)[0])


def bytes_wait_and_no_room(stack):
    one, other = pair(stack)
    other.send(b"x")
    return fill(reaches(one, select.POLLIN))


def end_of_stream(stack):
    one, other = pair(stack)
    other.shutdown(socket.SHUT_WR)
    return reaches(one, select.POLLIN)


def bytes_and_end_of_stream(stack):
    one, other = tcp(stack)
    other.send(b"x")
    other.shutdown(socket.SHUT_WR)
    return reaches(one, select.POLLRDHUP)


def closed_both_ways(stack):
    one, other = tcp(stack)
    one.shutdown(socket.SHUT_WR)
    other.shutdown(socket.SHUT_WR)
    return reaches(one, 0)


def reset(stack):
    one, other = tcp(stack)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    return reaches(one, 0)


def refused(stack):
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = door.getsockname()
    sock = stack.enter_context(socket.socket())
    sock.setblocking(False)
    sock.connect_ex(address)
    return reaches(sock, 0)


def someone_at_the_door(stack):
    door = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    stack.enter_context(socket.create_connection(door.getsockname()))
    return reaches(door, select.POLLIN)


def urgent_byte(stack):
    one, other = tcp(stack)
    other.send(b"!", socket.MSG_OOB)
    return reaches(one, select.POLLPRI)


def pipe_without_writer(stack):
    reader, writer = pipe(stack)
    writer.close()
    return reaches(reader, 0)


def pipe_without_reader(stack):
    reader, writer = pipe(stack)
    reader.close()
    return reaches(stack.enter_context(writer), 0)


SITUATIONS = [
    quiet, bytes_wait, no_room, bytes_wait_and_no_room, end_of_stream, bytes_and_end_of_stream,
    closed_both_ways, reset, refused, someone_at_the_door, urgent_byte, pipe_without_writer,
    pipe_without_reader,
]  # fmt: skip


def answer(kind, sock, interest):
    """Return what `sock` is ready for, as a selector of this kind has it."""
    with closing(kind()) as selector:
        selector.register(sock, interest, "data")
        ready = selector.select(0)
    assert all((key.fileobj, key.fd, key.data) == (sock, sock.fileno(), "data") for key, _ in ready)
    return sum(events for _, events in ready)


@pytest.mark.fault("B23")
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_answer_is_that_of_the_standard_selectors(stack, situation):
    sock = situation(stack)
    # select(2) looks at each way alone: that nobody can write is no news for the way to write.
    standard = STANDARD[:2] if situation is pipe_without_writer else STANDARD
    for interest in (READ, WRITE, READ | WRITE):
        answers = [answer(kind, sock, interest) for kind in standard]
        assert answers == [answer(EpollSelector, sock, interest)] * len(answers), interest


def test_everything_that_is_ready_is_reported_at_once(stack, selector):
    socks = {bytes_wait(stack) for _ in range(100)}
    for sock in socks:
        selector.register(sock, READ | WRITE, sock)
    ready = selector.select()
    assert {(key.data, events) for key, events in ready} == {(s, READ | WRITE) for s in socks}


def test_a_socket_that_left_is_not_reported_and_one_that_changed_has_its_new_events(
    stack, selector
):
    one, two, three = (bytes_wait(stack) for _ in range(3))
    for sock in (one, two, three):
        selector.register(sock, READ, "before")
    assert selector.unregister(one).fileobj is one
    assert selector.modify(two, WRITE, "after") == (two, two.fileno(), WRITE, "after")
    ready = {key.fileobj: (key.data, events) for key, events in selector.select()}
    assert ready == {two: ("after", WRITE), three: ("before", READ)}
    assert {key.fileobj for key in selector.get_map().values()} == {two, three}


def test_a_number_will_do_for_a_socket(stack, selector):
    sock = bytes_wait(stack)
    key = selector.register(sock.fileno(), READ, "data")
    assert (key.fileobj, key.fd) == (sock.fileno(), sock.fileno())
    assert selector.select() == [(key, READ)]
    selector.modify(sock.fileno(), WRITE)
    assert selector.unregister(sock.fileno()).events == WRITE
    assert not selector.get_map()


def test_a_number_that_was_closed_can_still_be_unregistered_and_is_free_again(stack, selector):
    reader, writer = os.pipe()
    os.close(writer)
    selector.register(reader, READ)
    os.close(reader)
    selector.unregister(reader)
    sock = bytes_wait(stack)
    selector.register(sock, READ)
    assert [key.fileobj for key, _ in selector.select()] == [sock]


@pytest.mark.parametrize("kind", ALL)
def test_a_selector_that_is_closed_watches_nobody(stack, kind):
    selector = kind()
    selector.register(quiet(stack), READ)
    selector.close()
    assert not selector.get_map()


def test_a_socket_closed_without_leaving_is_not_reported_under_the_number_of_another(stack):
    """The kernel goes on reporting a closed number for as long as a copy of it is open."""
    one, _ = pair(stack)
    with closing(EpollSelector()) as selector:
        selector.register(one, READ | WRITE)
        stack.enter_context(one.dup())
        selector.keys.clear()
        assert selector.select(0) == []
        assert selector.epoll.poll(0)


# --- time


@pytest.mark.fault("C7")
@pytest.mark.parametrize("seconds", [0.0, 0.0000004, 0.0004, 0.0016])
def test_a_sleep_is_never_shorter_than_asked_for(stack, selector, seconds):
    selector.register(no_room(stack), READ)
    for _ in range(20):
        before = time.monotonic()
        assert selector.select(seconds) == []
        assert time.monotonic() - before >= seconds


def test_anything_that_is_ready_ends_the_sleep(stack, selector):
    sock = bytes_wait(stack)
    selector.register(sock, READ)
    for seconds in (None, 0, 86400.0):
        assert [key.fileobj for key, _ in selector.select(seconds)] == [sock]


def test_nobody_registered_is_a_sleep_all_the_same(selector):
    assert selector.select(0.001) == []


class Kernel:
    """Stands for epoll: nobody is ever ready, and what was asked for is kept."""

    def register(self, number, events):
        pass

    def poll(self, limit, most):
        self.limit, self.most = limit, most
        return []


@pytest.fixture
def kernel():
    return Kernel()


@pytest.fixture
def asking(kernel):
    """Our selector, which asks this kernel."""
    with closing(EpollSelector()) as selector:
        real, selector.epoll = selector.epoll, kernel
        yield selector
        selector.epoll = real


def test_without_a_limit_the_kernel_is_asked_for_a_sleep_without_end(asking, kernel):
    asking.select()
    assert kernel.limit is None


def test_the_kernel_may_name_everybody_at_once(asking, kernel):
    for number in range(2000):
        asking.register(number, READ)
    asking.select()
    assert kernel.most == 2000


# --- wrong use


def registered_twice(selector, sock):
    selector.register(sock, READ)
    selector.register(sock, READ)


def modified_unknown(selector, sock):
    selector.modify(sock, READ)


def unregistered_unknown(selector, sock):
    selector.unregister(sock)


def registered_closed(selector, sock):
    sock.close()
    selector.register(sock, READ)


def unregistered_closed(selector, sock):
    sock.close()
    selector.unregister(sock)


def registered_for_nothing(selector, sock):
    selector.register(sock, 0)


def no_file(selector, _sock):
    selector.register("a file", READ)


def no_number(selector, _sock):
    selector.register(-7, READ)


@pytest.mark.fault("B17")
@pytest.mark.parametrize(
    "use", [registered_twice, modified_unknown, unregistered_unknown, registered_closed]
)
@pytest.mark.parametrize("kind", [*ALL, FakeSelector])
def test_wrong_use_is_an_error(stack, kind, use):
    selector = kind()
    stack.callback(selector.close)
    sock = selector.socket() if kind is FakeSelector else quiet(stack)
    with pytest.raises(WRONG):
        use(selector, sock)


@pytest.mark.fault("B17")
@pytest.mark.parametrize(
    "use",
    [
        registered_twice, modified_unknown, unregistered_unknown, unregistered_closed,
        registered_for_nothing, no_file, no_number,
    ],
)  # fmt: skip
def test_wrong_use_is_the_error_of_the_standard_library(stack, use):
    errors = []
    for kind in (EpollSelector, selectors.EpollSelector):
        with closing(kind()) as selector, pytest.raises((KeyError, ValueError)) as caught:
            use(selector, sock := quiet(stack))
        words = str(caught.value).replace(repr(sock), "SOCK")
        errors.append((caught.type, re.sub(r"FD \d+", "FD", words).lower()))
    assert errors[0] == errors[1]


def test_events_that_there_are_not_are_refused_by_modify_as_by_register(stack):
    sock = quiet(stack)
    with closing(EpollSelector()) as selector:
        selector.register(sock, READ)
        with pytest.raises(ValueError, match="invalid events: 4"):
            selector.modify(sock, 4)
        assert selector.get_key(sock).events == READ


def test_of_several_that_are_closed_the_one_that_is_named_leaves(stack, selector):
    socks = [quiet(stack) for _ in range(3)]
    for sock in socks:
        selector.register(sock, READ, str(sock.fileno()))
    names = [str(sock.fileno()) for sock in socks]
    for sock in socks:
        sock.close()
    assert [selector.unregister(sock).data for sock in reversed(socks)] == names[::-1]


@pytest.mark.fault("E11")
@pytest.mark.parametrize("kind", [EpollSelector, selectors.EpollSelector])
def test_a_regular_file_is_refused(tmp_path, kind):
    with closing(kind()) as selector, open(tmp_path / "file", "wb") as file:
        with pytest.raises(PermissionError):
            selector.register(file, WRITE)
        assert not selector.get_map()


def test_a_wait_that_a_handler_of_a_signal_interrupts_finds_nothing(monkeypatch):
    def interrupted(*_):
        raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))

    with closing(EpollSelector()) as selector:
        epoll = selector.epoll
        monkeypatch.setattr(selector, "epoll", SimpleNamespace(poll=interrupted, close=epoll.close))
        assert selector.select() == []


# --- CPython's own tests of its selectors


class Ours(EpollSelector):
    """Two of CPython's tests look at what its own selectors keep under this name."""

    _map = property(lambda self: self.get_map())


def test_the_tests_of_cpython_are_there(not_here):
    if cpython is None:
        not_here("this Python has no package `test`: CPython's tests of selectors were not run")
    assert len([name for name in dir(TestOfCPython) if name.startswith("test_")]) > 15


MIXINS: tuple[Any, ...] = ()
if cpython is not None:
    MIXINS = (cpython.BaseSelectorTestCase, cpython.ScalableSelectorMixIn)


@pytest.mark.fault("E21")
class TestOfCPython(*MIXINS, unittest.TestCase):  # type: ignore[misc]  # two, or none
    """Every promise of selectors.BaseSelector, as the standard library tests it."""

    SELECTOR = Ours


@pytest.mark.fault("B17")
@pytest.mark.parametrize("kind", [selectors.EpollSelector, EpollSelector])
def test_a_handler_that_cannot_be_modified_can_be_closed(stack, kind):
    """The selector has forgotten it: it must not be unregistered any more. (KeyError, once.)"""
    with closing(Reactor(kind())) as reactor:
        handler = SimpleNamespace(sock=quiet(stack), interest=0)
        reactor.watch(handler, READ)
        real_close = handler.sock.detach()
        os.close(real_close)  # behind the selector's back, so that epoll_ctl fails
        handler.sock = real_close
        with pytest.raises(OSError, match="Bad file descriptor"):
            reactor.watch(handler, READ | WRITE)
        reactor.watch(handler, 0)
        assert not reactor.selector.get_map()
