"""The grader, continued: clients, exercises, folders of submissions, limits, the watch mode."""

import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.torture.child import KEPT, Child
from learn.grade import client as graded_client
from learn.grade.client import STATUSES, client_target, grade_client
from learn.grade.client_rows import WORSE, scenes
from learn.grade.command_line import main
from learn.grade.engine import Unfit
from learn.grade.limits import Limits
from learn.watch import terminal
from learn.watch.begin import begin
from tests.support.sample import sample
from tests.test_grade import BEGIN, BLOCKING, LISTEN, SERVE, running

ROOT = Path(__file__).resolve().parent.parent
EXCHANGES = [scene for scene in scenes() if scene not in WORSE]  # the first is a polite server
SOON = 20.0  # seconds that a wait may last

# A client that believes everything.
TRUSTING = """
import argparse, socket
parser = argparse.ArgumentParser()
parser.add_argument("host")
parser.add_argument("output")
parser.add_argument("--port", type=int)
options, unknown = parser.parse_known_args()
sock = socket.create_connection((options.host, options.port))
sock.recv(8)
sock.sendall(b"HELLO 1\\n")
heard = b""
while piece := sock.recv(4096):
    heard += piece
head, body = heard.split(b"\\n", 1)
open(options.output, "wb").write(body)
"""


def of_client(path: Path, *rows: str):
    command = client_target(str(path)).command
    return grade_client(command, rows or None, path=str(path))


# --- clients


def test_eightys_client_is_green_in_every_row(monkeypatch):
    chosen = [*sample(EXCHANGES, 0), *WORSE]
    monkeypatch.setattr(graded_client, "scenes", lambda: chosen)
    results = of_client(ROOT / "client.py")
    assert {row: result.seen for row, result in results.items() if result.ok is False} == {}
    assert sorted(results) == sorted([*(scene.name for scene in chosen), STATUSES])


def test_a_client_that_believes_everything_is_seen(tmp_path, monkeypatch):
    """The row of the exit statuses plays all scenes that there are."""
    (path := tmp_path / "client.py").write_text(TRUSTING)
    rows = ["normal", "flipped-bit", "truncated-body", "silent-server", "exit-statuses"]
    chosen = [*sample(EXCHANGES, 0), *(scene for scene in scenes() if scene.name in rows)]
    monkeypatch.setattr(graded_client, "scenes", lambda: list(dict.fromkeys(chosen)))
    results = of_client(path, *rows)
    assert results["normal"].ok
    assert results["flipped-bit"].seen == "status 0"
    assert results["truncated-body"].ok is False
    assert "had not ended 2.0 s after its --timeout of 0.4 s" in results["silent-server"].seen
    assert results["exit-statuses"].ok is False
    assert running(path) == []


@pytest.mark.parametrize(("row", "late"), [("silent-server", 1.0), ("dripping-server", 4.0)])
def test_no_server_leaves_before_a_grader_that_looks_late(row, late, tmp_path, monkeypatch):
    """A client without a deadline would end when its server does, and look good."""

    def connected(clock):
        noted(clock)
        clock.end += late  # a server with the client's time was gone by then

    noted = graded_client.Clock.connected
    monkeypatch.setattr(graded_client, "GRACE", 0.1)
    monkeypatch.setattr(graded_client.Clock, "connected", connected)
    (path := tmp_path / "client.py").write_text(TRUSTING)
    assert "had not ended" in of_client(path, row)[row].seen


def test_a_client_that_leaves_a_file_behind_is_seen(tmp_path):
    source = TRUSTING.replace("head, body", 'open("rest.tmp", "w").close()\nhead, body')
    (path := tmp_path / "client.py").write_text(source)
    with pytest.raises(Unfit, match=r"left rest\.tmp behind"):
        of_client(path, "normal")


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        ("import sys\nsys.exit(1)\n", "the file of a polite server was not saved: status 1"),
        ("print(x)\n", r"status 1: NameError: name 'x' is not defined \(client.py, line 1\)"),
        ("import time\ntime.sleep(1000)\n", "had not ended"),
    ],
)
def test_a_client_that_saves_nothing_is_not_praised_for_failing(
    source, pattern, tmp_path, monkeypatch
):
    monkeypatch.setattr(graded_client, "STARTING", 1.0)
    (path := tmp_path / "client.py").write_text(source)
    with pytest.raises(Unfit, match=pattern):
        of_client(path)
    assert running(path) == []


