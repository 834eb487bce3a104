"""Both state machines on fake sockets: what no kernel does on request, at moments that are exact.

The server with its listener, and the client with its addresses, each in a world of its own.
"""

import errno
import os
import signal
import socket
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

import client
from edges.command_line import ServerOptions
from edges.failure import Failure
from edges.outcome import settled
from lab.simulation.program import disarm
from reactor import READ, Reactor
from server import DEAF, DISCARD_LIMIT, Server
from signals import Interrupted
from tests.support.fakes import FakeSelector, FakeSocket, armed
from tests.support.programs import HELLO, conversation, file_message

BODY = b"Hello, world!\n"


def failing(number):
    return OSError(number, os.strerror(number))


# --- the server


class Bell:
    """What signals are to the loop."""

    interest = 0

    def __init__(self, sock, act):
        self.sock, self.act = sock, act

    def on_readable(self):
        for number in self.sock.recv(9):
            self.act(number)


class Venue:
    """A server behind a door; its clients are fake sockets."""

    def __init__(self, **options):
        settings = ServerOptions(**{"max_clients": 1000, **options})
        self.selector = FakeSelector()
        self.reactor = Reactor(self.selector, self.selector.clock)
        self.said = []
        self.server = Server(
            self.reactor, SimpleNamespace(line=self.said.append, report=self.said.append), settings
        )
        self.door = self.selector.socket()
        self.bell = Bell(self.selector.socket(), self.server.on_signal)

    def comes(self, *incoming, **fails):
        sock = self.selector.socket(*incoming)
        sock.fails = fails
        self.door.backlog.append((sock, ("192.0.2.1", 1)))
        return sock

    def rings(self, seconds, number=signal.SIGTERM):
        """Let a signal come so much later."""
        self.selector.after(seconds, lambda: self.bell.sock.incoming.append(bytes([number])))

    def serve(self):
        """Serve until a signal, and drain; return the closing lines and the seconds it took."""
        before = self.selector.now
        self.reactor.watch(self.bell, READ)
        doors: Any = [self.door]
        self.server.serve(BODY, doors)
        self.reactor.watch(self.bell, 0)
        assert not self.selector.get_map()
        assert not armed(self.reactor)
        return self.selector.now - before


def served(sock):
    return b"".join(sock.sent) == conversation(BODY) and sock.closings == 1


GOOD = (HELLO, b"")


@pytest.mark.fault("A14", "B11", "B13", "B18")
@pytest.mark.parametrize("call", ["setblocking", "register", "send", "recv", "shutdown"])
@pytest.mark.parametrize(
    ("error", "word"), [(failing(errno.ENOTCONN), "lost"), (ZeroDivisionError("oops"), "bug")]
)
def test_whatever_fails_ends_one_connection_and_no_other(call, error, word):
    venue = Venue()
    others = [venue.comes(*GOOD), venue.comes(*GOOD)]
    one = venue.comes(*GOOD, **{call: error})
    others.append(venue.comes(*GOOD))
    venue.rings(1.0)
    venue.serve()
    assert [served(sock) for sock in others] == [True] * 3
    assert one.closings == 1
    [closing] = [line for line in venue.said if line.startswith(f"c3 {word}")]
    assert closing.endswith("(192.0.2.1:1)")
    assert venue.said[-1] == "3 done, 1 lost, 0 cut"
    assert ("ZeroDivisionError: oops" in venue.said) == (word == "bug")


def test_a_stream_that_ends_before_its_hello_is_refused_and_both_sides_are_shown():
    venue = Venue()
    sock = venue.comes(b"HELL", b"")
    venue.rings(1.0)
    venue.serve()
    why = "expected HELLO, got the end of the stream"
    assert b"".join(sock.sent) == HELLO + f"ERROR {why}\n".encode()
    assert [line for line in venue.said if line.startswith("c1 ")] == [
        "c1 S: HELLO 1",
        "c1 C: 'HELL'",
        f"c1 S: ERROR {why}",
        f"c1 refused in HELLO_SENT: {why} (192.0.2.1:1)",
    ]


@pytest.mark.fault("B2", "B26")
def test_a_readiness_that_was_none_changes_nothing():
    venue = Venue()
    sock = venue.comes()

    def lie():
        [key] = [key for key in venue.selector.get_map().values() if key.fileobj is sock]
        venue.selector.lies.append((key, READ))

    venue.selector.after(1.0, lie)
    venue.selector.after(2.0, lambda: sock.incoming.extend(GOOD))
    venue.rings(1.0)
    venue.serve()
    assert served(sock)


