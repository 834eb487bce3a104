"""The server on a real terminal: where its question is seen, and what the background may do.

Each server has a terminal of its own as the controlling one, and a shell that sends its stderr
somewhere else. Ctrl+C is typed, so it reaches every program of the pipeline.
"""

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.programs import LISTENING, PROMPT, Server, conversation

TEXT = b"Hello, terminal!\n"
REPORT = r"stopping; open connections: \d+\n\d done, 0 lost, 0 cut\n"
# The shell outlives Ctrl+C, and tells on the terminal how the server ended.
ALONE = 'trap : INT; "$@" {}; echo "status $?" >/dev/tty'
PIPED = 'trap : INT; (trap : INT; "$@"; echo "status $?" >/dev/tty) {}; true'


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_bytes(TEXT)
    return path


REDIRECTED = {
    "a file": "2>log",
    "closed": "2>&-",
    "the null device": "2>/dev/null",
    "a full disk": "2>/dev/full",
    "stdin read-only": "</dev/tty 2>log",
    "stdin and stderr by another name": "<$(tty) 2>/dev/tty",
}


def press_ctrl_c(server: Server, answer: str) -> None:
    """Press Ctrl+C, and answer the question when it is on the terminal."""
    server.type("\x03")
    server.expect(REPORT + PROMPT)
    server.type(answer)


@pytest.mark.fault("D24")
@pytest.mark.parametrize("where", [*REDIRECTED])
def test_whatever_stderr_is_the_question_is_on_the_terminal(
    text_file: Path, tmp_path: Path, where: str
) -> None:
    shell = f"cd {tmp_path}; " + ALONE.format(REDIRECTED[where])
    with Server(text_file, "-q", terminal=True, shell=shell, ready=False) as server:
        server.expect_listening()
        press_ctrl_c(server, "y\n")
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        press_ctrl_c(server, "n\n")
        assert server.expect(r"status (\d+)\n")[1] == "0"
        server.wait()
    if "log" in REDIRECTED[where]:
        assert (tmp_path / "log").read_text().count(" done, 0 lost, 0 cut\n") == 2


PIPES = {
    "tee, which dies of Ctrl+C": "2>&1 | tee log",
    "tee, which does not": "2>&1 | tee -i log",
    "head, which has ended": "2>&1 | head -1",
    "cat, of stderr only": "2>&1 >/dev/tty | cat",
    "cat, which shows nothing": '2>&1 >/dev/tty | (trap "" INT; exec cat >log)',
}


@pytest.mark.fault("D24")
@pytest.mark.parametrize("reader", [*PIPES])
def test_whatever_becomes_of_the_reader_of_a_pipe_the_question_is_on_the_terminal(
    text_file: Path, tmp_path: Path, reader: str
) -> None:
    shell = f"cd {tmp_path}; " + PIPED.format(PIPES[reader])
    with Server(text_file, "-q", terminal=True, shell=shell, ready=False) as server:
        server.expect(LISTENING)
        press_ctrl_c(server, "n\n")
        assert server.expect(r"status (\d+)\n")[1] == "0"
        server.wait()


@pytest.mark.fault("D10", "D24")
def test_with_nohup_nobody_is_asked_on_the_terminal(text_file: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "nohup.out")  # what comes there can be waited for
    said = os.open(tmp_path / "nohup.out", os.O_RDWR)
    shell = f"cd {tmp_path}; " + ALONE.replace('"$@"', 'nohup "$@"').format("")
    try:
        with Server(text_file, "-q", terminal=True, shell=shell, ready=False) as server:
            assert os.read(said, 4096).startswith(b"listening on")
            server.type("\x03")
            assert server.expect(r"status (\d+)\n")[1] == "0"
            server.wait()
        assert not re.search(PROMPT, server.stderr)
        assert os.read(said, 4096).count(b"0 done, 0 lost, 0 cut\n") == 1
    finally:
        os.close(said)


@pytest.mark.fault("E13")
@pytest.mark.parametrize("words", ["-q", "-v"])
def test_messages_from_the_background_do_not_stop_the_server(text_file: Path, words: str) -> None:
    shell = 'stty tostop; set -m; "$@" & echo "job $!" >/dev/tty; wait $!; echo "status $?"'
    with Server(text_file, words, terminal=True, shell=shell, ready=False) as server:
        job = int(server.expect(r"job (\d+)\n")[1])
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        os.kill(job, signal.SIGINT)
        server.expect(r"^1 done, 0 lost, 0 cut\n")
        assert server.expect(r"status (\d+)\n")[1] == "0"
        server.wait()
    assert not re.search(PROMPT, server.stderr)
