"""server.py at its limits: descriptors, --max-clients, episodes, floods, memory, processor time.

Every client that has connected is served in the end, however long accepting pauses; the tests wait
for each. Figures come from the kernel's own counters (Linux).
"""

import contextlib
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.limits import SPARE, most_files
from tests.support.programs import (
    BEGINNING,
    HELLO,
    LIMIT,
    REPORT,
    UNMEASURED,
    Server,
    conversation,
    customized,
    read_exactly,
    read_to_end,
    run_server,
)

TEXT = b"one\ntwo\n"
NotHere = Callable[[str], None]
EPISODE = re.compile(r"^accepting.*$", re.MULTILINE)

needs_strace = pytest.mark.usefixtures("traceable")


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_bytes(TEXT)
    return path


@contextlib.contextmanager
def connected(server: Server, count: int) -> Iterator[list[socket.socket]]:
    """Hold `count` connections; the kernel accepts them even if the server does not."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(server.connect()) for _ in range(count)]


def greeted(clients: list[socket.socket]) -> list[socket.socket]:
    """Return those that the server has greeted so far; read nothing."""
    return select.select(clients, [], [], 0)[0]


def serve(client: socket.socket) -> None:
    """Hold the conversation that `client` may have waited for."""
    client.sendall(HELLO)
    assert read_to_end(client) == conversation(TEXT)
    client.close()


def serve_all(clients: list[socket.socket]) -> None:
    """Serve the clients in the order of their greetings; all of them in the end."""
    waiting = list(clients)
    while waiting:
        ready = select.select(waiting, [], [], LIMIT)[0]
        assert ready, f"{len(waiting)} clients are not served"
        for client in ready:
            waiting.remove(client)
            serve(client)


def open_files(count: int) -> str:
    """Return the shell line that starts a program with this soft limit of open files."""
    return f'ulimit -S -n {count}; exec "$@"'


# -- --max-clients ----------------------------------------------------------------------------


@pytest.mark.fault("A17")
def test_beyond_max_clients_everybody_waits_and_is_served(text_file: Path) -> None:
    with Server(text_file, "--max-clients", "2") as server:
        with connected(server, 7) as clients:
            server.expect("^accepting paused")
            assert read_exactly(clients[0], len(HELLO)) == HELLO
            assert read_exactly(clients[1], len(HELLO)) == HELLO
            most = 0
            for number, client in enumerate(clients):
                most = max(most, len(greeted(clients[number + 2 :])))
                client.sendall(HELLO)
                said = read_to_end(client)
                assert (HELLO if number < 2 else b"") + said == conversation(TEXT)
                client.close()
            assert most == 0  # a client that waits hears nothing: no greeting, no refusal
        server.settle()
        server.expect("^accepting resumed")
        live = most_at_once(server)
        assert live == 2
        assert len(EPISODE.findall(server.stderr)) == 2


def most_at_once(server: Server) -> int:
    """Return how many connections were open at once, by the server's own lines."""
    live = most = 0
    for line in server.lines:
        live += bool(BEGINNING.fullmatch(line)) - bool(re.fullmatch(r"c\d+ (done|lost).*", line))
        most = max(most, live)
    return most


@pytest.mark.fault("A17")
def test_the_cap_with_nobody_waiting_is_no_pause(text_file: Path) -> None:
    with Server(text_file, "--max-clients", "2") as server:
        with connected(server, 2) as clients:
            for client in clients:
                assert read_exactly(client, len(HELLO)) == HELLO
            serve_rest(clients)
        for _ in range(20):
            assert server.fetch() == conversation(TEXT)
        server.settle()
        assert server.stop() == 0
    assert EPISODE.findall(server.stderr) == []


def serve_rest(clients: list[socket.socket]) -> None:
    for client in clients:
        client.sendall(HELLO)
        assert HELLO + read_to_end(client) == conversation(TEXT)
        client.close()


@pytest.mark.fault("E8")
@pytest.mark.parametrize(("limit", "places"), [(50, 18), (34, 2), (33, 1), (20, 1)])
def test_the_default_cap_is_the_limit_of_open_files_less_32_and_at_least_1(
    text_file: Path, limit: int, places: int
) -> None:
    with Server(text_file, shell=open_files(limit)) as server:
        with connected(server, places + 3) as clients:
            server.expect("^accepting paused")
            assert len(greeted(clients)) == places
            serve_all(clients)
        server.settle()
        assert [word for _, word in server.closings()] == (places + 3) * ["done"]


@pytest.mark.fault("E8")
def test_however_few_files_may_be_open_it_serves_or_says_why_not(text_file: Path) -> None:
    served = 0
    for limit in range(6, 16):
        few = {"shell": open_files(limit), "env": UNMEASURED}
        with Server(text_file, **few, ready=False, flags=(), stdin=None) as server:
            with contextlib.suppress(AssertionError):  # it has ended, or the time is over
                server.expect_listening(limit=3)
            if server.port:
                served += 1
                assert server.fetch() == conversation(TEXT)
                assert server.stop() == 0
            else:
                assert server.wait(limit=0.1) == 1
                one = r"server\.py: [ -~]+\n"
                assert re.fullmatch(one, server.stderr), f"{limit}: {server.stderr!r}"
    assert served, "no limit was enough"


