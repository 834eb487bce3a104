"""The fakes of lab/simulation behave as the kernel's sockets and selectors do, else they prove
nothing: one test for both, on real loopback sockets with each selector there is, and on the fakes.
"""

import errno
import math
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest

from edges.epoll import EpollSelector
from lab.simulation.chance import Calm
from lab.simulation.client_end import REFUSED
from lab.simulation.knobs import Knobs
from lab.simulation.program import Program
from lab.simulation.sockets import FakeListener, FakeSocket
from lab.simulation.world import World
from reactor import READ, WRITE

LIMIT = 5.0  # seconds for anything that must happen
BOTH = READ | WRITE
REAL = {
    "select": selectors.SelectSelector,
    "poll": getattr(selectors, "PollSelector", None),
    "epoll": getattr(selectors, "EpollSelector", None),
    "our epoll": EpollSelector,
}


class Kit:
    """Sockets and a selector of one kind; `events` asks the selector about one socket."""

    selector: Any
    open: list[Any]
    listener: Callable[..., Any]
    connecting: Callable[..., Any]

    def pair(self):
        """Return the two ends of a new connection, the client's first."""
        listener = self.listener()
        client = self.connecting(listener.address)
        self.await_events(listener, READ)
        server, _address = listener.accept()
        server.setblocking(False)
        self.await_events(client, WRITE)
        self.open.append(server)
        listener.close()
        return client, server

    def events(self, sock, asked=BOTH):
        """Return what the selector reports of a socket without waiting."""
        self.selector.register(sock, asked)
        try:
            return dict.get({key.fileobj: e for key, e in self.selector.select(0)}, sock, 0)
        finally:
            self.selector.unregister(sock)

    def await_events(self, sock, events):
        """Wait until the selector reports this."""
        end = time.monotonic() + LIMIT
        while self.events(sock, events) != events:
            assert time.monotonic() < end, "not reported"

    def fill(self, sock):
        """Send until there is no room; return how many bytes that took."""
        taken = 0
        try:
            while True:
                taken += sock.send(bytes(10_000))
        except BlockingIOError:
            return taken

    def close(self):
        for sock in self.open:
            sock.close()
        self.selector.close()


class Listening(socket.socket):
    @property
    def address(self):
        return self.getsockname()


