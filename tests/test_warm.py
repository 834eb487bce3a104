"""A warm start (tests/support/warm.py) looks like a usual one, and both programs do the same."""

import os
import signal

import pytest

from tests.support import programs
from tests.support.programs import SYSTEM, Program, Server, run_client
from tests.support.warm import Warm

pytestmark = pytest.mark.skipif(SYSTEM != "linux", reason="a warm start is for Linux")


@pytest.fixture
def warm(monkeypatch):
    with Warm() as one:
        monkeypatch.setattr(programs, "WARM", one)
        yield one


@pytest.mark.parametrize(
    ("script", "words", "status"),
    [
        ("server.py", ["--help"], 0),
        ("client.py", ["--version"], 0),
        ("client.py", ["--nonsense"], 2),
        ("server.py", ["/no/such/file"], 1),
        ("client.py", ["--port", "1", "127.0.0.1", "-"], 3),
    ],
)
def test_both_starts_give_the_same_output_and_status(script, words, status, warm, monkeypatch):
    seen = []
    for how in (warm, None):
        monkeypatch.setattr(programs, "WARM", how)
        with Program(script, *words, stdin=None) as program:
            program.wait()
        seen.append((program.status, program.stdout, program.stderr))
    assert seen[0] == seen[1]
    assert seen[0][0] == status


def test_a_program_has_its_own_folder_variables_session_and_streams(warm, tmp_path, monkeypatch):
    monkeypatch.setenv("EIGHTY_MARK", "here")
    with Server(cwd=tmp_path) as server:
        assert os.readlink(f"/proc/{server.pid}/cwd") == str(tmp_path)
        assert os.getsid(server.pid) == server.pid
        assert server.fetch()
        server.freeze()
        server.thaw()
        assert run_client("127.0.0.1", "copy", "--port", server.port, cwd=tmp_path).status == 0
        assert (tmp_path / "copy").read_bytes()
        descriptors = os.listdir(f"/proc/{server.pid}/fd")
        assert not {os.readlink(f"/proc/{warm.process.pid}/fd/0")} & {
            os.readlink(f"/proc/{server.pid}/fd/{number}") for number in descriptors
        }
        server.send_signal(signal.SIGKILL)
        assert server.wait() == -signal.SIGKILL


def test_a_start_that_is_not_the_usual_one_is_not_warm(warm, monkeypatch):
    """What Python itself looks at when it starts cannot be changed in a fork."""
    started = []
    monkeypatch.setattr(warm, "fork", lambda *_: started.append(1))
    unusual = [
        {"flags": ("-O",)},
        {"env": {"PYTHONHASHSEED": "1"}},
        {"shell": 'exec "$@"'},
        {"prefix": ("env",)},
        {"terminal": True},
    ]
    for how in unusual:
        with Program("client.py", "--version", **how) as program:
            assert program.wait() == 0, how
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    with Program("client.py", "--version") as program:
        assert program.wait() == 0
    assert started == []