@pytest.mark.fault("B5", "C10")
def test_a_byte_a_second_extends_no_deadline(monkeypatch):
    venue = Venue(timeout=3.5)
    sock = venue.comes()
    for second, byte in enumerate(HELLO, start=1):
        venue.selector.after(second, partial(sock.incoming.append, bytes([byte])))
    ends = []
    ended = venue.server.ended

    def noted(connection, word):
        ends.append((word, venue.selector.now))
        ended(connection, word)

    monkeypatch.setattr(venue.server, "ended", noted)
    venue.rings(8.0)
    before = venue.selector.now
    venue.serve()
    assert ends == [("late", before + 3.5)]
    assert b"".join(sock.sent) == HELLO + b"ERROR no hello within 3.5 s\n"


@pytest.mark.fault("D6", "D7", "B3")
def test_the_drain_ends_to_the_moment():
    venue = Venue(drain=2.0)
    venue.comes(HELLO)  # and never ends its stream
    finishing = venue.comes(HELLO)
    venue.selector.after(2.9, lambda: finishing.incoming.append(b""))
    venue.rings(1.0)
    assert venue.serve() == 3.0
    assert venue.said[-1] == "1 done, 0 lost, 1 cut"


@pytest.mark.fault("D8")
def test_ctrl_c_while_draining_cuts_at_once_and_sigterm_does_not():
    venue = Venue()
    venue.comes(HELLO)
    venue.rings(1.0, signal.SIGINT)
    venue.rings(2.0, signal.SIGTERM)
    venue.rings(3.0, signal.SIGINT)
    assert venue.serve() == 3.0
    assert venue.server.stops == [signal.SIGINT, signal.SIGTERM, signal.SIGINT]
    assert venue.said[-1] == "0 done, 0 lost, 1 cut"


def test_a_drain_that_cannot_end_does_not_go_on(monkeypatch):
    def stumble():
        raise ZeroDivisionError

    venue = Venue(drain=1.0)
    venue.comes(HELLO)
    venue.rings(1.0)
    monkeypatch.setattr(venue.server, "ended", lambda *_: stumble())
    with pytest.raises(ZeroDivisionError):
        venue.serve()
    venue.reactor.watch(venue.bell, 0)
    disarm(venue.reactor)


@pytest.mark.fault("B1", "B2")
@pytest.mark.parametrize("room", range(1, 12))
def test_a_kernel_with_little_room_gets_everything_in_order(room):
    def more():
        sock.room = room
        venue.selector.after(0.1, more)

    venue = Venue()
    sock = venue.comes(*GOOD)
    sock.room = room
    venue.selector.after(0.1, more)
    venue.rings(9.0)
    venue.serve()
    assert served(sock)


@pytest.mark.req("S-27")
@pytest.mark.fault("B1")
def test_an_error_line_that_the_kernel_takes_in_part_is_not_shown_as_said():
    venue = Venue()
    sock = venue.comes(b"X")
    sock.room = len(HELLO) + 5
    venue.rings(1.0)
    venue.serve()
    assert b"".join(sock.sent) == HELLO + b"ERROR"
    assert sock.closings == 1
    assert not [line for line in venue.said if "S: ERROR" in line]
    assert [line for line in venue.said if line.startswith("c1 refused")]


# --- slow motion


@pytest.mark.fault("C9")
def test_in_slow_motion_the_pauses_are_kept_and_nothing_else_wakes_the_loop():
    venue = Venue(chunk=20, pause=0.5)
    sock = venue.comes(*GOOD)
    venue.rings(5.0)
    venue.serve()
    assert served(sock)
    assert [len(part) for part in sock.sent] == [8, 20, 11]
    turns = [sleep for sleep in venue.selector.sleeps if sleep]
    assert len(turns) <= 6  # the door, two pauses, the client's end, the signal


@pytest.mark.fault("C9")
@pytest.mark.parametrize("way", ["reset", "late", "cut", "refused"])
def test_a_slow_connection_that_ends_in_a_pause_leaves_no_timer_behind(way):
    """`serve` asserts it. The pauses are longer than anything else here."""
    venue = Venue(chunk=1, pause=100.0, timeout=3.0, drain=1.0 if way == "cut" else 50.0)
    sock = venue.comes()
    if way == "refused":
        venue.selector.after(1.0, lambda: sock.incoming.append(b"X"))
    if way == "reset":
        venue.selector.after(1.0, lambda: sock.incoming.append(failing(errno.ECONNRESET)))
    venue.rings(0.5)
    seconds = venue.serve()
    assert seconds == {"reset": 1.0, "late": 3.0, "cut": 1.5, "refused": 1.0}[way]
    assert sock.closings == 1


