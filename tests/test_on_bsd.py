"""Both programs on a BSD or macOS, as far as only these are like that.

The programs run in the simulation of lab/laptop/bsd: one test for each row of the table in
docs/your-machine.md. The tests themselves run on Linux. `make test-bsd` runs far more there.
"""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs import (
    LIMIT,
    PROMPT,
    ROOT,
    SYSTEM,
    Server,
    conversation,
    customized,
    run_client,
)

if sys.platform == "win32" or SYSTEM == "win32":
    pytest.skip("posix_only: another system is simulated", allow_module_level=True)

TEXT = b"one\ntwo\n"
SIMULATION = ROOT / "lab/laptop/bsd"
WORLDS = {
    "kqueue": "kqueue,devfd",
    "refused terminals": "kqueue,nottys,badpoll,devfd",
    "no poll": "kqueue,nopoll,devfd",
}
Env = dict[str, str]


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Env:
    return {"PYTHONPATH": str(SIMULATION), "BSD": WORLDS[request.param]}


@pytest.fixture
def macos(tmp_path: Path) -> Env:
    """The world that is most like macOS."""
    return {"PYTHONPATH": str(SIMULATION), "BSD": WORLDS["refused terminals"]}


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_bytes(TEXT)
    return path


def test_the_simulation_is_what_it_says() -> None:
    code = """if True:
        import os, select, selectors, socket, fcntl
        assert not hasattr(select, "epoll") and not hasattr(socket, "MSG_MORE")
        assert not hasattr(os, "O_PATH") and hasattr(fcntl, "F_FULLFSYNC")
        assert not os.path.exists("/proc/self/fd") and not os.path.islink("/dev/fd/1")
        assert os.path.realpath("/dev/stdout") == "/dev/fd/1"
        assert selectors.DefaultSelector is selectors.KqueueSelector

        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            with socket.create_connection(listening.getsockname()):
                select.select([listening], [], [])
                number, _ = listening._accept()
                assert not os.get_blocking(number)
                os.close(number)

        _master, terminal = os.openpty()
        poll = select.poll()
        poll.register(terminal, select.POLLIN)
        assert poll.poll(0) == [(terminal, select.POLLNVAL)]
        try:
            selectors.DefaultSelector().register(terminal, 1)
        except OSError:
            print("as it says")
    """
    env = {**os.environ, "PYTHONPATH": str(SIMULATION), "BSD": WORLDS["refused terminals"]}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert run.stdout == "as it says\n", run.stderr


@pytest.mark.fault("E7", "H14")
def test_copies_are_exact_in_slow_motion(world: Env, text_file: Path, tmp_path: Path) -> None:
    """kqueue; sockets that are accepted non-blocking; no MSG_MORE; a folder without O_PATH."""
    (tmp_path / "folder").mkdir()
    copy = tmp_path / "folder/copy"
    with Server(text_file, "-v", "--chunk", "3", "--pause", "0.001", env=world) as server:
        for old, verb in ((None, "saved"), (TEXT, "saved"), (b"old", "replaced")):
            if old is not None:
                copy.write_bytes(old)
            client = run_client("127.0.0.1", copy, "--port", server.port, env=world)
            assert (client.status, client.lines[-1].split()[0]) == (0, verb)
            assert copy.read_bytes() == TEXT
    assert os.listdir(tmp_path / "folder") == ["copy"]


@pytest.mark.fault("D24", "E7")
def test_at_a_terminal_ctrl_c_asks_and_the_answer_counts(world: Env, text_file: Path) -> None:
    """poll refuses the terminal, or there is no poll. Without /proc it cannot be opened again."""
    with Server(text_file, "-q", terminal=True, env=world) as server:
        server.type("\x03")
        for answer in ("what\n", "y\n"):
            server.expect(PROMPT)
            server.type(answer)
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        server.type("\x03")
        server.expect(PROMPT)
        server.type("\x03")  # at the question, where no Enter has been typed
        assert server.wait() == 0


@pytest.mark.fault("E9")
def test_a_frozen_terminal_holds_nobody_up(world: Env, text_file: Path) -> None:
    """kqueue may refuse to report that it has room again; then the next message tries."""
    master, slave = os.openpty()
    try:
        with Server(text_file, "-v", stderr=slave, env=world) as server:
            for _ in range(400):  # more messages than are kept
                assert server.fetch() == conversation(TEXT)
            assert os.get_blocking(slave), "the terminal of the user has another mode"
            said = b""
            while b"lines dropped)" not in said:
                assert server.fetch() == conversation(TEXT)
                assert select.select([master], [], [], LIMIT)[0], said[-300:]
                said += os.read(master, 65536)
            assert server.stop() == 0
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.fault("H6", "H14")
@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1", "link"])
def test_descriptors_are_files_of_a_folder_and_still_descriptors(
    macos: Env, text_file: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "link").symlink_to("/dev/fd/1")
    with Server(text_file, env=macos) as server:
        words = ("-q", "127.0.0.1", name, "--port", server.port)
        client = run_client(*words, cwd=tmp_path, env=macos)
        assert (client.status, client.stdout_bytes, client.stderr) == (0, TEXT, "")
        with open(tmp_path / "log", "ab") as log:
            log.write(b"before\n")
            log.flush()
            client = run_client(*words, cwd=tmp_path, env=macos, stdout=log.fileno())
    assert (tmp_path / "log").read_bytes() == b"before\n" + TEXT
    assert sorted(os.listdir(tmp_path)) == ["link", "log", "text"]


@pytest.mark.fault("H13", "H14")
def test_the_cache_of_the_disk_is_emptied(macos: Env, text_file: Path, tmp_path: Path) -> None:
    note = """
def noted(descriptor, command, *more, call=fcntl.fcntl):
    if command == fcntl.F_FULLFSYNC:
        os.write(2, b"F_FULLFSYNC\\n")
    return call(descriptor, command, *more)

fcntl.fcntl = noted
"""
    (tmp_path / "world").mkdir()
    code = (SIMULATION / "sitecustomize.py").read_text() + note
    env = {**macos, **customized(tmp_path / "world", code)}
    with Server(text_file) as server:
        words = ("127.0.0.1", tmp_path / "copy", "--port", server.port)
        client = run_client(*words, env=env)
    assert client.status == 0 and client.lines.count("F_FULLFSYNC") == 1
