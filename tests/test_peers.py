"""The servers of the bench: what is compared does the same, whatever it is written with."""

import select
import shutil
import socket
import subprocess
import sys
import time

import pytest

from lab.bench import subjects
from tests.support.programs import LIMIT, ROOT, conversation

SAMPLE = ROOT / "sample.txt"
STREAM = conversation(SAMPLE.read_bytes())
DEADLINE = 0.5  # seconds from accept
PACE = 0.2  # seconds between two bytes of a client that drips
NAMES = [subjects.YARDSTICK, subjects.EIGHTY, *[name for name, _module, _package in subjects.PEERS]]


@pytest.fixture(scope="module")
def yardstick(tmp_path_factory):
    """The server in C, or nothing where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    program = tmp_path_factory.mktemp("c") / "epoll_server"
    if sys.platform != "linux" or compiler is None:
        return None
    words = [
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-o",
        program,
        ROOT / "lab/bench/peers/epoll_server.c",
    ]
    subprocess.run([compiler, *words], check=True)
    return program


@pytest.fixture(scope="module", params=NAMES)
def process(request, yardstick):
    """A server with a short deadline, and its port; nothing, where it cannot run."""
    known = subjects.known() | {subjects.YARDSTICK: (yardstick,) if yardstick else None}
    command = known.get(request.param)
    if command is None or sys.platform != "linux":
        yield None
        return
    words = [*map(str, command), "--timeout", str(DEADLINE), str(SAMPLE)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            yield int(server.stdout.readline().rpartition(":")[2])
        finally:
            server.kill()


@pytest.fixture
def client(request, process, not_here):
    """A client that has connected."""
    if process is None:
        name = request.node.callspec.params["process"]
        not_here(f"{name}: {subjects.missing().get(name, 'it needs Linux and a C compiler')}")
    with socket.create_connection(("127.0.0.1", process), timeout=LIMIT) as sock:
        yield sock


def read_all(client: socket.socket) -> bytes:
    """Return what comes up to the end of stream."""
    received = b""
    while data := client.recv(4096):
        received += data
    return received


def test_a_client_that_speaks_byte_by_byte_gets_an_exact_copy(client):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"HELLO 1\n":
        client.send(bytes([byte]))
    assert read_all(client) == STREAM


def test_a_client_that_ends_its_stream_behind_its_hello_gets_an_exact_copy(client):
    client.sendall(b"HELLO 1\n")
    client.shutdown(socket.SHUT_WR)
    assert read_all(client) == STREAM


def test_the_server_reads_on_until_the_client_ends_its_stream(client):
    client.sendall(b"HELLO 1\n")
    assert read_all(client) == STREAM
    for _ in range(3):
        client.sendall(b"discarded")  # over a closed socket, the second one fails
    client.shutdown(socket.SHUT_WR)


def test_what_is_no_hello_is_refused(client):
    client.sendall(b"GET / HT")
    assert read_all(client).startswith(b"HELLO 1\nERROR ")


def test_the_deadline_counts_from_accept_whatever_the_client_sends(client):
    began, hello = time.monotonic(), b"HELLO 1\n"
    assert client.recv(len(hello), socket.MSG_WAITALL) == hello
    sent = 0
    while sent < len(hello) - 1 and not select.select([client], [], [], PACE)[0]:
        client.send(hello[sent : sent + 1])
        sent += 1
    assert sent < len(hello) - 1, "each byte seems to have won it time"
    assert time.monotonic() - began >= 0.5 * DEADLINE  # not at once; it began before we looked
