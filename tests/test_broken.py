"""Every program in learn/broken still shows its fault: one that works would teach nothing."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from lab.documents.document import ROOT
from lab.documents.reader import PORT, kill, own_port

LIMIT = 10.0  # seconds for anything that must happen
A_WHILE = 0.3  # seconds in which something must not happen
WHOLE = b"HELLO 1\nFILE 23 fc80b9a4\nHello from one thread.\n"

TWINS = sorted((ROOT / "learn/broken").glob("*.py"))


class Twin:
    """One of the programs, listening."""

    def __init__(self, name, directory, port):
        self.port = int(port)
        source = (ROOT / "learn/broken" / name).read_text()
        (directory / name).write_text(source.replace(PORT, str(self.port)))
        self.process = subprocess.Popen(
            [sys.executable, name],
            cwd=directory,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        assert self.process.stdout.readline() == f"listening on 127.0.0.1:{self.port}\n"
        self.clients = []

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port), LIMIT)
        self.clients.append(client)
        return client

    def close(self):
        for client in self.clients:
            client.close()
        kill(self.process)
        self.process.stdout.close()


@pytest.fixture
def twin(request, tmp_path) -> Iterator[Twin]:
    with own_port() as port, closing(Twin(request.param, tmp_path, port)) as one:
        yield one


def collect(client, received):
    """Append to `received` all octets up to the end of the stream."""
    while octets := client.recv(65536):
        received += octets


def everything(client):
    """Return all octets up to the end of the stream."""
    received = bytearray()
    collect(client, received)
    return bytes(received)


def of(name):
    return pytest.mark.parametrize("twin", [f"{name}.py"], indirect=True)


@of("blocking_server")
def test_the_blocking_server_lets_a_second_client_wait_for_the_first(twin):
    silent, second = twin.connect(), twin.connect()
    assert silent.recv(8) == b"HELLO 1\n"
    second.sendall(b"HELLO 1\n")
    second.settimeout(A_WHILE)
    with pytest.raises(TimeoutError):
        second.recv(8)
    silent.close()
    second.settimeout(LIMIT)
    assert everything(second) == WHOLE


@of("one_recv")
@pytest.mark.parametrize("first", [b"H", b"HELLO 1", b"HELLO 1\nHELLO 1\n"])
def test_one_recv_is_taken_for_one_message(twin, first):
    client = twin.connect()
    client.sendall(first)
    assert everything(client) == b"HELLO 1\nERROR that is no hello\n"


@of("one_recv")
def test_one_recv_works_by_luck(twin):
    client = twin.connect()
    client.sendall(b"HELLO 1\n")
    assert everything(client) == WHOLE


@of("always_writable")
def test_always_writable_works_hard_for_a_client_that_says_nothing(twin):
    twin.connect()
    said = re.fullmatch(r"(\d+) turns in one second, (.+) s of it at work\n", *twin.process.stdout)
    assert int(said[1]) > 1000
    assert float(said[2]) > 0.1


@of("close_early")
@pytest.mark.parametrize("speaks", ["before the server closes", "after it has closed"])
def test_closing_early_loses_what_was_sent(twin, speaks):
    client = twin.connect()
    if speaks.startswith("before"):
        client.sendall(b"thank you\n")
    twin.connect().recv(1)  # the second client is served: so the first has been closed
    if speaks.startswith("after"):
        client.sendall(b"thank you\n")
    received = bytearray()
    with pytest.raises(ConnectionResetError):
        collect(client, received)
    assert len(received) < 1_000_000


@of("slow_callback")
def test_a_slow_callback_makes_everybody_wait(twin):
    clients = [twin.connect() for _ in range(3)]
    start = time.monotonic()
    for client in clients:
        client.sendall(b"HELLO 1\n")
    assert [everything(client) for client in clients] == [WHOLE] * 3
    assert time.monotonic() - start > 1.4


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.name)
def test_each_says_at_once_that_it_is_wrong_and_has_a_test_here(path):
    assert path.read_text().startswith('"""WRONG ON PURPOSE: ')
    assert f'@of("{path.stem}")' in (ROOT / "tests/test_broken.py").read_text()