# -- out of descriptors -----------------------------------------------------------------------


@pytest.mark.fault("A1", "A2", "A3", "A4", "A5", "A6")
@pytest.mark.parametrize("volume", [[], ["-q"]], ids=["", "quiet"])
def test_out_of_descriptors_nobody_is_lost_and_there_are_two_lines(
    text_file: Path, volume: list[str]
) -> None:
    options = ("--max-clients", "1000", *volume)
    with Server(text_file, *options, shell=open_files(30)) as server:
        for episode in (1, 2):
            with connected(server, 60) as clients:
                server.expect("^accepting paused: .*open files.*")
                before = server.processor_time()
                # Nothing can happen now but looking again, every 100 ms: a second of that.
                assert select.select(clients[40:], [], [], 1.0)[0] == []
                assert server.processor_time() - before < 0.1
                assert 10 < len(greeted(clients)) < 30
                serve_all(clients)
            server.expect("^accepting resumed")
            assert server.fetch() == conversation(TEXT)
            assert len(EPISODE.findall(server.stderr)) == 2 * episode
        assert server.stop() == 0
    assert server.lines[-1] == "122 done, 0 lost, 0 cut"


@pytest.mark.fault("A1")
def test_accepting_resumes_by_itself_when_descriptors_come_from_elsewhere(
    text_file: Path,
) -> None:
    options = ("--max-clients", "1000")
    with Server(text_file, *options, shell=open_files(30)) as server:
        with connected(server, 60) as clients:
            server.expect("^accepting paused")
            resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (200, 200))
            for client in clients:  # none has been closed
                assert read_exactly(client, len(HELLO)) == HELLO
            server.expect("^accepting resumed")
            serve_rest(clients)
        assert len(EPISODE.findall(server.stderr)) == 2


@pytest.mark.fault("A1", "A7", "D6", "D12")
def test_ctrl_c_out_of_descriptors_drains_the_clients_it_has(text_file: Path) -> None:
    options = ("--max-clients", "1000", "--drain", "600", "--timeout", "600")
    with Server(text_file, *options, shell=open_files(30)) as server:
        with connected(server, 60) as clients:
            server.expect("^accepting paused")
            taken = greeted(clients)
            server.send_signal(signal.SIGTERM)
            server.expect("^stopping")
            for client in taken:
                serve(client)
            match = server.expect(REPORT)
            assert int(match["done"]) == len(taken)
            assert server.wait() == 0


@needs_strace
@pytest.mark.fault("A8", "A9", "A10", "A11")
@pytest.mark.parametrize(
    ("error", "lines"),
    [
        ("EMFILE", 2),
        ("ENFILE", 2),
        ("ENOBUFS", 2),
        ("ENOMEM", 2),
        ("ECONNABORTED", 0),
        ("EPROTO", 0),
        ("EPERM", 2),
        ("EAGAIN", 0),
        ("EIO", 2),
    ],
)
def test_accept_may_fail_in_any_way_and_everybody_is_served(
    text_file: Path, error: str, lines: int
) -> None:
    inject = f"inject=accept,accept4:error={error}:when=1..3"
    trace = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", inject)
    with Server(text_file, prefix=trace) as server:
        with connected(server, 5) as clients:
            serve_all(clients)
        if lines:
            server.expect("^accepting resumed")
        assert server.stop() == 0
    assert len(EPISODE.findall(server.stderr)) <= lines
    assert server.lines[-1] == "5 done, 0 lost, 0 cut"


@pytest.mark.fault("A18")
def test_two_listening_sockets_share_the_places(text_file: Path, tmp_path: Path) -> None:
    code = """
import socket
real = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kwargs):
    if host != "both":
        return real(host, port, *args, **kwargs)
    return [entry for a in ("::1", "127.0.0.1") for entry in real(a, port, *args, **kwargs)]
socket.getaddrinfo = getaddrinfo
"""
    env = customized(tmp_path, code)
    with Server(text_file, "--max-clients", "1", host="both", env=env) as server:
        with contextlib.ExitStack() as stack:
            server.freeze()
            waiting = {
                stack.enter_context(socket.create_connection((host, server.port), LIMIT)): host
                for host in 6 * ["::1"] + 6 * ["127.0.0.1"]
            }
            server.thaw()
            order = []
            while waiting:
                client = select.select(list(waiting), [], [], LIMIT)[0][0]
                order.append(waiting.pop(client))
                serve(client)
        for half in (order[:6], order[6:]):
            assert abs(half.count("::1") - 3) <= 1, order


# -- floods, memory, idleness -----------------------------------------------------------------


FLOOD = """
import socket, sys
address = sys.argv[1], int(sys.argv[2])
print("flooding", flush=True)
while True:
    try:
        socket.create_connection(address, 1).close()
    except OSError:
        pass
"""


