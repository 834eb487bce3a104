"""One socket in the loop: what it takes, what it keeps, and how it is closed."""

import errno
import os
import socket
import struct
from contextlib import closing
from enum import Enum, auto
from typing import ClassVar

import pytest

from connection import END_FOLLOWS, RECEIVE, RESET, Connection
from reactor import READ, WRITE, Reactor
from tests.support.fakes import FakeSelector


class State(Enum):
    OPEN = auto()
    SHUT = auto()


class Wire(Connection):
    transitions: ClassVar = {(State.OPEN, State.SHUT): "the last one leaves"}


@pytest.fixture
def selector():
    return FakeSelector()


@pytest.fixture
def connect(selector):
    """Return a function that makes a connection on which these bytes arrive."""
    reactor = Reactor(selector, selector.clock)
    wires = []

    def connect(*incoming):
        wires.append(Wire(reactor, selector.socket(*incoming), State.OPEN, "?"))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.close()


def failing(number):
    return OSError(number, os.strerror(number))


GONE = [
    errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTUNREACH,
    errno.EPROTOTYPE, errno.ENOBUFS,
]  # fmt: skip


def test_a_new_connection_waits_for_nothing_and_has_nothing_to_send(connect, selector):
    wire = connect()
    assert (wire.interest, wire.state, wire.unsent) == (0, State.OPEN, b"")
    assert selector.told == []


@pytest.mark.fault("I-3")
def test_a_connection_with_slots_has_no_dictionary_beside_them(selector):
    class Slotted(Connection):
        __slots__ = ()

    assert not hasattr(Slotted(Reactor(selector), selector.socket(), State.OPEN, "?"), "__dict__")


# --- states


def test_a_legal_transition_is_made(connect):
    wire = connect()
    wire.transition(State.SHUT)
    assert wire.state is State.SHUT


def test_an_illegal_transition_is_a_defect_and_not_made(connect):
    wire = connect()
    with pytest.raises(RuntimeError, match="from OPEN to OPEN"):
        wire.transition(State.OPEN)
    wire.transition(State.SHUT)
    with pytest.raises(RuntimeError, match="from SHUT to OPEN"):
        wire.transition(State.OPEN)
    assert wire.state is State.SHUT


# --- receiving


@pytest.mark.fault("B26")
def test_bytes_the_end_of_the_stream_and_not_now_are_three_answers(connect):
    wire = connect(b"bytes", b"")
    assert wire.receive() == b"bytes"
    assert wire.receive() == b""
    assert wire.receive() is None


@pytest.mark.fault("B6", "I-8")
def test_a_bounded_number_of_bytes_is_taken_at_once(connect):
    wire = connect(bytes(RECEIVE + 1))
    assert [len(wire.receive()), len(wire.receive())] == [RECEIVE, 1]


@pytest.mark.fault("B11")
@pytest.mark.parametrize("number", GONE)
def test_an_error_of_the_network_is_for_the_subclass(connect, number):
    wire = connect(failing(number))
    with pytest.raises(OSError) as raised:
        wire.receive()
    assert raised.value.errno == number


# --- sending


def sending(connect, data, room):
    """Return a connection with `data` to send and a kernel that has so much room."""
    wire = connect()
    wire.unsent = data
    wire.sock.room = room
    return wire


@pytest.mark.fault("B1")
@pytest.mark.parametrize("room", range(7))
def test_what_the_kernel_does_not_take_is_kept(connect, room):
    wire = sending(connect, b"bytes", room)
    assert wire.send() == min(room, len(b"bytes"))
    assert b"".join(wire.sock.sent) == b"bytes"[:room]
    assert wire.unsent == b"bytes"[room:]


@pytest.mark.fault("B1")
def test_byte_by_byte_everything_leaves_in_order(connect):
    wire = sending(connect, b"bytes", 0)
    while wire.unsent:
        wire.sock.room = 1
        wire.send()
    assert wire.sock.sent == [b"b", b"y", b"t", b"e", b"s"]


@pytest.mark.parametrize("most", [1, 4, 5, 6])
def test_in_slow_motion_at_most_that_many_bytes_are_offered(connect, most):
    wire = sending(connect, b"bytes", 100)
    wire.send(most)
    assert wire.sock.sent == [b"bytes"[:most]]
    assert wire.unsent == b"bytes"[most:]


