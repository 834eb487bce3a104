"""Both mains, called as functions: each whole program runs in this process and leaves nothing.

A thread plays the user: it reads what the program prints on stdout and does what people do.
"""

import os
import signal
import socket
import threading
from contextlib import contextmanager

import pytest

import client
import server
from edges import waiting
from tests.support.peers import delivering, listening
from tests.support.programs import HELLO, conversation, file_message

BODY = b"Hello, world!\n"
STREAM = HELLO + file_message(BODY)


def sends(number):
    os.kill(os.getpid(), number)


@contextmanager
def put_back(number):
    """Let a standard descriptor lead in the end to where it leads now."""
    kept = os.dup(number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


@contextmanager
def leading(number, to):
    """Let a standard descriptor lead to a file for a while."""
    with put_back(number):
        os.dup2(to.fileno(), number)
        yield


@contextmanager
def closed(number):
    """Have a standard descriptor closed for a while, and whatever fills it in the end."""
    with put_back(number):
        os.close(number)
        yield


@contextmanager
def pipe():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as r, os.fdopen(writer, "wb", 0) as w:
        yield r, w


@contextmanager
def person(deeds):
    """Do the deeds, one after the other; whatever happens, the program comes to an end."""

    def act():
        try:
            deeds()
        except BaseException:
            sends(signal.SIGTERM)
            raise

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


def serve(*options, visits=(), answers=b""):
    """Run the server; each visit gets the address of one listening period. Return the status."""
    with pipe() as (stdin, typed), pipe() as (stdout, shown):
        typed.write(answers)
        typed.close()

        def visit_all():
            for visit, line in zip(visits, stdout, strict=False):
                visit(("127.0.0.1", int(line.rpartition(b":")[2])))

        with leading(0, stdin), person(visit_all):
            with leading(1, shown):
                status = server.main(["--host", "127.0.0.1", "--port", "0", *options])
            shown.close()  # nobody waits for another line
        return status


def fetch(address):
    with socket.create_connection(address) as sock, sock.makefile("rb") as stream:
        sock.sendall(HELLO)
        sock.shutdown(socket.SHUT_WR)
        return stream.read()


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(BODY)
    return path


# --- the server


@pytest.mark.fault("D6", "D22", "F6")
def test_ctrl_c_and_yes_and_the_file_is_read_again(text_file, capfd):
    def first(address):
        got.append(fetch(address))
        text_file.write_bytes(b"again\n")
        sends(signal.SIGINT)

    def second(address):
        got.append(fetch(address))
        sends(signal.SIGINT)

    got = []
    assert serve(str(text_file), visits=[first, second], answers=b"y\nn\n") == 0
    assert got == [conversation(BODY), conversation(b"again\n")]
    lines = capfd.readouterr().err.splitlines()
    assert lines.count("1 done, 0 lost, 0 cut") == 2
    assert {"c1 S: HELLO 1", "c1 C: HELLO 1", "c1 done", "c2 done"} <= set(lines)


@pytest.mark.fault("D14")
@pytest.mark.parametrize("volume", ["-q", "-v"])
def test_sigterm_ends_it_without_a_question(text_file, capfd, volume):
    def visit(address):
        fetch(address)
        sends(signal.SIGTERM)

    assert serve(str(text_file), volume, visits=[visit]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert ("c1 done" in lines) == (volume == "-v")
    assert any(line.startswith("turn 1: slept ") for line in lines) == (volume == "-v")
    assert not any("Continue" in line for line in lines)


@pytest.mark.fault("D19")
def test_in_the_background_nobody_is_asked(text_file, monkeypatch, capfd):
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
    assert serve(str(text_file), visits=[lambda _: sends(signal.SIGINT)], answers=b"y\n") == 0
    assert "Continue" not in capfd.readouterr().err


@pytest.mark.fault("D7")
def test_a_client_that_is_cut_makes_it_status_1(text_file):
    def visit(address):
        with socket.create_connection(address) as sock:
            sock.recv(len(HELLO))
            sends(signal.SIGTERM)
            assert sock.recv(1) == b""

    assert serve(str(text_file), "-q", "--drain", "0", visits=[visit]) == 1


@pytest.mark.fault("D8")
def test_ctrl_c_while_draining_is_status_130(text_file):
    def visit(address):
        with socket.create_connection(address) as sock:
            sock.recv(len(HELLO))
            sends(signal.SIGINT)
            assert stderr.readline() == b"stopping; open connections: 1\n"
            sends(signal.SIGINT)
            assert sock.recv(1) == b""

    with pipe() as (stderr, said), leading(2, said):
        assert serve(str(text_file), "-q", visits=[visit]) == 130
        assert stderr.readline() == b"0 done, 0 lost, 1 cut\n"


@pytest.mark.fault("F2", "F8")
def test_a_file_that_is_not_there_is_status_1_at_the_start_and_at_the_second_reading(
    text_file, capfd
):
    def visit(address):
        text_file.unlink()
        sends(signal.SIGINT)

    assert serve(str(text_file), visits=[visit], answers=b"y\n") == 1
    assert serve(str(text_file)) == 1
    assert capfd.readouterr().err.count("no such file or directory") == 2


# --- the client


def get(port, path, *options):
    return client.main(["127.0.0.1", str(path), "--port", str(port), *options])


@pytest.mark.parametrize("volume", [[], ["-q"], ["-v"]])
def test_a_copy_is_saved(tmp_path, capfd, volume):
    with delivering(STREAM) as port:
        assert get(port, tmp_path / "copy", *volume) == 0
    assert (tmp_path / "copy").read_bytes() == BODY
    said = capfd.readouterr().err
    assert ("checksum verified" in said) == (volume != ["-q"])
    assert ("turn 1: slept" in said) == (volume == ["-v"])


@pytest.mark.fault("H6")
def test_a_copy_goes_to_stdout_when_there_is_room(monkeypatch):
    def make_room(*_):
        assert os.read(stdout.fileno(), 1 << 20) == full * b"x"
        return {1: waiting.WRITABLE}

    monkeypatch.setattr(waiting, "ready", make_room)
    with pipe() as (stdout, shown), delivering(STREAM) as port:
        os.set_blocking(shown.fileno(), False)
        full = shown.write((1 << 20) * b"x")
        with leading(1, shown):
            assert client.main(["127.0.0.1", "-", "--port", str(port)]) == 0
        shown.close()
        assert stdout.read() == BODY


@pytest.mark.fault("E10")
@pytest.mark.parametrize("number", [0, 1])
def test_a_closed_standard_stream_is_filled_before_the_first_socket(tmp_path, number):
    with delivering(STREAM) as port, closed(number):
        assert get(port, tmp_path / "copy") == 0
        assert os.readlink(f"/proc/self/fd/{number}") == os.devnull


@pytest.mark.parametrize(
    ("stream", "status"),
    [
        (b"HELLO 2\n", 4),
        (HELLO + b"ERROR no\n", 4),
        (STREAM + b"!", 4),
        (STREAM[:-1], 5),
        (STREAM[:-1] + b"?", 5),
        (b"", 5),
    ],
)
def test_whatever_is_wrong_has_its_status_and_leaves_nothing(tmp_path, stream, status):
    with delivering(stream) as port:
        assert get(port, tmp_path / "copy") == status
    assert not list(tmp_path.iterdir())


@pytest.mark.fault("G3")
@pytest.mark.parametrize(("said", "state"), [(b"", "HELLO_EXPECTED"), (HELLO, "RECEIVING")])
def test_a_silent_server_is_status_3(tmp_path, capfd, said, state):
    with listening() as door:

        def stay_silent():
            with door.accept() as peer:
                peer.send(said).farewell()

        with person(stay_silent):
            assert get(door.port, tmp_path / "copy", "--timeout", "0.2") == 3
    assert f"timed out after 0.2 s in {state}" in capfd.readouterr().err


@pytest.mark.fault("G1")
def test_no_server_is_status_3(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        assert get(nobody.getsockname()[1], tmp_path / "copy") == 3


@pytest.mark.fault("H1")
def test_nowhere_to_save_is_status_1(tmp_path):
    assert get(9, tmp_path / "no" / "copy") == 1


@pytest.mark.fault("G19")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_and_leaves_nothing(tmp_path, number, status):
    with listening() as door:

        def interrupt():
            with door.accept() as peer:
                sends(number)
                peer.farewell()

        with person(interrupt):
            assert get(door.port, tmp_path / "copy") == status
    assert not list(tmp_path.iterdir())