@pytest.mark.fault("C9")
def test_after_the_last_send_of_slow_motion_no_timer_is_set():
    venue = Venue(chunk=1000, pause=100.0)
    sock = venue.comes()
    venue.selector.after(1.0, lambda: sock.incoming.append(HELLO))
    venue.selector.after(101.0, lambda: None)
    venue.selector.after(1.5, lambda: looked.append(armed(venue.reactor)))
    looked = []
    venue.rings(2.0)
    venue.serve()
    [waiting] = looked
    assert len(waiting) == 2  # its deadline, and the pause before the file


# --- what a client may send without end


def streaming(venue, count, piece=65536):
    """Let a client send its hello and then `count` bytes; return the socket."""
    sock = venue.comes(HELLO)
    whole, rest = divmod(count, piece)
    sock.incoming += [bytes(piece)] * whole + [bytes(rest)] * bool(rest)
    return sock


@pytest.mark.fault("B27")
def test_a_mebibyte_after_the_hello_is_discarded_and_the_client_is_done():
    venue = Venue()
    sock = streaming(venue, DISCARD_LIMIT)
    sock.incoming.append(b"")
    venue.rings(1.0)
    venue.serve()
    assert DISCARD_LIMIT == 1024 * 1024
    assert served(sock)
    assert venue.said[-1] == "1 done, 0 lost, 0 cut"


@pytest.mark.fault("B27")
def test_one_byte_more_than_a_mebibyte_is_a_loss_at_once():
    venue = Venue()
    sock = streaming(venue, DISCARD_LIMIT + 1)
    venue.rings(1.0)
    venue.serve()
    assert b"".join(sock.sent) == conversation(BODY)
    [line] = [line for line in venue.said if line.startswith("c1 lost")]
    assert line == "c1 lost in DONE: more than 1048576 bytes after the hello (192.0.2.1:1)"
    assert venue.said[-1] == "0 done, 1 lost, 0 cut"


@pytest.mark.fault("B27")
def test_bytes_that_come_with_the_hello_count_too():
    venue = Venue()
    sock = venue.comes(HELLO + b"x" * 40)
    sock.incoming += [bytes(65536)] * 15 + [bytes(65536 - 40), b"x"]
    venue.rings(1.0)
    venue.serve()
    assert venue.said[-1] == "0 done, 1 lost, 0 cut"
    assert not sock.incoming


@pytest.mark.fault("B27")
def test_a_stream_after_the_hello_is_read_in_large_pieces():
    """A turn costs the same for 256 bytes as for 65536: a mebibyte in some twenty turns."""
    venue = Venue()
    streaming(venue, DISCARD_LIMIT).incoming.append(b"")
    venue.rings(1.0)
    venue.serve()
    assert len(venue.selector.sleeps) < 30


# --- the last listener


@pytest.mark.fault("A21")
def test_a_server_without_a_listening_socket_drains_and_ends_with_status_1():
    def shut():
        venue.door.fails["accept"] = failing(errno.EINVAL)
        venue.door.backlog.append("nobody")  # a socket that was shut down is readable for ever

    venue = Venue()
    one = venue.comes(HELLO)
    venue.selector.after(1.0, shut)
    venue.selector.after(2.0, lambda: one.incoming.append(b""))
    assert venue.serve() == 2.0
    assert served(one)
    assert venue.server.status == 1
    assert venue.server.stops == [DEAF]
    assert venue.said[-3:] == [
        "stopping; open connections: 1", "c1 done", "1 done, 0 lost, 0 cut",
    ]  # fmt: skip
    assert "listener closed, it cannot accept any more: invalid argument" in venue.said


# --- the client


class Outgoing(FakeSocket):
    """A socket that connects: at once, later or not at all."""

    begin = errno.EINPROGRESS  # what connect_ex returns
    verdict = 0  # SO_ERROR
    address = ("192.0.2.7", 7)

    def connect_ex(self, address):
        self.peer = address
        return self.begin

    def getsockopt(self, level, option):
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR)
        return self.verdict

    def getsockname(self):
        return self.address

    def getpeername(self):
        self.enter("getpeername")
        return self.peer