@pytest.mark.fault("B2")
def test_no_room_after_all_is_no_error_and_nothing_is_lost(connect):
    wire = sending(connect, b"bytes", 0)
    assert wire.send() == 0
    assert (wire.unsent, wire.sock.sent) == (b"bytes", [])


def test_the_flags_of_a_send_are_of_that_send_alone(connect):
    wire = connect()
    wire.unsent = b"hello"
    wire.send(2)
    wire.send(flags=socket.MSG_DONTROUTE)
    assert wire.sock.sent == [b"he", b"llo"]
    assert wire.sock.flags == [0, socket.MSG_DONTROUTE]


def segments_sent(sock):
    """Return how many segments have gone out: tcpi_segs_out of struct tcp_info, linux/tcp.h."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    [sent] = struct.unpack_from("I", info, 136)
    return sent


@pytest.mark.linux_only("MSG_MORE")
@pytest.mark.parametrize(("flags", "segments"), [(0, 2), (END_FOLLOWS, 1)])
def test_the_last_bytes_leave_with_the_end_if_it_follows(flags, segments):
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as peer,
        closing(Reactor()) as reactor,
        closing(Wire(reactor, listener.accept()[0], State.OPEN, "?")) as wire,
    ):
        before = segments_sent(wire.sock)
        wire.unsent = b"the end\n"
        wire.send(flags=flags)
        wire.half_close()
        assert segments_sent(wire.sock) - before == segments
        assert peer.recv(100, socket.MSG_WAITALL) == b"the end\n"


@pytest.mark.fault("F4")
def test_sending_nothing_is_harmless(connect):
    wire = sending(connect, b"", 0)
    wire.send()
    assert wire.unsent == b""


@pytest.mark.fault("B11", "B21")
@pytest.mark.parametrize("number", GONE)
def test_a_send_that_fails_is_not_tried_again_and_takes_nothing(connect, number):
    wire = sending(connect, b"bytes", 100)
    wire.sock.fails["send"] = failing(number)
    with pytest.raises(OSError) as raised:
        wire.send()
    assert (raised.value.errno, wire.unsent) == (number, b"bytes")


# --- closing


@pytest.mark.fault("B17")
@pytest.mark.parametrize("interest", [READ, WRITE, READ | WRITE])
def test_a_connection_leaves_the_selector_before_its_number_is_free(connect, selector, interest):
    one = connect()
    one.reactor.watch(one, interest)
    one.close()
    two = connect()
    assert two.sock.number == one.sock.number
    two.reactor.watch(two, interest)
    assert [key.data for key in selector.get_map().values()] == [two]


@pytest.mark.fault("B20")
def test_closing_again_does_no_harm(connect, selector):
    one = connect()
    one.reactor.watch(one, READ)
    one.close()
    two = connect()
    two.reactor.watch(two, READ)
    one.close()
    assert [key.data for key in selector.get_map().values()] == [two]


@pytest.mark.fault("B11")
def test_a_close_that_fails_has_released_the_number_all_the_same(connect):
    def close():
        close_really()
        raise failing(errno.ECONNRESET)

    wire = connect()
    wire.reactor.watch(wire, READ)
    close_really, wire.sock.close = wire.sock.close, close
    wire.close()
    assert wire.interest == 0
    assert wire.sock.fileno() == -1


# --- errors


def after(*steps):
    """Return the errors of these calls on a real connection whose peer has reset it."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        with socket.create_connection(door.getsockname()) as ours:
            theirs, _ = door.accept()
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            theirs.close()
            return [error_of(getattr(ours, name), *arguments) for name, *arguments in steps]


def error_of(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0


@pytest.mark.posix_only("Wine shows a reset as the end of the stream")
@pytest.mark.fault("B11")
@pytest.mark.parametrize(
    "steps",
    [
        [("recv", 1), ("send", b"x"), ("shutdown", socket.SHUT_WR)],
        [("recv", 1), ("getpeername",)],
        [("send", b"x")],
    ],
)
def test_whatever_a_call_meets_after_a_reset_counts_as_a_reset(steps):
    """A send after the reset was reported is EPIPE, a shutdown or getpeername ENOTCONN."""
    assert after(*steps)[-1] in RESET


def test_the_errors_of_a_reset_are_these_four_and_none_of_them_is_missing():
    expected = {errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.EPIPE}
    assert expected == RESET
