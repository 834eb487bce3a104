"""Both programs on Windows, as far as only Windows is like that: run by `make test-windows`.

They run under Wine, and the tests on Linux: what a test writes to the disk and to a socket is seen
by a Windows program, and the other way round.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.programs import (
    HELLO,
    PYTHON,
    ROOT,
    STRICT,
    Program,
    Server,
    conversation,
    customized,
    read_to_end,
    reset,
    run_client,
    run_server,
)

TEXT = "Grüße\nzweite Zeile\n".encode()


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_bytes(TEXT)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


# --- files


def test_a_copy_is_exact_and_replaces_the_old_one(text_file: Path, folder: Path) -> None:
    (folder / "copy").write_bytes(b"old")
    with Server(text_file) as server:
        for verb in ("replaced", "saved"):
            client = run_client("127.0.0.1", "copy", "--port", server.port, cwd=folder)
            assert (client.status, client.lines[-1].split()[0]) == (0, verb)
            assert (folder / "copy").read_bytes() == TEXT
        client = run_client("127.0.0.1", "-", "--port", server.port, cwd=folder)
        assert client.stdout_bytes == TEXT
    assert os.listdir(folder) == ["copy"]


@pytest.mark.parametrize(
    ("body", "rule"), [(b"a\r\nb\r\n", "CR at offset 1"), (b"a\n\x1a\n", None)], ids=["CR", "^Z"]
)
def test_files_are_read_as_bytes(tmp_path: Path, body: bytes, rule: str | None) -> None:
    """In text mode, Windows would make LF of CR LF, and Ctrl+Z would end the file."""
    path = tmp_path / "file"
    path.write_bytes(body)
    if rule:
        refused = run_server(path)
        assert refused.status == 1 and refused.lines[-1].endswith(rule)
        return
    with Server(path) as server:
        assert server.fetch() == conversation(body)


DEVICE = "windows reserves this name for a device"
COLON = "a file name cannot contain a colon"
END = "windows drops a dot or space at the end of a name"
FORBIDDEN = 'a file name cannot contain any of " * < > ? |'
LONG = "a name has at most 255 characters"


@pytest.mark.parametrize(
    ("why", "names"),
    [
        (DEVICE, ["NUL", "con", "COM1", "COM\u00b9", "nul.txt", "LPT9.tar.gz", "prn ", "con .txt"]),
        (DEVICE, ["con.", "Z:NUL", "CONOUT$", "nul:x", "\\\\.\\COM1", "//./pipe/x", "\\\\?\\NUL"]),
        (COLON, ["a.txt:b", "a:b:c", "Z:a.txt:b", "copy::$DATA"]),
        (END, ["a.txt.", "a.txt ", "a. .", "folder\\a."]),
        (FORBIDDEN, ["a<b", "what?", 'folder\\"a"']),
        (LONG, ["a" * 256, "a" * 300, "folder\\" + "a" * 256]),
    ],
)
def test_a_name_that_no_file_can_have_is_one_line(folder: Path, why: str, names: list[str]) -> None:
    for name in names:
        client = run_client("127.0.0.1", name, "--port", 9, cwd=folder)
        assert client.status == 1, name
        [line] = client.lines
        assert line.startswith("client.py: cannot save '"), line
        assert line.endswith(f": {why}; give another OUTPUT_FILE"), line
    assert os.listdir(folder) == []


@pytest.mark.parametrize("name", ["Z:copy", "com10", "nul_", "\\\\?\\{}\\copy", ".copy", "a..b"])
def test_a_name_that_only_looks_odd_is_saved(text_file: Path, folder: Path, name: str) -> None:
    path = name.format("Z:" + str(folder).replace("/", "\\"))
    with Server(text_file, "-q") as server:
        client = run_client("-q", "127.0.0.1", path, "--port", server.port, cwd=folder)
    assert (client.status, client.lines) == (0, [])
    [copy] = folder.iterdir()
    assert copy.read_bytes() == TEXT


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing/copy", "no such file or directory"),
        ("missing\\\\copy", "no such file or directory"),
        ("Q:\\\\copy", "no such file or directory"),
        (".", "it is a directory"),
        ("read-only", "it may not be written"),
    ],
)
def test_a_copy_that_cannot_be_saved_is_one_line_before_any_server_is_asked(
    folder: Path, name: str, why: str
) -> None:
    (folder / "read-only").write_bytes(b"old")
    (folder / "read-only").chmod(0o444)
    client = run_client("127.0.0.1", name.replace("\\\\", "\\"), "--port", 9, cwd=folder)
    assert client.status == 1
    [line] = client.lines
    assert re.fullmatch(r"client\.py: cannot (save|write in) '.*'?: .+", line) and why in line
    assert os.listdir(folder) == ["read-only"]


@pytest.mark.parametrize("name", [".", "missing", "Q:\\text", "NUL", "COM1", "a" * 300])
def test_a_file_that_cannot_be_delivered_is_one_line(folder: Path, name: str) -> None:
    server = run_server(name, cwd=folder)
    assert server.status == 1
    [line] = server.lines
    assert line.startswith("server.py: cannot deliver '")


def test_a_copy_that_another_program_has_open_keeps_its_bytes(
    text_file: Path, folder: Path
) -> None:
    (folder / "copy").write_bytes(b"old")
    held = "import sys; f = open('copy'); print('open', flush=True); sys.stdin.read()"
    with Server(text_file) as server:
        command = [PYTHON, "-c", held]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe) as holder:
            assert holder.stdin is not None and holder.stdout is not None
            assert holder.stdout.readline().strip() == b"open"
            client = run_client("127.0.0.1", "copy", "--port", server.port, cwd=folder)
            holder.stdin.close()
    assert client.status == 1
    assert re.search(r"cannot save 'copy': access denied: .* another program", client.lines[-1])
    assert (folder / "copy").read_bytes() == b"old" and os.listdir(folder) == ["copy"]


# --- the network


def test_errors_of_the_network_have_our_words(text_file: Path, folder: Path) -> None:
    client = run_client("127.0.0.1", "copy", "--port", 9, cwd=folder)
    assert client.status == 3
    assert "127.0.0.1:9 connection refused: is the server running?" in client.lines[-1]
    with Server(text_file) as server:
        second = run_server(text_file, port=server.port)
    assert second.status == 1
    assert "the network address is in use; give another --port" in second.lines[-1]


def test_a_client_that_resets_while_the_file_is_sent_is_lost_alone(text_file: Path) -> None:
    """Under Wine, only a send meets a reset."""
    with Server(text_file, "--chunk", 1, "--pause", 0.05) as server:
        client = server.connect()
        client.sendall(HELLO)
        assert client.recv(1) == HELLO[:1]
        reset(client)
        server.expect("^c1 lost in SENDING: ")
        assert server.fetch() == conversation(TEXT)


def test_more_clients_than_select_can_watch_wait_and_get_their_copy(text_file: Path) -> None:
    """600 at once: 480 are served, and the others wait in the backlog."""
    with Server(text_file, "-q", "--timeout", 60) as server:
        clients = [server.connect() for _ in range(600)]
        server.expect("accepting paused: limit of 480 clients reached")
        for client in clients:
            client.sendall(HELLO)
        for client in clients:
            with client:
                assert read_to_end(client) == conversation(TEXT)


def test_a_drain_with_more_clients_than_select_can_watch_ends_in_order(text_file: Path) -> None:
    """The backlog is accepted at the end, whatever the limit says; some are too many, and lost."""
    with Server(text_file, "--max-clients", 480, "--drain", 60, "--timeout", 60) as server:
        clients = [server.connect() for _ in range(600)]
        server.expect("accepting paused")
        server.close_stdin()
        server.send_signal(signal.SIGINT)
        server.expect("stopping")
        for client in clients:
            with client:
                client.settimeout(None)
                try:
                    client.sendall(HELLO)
                    read_to_end(client)
                except OSError:
                    pass
        server.expect(r"^\d+ done, \d+ lost, 0 cut$")
        assert server.wait() == 0


def test_a_limit_that_select_cannot_keep_is_a_usage_error(text_file: Path) -> None:
    server = run_server("--max-clients", 481)
    assert server.status == 2
    assert "--max-clients: at most 480 can be served on this system" in server.lines[-1]


# --- the question


def test_ctrl_c_asks_and_yes_listens_again(text_file: Path) -> None:
    with Server(text_file) as server:
        server.send_signal(signal.SIGINT)
        server.expect(r"Continue listening\? \[y/N\] ")
        server.answer("what\n")
        server.expect(r"Continue listening\? \[y/N\] ")
        server.answer("y\n")
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        server.send_signal(signal.SIGINT)
        server.expect(r"Continue listening\? \[y/N\] ")
        server.answer("n\n")
        assert server.wait() == 0


def test_ctrl_c_at_the_question_is_a_no(text_file: Path) -> None:
    with Server(text_file) as server:
        server.send_signal(signal.SIGINT)
        server.expect(r"Continue listening\? \[y/N\] ")
        server.send_signal(signal.SIGINT)
        assert server.wait() == 0


# Wine reads the keys, and shows them. Ctrl+C stays with the terminal, which sends SIGINT to Wine.
CONSOLE = 'stty -icanon -icrnl -echo; exec "$@"'


def test_at_a_console_the_question_is_answered_by_keys(text_file: Path) -> None:
    with Server(text_file, terminal=True, shell=CONSOLE) as server:
        server.type("\x03")
        server.expect("Continue listening")
        server.type("y\r")
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        server.type("\x03")
        server.expect("Continue listening")
        server.type("n\r")
        assert server.wait() == 0


CTRL_BREAK = """
import os, signal, threading
def wait():
    os.read(0, 1)
    signal.raise_signal(signal.SIGBREAK)
