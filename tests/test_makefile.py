"""The Makefile: what the user says reaches the programs as it was said, and is never executed."""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from learn.grade.command_line import main as grade
from learn.museum.__main__ import main as museum
from learn.watch.command_line import main as watch
from tests.support.sample import sample

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 20.0  # seconds that one make may take: far more than needed
MAKE = shutil.which("gmake") or shutil.which("make")

LISTENING = r"listening on 127\.0\.0\.1:(\d+)\n"
PROMPT = r"Continue listening\? \[y/N\] "

# Stands for server.py, client.py and those of lab/: prints the words it was given.
ECHO = "import json, sys\nprint(json.dumps(sys.argv))\n"

MADE_OF = ("Makefile", "lab/help.awk", "lab/launch.py", "lab/constraints.txt")
PROGRAMS = ("server.py", "client.py", "lab/demo.py", "lab/swarm.py", "lab/scale.py", "lab/watch.py")

# What breaks, expands or executes when make or a shell reads it as anything but data. In `make
# test` each text reaches one of four programs.
HOSTILE = [
    "with space.txt",
    "two  spaces and a trailing one ",
    "; touch PWNED",
    "$(touch PWNED)",
    "$(shell touch PWNED)",
    "${PATH}",
    "$$",
    "$HOME",
    "`touch PWNED`",
    "' && touch PWNED && '",
    '" && touch PWNED && "',
    "| touch PWNED",
    "& touch PWNED",
    "> PWNED",
    "*",
    "~",
    "#comment",
    "back\\slash",
    "%",
    "-q",
    "--help",
    "--",
    "",
    "a=b",
    "ünïcode 🙂",
]


# The variables of the targets under "learn", and what is none of their values.
LEARN = [
    ("grade", "SERVER"),
    ("grade", "CLIENT"),
    ("grade", "ROW"),
    ("grade", "CHAPTER"),
    ("grade", "EXERCISE"),
    ("hint", "SERVER"),
    ("hint", "N"),
    ("exhibit", "N"),
    ("exhibit", "SERVER"),
    ("learn", "FROM"),
]
MAINS = {"grade": grade, "museum": museum, "watch": watch}
HERE = "the place for the nonsense"
NONSENSE = [
    *("no such file", "a'b", "-q", "--help", "--", "no\nsuch", "/no/such", "/dev/null", "."),
    "\x1b[31m",
]
TO_ALL_OF_IT = ["$(touch PWNED)", "a" * 5000]  # to make, or to what is around main as well


