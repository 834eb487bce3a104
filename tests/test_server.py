"""server.py as a person and a peer see it: options, messages, statuses, the file, the wire.

Contract of the command line and the server's side of protocol.md, on a real process with real
sockets. Signals, limits and broken outputs have files of their own beside this one.
"""

import fcntl
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.programs import (
    BEGINNING,
    CLOSING,
    HELLO,
    LIMIT,
    PROMPT,
    REPORT,
    ROOT,
    Server,
    conversation,
    customized,
    file_message,
    read_exactly,
    read_to_end,
    reserved_port,
    reset,
    run_client,
    run_server,
)

TEXT = b"one\n\nzw\xc3\xb6lf\n"  # an empty line and a character of two bytes
REFUSAL = re.compile(rb"HELLO 1\nERROR [ -~]{1,72}\n")
LEGAL = [b"HELLO %d\n" % version for version in range(1, 1000)]
NO_LF = [b"HELLO 999\n"[:count] for count in range(10)]
NotHere = Callable[[str], None]

needs_strace = pytest.mark.usefixtures("traceable")


def possible(data: bytes) -> bool:
    """Whether some hello of the grammar begins so: found by trying all of them."""
    return any(line.startswith(data) for line in LEGAL)


@pytest.fixture(scope="module")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("served") / "text"
    path.write_bytes(TEXT)
    return path


@pytest.fixture(scope="module")
def shared(text_file: Path) -> Iterator[Server]:
    """One server, with a line per loop turn, for all tests that leave it as it was."""
    # A deadline that no test waits for: what comes, comes for another reason.
    with Server(text_file, "-v", "--timeout", "600") as server:
        assert server.fetch() == conversation(TEXT)  # it has opened all that it needs
        yield server


@pytest.fixture
def server(shared: Server) -> Iterator[Server]:
    """The shared server; after the test it has closed every connection and still serves."""
    shared.settle()
    before = shared.descriptors()
    yield shared
    assert shared.fetch() == conversation(TEXT)
    shared.settle()
    assert shared.descriptors() == before
    shared.assert_clean()


def one_line(server: Server) -> str:
    """Return the one line that a server that could not start has said."""
    assert server.stdout == ""
    assert re.fullmatch(r"[ -~]+\n", server.stderr), server.stderr
    return server.stderr.rstrip("\n")


# -- options ----------------------------------------------------------------------------------


@pytest.mark.fault("E3", "C6")
@pytest.mark.parametrize(
    "words",
    [
        *(["--port", value] for value in ("65536", "-1", "", "1_0", "８０")),
        *(["--timeout", value] for value in ("0", "nan", "86401")),
        ["--drain", "-1"],
        ["--max-clients", "0"],
        ["--chunk", "0"],
        ["--chunk", "1", "--pause", "inf"],
        ["--pause", "1"],
        ["-q", "-v"],
        ["--no-such-option"],
        ["one", "two"],
    ],
    ids=" ".join,
)
def test_a_wrong_option_is_one_line_and_status_2(words: list[str]) -> None:
    server = run_server(*words, flags=())
    assert server.status == 2
    line = one_line(server)
    assert words[0].lstrip("-") in line or words[-1] in line, line


def test_options_at_their_limits_are_good(text_file: Path) -> None:
    options = "--timeout 86400 --drain 0 --max-clients 1 --chunk 1 --pause 0 --quiet"
    with Server(text_file, *options.split()) as server:
        assert server.fetch() == conversation(TEXT)


def test_help_names_every_option_and_version_is_one_line() -> None:
    shown = run_server("--help", port=None, host=None)
    assert shown.status == 0
    assert shown.stderr == ""
    options = "--host --port --timeout --drain --max-clients --chunk --pause --version -h"
    for option in ("INPUT_FILE", "-q", "--quiet", "-v", "--verbose", *options.split()):
        assert option in shown.stdout
    version = run_server("--version", port=None, host=None)
    assert (version.status, version.stderr) == (0, "")
    assert re.fullmatch(r"\S+ \d+\.\d+\.\d+\n", version.stdout)


@needs_strace
def test_the_defaults_are_port_7080_on_all_interfaces() -> None:
    # No test takes that port from its owner: the kernel is made to refuse it.
    inject = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject=bind:error=EADDRINUSE")
    server = run_server(host=None, port=None, prefix=inject)
    assert server.status == 1
    assert "[::]:7080" in one_line(server)


# -- listening --------------------------------------------------------------------------------


@pytest.mark.fault("E4")
def test_stdout_has_one_line_with_the_real_port_and_nothing_else(text_file: Path) -> None:
    with Server(text_file) as server:
        assert server.port != 0
        assert server.fetch() == conversation(TEXT)
        assert server.stop() == 0
    assert server.stdout == f"listening on 127.0.0.1:{server.port}\n"