threading.Thread(target=wait, daemon=True).start()
"""


def test_ctrl_break_drains_without_a_question(text_file: Path, tmp_path: Path) -> None:
    """The console of Wine cannot send it, and its C library does not pass it on to Python."""
    env = customized(tmp_path, CTRL_BREAK)
    with Server(text_file, env=env) as server:
        assert server.fetch() == conversation(TEXT)
        server.answer("x")
        server.expect("1 done, 0 lost, 0 cut")
        assert server.wait() == 0
        assert "Continue" not in server.stderr


def test_an_open_connection_is_finished_in_the_drain_and_cut_at_its_end(text_file: Path) -> None:
    with Server(text_file) as server, server.accepted() as client:
        server.close_stdin()
        server.send_signal(signal.SIGINT)
        server.expect("stopping; open connections: 1")
        client.connection.sendall(HELLO)
        assert read_to_end(client.connection) == conversation(TEXT)
        client.connection.close()
        server.expect("1 done, 0 lost, 0 cut")
        assert server.wait() == 0
    with Server(text_file) as server, server.accepted():
        server.send_signal(signal.SIGINT)
        server.expect("stopping")
        server.send_signal(signal.SIGINT)
        server.expect("0 done, 0 lost, 1 cut")
        assert server.wait() == 130


def test_ctrl_c_ends_a_client_that_leaves_nothing(text_file: Path, folder: Path) -> None:
    options = ("--chunk", 1, "--pause", 5, "--timeout", 60)
    with Server(text_file, *options) as server:
        words = ("127.0.0.1", "copy", "--port", server.port)
        with Program("client.py", *words, cwd=folder) as client:
            server.expect("S: HELLO 1")
            client.send_signal(signal.SIGINT)
            assert client.wait() == 130
        server.close_stdin()
        server.send_signal(signal.SIGINT)
        server.send_signal(signal.SIGINT)
        server.wait()
    assert os.listdir(folder) == []


# --- tools


def test_a_trace_is_read_by_the_tools_on_both_systems(text_file: Path, folder: Path) -> None:
    with Server(text_file, "-v", "--trace", "trace", cwd=folder) as server:
        assert server.fetch() == conversation(TEXT)
        server.until(lambda text: "c1 done" in text)
    for line in (folder / "trace").read_bytes().splitlines():
        json.loads(line)
    for python in (PYTHON, sys.executable):
        command = [python, *STRICT, "-m", "lab.tracing", "check", str(folder / "trace")]
        pipe = subprocess.PIPE
        run = subprocess.run(command, check=False, cwd=ROOT, input=b"", stdout=pipe, stderr=pipe)
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "tool", ["lab.demo", "lab.swarm", "lab.scale", "lab.torture", "lab.load", "learn.grade"]
)
def test_a_tool_for_other_systems_says_so_in_one_line(tool: str) -> None:
    command = [PYTHON, *STRICT, "-m", tool]
    pipe = subprocess.PIPE
    run = subprocess.run(command, check=False, cwd=ROOT, input=b"", stdout=pipe, stderr=pipe)
    assert run.returncode == 1
    [line] = run.stderr.decode().splitlines()
    assert re.search("needs Linux or macOS; on Windows,? run it in WSL", line)


def test_several_clients_at_once(text_file: Path, tmp_path: Path) -> None:
    statuses = []

    def fetch(number: int) -> None:
        words = ("127.0.0.1", f"copy{number}", "--port", server.port)
        statuses.append(run_client(*words, cwd=tmp_path).status)

    with Server(text_file) as server:
        threads = [threading.Thread(target=fetch, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [0, 0, 0, 0]
    assert all((tmp_path / f"copy{number}").read_bytes() == TEXT for number in range(4))


# --- what a learner runs there (docs/protocol.md)

STEPS = sorted(path for path in (ROOT / "learn/steps").glob("*.py") if "client" not in path.name)
SAMPLE = ROOT / "sample.txt"


@pytest.mark.parametrize("step", STEPS, ids=lambda path: path.stem)
def test_each_step_serves_the_helpers_of_the_prompt(step: Path) -> None:
    with Program(f"learn/steps/{step.name}", SAMPLE, "--port", 0, flags=()) as server:
        port = server.expect(r"^listening on 127\.0\.0\.1:(\d+)", stdout=True)[1]
        code = f"from learn import play; play.SERVER = '127.0.0.1', {port}; print(play.crowd(3))"
        command, pipe = [PYTHON, *STRICT, "-c", code], subprocess.PIPE
        run = subprocess.run(command, check=False, cwd=ROOT, input=b"", stdout=pipe, stderr=pipe)
        assert run.stdout.startswith(b"3 of 3 got the file in "), run
        server.send_signal(signal.SIGKILL)  # until chapter 12 they know no other end
        server.wait()


def test_ctrl_c_reaches_the_loop_of_the_last_step(text_file: Path) -> None:
    """The byte of the signal wakes `select`; Ctrl+C alone would not, on Windows."""
    with Program("learn/steps/13_limits.py", text_file, "--port", 0, flags=()) as server:
        server.expect("^listening on", stdout=True)
        server.send_signal(signal.SIGINT)
        server.expect("0 done, 0 lost, 0 cut")
        server.expect(r"Continue listening\? \[y/N\] ", stdout=True)
        server.answer("n\n")
        assert server.wait() == 0


def test_the_client_of_chapter_14_saves_a_copy(text_file: Path, folder: Path) -> None:
    with Server(text_file) as server:
        words = ("127.0.0.1", "copy", "--port", server.port)
        with Program("learn/steps/14_client.py", *words, cwd=folder, flags=()) as client:
            assert client.wait() == 0
    assert (folder / "copy").read_bytes() == TEXT