class Kernel(Kit):
    """The real thing."""

    clock = staticmethod(time.monotonic)

    def __init__(self, name):
        self.selector = REAL[name]()
        self.open = []

    def listener(self, backlog=10):
        sock = Listening()
        self.open.append(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what is accepted inherits it
        sock.bind(("127.0.0.1", 0))
        sock.listen(backlog)
        sock.setblocking(False)
        return sock

    def connecting(self, address):
        sock = socket.socket()
        self.open.append(sock)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        assert sock.connect_ex(address) == errno.EINPROGRESS
        return sock

    def nowhere(self):
        listener = self.listener()
        address = listener.getsockname()
        listener.close()
        return address

    def abort(self, sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


class Bench(Program):
    """A host that does what the test does."""

    def happen(self):
        self.awake = False

    def sleep(self, seconds):
        while self.world.pending:
            self.world.step()
        self.found = self.selector.ready()
        if not self.found and seconds:
            self.world.now += math.ceil(seconds * 1000) / 1000
        return self.found

    def accepted(self, sock):
        return sock.peer_address

    def left_waiting(self, queue):
        """A client that waits when a listener closes is reset, as the kernel does it."""


class Fake(Kit):
    """The simulation's."""

    def __init__(self, name):
        self.world = World(Calm(), Knobs(clients=0, window=1000))
        self.host = Bench(self.world, "bench", 1000, None)
        self.selector = self.host.selector
        self.clock = self.world.clock
        self.open = []

    def listener(self, backlog=10):
        sock = FakeListener(self.host, ("10.0.0.1", 7080), backlog)
        self.open.append(sock)
        return sock

    def connecting(self, address):
        sock = FakeSocket(self.host)
        sock.address = ("10.1.0.1", 40000 + len(self.open))
        self.host.take_number(sock)
        self.open.append(sock)
        sock.setblocking(False)
        assert sock.connect_ex(address) == errno.EINPROGRESS
        return sock

    def nowhere(self):
        return REFUSED

    def abort(self, sock):
        sock.depart(with_reset=True)


@pytest.fixture(params=[*REAL, "fake"])
def kit(request):
    kind = Fake if request.param == "fake" else Kernel
    if kind is Kernel and REAL[request.param] is None:
        pytest.fail(f"there is no {request.param} here")
    kit = kind(request.param)
    yield kit
    kit.close()


def raises(number):
    """Expect an OSError with this errno."""
    return pytest.raises(OSError, match=rf"\[Errno {number}\]")


def test_a_fresh_connection_has_room_and_nothing_to_read(kit):
    for sock in kit.pair():
        assert kit.events(sock) == WRITE
        with pytest.raises(BlockingIOError):
            sock.recv(10)


def test_bytes_arrive_in_order_and_are_read_as_many_as_wanted(kit):
    client, server = kit.pair()
    assert client.send(b"HEL") == 3
    assert client.send(b"LO") == 2
    kit.await_events(server, BOTH)
    assert server.recv(4) == b"HELL"
    assert kit.events(server) == BOTH
    assert server.recv(4) == b"O"
    assert kit.events(server) == WRITE
    with pytest.raises(BlockingIOError):
        server.recv(4)


@pytest.mark.fault("B26", "B9")
def test_a_half_close_is_an_end_of_stream_that_stays_and_the_other_direction_lives(kit):
    client, server = kit.pair()
    client.send(b"last")
    client.shutdown(socket.SHUT_WR)
    kit.await_events(server, BOTH)
    assert [server.recv(10), server.recv(10), server.recv(10)] == [b"last", b"", b""]
    assert kit.events(server) == BOTH
    server.send(b"answer")
    kit.await_events(client, BOTH)
    assert client.recv(10) == b"answer"
    with raises(errno.EPIPE):
        client.send(b"more")
    client.shutdown(socket.SHUT_WR)


@pytest.mark.fault("B14")
def test_a_connection_that_is_closed_both_ways_is_ready_for_ever(kit):
    client, server = kit.pair()
    client.shutdown(socket.SHUT_WR)
    server.shutdown(socket.SHUT_WR)
    kit.await_events(server, BOTH)
    assert server.recv(10) == b""
    assert kit.events(server) == BOTH
    assert kit.events(server, WRITE) == WRITE


@pytest.mark.fault("B12", "B11")
def test_closing_over_unread_bytes_is_a_reset(kit):
    client, server = kit.pair()
    client.send(b"unread")
    kit.await_events(server, BOTH)
    server.send(b"answer")
    kit.await_events(client, BOTH)
    server.close()
    assert client.recv(10) == b"answer"
    kit.await_events(client, BOTH)
    with raises(errno.ECONNRESET):
        client.recv(10)
    assert client.recv(10) == b""
    with raises(errno.EPIPE):
        client.send(b"more")
    with raises(errno.ENOTCONN):
        client.shutdown(socket.SHUT_WR)


@pytest.mark.fault("G17")
def test_what_had_arrived_before_a_reset_can_still_be_read(kit):
    client, server = kit.pair()
    server.send(b"arrived")
    kit.await_events(client, BOTH)
    kit.abort(server)
    assert client.recv(10) == b"arrived"
    kit.await_events(client, BOTH)
    with raises(errno.ECONNRESET):
        client.recv(10)


@pytest.mark.fault("B11", "B13")
def test_a_reset_is_reported_once_to_the_first_call(kit):
    client, server = kit.pair()
    kit.abort(client)
    kit.await_events(server, WRITE)  # it is reported to those that wait to write as well
    with raises(errno.ECONNRESET):
        server.send(b"more")
    with raises(errno.EPIPE):
        server.send(b"more")
    assert server.recv(10) == b""
    with raises(errno.ENOTCONN):
        server.shutdown(socket.SHUT_WR)


@pytest.mark.fault("B24")
def test_the_first_send_to_a_peer_that_has_closed_works_and_the_next_fails(kit):
    client, server = kit.pair()
    client.close()
    kit.await_events(server, BOTH)
    assert server.recv(10) == b""
    assert server.send(b"into the void") == 13
    kit.await_events(server, BOTH)
    with raises(errno.EPIPE):
        server.send(b"more")
    assert server.recv(10) == b""


@pytest.mark.fault("B1", "B2", "B15")
def test_a_full_window_blocks_until_the_peer_has_read(kit):
    client, server = kit.pair()
    taken = kit.fill(client)
    assert taken > 0
    assert kit.events(client) == 0
    kit.await_events(server, BOTH)
    while taken:
        try:
            taken -= len(server.recv(100_000))
        except BlockingIOError:
            kit.events(server)  # the rest is on its way
    kit.await_events(client, WRITE)
    assert client.send(b"more") == 4


def test_an_established_connection_says_so_and_has_two_different_ends(kit):
    listener = kit.listener()
    client = kit.connecting(listener.address)
    kit.await_events(client, WRITE)
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    assert client.getpeername() == listener.address != client.getsockname()
    server, address = listener.accept()
    kit.open.append(server)
    assert address == client.getsockname()


@pytest.mark.fault("G1")
def test_a_refused_connection_is_ready_and_its_error_is_reported_once(kit):
    client = kit.connecting(kit.nowhere())
    kit.await_events(client, BOTH)
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    with raises(errno.ENOTCONN):
        client.getpeername()


@pytest.mark.fault("G3", "A16")
def test_a_client_that_does_not_fit_into_the_backlog_goes_on_connecting(kit):
    listener = kit.listener(backlog=0)
    first = kit.connecting(listener.address)
    kit.await_events(first, WRITE)
    second = kit.connecting(listener.address)
    assert kit.events(second) == 0


@pytest.mark.fault("A11")
def test_a_listener_is_ready_while_somebody_waits_and_hands_out_the_first_comer(kit):
    listener = kit.listener()
    assert kit.events(listener, READ) == 0
    with pytest.raises(BlockingIOError):
        listener.accept()
    clients = [kit.connecting(listener.address) for _ in range(2)]
    for client in clients:
        kit.await_events(client, WRITE)
        kit.await_events(listener, READ)
        server, address = listener.accept()
        kit.open.append(server)
        assert address == client.getsockname()
    assert kit.events(listener, READ) == 0


@pytest.mark.fault("A12")
def test_a_connection_that_was_reset_in_the_backlog_is_accepted_all_the_same(kit):
    listener = kit.listener()
    client = kit.connecting(listener.address)
    kit.await_events(client, WRITE)
    kit.abort(client)
    kit.await_events(listener, READ)
    server, _address = listener.accept()
    kit.open.append(server)
    server.setblocking(False)
    with raises(errno.ENOTCONN):
        server.getpeername()
    with raises(errno.ECONNRESET):
        server.recv(10)
    with raises(errno.EPIPE):
        server.send(b"HELLO 1\n")
    with raises(errno.ENOTCONN):
        server.shutdown(socket.SHUT_WR)


@pytest.mark.fault("D12")
def test_closing_a_listener_resets_those_who_wait(kit):
    listener = kit.listener()
    client = kit.connecting(listener.address)
    kit.await_events(client, WRITE)
    listener.close()
    kit.await_events(client, BOTH)
    with raises(errno.ECONNRESET):
        client.recv(10)
    if listener.fileno() != -1:
        pytest.fail("it still has a number")


@pytest.mark.fault("B16", "B20")
def test_a_closed_socket_has_no_number_and_the_next_one_gets_it(kit):
    listener = kit.listener()
    first, second = (kit.connecting(listener.address) for _ in range(2))
    number = first.fileno()
    first.close()
    first.close()
    assert first.fileno() == -1
    third = kit.connecting(listener.address)
    assert number == third.fileno() < second.fileno()


def test_what_is_ready_is_reported_again_until_something_is_done(kit):
    client, server = kit.pair()
    client.send(b"x")
    kit.await_events(server, BOTH)
    kit.selector.register(server, READ, "mine")
    for _ in range(3):
        server.recv(0)
        client.send(b"x")
        [(key, events)] = kit.selector.select(LIMIT)
        assert (key.fileobj, key.data, events) == (server, "mine", READ)
    kit.selector.unregister(server)


def test_a_selector_reports_what_it_is_asked_for_and_no_more(kit):
    client, server = kit.pair()
    client.send(b"x")
    kit.await_events(server, BOTH)
    kit.selector.register(server, WRITE, "writer")
    [(key, events)] = kit.selector.select(LIMIT)
    assert (key.data, events) == ("writer", WRITE)
    kit.selector.modify(server, READ, "reader")
    [(key, events)] = kit.selector.select(LIMIT)
    assert (key.data, events) == ("reader", READ)
    assert {k.fileobj: k.data for k in kit.selector.get_map().values()} == {server: "reader"}
    kit.selector.unregister(server)
    assert kit.selector.select(0) == []


def test_registering_twice_and_unregistering_what_is_not_there_are_errors(kit):
    client, _server = kit.pair()
    kit.selector.register(client, READ)
    with pytest.raises((KeyError, OSError)):
        kit.selector.register(client, READ)
    kit.selector.unregister(client)
    with pytest.raises(KeyError):
        kit.selector.unregister(client)
    with pytest.raises((KeyError, OSError)):
        kit.selector.modify(client, WRITE)


@pytest.mark.fault("C7")
@pytest.mark.parametrize("seconds", [0.0004, 0.003])
def test_a_timeout_is_never_too_short(kit, seconds):
    client, _server = kit.pair()
    kit.selector.register(client, READ)
    before = kit.clock()
    while not kit.selector.select(seconds) and kit.clock() - before < seconds:
        pytest.fail("woken too early")
    kit.selector.unregister(client)


@pytest.mark.parametrize("name", REAL)
def test_a_file_that_was_closed_too_early_leaves_the_selector_without_an_error(name):
    """As the fake's unregister, which never fails: the loop must not die of it."""
    selector = REAL[name]()
    reader, writer = os.pipe()
    selector.register(reader, READ)
    os.close(reader)
    selector.unregister(reader)
    assert not selector.get_map()
    os.close(writer)
    selector.close()