@pytest.mark.alone
@pytest.mark.fault("A15", "I-8")
def test_a_flood_of_connections_does_not_starve_a_transfer(text_file: Path) -> None:
    options = ("--chunk", "1", "--pause", "0.01", "-q", "--timeout", "60")
    with Server(text_file, *options) as server:
        began = time.monotonic()
        assert server.fetch() == conversation(TEXT)
        alone = time.monotonic() - began
        flood = subprocess.Popen(
            [sys.executable, "-c", FLOOD, *map(str, server.address)],
            stdout=subprocess.PIPE,
        )
        try:
            assert flood.stdout is not None
            flood.stdout.readline()
            began = time.monotonic()
            assert server.fetch() == conversation(TEXT)
            flooded = time.monotonic() - began
        finally:
            flood.kill()
            flood.communicate()
        assert flooded / alone < 8


@pytest.mark.fault("A15")
def test_a_full_backlog_is_taken_in_batches_between_which_others_go_on(text_file: Path) -> None:
    with Server(text_file) as server, server.accepted() as first:
        server.freeze()
        with connected(server, 400):
            first.connection.sendall(HELLO)
            server.thaw()
            assert read_to_end(first.connection) == conversation(TEXT)
            server.until(lambda text: len(BEGINNING.findall(text)) == 401)
    text = server.stderr
    before = text[: text.index("c1 C: HELLO 1")]
    assert len(BEGINNING.findall(before)) < 100


@pytest.mark.alone
@pytest.mark.fault("I-3", "B4", "B14", "B15")
def test_idle_clients_cost_less_than_a_kilobyte_each_and_no_processor_time(
    text_file: Path, not_here: NotHere
) -> None:
    many = min(2000, (most_files() - SPARE) // 2)
    if many < 400:
        not_here(f"800 connections at once: the hard limit of open files is {most_files()}")
    options = ("-q", "--timeout", "600", "--max-clients", "10000")
    with Server(text_file, *options, flags=()) as server:
        with connected(server, many) as first:
            for client in first:
                assert read_exactly(client, len(HELLO)) == HELLO
            before = server.kernel_count("VmRSS")
            with connected(server, many) as clients:
                for client in clients:
                    assert read_exactly(client, len(HELLO)) == HELLO
                assert (server.kernel_count("VmRSS") - before) * 1024 / many <= 1024
                server.fall_asleep()
                sleeps = server.kernel_count("voluntary_ctxt_switches")
                used = server.processor_time()
                select.select([], [], [], 0.5)  # nothing can happen now: that is the point
                assert server.kernel_count("voluntary_ctxt_switches") == sleeps  # not one wake-up
                assert server.processor_time() == used
                for client in clients:
                    client.shutdown(socket.SHUT_WR)  # lets the drain end at once
            for client in first:
                client.shutdown(socket.SHUT_WR)


@pytest.mark.fault("B8", "B14", "B15", "C7")
@pytest.mark.parametrize("state", ["HELLO_SENT", "half a hello", "SENDING", "DONE", "both"])
def test_no_state_keeps_the_loop_awake(text_file: Path, state: str) -> None:
    sent = {"HELLO_SENT": b"", "half a hello": HELLO[:4]}.get(state, HELLO + b"more")
    slow = ("--chunk", len(HELLO), "--pause", "600") if state in ("SENDING", "both") else ()
    with Server(text_file, "-v", "--timeout", "600", *slow, "--drain", "0") as server:
        with server.accepted() as client:
            assert read_exactly(client.connection, len(HELLO)) == HELLO
            client.connection.sendall(sent)
            if state == "both":  # the end of the client's stream waits as well
                client.connection.shutdown(socket.SHUT_WR)
            if sent:
                server.expect(r"^turn .*\bc1 readable")
            if state == "DONE":
                assert HELLO + read_to_end(client.connection) == conversation(TEXT)
                # Now, not in 40 ms: that acknowledgement wakes the kernel's half of epoll_wait.
                client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            server.fall_asleep()
            sleeps, used = server.kernel_count("voluntary_ctxt_switches"), server.processor_time()
            select.select([], [], [], 0.3)  # nothing can happen now: that is the point
            assert server.kernel_count("voluntary_ctxt_switches") == sleeps
            assert server.processor_time() == used
            assert len(re.findall("^turn", server.stderr, re.MULTILINE)) <= 6
        server.send_signal(signal.SIGTERM)
        assert server.wait() in (0, 1)


@pytest.mark.fault("I-5", "I-6", "B17")
def test_two_thousand_transfers_leave_no_descriptor_and_no_memory(text_file: Path) -> None:
    with Server(text_file, "-q", flags=()) as server:
        for _ in range(500):
            server.fetch()
        files, memory = server.descriptors(), server.kernel_count("VmRSS")
        for _ in range(1500):
            assert server.fetch() == conversation(TEXT)
        server.fetch(b"X")
        assert server.descriptors() <= files + 1
        assert (server.kernel_count("VmRSS") - memory) * 1024 / 1500 < 100


def test_a_run_that_cannot_start_leaves_the_port_to_others(text_file: Path) -> None:
    with Server(text_file) as server:
        assert run_server(text_file, port=server.port).status == 1
        assert server.fetch() == conversation(TEXT)
