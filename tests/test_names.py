"""Names looked up, in the loop and by a thread, and what may go wrong; addresses shown."""

import errno
import os
import signal
import socket
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edges import names
from reactor import READ, Reactor
from signals import Interrupted, Signals
from tests.support.programs import LIMIT, Client, Server, customized

pytestmark = pytest.mark.usefixtures("threads_end")

V4 = (socket.AF_INET, ("127.0.0.1", 7080))
V6 = (socket.AF_INET6, ("::1", 7080, 0, 0))


@pytest.fixture
def resolver(monkeypatch):
    """Let names mean what a test says: a dict of name -> hosts, or an exception."""
    meanings: dict = {}
    real = socket.getaddrinfo

    def getaddrinfo(host, port, **options):
        if isinstance(meanings[host], BaseException):
            raise meanings[host]
        numeric = {"flags": socket.AI_NUMERICHOST, **options}
        return [real(one, port, **numeric)[0] for one in meanings[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return meanings


def refusal(loop: Reactor, host):
    """Return the one line with which looking up `host` fails."""
    with pytest.raises(names.NotFound) as caught:
        names.looked_up(loop, host, 7080)
    line = str(caught.value)
    assert line.isprintable() and line.isascii()
    return line


def test_a_numeric_address_is_found_at_once_and_without_a_thread(loop: Reactor):
    for host, address in (("127.0.0.1", V4), ("::1", V6)):
        found = []
        assert names.look_up(loop, host, 7080, found.append, pytest.fail) is None
        assert found == [[address]]


def test_a_name_of_this_machine_is_found(loop: Reactor):
    assert V4 in names.looked_up(loop, "localhost", 7080)


@pytest.mark.fault("G2")
def test_all_addresses_come_in_their_order_and_each_once(loop: Reactor, resolver):
    resolver["both"] = ["::1", "127.0.0.1", "::1", "127.0.0.2", "127.0.0.1"]
    found = names.looked_up(loop, "both", 7080)
    assert found == [V6, V4, (socket.AF_INET, ("127.0.0.2", 7080))]


@pytest.mark.fault("G5", "E16")
@pytest.mark.parametrize("answers", [[], [(1, socket.SOCK_STREAM, 0, "", "/run/socket")]])
def test_a_name_without_an_address_that_we_can_use_is_one_line(loop: Reactor, monkeypatch, answers):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    why = "it has no ipv4 or ipv6 address; check the name"
    assert refusal(loop, "odd") == f"cannot resolve 'odd': {why}"


def test_of_all_answers_those_count_that_a_tcp_client_can_use_each_once(monkeypatch):
    """Called here and not in its thread, where no measure of coverage sees it."""
    four, six = ("127.0.0.1", 80), ("::1", 80, 0, 0)
    answers = [(socket.AF_INET6, six), (socket.AF_UNIX, "/s"), (socket.AF_INET, four)]
    raw = [(family, socket.SOCK_STREAM, 6, "", address) for family, address in answers]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*raw, raw[0]])
    assert names._ask("name", 80) == [(socket.AF_INET6, six), (socket.AF_INET, four)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: raw[1:2])
    with pytest.raises(socket.gaierror, match="no IPv4 or IPv6 address"):
        names._ask("name", 80)


@pytest.mark.fault("E12", "G5")
@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("a..b", "'a..b'"),
        ("x" * 64, f"'{'x' * 64}'"),
        ("x" * 64 + ".example", f"'{'x' * 64}.example'"),
        ("\udcff", r"'\xff'"),
        (".", "'.'"),
        ("\x1b[2J.\n", r"'\x1b[2J.\n'"),
        ("", "''"),
        ("a\0b", r"'a\x00b'"),
        ("no-such-host.invalid", "'no-such-host.invalid'"),
    ],
)
def test_a_name_without_an_address_is_one_escaped_line(loop: Reactor, resolver, host, shown):
    resolver[host] = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert refusal(loop, host).startswith(f"cannot resolve {shown}: ")


