"""python3 -m lab.tracing, as a person starts it: what it prints, where it writes, how it ends."""

import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
from contextlib import suppress
from pathlib import Path

import pytest

from lab.torture import meters
from lab.tracing import __main__ as command
from lab.tracing import events
from tests.support.kernel import await_condition
from tests.support.programs import LIMIT, PYTHON, ROOT, STRICT, Program
from tests.support.traces import one_transfer, renumbered, spoiled_often, three_clients, written


def tracing(*arguments, **how):
    """Run the command to its end; return what `subprocess.run` does. It never shows a traceback."""
    said = how.pop("input", "")
    with Program("lab.tracing", *arguments, **how) as program:
        if "stdin" not in how:
            with suppress(BrokenPipeError):  # it may have no use for its stdin
                program.answer(said)
            program.close_stdin()
        program.wait(3 * LIMIT)
    out = program.stdout if "stdout" not in how else None
    return subprocess.CompletedProcess(arguments, program.status, out, program.stderr)


def one_line(ended, status):
    """Assert that a command has failed with one line, and return it."""
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (status, "", 1)
    return ended.stderr.rstrip("\n")


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text(three_clients().text())
    return path


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_text(written(spoiled_often(one_transfer().lines)))
    return path


# --- check


def test_a_run_that_holds_is_a_line_of_figures(good):
    ended = tracing("check", good)
    words = "111 events, 9 turns, 3 connections: all 8 invariants hold"
    assert (ended.returncode, ended.stdout) == (0, f"{good}: {words}\n")


def test_one_of_a_thing_is_one():
    ended = tracing("check", "-", input=one_transfer().text())
    words = "43 events, 4 turns, 1 connection: all 8 invariants hold"
    assert (ended.returncode, ended.stdout) == (0, f"stdin: {words}\n")


def test_a_violation_is_a_line_and_status_1(tmp_path):
    path = tmp_path / "run.jsonl"
    lines = one_transfer().lines
    path.write_text(written(renumbered([*lines[:20], *lines[21:]])))
    ended = tracing("check", path)
    assert ended.returncode == 1
    first = f"{path}: event 21: invariant 6, bytes are complete: c1 ends its direction after 8"
    assert ended.stdout.startswith(first)


def test_of_many_violations_the_first_are_shown(bad):
    ended = tracing("check", bad)
    lines = ended.stdout.splitlines()
    assert (ended.returncode, len(lines)) == (1, 21)
    assert lines[-1] == f"{bad}: and 5 more"


def test_several_files_are_each_judged(good, bad, tmp_path):
    ended = tracing("check", good, tmp_path / "missing", bad, good)
    assert ended.returncode == 1
    assert ended.stdout.count("hold") == 2
    assert ended.stderr.count("\n") == 1


def test_what_a_crash_has_left_is_said(tmp_path):
    path = tmp_path / "run.jsonl"
    text = one_transfer().text()
    path.write_text(text[:-20])
    assert (
        "42 events, 4 turns, 1 connection, the last line torn: all" in tracing("check", path).stdout
    )
    path.write_text("".join(text.splitlines(keepends=True)[:-1]))
    assert "1 connection, no end, as after a crash: all" in tracing("check", path).stdout
    path.write_text(text.replace('"dropped":0', '"dropped":7'))
    assert "1 connection, 7 events more not recorded: all" in tracing("check", path).stdout


def test_it_can_be_called_from_python_too(good, capfd):
    assert command.main(["check", str(good)]) == 0
    assert capfd.readouterr().out.endswith("all 8 invariants hold\n")


# --- view, lanes, perfetto


def test_a_picture_goes_to_stdout(good):
    ended = tracing("lanes", good)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("<svg ") and ended.stdout.endswith("</svg>\n")


def test_an_export_goes_to_stdout(good):
    assert json.loads(tracing("perfetto", good).stdout)["displayTimeUnit"] == "ms"


def test_a_strip_is_a_picture_of_some_events(good):
    ended = tracing("strip", good, "5-12")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("<svg ") and "Events 5 to 12." in ended.stdout
    assert tracing("strip", good, "7-7").returncode == 0


