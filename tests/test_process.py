"""The first and the last moment of a process: Ctrl+C before there is a loop, signals after it."""

import gc
import os
import signal
import subprocess
import sys

import pytest

from edges import process
from tests.support.programs import LIMIT, ROOT
from tests.support.stage import directed

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BACKGROUND = (signal.SIGTTOU, signal.SIGTTIN)


@pytest.fixture(autouse=True)
def handlers(monkeypatch):
    """Put back what stood there, and let the test begin as Python does."""
    monkeypatch.setattr(process, "ours", False)  # `begin` sets it for the whole process
    before = {number: signal.getsignal(number) for number in STOPS + BACKGROUND}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.fault("D17")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (signal.default_int_handler, signal.SIG_DFL),
        (signal.SIG_IGN, signal.SIG_IGN),
        (signal.SIG_DFL, signal.SIG_DFL),
    ],
)
def test_at_first_ctrl_c_ends_the_process_unless_it_is_ignored(before, after):
    signal.signal(signal.SIGINT, before)
    process.begin()
    assert signal.getsignal(signal.SIGINT) is after
    assert process.ours


@pytest.mark.fault("E13")
def test_using_the_terminal_from_the_background_stops_no_program():
    process.begin()
    assert [signal.getsignal(number) for number in BACKGROUND] == 2 * [signal.SIG_IGN]


def test_the_end_is_the_status_and_no_signal_is_handled_otherwise_than_before(monkeypatch):
    """What could change the status is ignored by then: Signals has seen to it."""
    monkeypatch.setattr(gc, "freeze", lambda: None)  # the next test tells
    before = [signal.getsignal(number) for number in STOPS]
    with pytest.raises(SystemExit) as raised:
        process.end(7)
    assert raised.value.code == 7
    assert [signal.getsignal(number) for number in STOPS] == before


def run_program(name, before, *arguments, flags=()):
    """Run a program to its end, after other code; return how it ended."""
    with directed("import atexit, gc, os, signal, sys", before) as env:
        return subprocess.run(
            [sys.executable, *flags, *(["-m", name] if "lab." in name else [name]), *arguments],
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )


@pytest.mark.fault("D15")
@pytest.mark.parametrize("words", [("server.py", "/"), ("client.py", "localhost", "/")])
@pytest.mark.parametrize("number", STOPS)
def test_a_signal_while_the_interpreter_leaves_changes_no_status(words, number):
    name, *arguments = words
    late = f"atexit.register(lambda: os.kill(os.getpid(), {int(number)}))"
    assert run_program(name, late, *arguments).returncode == 1  # "/" is no file


@pytest.mark.parametrize("words", [("server.py", "/"), ("client.py", "localhost", "/")])
@pytest.mark.parametrize(("flags", "looked_at"), [((), False), (("-X", "dev"), True)])
def test_only_in_development_mode_the_end_looks_for_what_was_left(words, flags, looked_at):
    name, *arguments = words
    late = 'atexit.register(lambda: os.write(1, b"%d" % gc.get_freeze_count()))'
    ended = run_program(name, late, *arguments, flags=flags)
    assert (int(ended.stdout) == 0) == looked_at
    assert ended.returncode == 1  # "/" is no file


@pytest.mark.fault("D15")
@pytest.mark.parametrize(
    "words",
    [
        ("server.py", "/"),
        ("client.py", "::1", "/"),
        ("lab.demo",),
        ("lab.swarm",),
        ("lab.scale",),
    ],
)
def test_ctrl_c_while_the_modules_are_imported_shows_no_traceback(words):
    """The import of `protocol`, which all of them need, is when it comes."""
    name, *arguments = words
    early = """
class Early:
    def find_spec(self, name, path=None, target=None):
        if name == "protocol":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Early())
"""
    ended = run_program(name, early, *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("name", ["server.py", "client.py"])
def test_a_program_may_be_reached_by_a_link(name, tmp_path):
    os.symlink(ROOT / name, tmp_path / "link")
    ended = subprocess.run(
        [sys.executable, tmp_path / "link", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