@pytest.mark.fault("E12", "G5")
@pytest.mark.parametrize(
    ("host", "advice"),
    [
        ("[::1]", "write an IPv6 address without brackets, and the port after --port"),
        ("[::1]:7080", "write an IPv6 address without brackets, and the port after --port"),
        ("localhost:7080", "give the name alone, and the port after --port"),
        ("http://localhost/", "give the name alone, and the port after --port"),
        ("localhost/", "give the name alone, and the port after --port"),
        ("", "give the name or address of a server"),
        ("*", "give the name or address of a server"),
    ],
)
def test_what_can_be_no_name_is_refused_without_a_look_up(loop: Reactor, resolver, host, advice):
    shown = repr(host)
    assert refusal(loop, host) == f"cannot resolve {shown}: not a legal name; {advice}"


NUMBERS = "try again, or give its address in numbers"


@pytest.mark.fault("E12", "E16")
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (UnicodeError("label too long"), "not a legal name; check the name"),
        (ValueError("embedded null"), "embedded null; check the name"),
        (socket.gaierror(socket.EAI_NONAME, "Unknown"), "unknown; check the name"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), f"temporary failure; {NUMBERS}"),
        (OSError(24, "Too many open files"), f"too many open files; {NUMBERS}"),
        (LookupError("unknown encoding: idna"), f"unknown encoding: idna; {NUMBERS}"),
        (MemoryError(), f"cannot allocate memory; {NUMBERS}"),
        (ImportError(), f"importerror; {NUMBERS}"),
        (RecursionError("two\nlines"), f"two lines; {NUMBERS}"),
        (SystemExit(7), f"7; {NUMBERS}"),
        (KeyboardInterrupt(), f"keyboardinterrupt; {NUMBERS}"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_any_exception_of_the_resolver_is_one_line(loop: Reactor, resolver, error, why):
    resolver["name"] = error
    assert refusal(loop, "name") == f"cannot resolve 'name': {why}"


@pytest.mark.skipif(
    "unicodedata" in sys.builtin_module_names, reason="this Python has unicodedata built in"
)
@pytest.mark.fault("E12", "E16")
@pytest.mark.parametrize(
    "code", ["raise ImportError", "raise SystemExit", "raise MemoryError", "("]
)
@pytest.mark.parametrize("program", ["client", "server"])
def test_a_resolver_that_cannot_import_what_it_needs_is_one_line(tmp_path, program, code):
    """Python's getaddrinfo encodes a name with modules that it imports at that moment."""
    (tmp_path / "unicodedata.py").write_text(code)
    env = {"PYTHONPATH": str(tmp_path)}
    if program == "client":
        run = Client("localhost", "copy", "-q", cwd=tmp_path, env=env)
    else:
        run = Server(host="localhost", env=env, ready=False)
    with run:
        assert run.wait() == {"client": 3, "server": 1}[program]
    assert run.stderr.startswith(f"{program}.py: cannot resolve 'localhost': ")
    assert run.stderr.count("\n") == 1


@pytest.mark.fault("E12", "E16")
def test_no_thread_to_be_had_is_one_line_that_names_the_way_without(loop: Reactor, monkeypatch):
    def start_new_thread(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", start_new_thread)
    assert refusal(loop, "name") == f"cannot resolve 'name': can't start new thread; {NUMBERS}"
    assert not loop.selector.get_map()


class Resolver:
    """A resolver that answers when the test says so."""

    def __init__(self, monkeypatch):
        self.asked, self.answer, self.answered = (threading.Event() for _ in range(3))
        monkeypatch.setattr(socket, "getaddrinfo", self.getaddrinfo)

    def getaddrinfo(self, *_, **__):
        self.asked.set()
        self.in_time = self.answer.wait(LIMIT)
        self.answered.set()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", V4[1])]

    def end(self):
        """Answer at last."""
        self.answer.set()
        assert self.answered.wait(LIMIT)
        assert self.in_time, "the resolver had to give up first"


@pytest.mark.fault("G19")
def test_a_signal_ends_the_wait_for_a_resolver_that_does_not_answer(loop: Reactor, monkeypatch):
    resolver = Resolver(monkeypatch)

    def send():
        resolver.asked.wait(LIMIT)
        os.kill(os.getpid(), signal.SIGTERM)  # whichever thread gets it

    sender = threading.Thread(target=send)
    with Signals() as signals:
        loop.watch(signals, READ)
        sender.start()
        with pytest.raises(Interrupted):
            names.looked_up(loop, "name", 7080)
        loop.watch(signals, 0)
    sender.join()
    assert not loop.selector.get_map()
    resolver.end()


def test_while_a_name_is_looked_up_the_loop_serves_the_others(loop: Reactor, monkeypatch):
    resolver = Resolver(monkeypatch)
    found = []
    aside = names.look_up(loop, "name", 7080, found.append, pytest.fail)
    seen = []
    with Signals(lambda number: (seen.append(number), resolver.answer.set())) as signals:
        loop.watch(signals, READ)
        resolver.asked.wait(LIMIT)
        os.kill(os.getpid(), signal.SIGTERM)
        loop.run(until=lambda: found)
        loop.watch(signals, 0)
    assert seen == [signal.SIGTERM]
    assert found == [[V4]]
    aside.close()
    resolver.end()


@pytest.mark.fault("G19")
def test_an_exit_does_not_wait_for_a_resolver_that_does_not_answer(tmp_path):
    code = """
import os, socket, threading
def getaddrinfo(*_, **__):
    os.write(2, b"asked\\n")
    threading.Event().wait()
socket.getaddrinfo = getaddrinfo
"""
    env = customized(tmp_path, code)
    with Client("name", "copy", "-q", cwd=tmp_path, env=env) as client:
        client.expect("^asked$")
        client.send_signal(signal.SIGINT)
        assert client.wait() == 130
    assert client.stderr == "asked\nclient.py: interrupted by SIGINT\n"


@pytest.mark.fault("E12")
@pytest.mark.parametrize(
    ("host", "hint"),
    [("fe80::1", True), ("fe81::", True), ("febf:ff::1", True), ("fec0::1", False)],
)
def test_ten_bits_make_a_link_local_address(host, hint):
    """RFC 4291: fe80::/10."""
    error = OSError(errno.EINVAL, "Invalid argument")
    why = f" (a link-local address needs its interface: {host}%eth0)" if hint else ""
    assert names.why_not((host, 80, 0, 0), error) == f"invalid argument{why}"
    assert names.why_not((host, 80, 0, 2), error) == "invalid argument"


@pytest.mark.parametrize(
    ("host", "number", "hint"),
    [
        ("::ffff:192.0.2.7", errno.EINVAL, " (this is an IPv4 address: write 192.0.2.7)"),
        ("::ffff:192.0.2.7", errno.ENETUNREACH, " (this is an IPv4 address: write 192.0.2.7)"),
        ("::ffff:192.0.2.7", errno.ECONNREFUSED, ""),
        ("::fffe:192.0.2.7", errno.EINVAL, ""),
    ],
)
def test_an_ipv4_address_in_the_form_of_ipv6_is_shown_as_it_can_work(host, number, hint):
    error = OSError(number, "No")
    assert names.why_not((host, 80, 0, 0), error) == f"no{hint}"


@pytest.mark.fault("A13")
@pytest.mark.parametrize(
    ("sockaddr", "shown"),
    [
        (("127.0.0.1", 7080), "127.0.0.1:7080"),
        (("::", 7080, 0, 0), "[::]:7080"),
        (("::1", 1, 0, 0), "[::1]:1"),
        (("::ffff:127.0.0.1", 65535, 0, 0), "[::ffff:127.0.0.1]:65535"),
        (("fe80::1", 7080, 0, 2), "[fe80::1%2]:7080"),
        ((), "?"),
        (None, "?"),
        ("", "?"),
        ("/run/socket", "?"),
        (b"\0abstract", "?"),
        (("127.0.0.1",), "?"),
        (("::1", 7080, 0), "?"),
        (("::1", 7080, 0, None), "?"),
        ((b"127.0.0.1", 7080), "?"),
        ((None, None), "?"),
        ((10, b"raw"), "?"),
        (7080, "?"),
    ],
)
def test_an_address_is_shown_and_an_odd_one_is_a_question_mark(sockaddr, shown):
    assert names.shown_address(sockaddr) == shown


SCALAR = st.none() | st.integers() | st.text(max_size=5) | st.binary(max_size=5) | st.floats()


@pytest.mark.fault("A13")
@given(sockaddr=SCALAR | st.lists(SCALAR, max_size=5).map(tuple))
def test_showing_an_address_never_raises(sockaddr):
    assert isinstance(names.shown_address(sockaddr), str)