@pytest.mark.parametrize("words", ["5", "0-3", "5-3", "-3", "a-b", "5-", "1-1000000000", "5-12\n"])
def test_a_range_that_makes_no_sense_is_a_usage_error(good, words):
    assert "N-M" in one_line(tracing("strip", good, words), 2)


def test_a_range_beyond_the_end_is_one_line(good):
    assert one_line(tracing("strip", good, "5-1000"), 1) == (
        "tracing: there is no event 1000: the trace has 111"
    )


@pytest.mark.parametrize("command", ["lanes", "perfetto"])
def test_output_goes_to_the_file_that_is_named(good, tmp_path, command):
    path = tmp_path / "out put"
    ended = tracing(command, good, "-o", path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", f"wrote {path}\n")
    assert path.read_text() == tracing(command, good).stdout
    assert tracing(command, good, "-o", "-").stdout == path.read_text()


def test_a_page_lands_beside_its_trace(good):
    ended = tracing("view", good)
    page = good.with_suffix(".html")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", f"wrote {page}\n")
    assert page.read_text().lstrip().lower().startswith("<!doctype html>")


def test_a_page_of_a_descriptor_goes_to_stdout_too(good, tmp_path):
    (link := tmp_path / "link").symlink_to("/dev/stdin")  # whose page would be /dev/stdin.html
    with good.open() as stdin:
        ended = tracing("view", link, stdin=stdin.fileno())
    assert (ended.returncode, ended.stderr, ended.stdout[:9]) == (0, "", "<!DOCTYPE")
    assert not link.with_suffix(".html").exists()


def pipe_is_full(reader):
    held = struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, bytes(4)))
    return held[0] == fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ)


def test_a_full_non_blocking_standard_output_is_waited_for(good):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)  # by another program, with which we share it
    command = [PYTHON, "-m", "lab.tracing", "view", "-"]
    with (
        good.open() as stdin,
        subprocess.Popen(command, cwd=ROOT, stdin=stdin, stdout=writer) as view,
        os.fdopen(reader, "rb") as page,
    ):
        os.close(writer)
        await_condition(lambda: pipe_is_full(reader) and not meters.runs(view.pid), "a full pipe")
        text = page.read()
        assert view.wait(3 * LIMIT) == 0
    assert len(text) > 1 << 16  # more than the pipe holds
    assert text.endswith(b"</html>\n")


def test_a_page_of_stdin_goes_to_stdout(good):
    ended = tracing("view", "-", input=good.read_text())
    assert ended.stdout.lstrip().lower().startswith("<!doctype html>")


@pytest.mark.parametrize("command", ["lanes", "perfetto", "view"])
def test_a_trace_is_never_written_over(good, command):
    before = good.read_text()
    link = good.with_name("link")
    link.symlink_to(good)
    for output in (good, link):
        why = one_line(tracing(command, good, "-o", output), 1)
        assert why == f"tracing: the trace and {output} are the same file: -o another name"
    assert good.read_text() == before


@pytest.mark.fault("E17")
@pytest.mark.parametrize("trace", ["-", "/dev/stdin"])
def test_a_trace_that_comes_from_stdin_is_never_written_over_either(good, trace):
    before = good.read_text()
    with open(good, encoding="utf-8") as stdin:
        why = one_line(tracing("lanes", trace, "-o", good, stdin=stdin.fileno()), 1)
    assert why == f"tracing: the trace and {good} are the same file: -o another name"
    assert good.read_text() == before


