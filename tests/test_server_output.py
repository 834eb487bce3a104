"""The outputs of server.py, with readers that are frozen or gone; closed, broken, a file, a socket.

In every case the server delivers files, the exit status keeps its meaning, and no terminal or pipe
is left in another mode.
"""

import contextlib
import fcntl
import os
import re
import select
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.programs import (
    LIMIT,
    Server,
    conversation,
    file_message,
    reserved_port,
)

TEXT = b"one\ntwo\n"
LINES = 4  # of one conversation: two hellos, the header, the closing line
SMALL = 4096  # bytes: the smallest pipe of Linux


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_bytes(TEXT)
    return path


@contextlib.contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A small pipe; either end may be closed inside."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, SMALL)
    try:
        yield reader, writer
    finally:
        for fd in (reader, writer):
            with contextlib.suppress(OSError):
                os.close(fd)


def fetch_many(server: Server, count: int) -> None:
    for _ in range(count):
        assert server.fetch() == conversation(TEXT)


def read_all(fd: int, *, until: bytes) -> bytes:
    """Read until what was read ends a line with `until`."""
    said = b""
    while until not in said:
        assert select.select([fd], [], [], LIMIT)[0], f"{until!r} does not come: {said[-300:]!r}"
        got = os.read(fd, 65536)
        assert got, f"the output ended: {said[-300:]!r}"
        said += got
    return said


def dropped(said: bytes) -> int:
    return sum(int(number) for number in re.findall(rb"\((\d+) lines dropped\)\n", said))


# -- a reader that does not read --------------------------------------------------------------


@pytest.mark.linux_only("a pipe opened again by way of /proc")
@pytest.mark.fault("E9")
def test_a_full_pipe_holds_nobody_up_and_every_lost_line_is_counted(text_file: Path) -> None:
    many = 1500
    with pipe() as (reader, writer), Server(text_file, stderr=writer) as server:
        fetch_many(server, many)
        assert fcntl.fcntl(writer, fcntl.F_GETFL) & os.O_NONBLOCK == 0
        said = os.read(reader, 65536)  # it begins to read again
        assert server.fetch() == conversation(TEXT)
        said += read_all(reader, until=b"lines dropped)\n")
        assert server.fetch() == conversation(TEXT)
        assert server.stop() == 0
        os.close(writer)
        while got := os.read(reader, 65536):
            said += got
        lines = said.splitlines()
        assert lines[-1] == b"%d done, 0 lost, 0 cut" % (many + 2)
        gaps = len(re.findall(rb"lines dropped", said))
        told = [line for line in lines if b"lines dropped" not in line]
        # "stopping" and the report are the two others.
        assert len(told) + dropped(said) == LINES * (many + 2) + 2
        assert 1 <= gaps <= 3
        assert all(re.fullmatch(rb"c\d+ [SC]: .*|c\d+ done|stopping.*|.* cut", t) for t in told)


@pytest.mark.fault("E9")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["exit", "prompt"])
def test_exit_and_prompt_wait_a_moment_for_a_frozen_reader(
    text_file: Path, number: signal.Signals
) -> None:
    with pipe() as (_, writer), Server(text_file, "-v", stderr=writer) as server:
        fetch_many(server, 300)
        server.send_signal(number)
        server.answer("n\n")
        assert server.wait() == 0


