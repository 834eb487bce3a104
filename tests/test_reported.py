"""What was reported of similar programs and did not hold here once: on the real programs.

Each kind has a row in the catalogue of docs/reliability.md. The exact moments are made, not waited
for: a signal at every call between the decision and the end, a reset that our own hello meets.
"""

import ctypes
import os
import re
import signal
import socket
from contextlib import suppress

import pytest

from tests.support.programs import (
    HELLO,
    PYTHON,
    REPORT,
    Client,
    Server,
    conversation,
    customized,
    read_exactly,
    read_to_end,
)
from tests.support.stage import STREAM, assert_failed, directed, play, saying

BODY = b"Hello, world!\n"
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MEBIBYTE = 1 << 20


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "body.txt"
    path.write_bytes(BODY)
    return path


# --- a moment without our signal handlers

STORM = """
import atexit, os, sys

def storm(after, number, count=[0]):
    "Send ourselves a signal at every call and every return, from that of `after` on."
    pid, kill = os.getpid(), os.kill

    def watch(frame, event, argument):
        name = frame.f_code.co_qualname
        if event.startswith("c_"):
            name = f"{argument.__module__}.{argument.__name__}"
        if count[0] or (event.endswith("return") and name == after):
            count[0] += 1
            kill(pid, number)

    sys.setprofile(watch)
    atexit.register(lambda: print("signals:", count[0], file=sys.stderr))
"""


def storm(after, number):
    return f"{STORM}\nstorm({after!r}, {int(number)})\n"


def enough_of_them(program):
    """Assert that there was a storm at all."""
    [count] = re.findall(r"^signals: (\d+)$", program.stderr, re.MULTILINE)
    assert int(count) > 50


@pytest.mark.fault("D28")
@pytest.mark.parametrize("number", STOPS)
def test_once_the_copy_has_its_name_no_signal_changes_the_status(tmp_path, body, number):
    env = customized(tmp_path, storm("posix.replace", number))
    with Server(body, "-q") as server:
        with Client("--port", server.port, "127.0.0.1", tmp_path / "copy", env=env) as client:
            status = client.wait()
    enough_of_them(client)
    assert status == 0
    assert "checksum verified" in client.stderr
    assert (tmp_path / "copy").read_bytes() == BODY


@pytest.mark.fault("D28")
@pytest.mark.parametrize("number", STOPS)
def test_once_the_report_is_out_no_signal_changes_the_status(tmp_path, body, number):
    env = customized(tmp_path, storm("Server.report", number))
    with Server(body, "-q", env=env) as server:
        server.fetch()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    enough_of_them(server)
    assert re.search(REPORT, server.stderr, re.MULTILINE)


# --- signals that a parent has blocked

BLOCKED = (
    "import os, signal, sys;"
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)
BLOCKING = (PYTHON, "-c", BLOCKED)


@pytest.mark.fault("D29")
@pytest.mark.parametrize("number", STOPS)
def test_a_server_that_was_started_with_blocked_signals_can_be_ended(body, number):
    with Server(body, "-q", prefix=BLOCKING, stdin=None) as server:
        server.send_signal(number)
        assert server.wait() == 0


@pytest.mark.fault("D29")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_client_that_was_started_with_blocked_signals_can_be_ended(tmp_path, number):
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        copy = tmp_path / "copy"
        with Client("--port", port, "127.0.0.1", copy, prefix=BLOCKING) as client:
            with door.accept()[0]:
                client.send_signal(number)
                assert client.wait() == 128 + number
    assert not copy.exists()


# --- an episode that never ends


@pytest.mark.fault("A20")
def test_an_episode_ends_although_one_client_after_the_other_comes_and_goes(body):
    with Server(body, "--max-clients", 2) as server:
        burst = [server.connect() for _ in range(3)]
        server.expect(r"accepting paused: limit of 2 clients reached; open connections: 2\n")
        for connection in burst:
            connection.close()
        came = 0
        while "accepting resumed" not in server.stderr:
            assert server.fetch() == conversation(BODY)
            came += 1
            assert came < 5000, "connections end all the time, and the episode does not"
        server.expect(r"accepting resumed after \d+\.\d s\n")
        again = [server.connect() for _ in range(3)]
        server.expect(r"accepting paused: limit of 2 clients reached; open connections: 2\n")
        for connection in again:
            connection.close()
        server.settle()


# --- a listening socket that can never accept again

PIDFD_GETFD = 438  # the number of the system call, the same on every architecture