class Journey:
    """A client and its addresses; the sockets it makes are those that `ways` gives, in turn."""

    def __init__(self, monkeypatch, *ways, timeout=10.0):
        self.selector = FakeSelector()
        self.reactor = Reactor(self.selector, self.selector.clock)
        self.made = []
        self.said = []
        self.warned = []
        self.ways = list(ways)
        monkeypatch.setattr(socket, "socket", self.socket)
        self.where = [(socket.AF_INET, (f"192.0.2.{n + 1}", 80)) for n in range(len(ways))]
        self.download = client.Download(self.reactor, timeout, self.said.append, self.warned.append)

    def socket(self, family, kind):
        way = self.ways.pop(0)
        if isinstance(way, Exception):
            raise way
        sock = Outgoing(self.selector)
        vars(sock).update(way)
        self.made.append(sock)
        return sock

    def run(self):
        """Return the bytes, or the exception that comes instead."""
        try:
            self.download.begin()
            self.download.found(self.where)  # as run does, once the name is looked up
            self.reactor.run(until=self.download.over)
            self.download.end()
            return settled(self.download.outcome)
        except (Failure, Interrupted, ZeroDivisionError) as error:
            return error
        finally:
            assert not self.selector.get_map()
            assert not armed(self.reactor)
            assert all(sock.closings for sock in self.made)


def answers(*incoming, **how):
    """Return the socket of a server that works."""
    return {"incoming": list(incoming or (HELLO, file_message(BODY), b"")), **how}


def test_a_connection_that_is_established_at_once_is_as_good(monkeypatch):
    assert Journey(monkeypatch, answers(begin=0)).run() == BODY


@pytest.mark.fault("G1", "G2")
@pytest.mark.parametrize(
    "way",
    [
        failing(errno.EAFNOSUPPORT),  # no socket of this family
        {"begin": errno.ENETUNREACH},  # connect fails at once
        {"begin": errno.EAGAIN},  # a failure: connecting has not begun
        {"verdict": errno.ECONNREFUSED},  # or later
        {"address": ("192.0.2.1", 80)},  # a connection to itself
        {"fails": {"setblocking": failing(errno.EBADF)}},
        {"fails": {"register": failing(errno.ENOSPC)}},
    ],
)
def test_an_address_that_does_not_work_leads_to_the_next(monkeypatch, way):
    journey = Journey(monkeypatch, way, answers())
    assert journey.run() == BODY
    assert len(journey.download.failures) == 1


@pytest.mark.fault("G2", "B11")
@pytest.mark.parametrize(
    ("way", "why"),
    [
        ({"verdict": errno.ECONNRESET}, "connection reset by peer"),
        # The reset came between two of our calls: for the error, and for the peer's address.
        (
            {"fails": {"getpeername": failing(errno.ENOTCONN)}},
            "transport endpoint is not connected",
        ),
    ],
)
def test_a_reset_before_the_client_knows_that_it_is_connected_is_a_loss_and_no_reason_to_go_on(
    monkeypatch, way, why
):
    journey = Journey(monkeypatch, way, answers())
    failure = journey.run()
    assert (failure.status, str(failure)) == (5, f"{why} in CONNECTING; nothing saved, try again")


@pytest.mark.fault("G2")
@pytest.mark.parametrize("way", [{"begin": errno.ENETUNREACH}, failing(errno.EAFNOSUPPORT)])
def test_a_thousand_addresses_that_fail_at_once_are_not_a_thousand_calls_deep(monkeypatch, way):
    assert Journey(monkeypatch, *(1000 * [way]), answers()).run() == BODY


@pytest.mark.fault("G2")
def test_if_no_address_works_all_are_reported(monkeypatch):
    ways = failing(errno.EAFNOSUPPORT), {"begin": errno.ENETUNREACH}
    failure = Journey(monkeypatch, *ways).run()
    assert isinstance(failure, Failure)
    assert failure.status == 3
    assert "192.0.2.1:80 address family not supported" in str(failure)
    assert "192.0.2.2:80 network is unreachable" in str(failure)


def test_a_connection_to_itself_is_reported_as_a_refused_one(monkeypatch):
    noted = []
    monkeypatch.setattr(client.Download, "note", lambda _, *what: noted.append(what))
    Journey(monkeypatch, {"address": ("192.0.2.1", 80)}).run()
    [(address, error)] = noted
    assert address == ("192.0.2.1", 80)
    assert isinstance(error, ConnectionRefusedError)
    assert error.strerror == "connected to itself, so there is no server"