@pytest.mark.skipif("nottys" in os.environ.get("BSD", ""), reason="no report of room here")
@pytest.mark.fault("E9")
@pytest.mark.parametrize("how", ["not read", "Ctrl+S"])
def test_a_frozen_terminal_holds_nobody_up(text_file: Path, how: str) -> None:
    master, slave = os.openpty()
    try:
        with Server(text_file, "-v", stderr=slave) as server:
            if how == "Ctrl+S":
                os.write(master, b"\x13")
            fetch_many(server, 700)
            assert os.get_blocking(slave)
            if how == "Ctrl+S":
                os.write(master, b"\x11")
            said = read_all(master, until=b"lines dropped)\r\n")
            assert server.fetch() == conversation(TEXT)
            assert b"c1 S: HELLO 1\r\n" in said
            assert dropped(said.replace(b"\r\n", b"\n")) > 0
            server.send_signal(signal.SIGTERM)
            read_all(master, until=b"701 done, 0 lost, 0 cut\r\n")
            assert server.wait() == 0
        assert os.get_blocking(slave)
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.fault("E9")
def test_a_frozen_terminal_does_not_hold_up_ctrl_c(text_file: Path) -> None:
    master, slave = os.openpty()
    try:
        with Server(text_file, "-v", stderr=slave) as server:
            fetch_many(server, 400)
            server.send_signal(signal.SIGINT)
            server.answer("y\n")
            server.expect_listening()
            fetch_many(server, 10)
            server.send_signal(signal.SIGINT)
            server.answer("n\n")
            assert server.wait() == 0
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.fault("E9")
def test_a_socket_that_nobody_reads_holds_nobody_up(text_file: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        with Server(text_file, "-v", stderr=theirs.fileno()) as server:
            fetch_many(server, 500)
            assert theirs.getblocking()
            assert server.stop() == 0


@pytest.mark.fault("E9")
def test_a_full_stdout_holds_nobody_up(text_file: Path) -> None:
    with pipe() as (reader, writer):
        os.write(writer, SMALL * b".")
        with on_known_port(text_file, stdout=writer) as server:
            assert server.fetch() == conversation(TEXT)
            assert server.stop() == 0
        assert os.read(reader, SMALL) == SMALL * b"."
        assert os.get_blocking(writer)


# -- a reader that is gone --------------------------------------------------------------------


@contextlib.contextmanager
def on_known_port(text_file: Path, *options: str, **how: object) -> Iterator[Server]:
    """A server whose stdout cannot tell its port, so it gets one.

    There is no event for "it listens now": we connect again until it works.
    """
    with reserved_port() as port:
        how.setdefault("ready", False)
        with Server(text_file, *options, port=port, **how) as server:
            server.host, server.port = "127.0.0.1", port
            end = time.monotonic() + LIMIT
            while True:
                try:
                    server.connect().close()
                    break
                except ConnectionRefusedError:
                    assert server.running, "it ended at once"
                    assert time.monotonic() < end, "it does not listen"
                    select.select([], [], [], 0.01)
            yield server


def standard_descriptors(server: Server) -> list[str]:
    return [os.readlink(f"/proc/{server.pid}/fd/{number}") for number in (0, 1, 2)]


@pytest.mark.fault("E10", "D10")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_descriptors_are_no_trouble_and_no_socket_takes_their_numbers(
    text_file: Path, closed: str
) -> None:
    with on_known_port(text_file, shell=f'exec "$@" {closed}', stdin=None) as server:
        assert server.fetch() == conversation(TEXT)
        for name in standard_descriptors(server):
            assert not re.search("socket|eventpoll", name), name
        server.send_signal(signal.SIGINT)
        assert server.wait() == 0


@pytest.mark.fault("E10")
@pytest.mark.parametrize("which", ["stdout", "stderr", "both"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_output_whose_reader_is_gone_is_no_trouble_and_the_status_keeps_its_meaning(
    text_file: Path, which: str, number: signal.Signals
) -> None:
    with pipe() as (reader, writer):
        os.close(reader)
        how = {name: writer for name in ("stdout", "stderr") if which in (name, "both")}
        with on_known_port(text_file, stdin=None, **how) as server:
            fetch_many(server, 20)
            before = server.processor_time()
            select.select([], [], [], 0.2)  # a dead pipe reports room for ever: no spin
            assert server.processor_time() - before < 0.1
            server.send_signal(number)
            assert server.wait() == 0


@pytest.mark.fault("E10")
def test_a_reader_that_goes_away_while_we_serve_is_no_trouble(text_file: Path) -> None:
    with pipe() as (reader, writer), Server(text_file, stderr=writer) as server:
        fetch_many(server, 5)
        os.close(reader)
        fetch_many(server, 50)
        assert server.stop() == 0


@pytest.mark.fault("E10")
@pytest.mark.parametrize("where", ["2>/dev/full", ">/dev/full 2>&1", "2>/dev/null", "2</dev/null"])
def test_a_device_that_takes_nothing_is_no_trouble(text_file: Path, where: str) -> None:
    with on_known_port(text_file, shell=f'exec "$@" {where}', stdin=None) as server:
        fetch_many(server, 20)
        server.send_signal(signal.SIGINT)
        assert server.wait() == 0


# -- files and sockets that do read -----------------------------------------------------------


def expected(transfers: int) -> list[str]:
    """Return all lines of a run with `transfers` transfers, one after the other."""
    header = file_message(TEXT).partition(b"\n")[0].decode()
    told = []
    for number in range(1, transfers + 1):
        told += [f"c{number} {text}" for text in ("S: HELLO 1", "C: HELLO 1", f"S: {header}")]
        told += [f"c{number} done"]
    return told


@pytest.mark.fault("E11")
def test_a_file_gets_every_line_in_order_behind_what_it_had(
    text_file: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    shell = f'exec >>{log} 2>&1; echo shell; exec "$@"'
    with on_known_port(text_file, shell=shell, stdin=None) as server:
        fetch_many(server, 30)
        port = server.port
        assert server.stop() == 0
    lines = log.read_text().splitlines()
    assert lines[:3] == ["before", "shell", f"listening on 127.0.0.1:{port}"]
    assert lines[-1].endswith("done, 1 lost, 0 cut")  # 1: the connection that waited for us
    assert [line for line in lines if line.endswith(" done")] == [
        f"c{number} done" for number in range(2, 32)
    ]


@pytest.mark.fault("E11")
def test_a_file_shared_with_the_shell_keeps_one_offset(text_file: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    shell = f'trap : TERM; exec >{log} 2>&1; echo first; "$@"; echo last'
    with on_known_port(text_file, shell=shell, stdin=None) as server:
        fetch_many(server, 3)
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    lines = log.read_text().splitlines()
    assert lines[0] == "first"
    assert lines[1].startswith("listening on")
    assert lines[-2:] == ["3 done, 1 lost, 0 cut", "last"]


@pytest.mark.fault("E11")
def test_a_socket_gets_every_line(text_file: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(LIMIT)
        with Server(text_file, stderr=theirs.fileno()) as server:
            theirs.close()
            fetch_many(server, 30)
            assert server.stop() == 0
        said = b""
        while got := ours.recv(65536):
            said += got
    told = expected(30)
    lines = said.decode().splitlines()
    assert lines[-1] == "30 done, 0 lost, 0 cut"
    assert sorted(told) == sorted(line for line in lines if re.match(r"c\d", line))


@pytest.mark.linux_only("the order of lines within a turn")
def test_a_pipe_that_is_read_gets_every_line_of_many_clients(text_file: Path) -> None:
    with Server(text_file) as server:
        fetch_many(server, 200)
        server.settle()
        assert server.stop() == 0
    assert [line for line in server.lines if line.startswith("c")] == expected(200)


@pytest.mark.fault("E10")
def test_a_log_file_that_may_not_grow_is_no_trouble(text_file: Path, tmp_path: Path) -> None:
    shell = f'ulimit -f 1; exec "$@" 2>{tmp_path / "log"}'
    with Server(text_file, shell=shell, stderr=None) as server:
        fetch_many(server, 60)
        assert server.stop() == 0
    assert (tmp_path / "log").stat().st_size <= 1024