@pytest.mark.fault("I-4")
def test_the_default_is_all_interfaces_by_one_dual_stack_socket(text_file: Path) -> None:
    with Server(text_file, host=None) as server:
        assert server.host == "[::]"
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, server.port), LIMIT) as connection:
                connection.sendall(HELLO)
                assert read_to_end(connection) == conversation(TEXT)


def test_an_ipv6_address_is_shown_in_brackets_and_takes_no_ipv4(text_file: Path) -> None:
    with Server(text_file, host="::1") as server:
        assert server.host == "[::1]"
        assert server.fetch() == conversation(TEXT)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), LIMIT)


@pytest.mark.fault("E6")
def test_the_unspecified_ipv6_address_leaves_ipv4_to_others(text_file: Path) -> None:
    with (
        reserved_port() as port,
        Server(text_file, host="::", port=port) as six,
        Server(text_file, host="0.0.0.0", port=port) as four,
    ):
        assert six.fetch() == four.fetch() == conversation(TEXT)


def test_a_name_is_looked_up(text_file: Path) -> None:
    with Server(text_file, host="localhost") as server:
        assert server.host in ("127.0.0.1", "[::1]")
        assert server.fetch() == conversation(TEXT)


NAMES = """
import socket
real = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kwargs):
    if host in ADDRESSES and not kwargs.get("flags", 0) & socket.AI_NUMERICHOST:
        return [entry for a in ADDRESSES[host] for entry in real(a, port, *args, **kwargs)]
    if host in ADDRESSES:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return real(host, port, *args, **kwargs)
socket.getaddrinfo = getaddrinfo
"""


def names(folder: Path, **addresses: list[str]) -> dict[str, str]:
    """Return an environment in which these names have these addresses."""
    return customized(folder, f"ADDRESSES = {addresses!r}\n{NAMES}")


def test_a_name_with_two_addresses_listens_on_both_with_one_port(
    text_file: Path, tmp_path: Path
) -> None:
    env = names(tmp_path, both=["::1", "127.0.0.1"])
    with Server(text_file, host="both", env=env) as server:
        assert server.host == "[::1]"
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, server.port), LIMIT) as connection:
                connection.sendall(HELLO)
                assert read_to_end(connection) == conversation(TEXT)
        assert server.stop() == 0
    assert server.stdout.count("listening") == 1


@pytest.mark.fault("E5")
def test_an_address_that_the_machine_lacks_is_skipped(text_file: Path, tmp_path: Path) -> None:
    # 192.0.2.1 is for documentation (RFC 5737): nobody's, so the kernel says EADDRNOTAVAIL.
    env = names(tmp_path, partial=["192.0.2.1", "127.0.0.1"])
    with Server(text_file, host="partial", env=env) as server:
        assert server.host == "127.0.0.1"
        assert server.fetch() == conversation(TEXT)


@pytest.mark.fault("E5")
def test_no_address_left_is_one_line_and_status_1(text_file: Path) -> None:
    server = run_server(text_file, host="192.0.2.1")
    assert server.status == 1
    assert "192.0.2.1" in one_line(server)


@pytest.mark.fault("E5")
def test_a_machine_without_ipv6_listens_on_all_interfaces_of_ipv4(
    text_file: Path, tmp_path: Path
) -> None:
    code = """
import errno, socket
class NoIPv6(socket.socket):
    def __init__(self, family=-1, *args, **kwargs):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, *args, **kwargs)
socket.socket = NoIPv6
"""
    with Server(text_file, host=None, env=customized(tmp_path, code)) as server:
        assert server.host == "0.0.0.0"
        assert server.fetch() == conversation(TEXT)


@pytest.mark.fault("E12")
@pytest.mark.parametrize("host", ["a..b", 64 * "a" + ".b", "no-such-host.invalid", "a b", "\x1b"])
def test_a_host_that_cannot_be_resolved_is_one_line_and_status_1(
    text_file: Path, host: str
) -> None:
    server = run_server(text_file, host=host)
    assert server.status == 1
    line = one_line(server)
    assert host.replace("\x1b", r"\x1b") in line


@pytest.mark.fault("E1")
def test_a_port_in_use_is_one_line_and_status_1(text_file: Path, server: Server) -> None:
    second = run_server(text_file, port=server.port)
    assert second.status == 1
    line = one_line(second)
    assert f"127.0.0.1:{server.port}" in line
    assert "in use" in line