@pytest.mark.fault("E17")
@pytest.mark.parametrize("command", ["check", "lanes"])
def test_a_trace_that_is_our_standard_output_is_left_as_it_is(good, command):
    before = good.read_text()
    with open(good, "a", encoding="utf-8") as stdout:
        ended = subprocess.run(
            [PYTHON, "-m", "lab.tracing", command, good],
            cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    said = f"tracing: {good} and standard output are the same file\n"
    assert (ended.returncode, ended.stderr) == (1, said)
    assert good.read_text() == before


@pytest.mark.fault("E17")
def test_a_picture_is_never_written_where_our_own_lines_go(good):
    with open(good.with_name("both"), "wb") as both:
        ended = subprocess.run(
            [PYTHON, "-m", "lab.tracing", "lanes", good, "-o", both.name],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=both, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert "and standard error are the same file" in Path(both.name).read_text()


def test_a_picture_for_dev_stdout_goes_to_standard_output_as_it_is(good):
    picture = tracing("lanes", good).stdout
    assert tracing("lanes", good, "-o", "/dev/stdout").stdout == picture


def test_a_page_is_never_written_over_its_trace(good):
    page = good.rename(good.with_suffix(".html"))
    assert "are the same file" in one_line(tracing("view", page), 1)


# --- what a person can do wrong


@pytest.mark.parametrize("command", ["check", "lanes"])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (None, "no such file or directory"),
        (b"", "not a trace: it is empty"),
        (b"\xff\xfe", "not a trace: line 1: not UTF-8 at byte 1"),
        (b'{"ev":"run","v":2}\n', "line 1: version 2, and only version 1 is known"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, command, data, why):
    path = tmp_path / "a\nb\x1b\udcff.jsonl"
    if data is not None:
        path.write_bytes(data)
    line = one_line(tracing(command, path), 1)
    assert why in line and r"a\nb\x1b\xff.jsonl" in line


def test_an_endless_file_is_read_up_to_the_limit(monkeypatch):
    monkeypatch.setattr(events, "LARGEST", 1000)
    monkeypatch.setattr(command, "PIECE", 300)
    assert len(command.bytes_of("/dev/zero")) == 1200


def test_a_small_trace_takes_little_memory(good):
    """It took the 256 MB that the largest trace may have."""
    low = 'ulimit -v 200000; exec "$@"'
    words = ["/bin/sh", "-c", low, "sh", PYTHON, "-m", "lab.tracing", "check", str(good)]
    assert subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_a_directory_cannot_be_read(tmp_path):
    assert one_line(tracing("check", tmp_path), 1).endswith("is a directory")


@pytest.mark.parametrize("output", ["missing/out", "."])
def test_what_cannot_be_written_is_one_line(good, tmp_path, output):
    line = one_line(tracing("lanes", good, "-o", tmp_path / output), 1)
    assert line.startswith("tracing: cannot write ")


def test_a_full_disk_is_one_line(good):
    assert "no space left on device" in one_line(tracing("lanes", good, "-o", "/dev/full"), 1)
    with open("/dev/full", "w") as full:
        ended = tracing("check", good, stdout=full.fileno())
    assert (ended.returncode, ended.stderr) == (
        1, "tracing: cannot write to stdout: no space left on device\n",
    )  # fmt: skip


@pytest.mark.fault("E14")
@pytest.mark.parametrize("words", [["--help"], ["lanes", "--help"]])
def test_help_that_cannot_be_written_is_one_line(words):
    for device in ("/dev/full", os.devnull):
        with open(device, "w" if device == "/dev/full" else "r") as stdout:
            ended = tracing(*words, stdout=stdout.fileno())
        assert ended.returncode == 1
        assert ended.stderr.startswith("tracing: cannot write to stdout: ")
        assert ended.stderr.count("\n") == 1


@pytest.mark.fault("E14")
@pytest.mark.parametrize("command", ["check", "lanes", "--help"])
def test_a_reader_who_has_left_is_no_error(good, command):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = tracing(command, good, stdout=writer)
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize(
    "arguments", [(), ("check",), ("draw", "x"), ("lanes", "a", "b"), ("check", "-x", "a\nb")]
)
def test_a_usage_error_is_one_line_and_status_2(arguments):
    line = one_line(tracing(*arguments), 2)
    assert line.endswith("(see python3 -m lab.tracing --help)")


def test_help_is_no_error():
    ended = tracing("--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert all(word in ended.stdout for word in ("check", "view", "lanes", "strip", "perfetto"))


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_standard_stream_may_be_closed(good, closed):
    shell = f'exec "$@" {closed}>&-'
    words = ["/bin/sh", "-c", shell, "sh", PYTHON, *STRICT, "-m", "lab.tracing", "check", str(good)]
    ended = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=3 * LIMIT, check=False
    )
    assert ended.returncode == (1 if closed == 1 else 0)
    assert "Traceback" not in ended.stderr


def test_an_interrupt_ends_it_without_a_word():
    words = [PYTHON, *STRICT, "-m", "lab.tracing", "check", "-"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        process.stdin.write(b" " * 200_000)  # more than a pipe holds: so it reads
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=3 * LIMIT)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")
