"""The server's INPUT_FILE: what is delivered, and what is refused in one line."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocol
from edges import input_file
from edges.failure import Failure
from tests.support.programs import ROOT, STRICT

TEN_GIGABYTES = 10 * 2**30


def refusal(path: str | Path) -> str:
    """Return the one line with which `path` is refused."""
    with pytest.raises(Failure) as caught:
        input_file.read(str(path))
    line = str(caught.value)
    assert caught.value.status == 1
    assert line.isascii() and line.isprintable()
    assert protocol.shown(os.fsencode(path), limit=None) in line
    return line


@pytest.fixture
def read_sizes(monkeypatch):
    """The number of bytes each os.read brought."""
    sizes, real = [], os.read

    def read(descriptor, length):
        data = real(descriptor, length)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(os, "read", read)
    return sizes


@pytest.mark.fault("F4", "F5")
@pytest.mark.parametrize("length", [0, 1, 79, 80])
def test_a_valid_file_is_read_whole(tmp_path, length):
    path = tmp_path / "file"
    path.write_bytes((b"x" * length)[:-1] + b"\n" * (length > 0))
    assert input_file.read(str(path)) == path.read_bytes()
    assert len(path.read_bytes()) == length


@pytest.mark.fault("F5")
@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"x" * 80 + b"\n", "more than 80 bytes"),
        (b"one\ntwo", "no LF at the end of line 2"),
        (b"one\r\n", "CR at offset 3"),
        (b"\0\n", "NUL at offset 0"),
        (b"gr\xfcn\n", "not UTF-8 at offset 2"),
    ],
)
def test_the_broken_rule_is_named_and_where(tmp_path, data, rule):
    path = tmp_path / "file"
    path.write_bytes(data)
    assert refusal(path).endswith(f": {rule}")


@pytest.mark.fault("F5")
@given(data=st.binary(max_size=100))
def test_any_bytes_are_delivered_as_they_are_or_refused_by_the_rules_of_the_protocol(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        if protocol.broken_rule(data):
            refusal(file.name)
        else:
            assert input_file.read(file.name) == data


@pytest.mark.fault("F1", "F2")
@pytest.mark.parametrize("kind", ["directory", "FIFO", "endless device", "empty device"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path, kind):
    path = {"endless device": "/dev/zero", "empty device": "/dev/null"}.get(kind, tmp_path / "it")
    if kind == "directory":
        os.mkdir(path)
    elif kind == "FIFO":
        os.mkfifo(path)
    assert refusal(path).endswith(": not a regular file")


@pytest.mark.fault("F1")
def test_a_fifo_with_a_writer_is_refused_and_nothing_is_taken_from_it(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    ours = os.open(path, os.O_RDWR)
    os.write(ours, b"kept\n")
    refusal(path)
    assert os.read(ours, 100) == b"kept\n"
    os.close(ours)


@pytest.mark.fault("F2")
def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("socket")
        refusal("socket")


@pytest.mark.fault("F2")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "no such file or directory"),
        ("", "no such file or directory"),
        ("file/below", "not a directory"),
        ("file/", "not a directory"),
        ("n" * 256, "file name too long"),
        ("nul\0", "embedded null"),
        ("loop", "too many levels of symbolic links"),
        ("\udcff\x1b[2J\n", "no such file or directory"),
    ],
)
def test_an_impossible_name_is_refused_in_one_escaped_line(tmp_path, monkeypatch, name, why):
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    Path("loop").symlink_to("loop")
    assert why in refusal(name)


@pytest.mark.fault("F2")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret\n")
    os.chmod(tmp_path / "secret", 0)
    os.chmod(tmp_path, 0o755)
    code = """if True:
        import os, sys
        sys.path.insert(0, sys.argv[1])
        from edges import input_file
        from edges.failure import Failure
        if os.getuid() == 0:  # root may read everything, so be somebody else
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
        try:
            input_file.read("secret")
        except Failure as failure:
            print(failure)
    """
    command = [sys.executable, *STRICT, "-c", code, str(ROOT)]
    # Somebody else could not write down what coverage measures.
    env = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("cannot deliver 'secret': permission denied\n", "")


@pytest.mark.fault("F2", "F7")
def test_a_file_in_proc_that_claims_no_bytes_is_judged_by_what_it_has(not_here):
    path = Path("/proc/self/comm")
    if not path.exists():
        not_here("no /proc/self/comm")
    assert os.stat(path).st_size == 0
    assert input_file.read(str(path)) == path.read_bytes() != b""


@pytest.mark.fault("F3")
def test_a_file_of_10_gigabytes_is_refused_after_81_bytes(tmp_path, read_sizes):
    path = tmp_path / "huge"
    path.touch()
    os.truncate(path, TEN_GIGABYTES)
    assert refusal(path).endswith(": more than 80 bytes")
    assert sum(read_sizes) == 81


@pytest.mark.fault("F7")
@pytest.mark.parametrize("piece", [1, 7, 80])
def test_a_file_that_comes_in_pieces_is_read_whole(tmp_path, monkeypatch, piece):
    real = os.read
    monkeypatch.setattr(os, "read", lambda fd, length: real(fd, min(length, piece)))
    path = tmp_path / "file"
    path.write_bytes(b"y" * 79 + b"\n")
    assert input_file.read(str(path)) == path.read_bytes()


@pytest.mark.fault("F7")
def test_a_file_that_grows_while_it_is_read_is_read_up_to_the_first_byte_too_many(
    tmp_path, monkeypatch
):
    path = tmp_path / "log"
    path.write_bytes(b"line\n")
    real, total = os.read, []

    def read(descriptor, length):
        with path.open("ab") as log:
            log.write(b"line\n")
        total.append(real(descriptor, min(length, 5)))
        return total[-1]

    monkeypatch.setattr(os, "read", read)
    assert refusal(path).endswith(": more than 80 bytes")
    assert len(b"".join(total)) == 81


@pytest.mark.fault("F2")
def test_an_error_while_reading_is_reported(tmp_path, monkeypatch):
    def read(descriptor, length):
        raise OSError(5, "Input/output error")

    path = tmp_path / "file"
    path.write_bytes(b"")
    monkeypatch.setattr(os, "read", read)
    assert refusal(path).endswith(": input/output error")


def test_a_link_to_a_valid_file_is_followed(tmp_path):
    (tmp_path / "file").write_bytes(b"here\n")
    (tmp_path / "link").symlink_to("file")
    assert input_file.read(str(tmp_path / "link")) == b"here\n"


@pytest.mark.fault("F2")
def test_a_terminal_is_refused_and_not_adopted():
    code = """if True:
        import os, sys
        sys.path.insert(0, sys.argv[1])
        from edges import input_file
        from edges.failure import Failure
        ours, theirs = os.openpty()
        name = os.ttyname(theirs)
        os.close(theirs)
        os.setsid()  # now the first terminal that is opened without O_NOCTTY would be ours
        try:
            input_file.read(name)
        except Failure as failure:
            print(str(failure).rpartition(": ")[2])
        try:
            os.open("/dev/tty", os.O_RDWR)
        except OSError:
            print("no terminal")
    """
    command = [sys.executable, *STRICT, "-c", code, str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "not a regular file\nno terminal\n"