@pytest.mark.fault("E1")
def test_a_port_in_use_on_one_address_of_a_name_is_fatal(text_file: Path, tmp_path: Path) -> None:
    env = names(tmp_path, both=["::1", "127.0.0.1"])
    with Server(text_file, host="127.0.0.1") as first:
        second = run_server(text_file, host="both", port=first.port, env=env)
        assert second.status == 1
        assert "in use" in one_line(second)
        assert first.fetch() == conversation(TEXT)


@pytest.mark.fault("E1")
def test_a_port_whose_ipv4_half_is_in_use_is_fatal_for_all_interfaces(
    text_file: Path, server: Server
) -> None:
    second = run_server(text_file, host=None, port=server.port)
    assert second.status == 1
    assert "in use" in one_line(second)


@pytest.mark.fault("E1")
def test_a_restart_takes_the_same_port_at_once_after_transfers(text_file: Path) -> None:
    with reserved_port() as port:
        for _ in range(2):
            with Server(text_file, port=port) as server:
                assert server.fetch() == conversation(TEXT)
                assert server.stop() == 0


@pytest.mark.posix_only("every user may listen on every port")
@needs_strace
@pytest.mark.fault("E2")
def test_a_privileged_port_is_one_line_and_status_1(text_file: Path) -> None:
    # Root may bind any port, so the kernel is made to say what it says to others.
    inject = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "inject=bind:error=EACCES")
    server = run_server(text_file, port=80, prefix=inject)
    assert server.status == 1
    line = one_line(server)
    assert "127.0.0.1:80" in line
    assert "permission denied" in line.lower()


# -- the file ---------------------------------------------------------------------------------


