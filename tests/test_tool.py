"""The tools that print: whatever standard output is, one line or silence, and never a traceback."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lab import tool
from tests.support.kernel import await_condition
from tests.support.programs import LIMIT, PYTHON, ROOT

TOOLS = {
    "learn.grade": ["--exercise", "11c"],
    "learn.museum": [],
    "lab.torture": ["--list"],
}


@contextmanager
def full() -> Iterator[int]:
    with open("/dev/full", "wb") as device:
        yield device.fileno()


@contextmanager
def without_a_reader() -> Iterator[int]:
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def run(name: str, stdout: int, shell: str = 'exec "$@"') -> tuple[int, str]:
    """Run a tool; return its status, and what it says on stderr."""
    command = [PYTHON, "-m", name, *TOOLS[name]]
    ended = subprocess.run(
        ["sh", "-c", shell, "sh", *command],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True,
        timeout=3 * LIMIT, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stderr


@pytest.mark.fault("E14")
@pytest.mark.parametrize("name", TOOLS)
def test_a_full_standard_output_is_one_line(name: str) -> None:
    with full() as stdout:
        status, said = run(name, stdout)
    assert (status, said) == (1, f"{name}: no space left on device\n")


@pytest.mark.fault("E14")
@pytest.mark.parametrize("name", TOOLS)
def test_a_reader_that_has_seen_enough_is_no_news(name: str) -> None:
    with without_a_reader() as stdout:
        status, said = run(name, stdout)
    assert (status, said) == (1, "")


@pytest.mark.fault("E14")
@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(name: str, closed: str) -> None:
    status, said = run(name, subprocess.DEVNULL, f'exec "$@" {closed}')
    assert (status, said) == (int("--exercise" in TOOLS[name]), "")  # its exercise is to be done


@pytest.mark.fault("E14")
def test_a_letter_that_the_encoding_of_the_output_lacks_is_an_escape(tmp_path: Path) -> None:
    (tmp_path / "zo\xeb.py").write_text("raise SystemExit('\u2026')")
    graded = subprocess.run(
        [PYTHON, "-m", "learn.grade", "--row", "stampede", "--folder", tmp_path],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "ascii"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=3 * LIMIT, check=False,
    )  # fmt: skip
    assert (graded.returncode, graded.stderr.count("\n")) == (1, 1), graded.stderr
    assert "\nzo\\xeb " in graded.stdout


def handles(pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal; see proc(5)."""
    [mask] = re.findall(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize(
    ("call", "make"),
    [("open", lambda: tool.temporary_file(b"Hello, world!\n")), ("mkdir", tool.temporary_folder)],
    ids=["file", "folder"],
)
def test_a_signal_that_comes_while_something_temporary_is_made_leaves_nothing(
    call: str, make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def made(*details: Any) -> Any:
        result = original(*details)
        signal.raise_signal(signal.SIGTERM)
        return result

    original = getattr(os, call)
    monkeypatch.setattr(os, call, made)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = signal.signal(signal.SIGTERM, tool.stop)
    try:
        with pytest.raises(KeyboardInterrupt), make():
            pytest.fail("the signal did not come")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("D29")
def test_a_grader_that_was_started_with_blocked_signals_can_be_ended() -> None:
    blocked = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]);"
        "os.execvp(sys.argv[1], sys.argv[1:])"
    )
    never_listens = "sh -c 'sleep 100' {file} {options}"
    command = [PYTHON, "-c", blocked, PYTHON, "-m", "learn.grade", never_listens]
    with ExitStack() as stack:
        run = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE))
        stack.callback(run.kill)
        await_condition(lambda: handles(run.pid, signal.SIGTERM), "its handlers")
        run.send_signal(signal.SIGTERM)
        assert run.wait(3 * LIMIT) == 130


def children(pid: int) -> list[str]:
    """Return the ids of the processes that the threads of a process have started."""
    found: list[str] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found += task.read_text().split()
    return found


@pytest.mark.fault("D15", "D18")
@pytest.mark.parametrize("start", ["", "trap '' HUP; "])
def test_a_grader_whose_terminal_is_closed_ends_its_servers_unless_it_shall_go_on(
    start: str,
) -> None:
    never_listens = "sh -c 'sleep 100; :' {file} {options}"
    command = ["sh", "-c", start + 'exec "$@"', "sh", PYTHON, "-m", "learn.grade", never_listens]
    with ExitStack() as stack:
        run = stack.enter_context(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE))
        stack.callback(run.kill)
        await_condition(lambda: handles(run.pid, signal.SIGTERM), "its handlers")
        await_condition(lambda: bool(children(run.pid)), "its servers")
        servers = children(run.pid)
        assert handles(run.pid, signal.SIGHUP) == (not start)
        run.send_signal(signal.SIGTERM if start else signal.SIGHUP)
        assert run.wait(3 * LIMIT) == 130
        assert [pid for pid in servers if Path(f"/proc/{pid}").exists()] == []