def test_an_error_of_connecting_has_its_number_and_the_words_of_the_system():
    for begun in (0, errno.EINPROGRESS):
        client.check(begun)
    for number in (errno.ECONNREFUSED, errno.EAGAIN):
        with pytest.raises(OSError) as caught:
            client.check(number)
        assert (caught.value.errno, caught.value.strerror) == (number, os.strerror(number))


def test_only_from_the_second_address_on_a_connection_has_a_number(monkeypatch):
    for ways, name in (
        ([answers()], "connection"),
        ([{"begin": errno.ENETUNREACH}, answers()], "connection 2"),
    ):
        journey = Journey(monkeypatch, *ways)
        journey.run()
        assert str(journey.download.connection) == name


@pytest.mark.fault("G3")
def test_an_address_that_does_not_answer_costs_its_equal_share_of_the_time(monkeypatch):
    silent = {"room": 0}
    journey = Journey(monkeypatch, silent, silent, silent, answers(), timeout=8.0)
    before = journey.selector.now
    assert journey.run() == BODY
    assert journey.selector.now - before == 6.0


@pytest.mark.fault("B1", "B2")
def test_a_hello_that_the_kernel_takes_in_parts_is_sent_whole(monkeypatch):
    journey = Journey(monkeypatch, answers(HELLO, room=0))
    for second in (1.0, 2.0, 3.0):
        journey.selector.after(second, lambda: setattr(journey.made[0], "room", 3))
    stream = [file_message(BODY), b""]
    journey.selector.after(4.0, lambda: journey.made[0].incoming.extend(stream))
    assert journey.run() == BODY
    assert journey.made[0].sent == [b"HEL", b"LO ", b"1\n"]
    assert journey.said[:2] == ["S: HELLO 1", "C: HELLO 1"]
    assert len(journey.said) == 3  # the hello is shown once, and then the file


@pytest.mark.fault("B2", "B26")
def test_a_socket_that_is_not_readable_after_all_is_waited_for(monkeypatch):
    journey = Journey(monkeypatch, answers(HELLO, BlockingIOError(), file_message(BODY), b""))
    assert journey.run() == BODY


@pytest.mark.fault("G17")
def test_a_reset_that_only_the_answer_meets_is_a_warning_after_a_whole_file(monkeypatch):
    journey = Journey(monkeypatch, answers(fails={"send": failing(errno.EPIPE)}))
    assert journey.run() == BODY
    assert len(journey.warned) == 1


@pytest.mark.fault("G22")
@pytest.mark.parametrize(
    ("number", "words"), [(errno.EPIPE, "broken pipe"), (errno.ECONNRESET, "connection reset")]
)
@pytest.mark.parametrize("stream", [(HELLO, b""), (HELLO, file_message(BODY)[:9], b"")])
def test_a_reset_that_only_the_answer_meets_is_reported_if_the_file_is_not_whole(
    monkeypatch, number, words, stream
):
    """recv does not report the error again: it only returns the end of the stream."""
    failure = Journey(monkeypatch, answers(*stream, fails={"send": failing(number)})).run()
    assert failure.status == 5
    assert str(failure).startswith(words)
    assert "in RECEIVING; nothing saved" in str(failure)


@pytest.mark.fault("G19")
@pytest.mark.parametrize("ways", [(), (answers(begin=0),)], ids=["none works", "all is well"])
def test_a_signal_counts_before_any_other_outcome(monkeypatch, ways):
    journey = Journey(monkeypatch, *ways)
    finish = journey.download.finish

    def interrupted(outcome):
        finish(outcome)
        journey.download.interrupt(signal.SIGINT)

    monkeypatch.setattr(journey.download, "finish", interrupted)
    outcome = journey.run()
    assert isinstance(outcome, Interrupted)
    assert outcome.number == signal.SIGINT


def test_a_defect_at_the_deadline_is_no_endless_wait(monkeypatch):
    def stumble(text):
        raise ZeroDivisionError

    journey = Journey(monkeypatch, answers(HELLO, file_message(BODY)))
    journey.download.warn = stumble
    assert isinstance(journey.run(), ZeroDivisionError)


def test_a_defect_of_a_connection_ends_the_download(monkeypatch):
    def stumble(text):
        raise ZeroDivisionError

    journey = Journey(monkeypatch, answers())
    journey.download.say = stumble
    assert isinstance(journey.run(), ZeroDivisionError)