@pytest.mark.fault("F4", "F5")
@pytest.mark.req("S-10", "S-11", "S-3")
@pytest.mark.parametrize(
    "body",
    [b"", b"\n", b"a\n", 79 * b"a" + b"\n", 80 * b"\n", "\ufeffä€𝄞\n".encode(), b"\x01\x1b\x7f\n"],
    ids=["empty", "LF", "short", "80 bytes", "80 lines", "multi-byte", "control"],
)
def test_a_valid_file_is_delivered_byte_for_byte(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(body)
    with Server(path) as server:
        assert server.fetch() == conversation(body)


def test_the_default_file_is_sample_txt_beside_the_server_whatever_the_current_folder_is(
    tmp_path: Path,
) -> None:
    with Server(cwd=tmp_path) as server:
        assert server.fetch() == conversation((ROOT / "sample.txt").read_bytes())


def make(kind: str, path: Path) -> None:
    if kind == "a directory":
        path.mkdir()
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(os.path.relpath(path))  # a name of a socket has at most 107 bytes
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    elif kind == "a loop of links":
        path.symlink_to(path)
    elif kind == "10 GB":
        path.touch()
        os.truncate(path, 10 * 1024**3)


@pytest.mark.posix_only("other kinds of files: see test_on_windows.py")
@pytest.mark.fault("F1", "F2", "F3")
@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("missing", "no such file"),
        ("a directory", "directory|not a regular file"),
        ("a FIFO", "not a regular file"),
        ("a socket", "not a regular file|no such device"),
        ("a device", "not a regular file"),
        ("a loop of links", "symbolic links"),
        ("10 GB", "80 bytes"),
    ],
)
def test_what_is_no_regular_file_is_refused_at_once(
    kind: str, rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "it"
    make(kind, path)
    began = time.monotonic()
    run_server("--version", host=None, port=None)
    starting = time.monotonic() - began
    began = time.monotonic()
    server = run_server(path)
    assert time.monotonic() - began < 3 * starting + 1
    assert server.status == 1
    line = one_line(server)
    assert str(path) in line
    assert re.search(rule, line)


@pytest.mark.fault("F5")
@pytest.mark.req("S-12")
@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (80 * b"a" + b"\n", "80 bytes"),
        (b"one\ntwo", r"LF.*line 2"),
        (b"a\r\n", "CR at offset 1"),
        (b"ab\0\n", "NUL at offset 2"),
        (b"abc\xff\n", "UTF-8 at offset 3"),
        (b"\xc3", "UTF-8 at offset 0"),
        (b"\xed\xa0\x80\n", "UTF-8 at offset 0"),
    ],
    ids=["81 bytes", "no final LF", "CR", "NUL", "not UTF-8", "cut UTF-8", "surrogate"],
)
def test_a_file_that_breaks_a_rule_is_refused_with_the_rule_and_the_place(
    body: bytes, rule: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(body)
    server = run_server(path)
    assert server.status == 1
    line = one_line(server)
    assert str(path) in line
    assert re.search(rule, line)


@pytest.mark.posix_only("strace would show the calls of Wine")
@needs_strace
@pytest.mark.fault("F2")
def test_a_file_that_may_not_be_read_is_one_line_and_status_1(text_file: Path) -> None:
    # Root may read anything, so the kernel is made to say what it says to others.
    only = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", str(text_file))
    server = run_server(text_file, prefix=(*only, "-e", "inject=open,openat:error=EACCES"))
    assert server.status == 1
    line = one_line(server)
    assert str(text_file) in line
    assert "permission denied" in line


@pytest.mark.posix_only("strace would show the calls of Wine")
@needs_strace
@pytest.mark.fault("F3", "F7")
def test_at_most_81_bytes_of_a_file_are_ever_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(100_000 * b"a\n")
    log = tmp_path / "calls"
    calls = ("strace", "-D", "-f", "-qq", "-o", str(log), "-P", str(path), "-e")
    server = run_server(path, prefix=(*calls, "trace=read,pread64,readv,preadv,mmap,sendfile"))
    assert server.status == 1
    results = [int(n) for n in re.findall(r"= (\d+)$", log.read_text(), re.MULTILINE)]
    assert results, "nothing was traced"
    assert sum(results) <= 81


@pytest.mark.fault("I-1")
def test_the_name_of_a_file_is_shown_escaped(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/a\nlistening on \x1b[2J\xff"
    server = run_server(os.fsdecode(name))
    assert server.status == 1
    assert r"\n" in one_line(server)


@pytest.mark.fault("F6")
def test_every_client_of_a_period_gets_the_same_bytes_whatever_happens_to_the_file(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    with Server(path) as server:
        for change in (
            lambda: path.write_bytes(b"other\n"),
            lambda: os.truncate(path, 0),
            path.unlink,
            path.mkdir,
        ):
            assert server.fetch() == conversation(TEXT)
            change()
        assert server.fetch() == conversation(TEXT)


# -- the wire: the hello ----------------------------------------------------------------------


@pytest.mark.req("S-2")
def test_the_server_speaks_first(server: Server) -> None:
    with server.connect() as connection:
        assert read_exactly(connection, len(HELLO)) == HELLO


@pytest.mark.fault("B7")
@pytest.mark.req("W-2", "S-5")
def test_every_segmentation_of_the_hello_gives_the_same_conversation(server: Server) -> None:
    for cuts in range(2 ** (len(HELLO) - 1)):
        ends = [i + 1 for i in range(len(HELLO)) if cuts >> i & 1 or i == len(HELLO) - 1]
        with server.accepted() as client:
            for begin, end in zip([0, *ends], ends, strict=False):
                client.send_seen(HELLO[begin:end])
            assert read_to_end(client.connection) == conversation(TEXT)
        client.expect_closing("done")


@pytest.mark.fault("B6", "E3")
@pytest.mark.req("S-4", "W-1", "S-13", "S-14", "S-29")
@pytest.mark.parametrize("prefix", NO_LF, ids=repr)
def test_every_byte_that_makes_a_hello_impossible_is_refused_at_once(
    server: Server, prefix: bytes
) -> None:
    # The client does not end its stream: the refusal must come from this very byte.
    refused = [prefix + bytes([o]) for o in range(256) if not possible(prefix + bytes([o]))]
    assert len(refused) >= 244
    for begin in range(0, len(refused), 64):
        connections = [server.connect() for _ in refused[begin : begin + 64]]
        for connection, data in zip(connections, refused[begin:], strict=False):
            connection.sendall(data)
        for connection, data in zip(connections, refused[begin:], strict=False):
            said = read_to_end(connection)
            assert REFUSAL.fullmatch(said), (data, said)
            connection.close()


@pytest.mark.req("S-5", "S-7")
@pytest.mark.parametrize("version", [b"1", b"9", b"12", b"999"])
def test_a_hello_that_is_still_possible_is_waited_for(server: Server, version: bytes) -> None:
    with server.accepted() as client:
        assert read_exactly(client.connection, len(HELLO)) == HELLO
        for byte in b"HELLO " + version:
            client.send_seen(bytes([byte]))
            assert client.silent()
        client.connection.sendall(b"\n")
        said = HELLO + read_to_end(client.connection)
        assert said == conversation(TEXT) if version == b"1" else REFUSAL.fullmatch(said)


@pytest.mark.req("S-6")
@pytest.mark.parametrize("version", [2, 10, 11, 100, 999])
def test_another_version_is_refused(server: Server, version: int) -> None:
    said = server.fetch(b"HELLO %d\n" % version)
    assert REFUSAL.fullmatch(said)
    assert str(version).encode() in said


@pytest.mark.fault("B10")
@pytest.mark.req("S-8")
@pytest.mark.parametrize("data", [*NO_LF, HELLO[:-1]], ids=repr)
def test_an_end_of_stream_inside_or_before_the_hello_is_refused(
    server: Server, data: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert REFUSAL.fullmatch(read_to_end(connection))


@pytest.mark.fault("B10")
def test_a_client_that_only_knocks_is_no_trouble(server: Server) -> None:
    for _ in range(20):
        server.connect().close()
    assert server.fetch() == conversation(TEXT)


@pytest.mark.fault("B12")
@pytest.mark.req("S-28")
def test_bytes_that_have_arrived_with_a_refused_hello_do_not_reset_the_reason_away(
    server: Server,
) -> None:
    with server.connect() as connection:
        server.freeze()
        connection.sendall(30_000 * b"GET / HTTP/1.1\r\n"[:1])
        # All of it has arrived before the server looks: nothing is unacknowledged any more.
        while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0]:
            select.select([], [], [], 0.001)
        server.thaw()
        assert REFUSAL.fullmatch(read_to_end(connection))


@pytest.mark.req("S-27")
def test_a_refusal_is_one_send_even_in_slow_motion(text_file: Path) -> None:
    with Server(text_file, "--chunk", "1", "--pause", "600", "--timeout", "600") as server:
        assert REFUSAL.fullmatch(server.fetch(b"X"))


# -- the wire: the file and the end -----------------------------------------------------------


@pytest.mark.fault("B8", "B12")
@pytest.mark.req("S-9")
@pytest.mark.parametrize("extra", [b"!", b"\n", HELLO, b"HELLO 2\n", 200_000 * b"x"], ids=len)
def test_bytes_after_the_hello_are_discarded_and_the_file_comes_whole(
    server: Server, extra: bytes
) -> None:
    assert server.fetch(HELLO + extra) == conversation(TEXT)
    server.settle()
    with server.accepted() as client:
        client.send_seen(HELLO)
        client.connection.sendall(extra)
        assert read_to_end(client.connection) == conversation(TEXT)
        client.connection.sendall(extra)
    client.expect_closing("done")


@pytest.mark.fault("B8", "B9")
@pytest.mark.req("S-9", "S-15", "S-24")
@pytest.mark.parametrize("ends", [False, True], ids=["stays", "half-closes"])
def test_bytes_and_the_end_of_the_stream_wait_while_the_file_is_sent(
    text_file: Path, ends: bool
) -> None:
    with Server(text_file, "--chunk", "1", "--pause", "0.005") as server:
        with server.connect() as connection:
            connection.sendall(HELLO)
            said = read_exactly(connection, len(HELLO) + 1)  # SENDING
            connection.sendall(b"HELLO 2\nmore")
            if ends:
                connection.shutdown(socket.SHUT_WR)
            assert said + read_to_end(connection) == conversation(TEXT)
        server.settle()
        assert server.closings() == [(1, "done")]


@pytest.mark.fault("B9")
@pytest.mark.req("S-24", "S-22")
def test_a_client_that_half_closes_right_after_its_hello_gets_the_whole_file(
    server: Server,
) -> None:
    with server.accepted() as client:
        client.connection.sendall(HELLO)
        client.connection.shutdown(socket.SHUT_WR)
        assert read_to_end(client.connection) == conversation(TEXT)
        client.expect_closing("done")


@pytest.mark.fault("B24", "B12")
@pytest.mark.req("S-20", "S-21", "S-23", "S-25")
def test_done_is_the_end_of_the_clients_stream_and_nothing_before(server: Server) -> None:
    with server.accepted() as client:
        client.connection.sendall(HELLO)
        assert read_to_end(client.connection) == conversation(TEXT)  # the server has half-closed
        with server.accepted() as other:  # and lives on, a whole conversation long
            other.connection.sendall(HELLO)
            assert read_to_end(other.connection) == conversation(TEXT)
        other.expect_closing("done")
        assert client.number not in [number for number, _ in server.closings()]
        client.send_seen(b"more")
        assert client.number not in [number for number, _ in server.closings()]
    client.expect_closing("done")


@pytest.mark.posix_only("Wine shows a reset as the end of the stream")
@pytest.mark.fault("B11", "A12")
@pytest.mark.req("S-26")
@pytest.mark.parametrize("sent", [*NO_LF[:8], HELLO], ids=repr)
def test_a_reset_is_lost_and_nobody_else_notices(server: Server, sent: bytes) -> None:
    client = server.accepted()
    assert read_exactly(client.connection, len(HELLO)) == HELLO
    if sent:
        client.send_seen(sent)
    reset(client.connection)
    client.expect_closing("lost")


@pytest.mark.posix_only("under Wine accept reports such a client as ENOTCONN")
@pytest.mark.fault("A12", "B13")
def test_a_client_that_is_gone_before_it_is_accepted_is_no_trouble(server: Server) -> None:
    server.freeze()
    for _ in range(3):
        reset(server.connect())
    server.thaw()
    assert server.fetch() == conversation(TEXT)


@pytest.mark.fault("B11")
@pytest.mark.req("S-26")
def test_a_reset_after_any_byte_of_the_file_is_lost(text_file: Path) -> None:
    whole = conversation(TEXT)
    with Server(text_file, "--chunk", "1", "--pause", "0.005") as server:
        for count in range(len(HELLO), len(whole), 7):
            connection = server.connect()
            connection.sendall(HELLO)
            assert read_exactly(connection, count) == whole[:count]
            reset(connection)
            assert server.expect(CLOSING.pattern)[2] == "lost"
        assert server.fetch() == whole


@pytest.mark.fault("B23")
def test_urgent_data_changes_nothing(server: Server) -> None:
    for before, after in ((b"", HELLO), (HELLO[:3], HELLO[3:]), (HELLO, b"")):
        with server.accepted() as client:
            client.connection.sendall(before)
            client.connection.send(b"!", socket.MSG_OOB)
            client.connection.sendall(after)
            assert read_to_end(client.connection) == conversation(TEXT)
            client.connection.send(b"!", socket.MSG_OOB)
        client.expect_closing("done")


@pytest.mark.fault("B3")
def test_the_smallest_window_gets_the_whole_file(server: Server) -> None:
    with server.connect(receive_buffer=1) as connection:
        connection.sendall(HELLO)
        data = b""
        while byte := connection.recv(1):
            data += byte
        assert data == conversation(TEXT)


# -- deadlines --------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.fault("B4", "B5", "B8", "B22")
@pytest.mark.req("S-16", "S-17", "S-18", "S-19")
def test_the_deadline_is_total_and_no_byte_extends_it(text_file: Path) -> None:
    timeout = 1.0
    with Server(text_file, "--timeout", timeout) as server:
        began = time.monotonic()
        with server.connect() as silent, server.connect() as dripping, server.connect() as staying:
            staying.sendall(HELLO)
            assert read_to_end(staying) == conversation(TEXT)
            for byte in HELLO[:-1]:
                dripping.send(bytes([byte]))
                staying.send(b"!")
                select.select([], [], [], timeout / 12)  # the pace of the drip: time is the point
            assert REFUSAL.fullmatch(read_to_end(silent))
            silent_lasted = time.monotonic() - began
            assert REFUSAL.fullmatch(read_to_end(dripping))
            server.settle()
            all_lasted = time.monotonic() - began
        assert timeout <= silent_lasted
        # The last bytes came at 7/12 of the time: a deadline that each byte extends, or a read
        # in any state, would end at 19/12.
        assert all_lasted / silent_lasted < 17 / 12
        assert [word for _, word in server.closings()] == 3 * ["late"]


@pytest.mark.req("S-19", "S-27")
def test_at_the_deadline_the_rest_of_the_hello_and_the_reason_are_one_send(
    text_file: Path,
) -> None:
    options = ("--chunk", "3", "--pause", "600", "--timeout", "0.3")
    with Server(text_file, *options) as server, server.connect() as connection:
        assert read_exactly(connection, 3) == HELLO[:3]
        said = HELLO[:3] + read_to_end(connection)
        assert REFUSAL.fullmatch(said)
        assert server.expect(CLOSING.pattern)[2] == "late"


@pytest.mark.fault("B3")
@pytest.mark.req("S-17")
def test_the_deadline_ends_a_connection_while_it_sends(text_file: Path) -> None:
    options = ("--chunk", len(HELLO), "--pause", "600", "--timeout", "0.3")
    with Server(text_file, *options) as server:
        assert server.fetch() == HELLO
        assert server.expect(CLOSING.pattern)[2] == "late"


# -- slow motion ------------------------------------------------------------------------------


def test_slow_motion_takes_a_pause_between_any_two_sends(text_file: Path) -> None:
    pause = 0.02
    for chunk in (2, 8):
        with Server(text_file, "--chunk", chunk, "--pause", pause) as server:
            began = time.monotonic()
            assert server.fetch() == conversation(TEXT)
            lasted = time.monotonic() - began
        sends = -(-len(HELLO) // chunk) + -(-len(file_message(TEXT)) // chunk)
        assert lasted >= (sends - 2) * pause  # 2: the last of the hello may take file too


@pytest.mark.posix_only("strace would show the calls of Wine")
@needs_strace
@pytest.mark.parametrize("chunk", [1, 7, 20])
def test_slow_motion_sends_at_most_a_chunk_at_once(
    text_file: Path, tmp_path: Path, chunk: int
) -> None:
    log = tmp_path / "calls"
    calls = ("strace", "-D", "-f", "-qq", "-o", str(log), "-e", "trace=sendto,sendmsg")
    with Server(text_file, "--chunk", chunk, prefix=calls) as server:
        assert server.fetch() == conversation(TEXT)
    sizes = [int(size) for size in re.findall(r"= (\d+)$", log.read_text(), re.MULTILINE)]
    assert sum(sizes) == len(conversation(TEXT))
    assert max(sizes) == chunk


@pytest.mark.linux_only("MSG_MORE")
@needs_strace
@pytest.mark.parametrize(("options", "flags"), [((), "MSG_MORE"), (("--chunk", "200"), "0")])
def test_the_file_waits_for_the_end_but_in_slow_motion_each_send_is_by_itself(
    text_file: Path, tmp_path: Path, options: tuple[str, ...], flags: str
) -> None:
    """test_connection.py shows what the kernel makes of the flag."""
    log = tmp_path / "calls"
    calls = ("strace", "-D", "-f", "-qq", "-o", str(log), "-e", "trace=sendto,shutdown")
    with Server(text_file, *options, prefix=calls) as server:
        assert server.fetch() == conversation(TEXT)
    found = re.findall(r'sendto\(\d+, "(\w+) .*, (\w+), NULL|(shutdown)\(', log.read_text())
    assert found == [("HELLO", "0", ""), ("FILE", flags, ""), ("", "", "shutdown")]


# -- many at once -----------------------------------------------------------------------------


@pytest.mark.fault("B4", "B6", "B11", "I-8")
@pytest.mark.req("S-15")
def test_bad_clients_change_nothing_for_good_ones(text_file: Path) -> None:
    with Server(text_file, "--timeout", "2", "-q") as server:
        bad = [server.connect() for _ in range(60)]
        good = [server.connect() for _ in range(20)]
        try:
            for number, connection in enumerate(bad):
                match number % 6:
                    case 0:
                        reset(connection)
                    case 1:
                        connection.sendall(bytes(range(256)))
                    case 2:
                        connection.sendall(HELLO[:5])
                    case 3:
                        connection.sendall(HELLO)  # and never reads
                    case 4:
                        connection.shutdown(socket.SHUT_WR)
                    case _:
                        pass  # silent
            for connection in good:
                connection.sendall(HELLO)
            for connection in good:
                assert read_to_end(connection) == conversation(TEXT)
        finally:
            for connection in bad + good:
                connection.close()


@pytest.mark.req("S-1", "W-3")
def test_two_hundred_clients_at_once_all_get_the_file(text_file: Path) -> None:
    with Server(text_file) as server:
        clients = [server.connect() for _ in range(200)]
        for client in reversed(clients):
            client.sendall(HELLO)
        for client in clients:
            with client:
                assert read_to_end(client) == conversation(TEXT)
        server.settle()
        assert [word for _, word in server.closings()] == 200 * ["done"]


@pytest.mark.posix_only("Wine shows a reset as the end of the stream")
def test_the_report_counts_done_lost_and_cut(text_file: Path) -> None:
    with Server(text_file, "--timeout", "60", "--drain", "0") as server:
        for _ in range(3):
            server.fetch()
        server.fetch(b"X")
        server.fetch(b"HELLO 2\n")
        reset(server.connect())
        staying = [server.connect() for _ in range(4)]
        for connection in staying:
            assert read_exactly(connection, len(HELLO)) == HELLO
        server.until(lambda text: len(CLOSING.findall(text)) == 6)
        assert server.stop() == 1  # a drain cut connections
        assert re.search(REPORT, server.stderr, re.MULTILINE)
        assert server.lines[-1] == "3 done, 3 lost, 4 cut"
        for connection in staying:
            connection.close()


# -- what it says -----------------------------------------------------------------------------


@pytest.mark.req("S-30")
def test_a_conversation_is_shown_one_line_each_way_and_one_closing_line(text_file: Path) -> None:
    with Server(text_file) as server:
        server.fetch()
        server.fetch(b"X")
        server.settle()
        first = [line for line in server.lines if line.startswith("c1 ")]
        second = [line for line in server.lines if line.startswith("c2 ")]
    header = file_message(TEXT).partition(b"\n")[0].decode()
    assert first == ["c1 S: HELLO 1", "c1 C: HELLO 1", f"c1 S: {header}", "c1 done"]
    assert second[0] == "c2 S: HELLO 1"
    assert second[1] == "c2 C: 'X'"
    assert second[2].startswith("c2 S: ERROR ")
    assert second[3].startswith("c2 refused")
    assert len(second) == 4


@pytest.mark.posix_only("the server is stopped by Ctrl+C, and asks")
def test_quiet_shows_start_and_stop_only(text_file: Path) -> None:
    with Server(text_file, "-q") as server:
        server.fetch()
        server.fetch(b"X")
        reset(server.connect())
        server.fetch()
        server.stop()
    assert not re.search(r"^c\d", server.stderr, re.MULTILINE)
    assert server.lines[-1] == "2 done, 2 lost, 0 cut"
    assert len(server.lines) == 2


def test_verbose_shows_turns_and_none_for_its_own_messages(server: Server) -> None:
    server.fetch()
    server.settle()
    turns = [line for line in server.lines if line.startswith("turn")]
    assert any("listener readable" in line for line in turns)
    assert not any(line.endswith("; console writable") for line in turns)


@pytest.mark.fault("I-1")
@pytest.mark.req("W-4")
def test_whatever_a_client_sends_the_log_is_printable_and_every_line_is_ours(
    text_file: Path,
) -> None:
    attacks = [bytes([byte]) for byte in range(256)]
    attacks += [b"\x1b]0;title\x07", b"\nlistening on [::]:1\n", b"\r\nc1 done\r\n", b"\xc2\x9b2J"]
    attacks += [b"HELLO \x1b[2J", 5000 * b"\x9b", "HELLO 1\u2028".encode()]
    with Server(text_file) as server:
        for attack in attacks:
            connection = server.connect()
            connection.sendall(attack)
            connection.shutdown(socket.SHUT_WR)
            with connection:
                assert server.expect(CLOSING.pattern)[2] == "refused"
        assert server.err is not None
        seen = bytes(server.err.data)
    assert set(seen) <= {*range(32, 127), 10}
    assert all(re.fullmatch(rb"c\d+ [CS]: .+|c\d+ refused .+", line) for line in seen.splitlines())
    assert max(map(len, seen.splitlines())) < 250
    assert len(BEGINNING.findall(server.stderr)) == len(server.closings()) == len(attacks)


# -- the interpreter --------------------------------------------------------------------------


def interpreter(version: str) -> str | None:
    """Return where this Python is found."""
    candidates = [shutil.which(f"python{version}")]
    candidates += map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))
    return next(filter(None, filter(runs, candidates)), None)


def runs(python: str | None) -> bool:
    """Whether this is an interpreter and not a stub that only says what is missing."""
    if python is None:
        return False
    tried = subprocess.run([python, "-c", "import ssl"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_a_round_trip_and_ctrl_c_on_every_promised_python(
    version: str, text_file: Path, tmp_path: Path, not_here: NotHere
) -> None:
    python = interpreter(version)
    if python is None:
        not_here(f"Python {version}: not installed")
    copy = tmp_path / "copy"
    with Server(text_file, python=python) as server:
        client = run_client("127.0.0.1", copy, "--port", server.port, python=python)
        assert client.status == 0, client.stderr
        assert copy.read_bytes() == TEXT
        server.send_signal(signal.SIGINT)
        server.expect(PROMPT)
        server.answer("n\n")
        assert server.wait() == 0


@pytest.mark.fault("I-9")
def test_nothing_depends_on_assertions(text_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(b"no LF")
    assert run_server(bad, flags=("-O",)).status == 1
    with Server(text_file, flags=("-O",)) as server:
        assert server.fetch() == conversation(TEXT)
        assert REFUSAL.fullmatch(server.fetch(b"X"))


@pytest.mark.posix_only("no SIGPIPE, no exec")
@pytest.mark.fault("B25", "D16")
def test_the_server_ignores_sigpipe_and_hands_down_no_socket(
    server: Server, not_here: NotHere
) -> None:
    if not os.path.isdir("/proc/self/fd"):
        not_here("what a process has open: needs Linux")
    status = Path(f"/proc/{server.pid}/status").read_text()
    ignored = int(re.findall(r"SigIgn:\s*(\w+)", status)[0], 16)
    assert ignored >> (signal.SIGPIPE - 1) & 1
    with server.connect() as connection:
        assert read_exactly(connection, len(HELLO)) == HELLO
        for number in os.listdir(f"/proc/{server.pid}/fd"):
            flags = re.findall(r"flags:\s*(\d+)", fd_info(server, number))[0]
            assert int(number) <= 2 or int(flags, 8) & os.O_CLOEXEC, number


def fd_info(server: Server, number: str) -> str:
    return Path(f"/proc/{server.pid}/fdinfo/{number}").read_text()
