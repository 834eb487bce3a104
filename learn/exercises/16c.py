"""Write a chat in mine/chat.py, on reactor.py as it is: what one client says, all others hear.

A client says lines of at most 1000 bytes that end with LF. Each whole line goes to all the others,
and not back. `python3 mine/chat.py --port 0` prints `listening on HOST:PORT`, as your server does.
A client that does not read, never ends its line, or vanishes must not hurt the others.
"""

import re
import socket
import struct
import unittest
from collections.abc import Callable
from contextlib import suppress

from lab.torture import meters
from lab.torture.server_process import ServerProcess
from learn.exercises.support import LIMIT, mine

FILE = mine("mine/chat.py")
LINE = b"x" * 63 + b"\n"
MUCH = 1024 * LINE  # sent at once; the guests that read have all of it before more is sent
ROUNDS = 256  # of MUCH: more than the kernels keep for a client that does not read
GROWTH = 4 << 20  # bytes that the memory may grow by
WINDOW = 0.3  # seconds in which nothing may happen


class Chat(unittest.TestCase):
    """One chat for each test, and its guests."""

    def setUp(self) -> None:
        self.server = self.enterContext(ServerProcess(FILE.command))

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        """Return the socket of a new guest."""
        sock = self.enterContext(socket.socket())
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(LIMIT)
        sock.connect(self.server.address)
        return sock

    def guests(self, count: int) -> list[socket.socket]:
        """Return guests that are all in: the last one has said so to the others."""
        guests = [self.connect() for _ in range(count)]
        self.talk(guests[-1], guests[:-1], b"we are here\n")
        return guests

    def talk(self, speaker: socket.socket, others: list[socket.socket], text: bytes) -> None:
        """Let one guest say `text`, and demand that each of the `others` hears exactly that."""
        speaker.sendall(text)
        for other in others:
            heard = hear(other, len(text))
            assert heard == text, f"one said {short(text)}, another one heard {short(heard)}"

    def test_all_others_hear_a_line(self) -> None:
        one, *others = self.guests(4)
        self.talk(one, others, b"hello\n")

    def test_a_client_does_not_hear_itself(self) -> None:
        one, other = self.guests(2)
        self.talk(one, [other], b"hello\n")
        self.talk(other, [one], b"and hello to you\n")

    def test_two_lines_in_one_piece_are_both_heard(self) -> None:
        one, other = self.guests(2)
        self.talk(one, [other], b"one\ntwo\n")

    def test_half_lines_of_two_clients_are_not_mixed(self) -> None:
        one, two, listener = self.guests(3)
        one.sendall(b"one says ")
        self.talk(two, [one], b"a line while the other one has not ended its own\n")
        two.sendall(b"two says ")
        one.sendall(b"this\n")
        assert hear(listener, 49) == b"a line while the other one has not ended its own\n"
        heard = hear(listener, 14)
        assert heard == b"one says this\n", f"a listener heard {short(heard)}"

    def test_a_client_that_leaves_hurts_nobody(self) -> None:
        self.demand_talk_without(lambda guest: guest.close())

    def test_a_client_that_vanishes_hurts_nobody(self) -> None:
        self.demand_talk_without(vanish)

    def demand_talk_without(self, leave: Callable[[socket.socket], None]) -> None:
        one, two, leaving, vanishing = self.guests(4)
        leaving.sendall(b"half a li")
        for guest in (leaving, vanishing):
            leave(guest)
        self.demand_sleep(one)
        for number in range(3):
            self.talk(one, [two], b"still here, %d\n" % number)
            self.talk(two, [one], b"so am I, %d\n" % number)

    def test_a_client_that_does_not_read_holds_nobody_up(self) -> None:
        self.connect(receive_buffer=4096)
        one, two = self.guests(2)
        before = self.memory()
        for _ in range(ROUNDS):
            self.talk(one, [two], MUCH)
        self.demand_memory(before)

    def test_a_line_that_never_ends_is_not_kept(self) -> None:
        one, two = self.guests(2)
        before = self.memory()
        endless = self.connect()
        with suppress(OSError):  # it may be sent away
            for _ in range(ROUNDS):
                endless.sendall(b"A" * len(MUCH))
        self.demand_memory(before)
        self.talk(one, [two], b"still here\n")

    def test_it_sleeps_while_nobody_speaks(self) -> None:
        one, _two = self.guests(2)
        self.demand_sleep(one)

    def demand_sleep(self, one: socket.socket) -> None:
        """Demand that the server sleeps for a while in which nobody speaks."""
        if not meters.available():
            return  # only Linux counts
        meters.wait_for_calm(self.server.process.pid, 0.1, 1.0)
        before = meters.reading(self.server.process.pid)
        one.settimeout(WINDOW)
        with suppress(TimeoutError):  # the window itself: nothing comes in it
            one.recv(1)
        woken = meters.reading(self.server.process.pid).since(before)
        assert woken == (0, 0), f"{woken.sleeps} wake-ups, {1000 * woken.cpu:.0f} ms of processor"

    def test_it_runs_on_reactor_py(self) -> None:
        found = re.search(r"^(from|import) reactor\b", FILE.path.read_text(), re.MULTILINE)
        assert found, "it does not import reactor"

    def memory(self) -> int:
        """Return the server's memory in bytes, 0 where that is not known."""
        return meters.memory(self.server.process.pid)

    def demand_memory(self, before: int) -> None:
        """Demand that the memory has not grown since."""
        grown = self.memory() - before
        assert grown < GROWTH, f"the server's memory grew by {grown >> 20} MiB"


def hear(sock: socket.socket, length: int) -> bytes:
    """Return what comes, up to `length` bytes; less if the stream ends or nothing comes."""
    heard = b""
    with suppress(OSError):
        while len(heard) < length and (piece := sock.recv(length - len(heard))):
            heard += piece
    return heard


def vanish(sock: socket.socket) -> None:
    """Leave as a program that crashes does, with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def short(text: bytes) -> str:
    """Return `text` as Python shows it, only its beginning if it is long."""
    return repr(text[:40]) + (f" and {len(text) - 40:,} bytes more" if len(text) > 40 else "")


if __name__ == "__main__":
    unittest.main()