def test_the_last_line_of_a_clients_grade_is_its_score(tmp_path, capsys):
    (path := tmp_path / "client.py").write_text(TRUSTING)
    assert main(["--client", str(path), "--row", "flipped-bit"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "0 of 1. Next: chapter 14."
    assert "One bit of the body changed on the way" in out


def test_of_a_program_that_never_stops_printing_a_limited_part_is_kept():
    endless = [sys.executable, "-c", "import os\nwhile True: os.write(2, bytes(1 << 16))"]
    with Child(endless, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as printing:
        status, said = printing.finish(1.0)
    assert status is None
    assert 0 < len(said) <= KEPT


def test_what_a_client_said_is_not_called_the_words_of_a_server(tmp_path, capsys):
    source = TRUSTING + 'import sys\nprint("all is well", file=sys.stderr)\n'
    (path := tmp_path / "client.py").write_text(source)
    assert main(["--client", str(path), "--row", "flipped-bit"]) == 1
    assert "            client  all is well\n" in capsys.readouterr().out


# --- a folder of submissions, and limits


@pytest.fixture
def submissions(tmp_path: Path) -> Path:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "server.py").write_text(BLOCKING)
    (tmp_path / "bert.py").write_text("print(x)\n")
    (tmp_path / "notes.txt").write_text("no submission\n")
    return tmp_path


def test_a_folder_becomes_a_table(submissions, capsys):
    words = ["--folder", str(submissions), "--row", "stampede"]
    assert main(words) == 1
    said = capsys.readouterr()
    _, anna, bert = said.out.splitlines()
    assert anna.split()[:2] == ["anna", "1/1"]
    assert bert.split()[:2] == ["bert", "0/1"] and "NameError" in bert
    assert "this is no sandbox" in said.err
    (submissions / "bert.py").unlink()
    assert main([*words, "--enough", "1"]) == 0


def test_a_folder_becomes_json(submissions, capsys):
    assert main(["--folder", str(submissions), "--row", "stampede", "--json"]) == 1
    anna, bert = json.loads(capsys.readouterr().out)
    assert anna["rows"] == {"stampede": True} and anna["green"] == anna["of"] == 1
    assert bert["green"] == 0 and "NameError" in bert["problem"]


def test_the_name_of_a_submission_cannot_reach_the_terminal_as_it_is(tmp_path, capsys):
    (tmp_path / "\x1b[2J\nanna.py").write_text("print(x)\n")
    main(["--folder", str(tmp_path), "--row", "stampede"])
    _, anna = capsys.readouterr().out.splitlines()
    assert anna.startswith("?[2J?anna ")


@pytest.mark.parametrize("limit", ["99999999999999999999", "0", "-1", "\N{SUPERSCRIPT TWO}"])
def test_a_limit_that_no_system_takes_is_refused_in_one_line(limit, submissions, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--folder", str(submissions), f"--memory={limit}"])
    assert "argument --memory: expected 1 to 999999999, got" in capsys.readouterr().err


def limited(source: str, limits: Limits) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", source],
        preexec_fn=limits.prepare(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_graded_may_use_so_much_and_no_more():
    limits = Limits(cpu=1, memory=200, files=40)
    assert "MemoryError" in limited("b = bytes(300 << 20)", limits).stderr
    opened = "fs = [open('/dev/null') for _ in range(50)]"
    assert "Too many open files" in limited(opened, limits).stderr
    assert limited("while True: pass", limits).returncode in (-signal.SIGXCPU, -signal.SIGKILL)
    assert limited("print('fine')", limits).stdout == "fine\n"


# --- the file to begin with


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mine" / "server.py"


def test_the_file_is_made_once_and_stays_as_it_is(elsewhere):
    assert "Made mine/server.py from learn/steps/02_blocking.py." in begin(None, replace=False)
    elsewhere.write_text("# mine\n")
    assert "stays as it is" in begin(None, replace=False)
    assert elsewhere.read_text() == "# mine\n"


def test_it_is_replaced_only_if_asked_and_the_old_one_is_kept(elsewhere, capsys):
    begin(None, replace=False)
    elsewhere.write_text("# mine\n")
    run = watch("--from", "9", stdin=subprocess.DEVNULL)
    assert run.returncode == 2 and run.stderr == "mine/server.py stays as it is.\n"
    assert elsewhere.read_text() == "# mine\n"
    assert "mine/server.old1.py" in begin("9", replace=True)
    assert elsewhere.with_name("server.old1.py").read_text() == "# mine\n"
    assert elsewhere.read_text() == (ROOT / "learn/steps/09_deadlines.py").read_text()


# --- the watch mode


def watch(*words: str, **how) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "learn.watch", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        **how,
    )


def test_without_a_terminal_it_prints_once(elsewhere):
    elsewhere.parent.mkdir()
    elsewhere.write_text(BEGIN + SERVE + LISTEN)
    run = watch(stdin=subprocess.DEVNULL)
    assert run.returncode == 0
    assert "\033" not in run.stdout
    assert re.search("cannot be graded: .*ended", run.stderr)


class Screen:
    """A terminal of 100 columns with the watch mode in it."""

    def __init__(self, folder: Path) -> None:
        self.keyboard, self.number = os.openpty()
        fcntl.ioctl(self.number, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.modes = termios.tcgetattr(self.number)
        self.said = b""
        program = (
            "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
            "from learn.watch.command_line import main; sys.exit(main([]))"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1"},
            stdin=self.number,
            stdout=self.number,
            stderr=self.number,
            start_new_session=True,
        )

    def until(self, pattern: str) -> None:
        """Wait until what it has shown since the last call holds `pattern`."""
        end = time.monotonic() + SOON
        while not (match := re.search(pattern.encode(), self.said, re.DOTALL)):
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.keyboard], [], [], left)[0]
            assert ready, f"no {pattern!r} in {self.said[-2000:].decode()}"
            self.said += os.read(self.keyboard, 1 << 16)
        self.said = self.said[match.end() :]

    def press(self, key: str) -> None:
        os.write(self.keyboard, key.encode())


def living_in(folder: Path) -> list[str]:
    """Return the processes whose folder is `folder`, ours left out."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink() == folder and link.parent.name != str(os.getpid()):
                found.append((link.parent / "cmdline").read_text())
        except OSError:
            continue
    return found


@contextmanager
def screen(folder: Path) -> Iterator[Screen]:
    one = Screen(folder)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        os.close(one.keyboard)
        os.close(one.number)


def test_it_grades_again_when_the_file_is_saved_and_leaves_the_terminal_as_it_was(elsewhere):
    elsewhere.parent.mkdir()
    elsewhere.write_text("print(x)\n")
    with screen(elsewhere.parents[1]) as shown:
        shown.until(r"read: chapters 2 to 4")
        shown.until(r"cannot be graded: .*NameError")
        elsewhere.write_text(BLOCKING)
        shown.until(r"grading: \d+ of 35 rows tried")
        shown.until(r"\] \d+ of 35")
        shown.press("h")
        shown.until(r"hint 1 of 3")
        shown.press("h")
        shown.until(r"hint 2 of 3")
        shown.press("l")
        shown.until(r"ok  stampede")
        shown.press("q")
        shown.until(r"\033\[\?1049l.*mine/server.py: \d+ of 35")
        assert shown.process.wait(SOON) == 0
        assert termios.tcgetattr(shown.number) == shown.modes
    assert living_in(elsewhere.parents[1]) == []


@pytest.mark.parametrize("how", ["\x03", signal.SIGTERM])
def test_however_it_ends_the_terminal_is_as_it_was_and_no_server_runs_on(how, elsewhere):
    elsewhere.parent.mkdir()
    elsewhere.write_text(BLOCKING)
    with screen(elsewhere.parents[1]) as shown:
        shown.until(r"grading: [1-9]\d* of 35 rows tried")
        if isinstance(how, str):
            shown.press(how)
        else:
            shown.process.send_signal(how)
        shown.until(r"\033\[\?1049l")
        assert shown.process.wait(SOON) == 130
        assert termios.tcgetattr(shown.number) == shown.modes
    assert living_in(elsewhere.parents[1]) == []


def test_a_dumb_terminal_is_none(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert not terminal.usable()
