"""The file of a trace: whole lines, or one line that says why there are no more."""

import os
import resource
import signal

import pytest

from edges.failure import Failure
from edges.observers.trace_file import TraceFile


@pytest.fixture
def said():
    return []


def test_lines_are_written_at_once_over_what_was_there(tmp_path, said):
    path = tmp_path / "run.jsonl"
    path.write_text("a long line of another run\n")
    file = TraceFile(str(path), said.append)
    assert path.read_bytes() == b""
    assert file.write(b"one\n")
    assert path.read_bytes() == b"one\n"
    assert file.write(b"two\n")
    file.close()
    assert (path.read_bytes(), said) == (b"one\ntwo\n", [])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/run.jsonl", "no such file or directory"),
        (".", "is a directory"),
        ("\0", "embedded null"),
        ("x" * 300, "file name too long"),
        ("fifo", "no such device or address"),  # nobody reads there
    ],
)
def test_what_cannot_be_opened_is_one_line(tmp_path, said, name, why):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Failure, match=f"cannot trace to .*: {why}.*; give another FILE") as caught:
        TraceFile(str(tmp_path / name) if "\0" not in name else name, said.append)
    assert caught.value.status == 1


def test_a_full_device_ends_the_trace_with_one_line(said):
    file = TraceFile("/dev/full", said.append)
    assert not file.write(b"one\n")
    assert not file.write(b"two\n")
    file.close()
    assert said == ["the trace ends: cannot write to '/dev/full': no space left on device"]


def test_a_line_that_fits_only_in_part_is_taken_back(tmp_path, said):
    """As on a disk that fills: here the limit of a file's size does it, by the byte."""
    path = tmp_path / "run.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python itself does at its start
    file = TraceFile(str(path), said.append)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        taken = [file.write(b"123456\n"), file.write(b"789012\n"), file.write(b"x\n")]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert taken == [True, False, False]
    assert path.read_bytes() == b"123456\n"
    assert said == [f"the trace ends: cannot write to '{path}': file too large"]


def test_a_reader_that_stops_reading_ends_the_trace_and_holds_nobody_up(tmp_path, said):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    file = TraceFile(str(path), said.append)
    line = b"x" * 4095 + b"\n"
    while file.write(line):
        pass
    assert said == [f"the trace ends: cannot write to '{path}': resource temporarily unavailable"]
    data = os.read(reader, 1 << 20)
    os.close(reader)
    assert data == line * (len(data) // 4096)