def theirs(pid, number):
    """Return the socket that `pid` has under this number, or None if it has none."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = os.pidfd_open(pid)
    try:
        copy = libc.syscall(PIDFD_GETFD, process, number, 0)
    finally:
        os.close(process)
    if copy < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    try:
        return socket.socket(fileno=copy)
    except OSError:  # no socket
        os.close(copy)
        return None


def shut(server, not_here, host):
    """Shut down the listening socket of a server, as another process may do that shares it."""
    for name in os.listdir(f"/proc/{server.pid}/fd"):
        try:
            sock = theirs(server.pid, int(name))
        except OSError as error:
            not_here(f"pidfd_getfd(2): {error.strerror}")
        if sock is not None:
            with sock:
                listens = sock.family in (socket.AF_INET, socket.AF_INET6) and sock.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN
                )
                if listens and sock.getsockname()[0] == host:
                    sock.shutdown(socket.SHUT_RDWR)
                    return
    raise AssertionError("it does not listen")


@pytest.mark.fault("A21")
def test_a_server_whose_listening_socket_is_dead_finishes_its_work_and_ends_with_1(body, not_here):
    with Server(body, stdin="pipe") as server:
        with server.accepted() as open_one:
            shut(server, not_here, "127.0.0.1")
            line = r"^listener closed, it cannot accept any more: invalid argument\n"
            server.expect(line + r"stopping; open connections: 1\n")
            open_one.connection.sendall(HELLO)
            open_one.connection.shutdown(socket.SHUT_WR)
            assert read_to_end(open_one.connection) == conversation(BODY)
        assert server.wait() == 1  # and nobody is asked whether to go on
    assert server.lines[-1] == "1 done, 0 lost, 0 cut"


TWO = """
import socket
really = socket.getaddrinfo
def getaddrinfo(host, port, *more, **options):
    if host != "two.example":
        return really(host, port, *more, **options)
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (1, 2)]
socket.getaddrinfo = getaddrinfo
"""


@pytest.mark.fault("A21")
def test_of_two_listening_sockets_the_healthy_one_goes_on(tmp_path, body, not_here):
    env = customized(tmp_path, TWO)
    with Server(body, host="two.example", env=env) as server:
        shut(server, not_here, "127.0.0.1")
        server.expect(r"^listener 1 closed, it cannot accept any more: invalid argument\n")
        with socket.create_connection(("127.0.0.2", server.port)) as connection:
            connection.sendall(HELLO)
            assert read_to_end(connection) == conversation(BODY)
        server.expect(r"^c1 done\n")
        assert "accepting" not in server.stderr.replace("cannot accept", "")
        assert server.stop() == 0


# --- a reset that our own hello met

LATE = """
import select, socket
def send(self, *arguments):
    "Send when the reset is here: then the error is this call's, and recv has none to tell."
    poll = select.poll()
    poll.register(self, 0)
    assert poll.poll(10_000)
    return super(socket.socket, self).send(*arguments)
socket.socket.send = send
"""


@pytest.mark.fault("G22")
def test_a_reset_that_the_hello_of_the_client_met_is_reported():
    with directed(LATE) as env:
        outcome = play(lambda peer: peer.send(HELLO).await_read().reset(), env=env)
    assert_failed(outcome, 5, "^client.py: connection reset by peer in RECEIVING; nothing saved")


def test_a_stream_that_ends_without_a_reset_is_reported_as_such():
    assert_failed(play(saying(HELLO)), 5, "the stream ended in RECEIVING: 0 bytes")


# --- a client that sends without end


def pour(connection, count):
    """Send `count` bytes; fewer if the other end leaves."""
    with suppress(ConnectionError):
        connection.sendall(bytes(count))


@pytest.mark.fault("B27")
@pytest.mark.req("S-31")
def test_a_mebibyte_after_the_hello_is_discarded_and_the_client_is_done(body):
    with Server(body) as server:
        with server.accepted() as client:
            client.connection.sendall(HELLO)
            assert read_exactly(client.connection, len(STREAM)) == conversation(BODY)
            client.connection.sendall(bytes(MEBIBYTE))
            client.connection.shutdown(socket.SHUT_WR)
            assert client.connection.recv(1) == b""
            client.expect_closing("done")


@pytest.mark.fault("B27")
@pytest.mark.req("S-31")
def test_one_byte_more_is_lost_at_once_although_the_deadline_is_far(body):
    with Server(body, "--timeout", 1000) as server:
        with server.accepted() as client:
            client.connection.sendall(HELLO)
            assert read_exactly(client.connection, len(STREAM)) == conversation(BODY)
            client.connection.sendall(bytes(MEBIBYTE + 1))
            server.expect(
                r"^c1 lost in DONE: more than 1048576 bytes after the hello \(127\.0\.0\.1:\d+\)\n"
            )


@pytest.mark.fault("B27")
def test_a_client_that_streams_for_ever_costs_little_and_others_are_served(body):
    with Server(body, "--timeout", 1000) as server:
        before = server.processor_time()
        for _ in range(5):
            with server.accepted() as client:
                client.connection.sendall(HELLO)
                pour(client.connection, 20 * MEBIBYTE)
                client.expect_closing("lost")
        assert server.fetch() == conversation(BODY)
        server.settle()
        assert server.processor_time() - before < 1.0


# --- lines that are said once


def test_a_turn_for_a_deadline_is_one_line(body):
    with Server(body, "-v", "--timeout", 0.2) as server:
        with server.accepted() as client:
            client.expect_closing("late")
        turns = [line for line in server.lines if line.startswith("turn ")]
        [late] = [line for line in turns if "deadline" in line]
        assert re.fullmatch(r"turn \d+: slept \d+\.\d ms; c1 deadline: .*closed", late)
        assert not [line for line in turns if ";" not in line]