@pytest.fixture(autouse=True)
def make_is_here(not_here):
    if MAKE is None:
        not_here("there is no make on this machine")


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A folder with our Makefile and programs that only tell what they were given."""
    (tmp_path / "lab").mkdir()
    for name in MADE_OF:
        shutil.copy(ROOT / name, tmp_path / name)
    for name in PROGRAMS:
        (tmp_path / name).write_text(ECHO)
    return tmp_path


def make(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run make in `folder`, as if no other make had started us."""
    clean = {name: what for name, what in os.environ.items() if not name.startswith(("MAKE", "MF"))}
    return subprocess.run(
        [MAKE, f"PYTHON={sys.executable}", *words],
        cwd=folder,
        env={**clean, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def told(folder: Path, *words: str, **environment: str) -> list[str]:
    """Run make; return the words that reached the program."""
    run = make(folder, *words, **environment)
    assert run.returncode == 0, run.stderr
    assert not (folder / "PWNED").exists(), "what the user said was executed"
    return json.loads(run.stdout)


def fake_python(folder: Path, version: str) -> str:
    """Return the path of a python3 that claims to be `version`."""
    path = folder / "old-python3"
    claim = f"import sys; sys.version_info = {version}; exec(open(sys.argv.pop(1)).read())"
    path.write_text(
        f'#!/bin/sh\n[ "$1" = -E ] || exit 9\nshift\nexec "{sys.executable}" -c "{claim}" "$@"\n'
    )
    path.chmod(0o755)
    return str(path)


def targets() -> list[str]:
    """Return the targets that make no file."""
    lines = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return " ".join(lines).split()


def test_every_target_that_makes_no_file_is_phony():
    rules = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert sorted(set(rules)) == sorted(targets())


def test_make_alone_is_help_and_help_has_the_first_targets_with_their_line_and_all_others():
    run = make(ROOT)
    assert run.returncode == 0
    assert run.stdout == make(ROOT, "help").stdout
    first = re.findall(r"^make (\S+) +\S", run.stdout, re.MULTILINE)
    others = re.findall(r"^[a-z]+ +(.*)$", run.stdout.partition("\n\n")[2], re.MULTILINE)
    assert first[:4] == ["run-server", "run-client", "demo", "trace"] and len(first) == 6
    assert first + " ".join(others).split() == targets()


def test_help_fits_on_a_terminal_of_24_rows_and_80_columns():
    lines = make(ROOT, "help").stdout.splitlines()
    assert len(lines) < 24  # one is the prompt's
    assert max(map(len, lines)) <= 80


def test_help_all_has_a_line_for_every_target_of_at_most_80_columns():
    lines = make(ROOT, "help-all").stdout.splitlines()
    assert [line.split()[1] for line in lines] == targets()
    assert max(map(len, lines)) <= 80
    assert all(len(line.split()) > 3 for line in lines)


def test_run_server_listens_on_loopback_only_and_delivers_the_sample(stage):
    expected = ["server.py", "--host=127.0.0.1", "--port=7080", "--", "sample.txt"]
    assert told(stage, "run-server") == expected


def test_run_client_saves_into_output_file(stage):
    expected = ["client.py", "--port=7080", "--", "127.0.0.1", "output_file/sample.txt"]
    assert told(stage, "run-client") == expected


def test_the_folder_that_run_client_saves_into_is_in_the_checkout():
    assert (ROOT / "output_file/.gitkeep").exists()


@pytest.mark.parametrize("text", sample(HOSTILE, 0, 4))
def test_host_port_and_file_reach_the_server_as_they_were_said(stage, text):
    words = told(stage, "run-server", f"HOST={text}", f"PORT={text}", f"FILE={text}")
    assert words[1:] == [f"--host={text}", f"--port={text}", "--", text]


@pytest.mark.parametrize("text", sample(HOSTILE, 1, 4))
def test_server_port_and_out_reach_the_client_as_they_were_said(stage, text):
    words = told(stage, "run-client", f"SERVER={text}", f"PORT={text}", f"OUT={text}")
    assert words[1:] == [f"--port={text}", "--", text, text]


@pytest.mark.parametrize("text", [text for text in sample(HOSTILE, 2, 4) if text])
def test_the_number_and_the_file_reach_the_swarm_as_they_were_said(stage, text):
    words = told(stage, "swarm", f"N={text}", f"FILE={text}")
    assert words[1:] == [f"--clients={text}", "--", text]
    assert told(stage, "scale", f"N={text}")[1:] == [f"--servers={text}"]


@pytest.mark.parametrize("text", sample(HOSTILE, 3, 4))
def test_the_name_of_the_trace_reaches_the_watch_as_it_was_said(stage, text):
    assert told(stage, "watch", f"TRACE={text}", ARGS="")[1:] == ["--", text]


def test_the_swarm_has_a_server_of_its_own_unless_the_user_names_one(stage):
    assert told(stage, "swarm")[1:] == ["--", "sample.txt"]
    assert told(stage, "swarm", SERVER="example.org", PORT="1", N="9")[1:] == ["--", "sample.txt"]
    words = told(stage, "swarm", "PORT=$(touch PWNED)")
    assert words[1:3] == ["--server=127.0.0.1", "--port=$(touch PWNED)"]
    assert told(stage, "swarm", "SERVER=there")[1:3] == ["--server=there", "--port=7080"]


def test_args_are_split_as_a_shell_splits_and_come_last_so_that_they_win(stage):
    words = told(stage, "run-server", "ARGS=--chunk 4 --trace 'my trace.jsonl' --port 0")
    assert words[2:-2] == [
        "--port=7080",
        "--chunk",
        "4",
        "--trace",
        "my trace.jsonl",
        "--port",
        "0",
    ]


@pytest.mark.parametrize("text", ["; touch PWNED", "$(touch PWNED)", "`touch PWNED` *", "> PWNED"])
def test_args_are_never_executed(stage, text):
    assert told(stage, "run-client", f"ARGS={text}")[2:-3] == text.split()


def test_args_with_an_open_quote_are_one_clear_line(stage):
    run = make(stage, "run-server", "ARGS='oops")
    assert run.returncode != 0
    assert run.stderr.splitlines()[0] == "make: ARGS: No closing quotation"
    assert "Traceback" not in run.stderr


def test_variables_of_the_environment_are_not_taken(stage):
    words = told(stage, "run-server", HOST="example.org", PORT="1", FILE="x", ARGS="--quiet")
    assert words == ["server.py", "--host=127.0.0.1", "--port=7080", "--", "sample.txt"]


@pytest.mark.parametrize("target", ["run-server", "run-client", "demo"])
def test_an_empty_environment_is_enough(stage, target):
    """Without PATH, Python does not know its own name."""
    words = ["/usr/bin/env", "-i", MAKE, target]
    run = subprocess.run(words, cwd=stage, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)


def test_a_path_that_python_takes_for_unsafe_is_no_hindrance(stage):
    assert told(stage, "demo", PYTHONSAFEPATH="1")


@pytest.mark.parametrize("target", ["run-server", "run-client", "demo"])
@pytest.mark.parametrize("version", ["(3, 10, 13)", "(3, 9, 2)", "(2, 7, 18)"])
def test_a_python_too_old_gets_one_plain_message(stage, target, version):
    run = make(stage, target, f"PYTHON={fake_python(stage, version)}")
    major_minor = ".".join(re.findall("[0-9]+", version)[:2])
    assert run.returncode != 0
    assert run.stdout == ""
    message = f"eighty needs Python 3.11 or newer; this is {major_minor}"
    assert run.stderr.splitlines()[0] == message
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "python", ["python-is-not-there", *(f"no{c}python" for c in ":; %|#$=/*~")]
)
@pytest.mark.parametrize("target", ["run-client", "test"])
def test_a_python_that_is_not_there_gets_one_plain_message(stage, target, python):
    (stage / "pyproject.toml").touch()
    run = make(stage, target, f"PYTHON={python}")
    assert run.returncode != 0
    assert run.stderr.startswith(f"there is no {python} here; eighty needs Python 3")
    assert len(run.stderr.splitlines()) == 2  # the other one is make's own


def test_tests_with_a_python_too_old_get_one_plain_message_and_no_half_made_folder(stage):
    (stage / "pyproject.toml").touch()
    run = make(stage, "test", f"PYTHON={fake_python(stage, '(3, 9, 2)')}")
    assert run.stderr.splitlines()[0] == "eighty needs Python 3.11 or newer; this is 3.9"
    assert not list(stage.glob(".venv*"))


@pytest.mark.parametrize("target", ["run-server", "run-client", "demo", "swarm", "scale"])
def test_what_a_first_visitor_runs_needs_no_virtual_environment(stage, target):
    assert "venv" not in make(stage, "--dry-run", target).stdout
    told(stage, target)
    assert not list(stage.glob(".venv*"))


@pytest.mark.parametrize("target", ["torture", "replay", "soak", "load", "injection"])
def test_what_proves_reliability_needs_no_virtual_environment(stage, target):
    run = make(stage, "--dry-run", target)
    assert run.returncode == 0, run.stderr
    assert "-m lab." in run.stdout
    assert "venv" not in run.stdout


def test_the_seed_reaches_the_simulation_as_it_was_said(stage):
    (stage / "lab/simulation.py").write_text(ECHO)
    assert told(stage, "replay", "SEED=$(touch PWNED); 7")[1:] == ["replay", "$(touch PWNED); 7"]


def test_another_python_gets_a_virtual_environment_of_its_own(stage):
    (stage / "pyproject.toml").touch()
    for python, folder in (
        ("python3", ".venv"),
        ("python3.13", ".venv-python3.13"),
        ("/usr/bin/python3", ".venv--usr-bin-python3"),
    ):
        run = make(stage, "--dry-run", "test", f"PYTHON={python}")
        assert f'-m venv --clear "{folder}"' in run.stdout


def test_clean_removes_what_make_made_and_nothing_else(stage):
    for name in (".venv", ".venv-python3.13", "build", "lab/__pycache__", ".ruff_cache"):
        (stage / name).mkdir()
    for name in ("output_file", "input_file"):
        (stage / name).mkdir()
        (stage / name / "mine.txt").touch()
    assert make(stage, "clean").returncode == 0
    left = {str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file()}
    ours = {*MADE_OF, *PROGRAMS}
    assert left == ours | {"output_file/mine.txt", "input_file/mine.txt"}
    assert not list(stage.glob(".venv*"))
    assert not (stage / "build").exists()


class Terminal:
    """A command on a terminal of its own, as a person has it."""

    def __init__(self, *command: str) -> None:
        self.fd, theirs = os.openpty()
        # A session leader without a terminal gets the first one it opens: hence the shell.
        shell = f'exec "$@" <>{os.ttyname(theirs)} >&0 2>&0'
        words = ["/bin/sh", "-c", shell, "sh", *command]
        self.process = subprocess.Popen(
            words, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.text = ""
        self.seen = 0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_) -> None:
        """End what a failed test has left running."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.close()

    def read(self) -> bool:
        """Take what is printed next; return False when nobody is left on the terminal."""
        ready, _, _ = select.select([self.fd], [], [], LIMIT)
        assert ready, f"nothing came for {LIMIT} s; so far: {self.text!r}"
        try:
            data = os.read(self.fd, 4096)
        except OSError:  # Linux says EIO at the end
            data = b""
        self.text += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return data != b""

    def expect(self, pattern: str) -> "re.Match[str]":
        """Wait for the next match of `pattern`."""
        while not (match := re.compile(pattern).search(self.text, self.seen)):
            assert self.read(), f"ended without {pattern!r}: {self.text!r}"
        self.seen = match.end()
        return match

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self.fd, text.encode())

    def close(self) -> int:
        """Read what is left; return the exit status once the command has ended."""
        while self.read():
            pass
        os.close(self.fd)
        return self.process.wait(LIMIT)


def serving(*words: str) -> Terminal:
    """Start `make run-server` on a free port."""
    return Terminal(MAKE, "run-server", "PORT=0", f"PYTHON={sys.executable}", *words)


def test_ctrl_c_under_make_asks_goes_on_and_ends_as_it_does_without():
    with serving() as server:
        port = server.expect(LISTENING)[1]
        server.type("\x03")
        server.expect(PROMPT)
        server.type("y\n")
        assert server.expect(LISTENING)[1] == port
        server.type("\x03")
        server.expect(PROMPT)
        server.type("n\n")
        server.close()
    assert "Traceback" not in server.text


def test_a_copy_made_with_make_is_exact(tmp_path):
    copy = tmp_path / "a copy.txt"
    with serving("FILE=input_file/with space.txt") as server:
        port = server.expect(LISTENING)[1]
        run = make(ROOT, "run-client", f"PORT={port}", f"OUT={copy}", "ARGS=-q")
        server.type("\x03")
        server.expect(PROMPT)
        server.type("\n")
        server.close()
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert copy.read_bytes() == (ROOT / "input_file/with space.txt").read_bytes()


def test_the_demo_ends_by_itself_and_says_that_every_copy_is_exact():
    run = make(ROOT, "demo")  # which may take LIMIT seconds
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^demo +\| 4 copies, \d+ bytes each, all exact", run.stdout, re.MULTILINE)


def test_the_demo_leaves_no_process_and_no_file_when_it_is_interrupted():
    with Terminal(MAKE, "demo", f"PYTHON={sys.executable}") as demo:
        port = int(demo.expect(LISTENING)[1])
        demo.type("\x03")
        assert demo.close() != 0
    assert "Traceback" not in demo.text
    probe = subprocess.run(
        [sys.executable, "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}))"],
        capture_output=True,
        check=False,
    )
    assert b"ConnectionRefusedError" in probe.stderr


def test_the_demo_fails_when_a_copy_is_wrong(stage):
    lab = [f"lab/{name}.py" for name in ("demo", "actors", "pieces", "posix", "scene")]
    for path in (ROOT / part for part in (*lab, "protocol.py", "reactor.py", "sample.txt")):
        shutil.copy(path, stage / path.relative_to(ROOT))
    shutil.copytree(ROOT / "edges", stage / "edges")
    (stage / "client.py").write_text("import sys; open(sys.argv[3], 'w').write('wrong')\n")
    (stage / "server.py").write_text(WRONG_SERVER)
    run = make(stage, "demo")
    assert run.returncode != 0
    assert "demo: FAILED" in run.stderr


# Delivers the right file to the client that waits for it, so that only the copies are wrong.
WRONG_SERVER = """
import socket, protocol
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
client = listener.accept()[0]
client.recv(100)
client.sendall(protocol.hello() + protocol.file_message(open("sample.txt", "rb").read()))
client.close()
"""


@pytest.mark.parametrize("path", sorted((ROOT / "input_file").iterdir()), ids=lambda p: p.name)
def test_every_ready_input_is_a_valid_file(path):
    data = path.read_bytes()
    assert len(data) <= 80
    data.decode("utf-8")
    assert not set(data) & set(b"\0\r")
    assert data == b"" or data.endswith(b"\n")


def test_programs_pyproject_and_changelog_name_the_same_release():
    changelog = re.search(
        r"^## (\S+) - \d{4}-\d\d-\d\d$", (ROOT / "docs/CHANGELOG.md").read_text(), re.M
    )
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    words = [sys.executable, "server.py", "--version"]
    run = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"eighty {pyproject}" == f"eighty {changelog[1]}" == (run.stdout + run.stderr).strip()


@pytest.mark.parametrize(("goal", "name"), LEARN)
def test_nonsense_for_a_learner_gets_one_clear_line(goal, name, stage, capsys, monkeypatch):
    """The program ends before anything is graded: nothing of the kind is a server, a row, ..."""
    more = {"ROW": ["SERVER=1"], "SERVER": ["N=24"] if goal == "exhibit" else []}.get(name, [])
    (stage / "learn").mkdir()
    for program in MAINS:
        (stage / "learn" / f"{program}.py").write_text(ECHO)
    path, *words = told(stage, goal, f"{name}={HERE}", *more)
    assert any(HERE in word for word in words)
    monkeypatch.chdir(ROOT)
    for text in NONSENSE:
        with contextlib.suppress(SystemExit):
            MAINS[Path(path).stem]([word.replace(HERE, text) for word in words])
        demand_one_line(text, *capsys.readouterr())
    for text in TO_ALL_OF_IT:
        said = make(ROOT, goal, f"{name}={text}", *more)
        demand_one_line(text, said.stdout, re.sub(r".*: \*\*\* \[.*\n", "", said.stderr))
    assert not (ROOT / "PWNED").exists()


def demand_one_line(text: str, out: str, err: str) -> None:
    """Demand one clear line on stderr, and nothing on stdout but the description of an exhibit."""
    lines = err.split("\n")[:-1]
    assert len(lines) == 1, (text, out, err)
    assert lines[0].isprintable() and 10 < len(lines[0]) < 1100, (text, lines)
    assert not out or out.startswith("Exhibit"), (text, out)
