"""The grader: servers that are bad in each way, the words for them, and nothing left running."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.torture import meters
from lab.torture.attacks import ATTACKS
from learn.grade import engine, report, seen
from learn.grade.chapters import CHAPTER_OF, HALVES, KEPT, OWN, ROWS, TITLES, rows_of
from learn.grade.command_line import main
from learn.grade.engine import Result, Unfit, grade
from learn.grade.memory import Memory
from learn.grade.table import TABLE
from learn.grade.target import NoTarget, of_file, target

ROOT = Path(__file__).resolve().parent.parent

# A server that is correct for one client at a time, in three parts, so that each can be spoilt.
BEGIN = """
import os, signal, socket, sys, threading, time, zlib
body = open(sys.argv[1], "rb").read()
message = b"FILE %d %08x\\n%b" % (len(body), zlib.crc32(body), body)
"""
SERVE = """
def serve(listener):
    while True:
        client, _ = listener.accept()
        try:
            client.sendall(b"HELLO 1\\n")
            client.recv(8)
            client.sendall(message)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        except OSError:
            pass
        client.close()
"""
LISTEN = """
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
"""
BLOCKING = BEGIN + SERVE + LISTEN + "serve(listener)\n"

# Servers that cannot be graded: what each does, and the one line that says so.
UNFIT = {
    "dies at once": (
        BEGIN + 'ports = {}\ndef port():\n    return ports["mine"]\nport()\n',
        r"status 1 before it was listening: KeyError: 'mine' \(server.py, line 7, in port\)",
    ),
    "is no Python": ("def f(:\n", r"SyntaxError: invalid syntax \(server.py, line 1\)"),
    "ends in peace": (BEGIN, "ended with status 0 before it was listening"),
    "prints nothing": (
        BEGIN + SERVE + 'serve(socket.create_server(("127.0.0.1", 0)))\n',
        r"printed no `listening on HOST:PORT` in 0.5 s",
    ),
    "prints into a buffer": (
        BEGIN + SERVE + LISTEN.replace(", flush=True", "") + "serve(listener)\n",
        r"printed no `listening on HOST:PORT` in 0.5 s: .*flush=True",
    ),
    "never starts": ("import time\ntime.sleep(1000)\n", "printed no `listening on"),
    "listens elsewhere": (
        BEGIN + SERVE + 'print("listening on 127.0.0.1:1", flush=True)\ntime.sleep(1000)\n',
        "says that it listens on 127.0.0.1:1, but nothing listens there",
    ),
    "never answers": (BEGIN + LISTEN + "time.sleep(1000)\n", "polite client got no answer"),
    "names a port that is none": (
        'import time\nprint("listening on 127.0.0.1:70000", flush=True)\ntime.sleep(1000)\n',
        "printed no `listening on HOST:PORT` in 0.5 s",
    ),
    "names an endless port": (
        f'print("listening on 127.0.0.1:{10**4000}", flush=True)\nimport time\ntime.sleep(1000)\n',
        "printed no `listening on HOST:PORT` in 0.5 s",
    ),
    "crashes": (
        BEGIN + "os.kill(os.getpid(), signal.SIGSEGV)\n",
        "signal 11 killed it before it was listening",
    ),
    "never stops sending": (
        BEGIN
        + LISTEN
        + "client, _ = listener.accept()\nwhile True: client.sendall(bytes(1 << 16))\n",
        "polite client got .* and no whole file",
    ),
    "sends another file": (
        BLOCKING.replace("open(sys.argv[1]", "open(__file__").replace(
            ".read()", ".readline() + b'x\\n'"
        ),
        "delivers a different file from the one that its first argument names",
    ),
    "computes a wrong checksum": (
        BLOCKING.replace("zlib.crc32(body)", "7"),
        "the checksum differs",
    ),
    "goes to the background": (
        BEGIN + SERVE + LISTEN + "if os.fork(): os._exit(0)\nos.setsid()\nserve(listener)\n",
        "went to the background",
    ),
    "goes to the background, and ends later than it serves": (
        BEGIN + SERVE + LISTEN + "import time\n"
        "if os.fork():\n"
        "    end = time.process_time() + 0.02\n"
        "    while time.process_time() < end: pass\n"
        "    os._exit(0)\n"
        "os.setsid()\nserve(listener)\n",
        "went to the background",
    ),
    "refuses options": (
        BEGIN + "import argparse\nargparse.ArgumentParser().parse_args(sys.argv[2:])\n",
        "ended with status 2 .*unrecognized arguments: --port 0",
    ),
}

# Servers that can be graded, though they behave badly as processes.
STUBBORN = {
    "ignores signals": "for n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nserve(listener)\n",
    "forks workers": "for _ in range(3): os.fork()\nserve(listener)\n",
    "starts daemons": (
        "for _ in range(2):\n"
        "    if not os.fork():\n"
        "        os.setsid()\n"
        "        if not os.fork(): time.sleep(1000)\n"
        "serve(listener)\n"
    ),
}


@pytest.fixture(autouse=True)
def unbuffered_only_if_it_says_so(monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture
def server(tmp_path: Path):
    """A function that writes a server and returns its path."""

    def write(source: str) -> Path:
        path = tmp_path / "server.py"
        path.write_text(source)
        return path

    return write


def running(path: Path) -> list[str]:
    """Return the processes that have `path` in their command line, ours left out."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if os.fsencode(path) in words and int(entry.name) != os.getpid():
            lines.append(entry.name)
    return lines


def graded(path: Path, *rows: str) -> dict[str, Result]:
    return grade(of_file(path).command, rows or ROWS, path=str(path))


# --- what cannot be graded


@pytest.mark.parametrize("what", UNFIT)
def test_a_server_that_cannot_be_graded_gets_one_clear_line_and_is_not_left_running(
    what, server, monkeypatch
):
    source, pattern = UNFIT[what]
    path = server(source)
    if "0.5 s" in pattern or what == "never starts":
        monkeypatch.setattr(engine, "STARTING", 0.5)
    with pytest.raises(Unfit) as raised:
        graded(path, "stampede")
    assert re.search(pattern, str(raised.value)), str(raised.value)
    assert "\n" not in str(raised.value)
    assert running(path) == []


@pytest.mark.parametrize("what", STUBBORN)
def test_nothing_is_left_running_of_a_server_that(what, server):
    path = server(BEGIN + SERVE + LISTEN + STUBBORN[what])
    results = graded(path, "connect-and-close", "terminate")
    assert results["connect-and-close"].ok
    assert results["terminate"].ok is False
    assert running(path) == []


def test_a_program_that_does_not_exist_is_reported():
    with pytest.raises(Unfit, match="/no/such/program: No such file"):
        grade(["/no/such/program", "{file}"], ["stampede"])


def test_a_loop_that_never_sleeps_is_reported_at_once_in_every_row(server):
    spin = (
        "threading.Thread(target=serve, args=(listener,), daemon=True).start()\nwhile True: pass\n"
    )
    results = graded(server(BEGIN + SERVE + LISTEN + spin))
    assert {result.ok for result in results.values()} == {False}
    assert re.search(r"never sleeps: \d+ % of a processor", results["silent"].seen)


def test_a_server_with_one_port_is_graded_one_row_after_the_other(server, free_port):
    path = server(BLOCKING.replace('("127.0.0.1", 0)', f'("127.0.0.1", {free_port})'))
    told: list[str] = []
    results = grade(of_file(path).command, ["stampede", "connect-and-close"], notice=told.append)
    assert [result.ok for result in results.values()] == [True, True]
    assert f"always listens on port {free_port}" in told[0]


@pytest.fixture
def free_port():
    """A port that the kernel has just chosen, and will not choose again so soon."""
    import socket

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# --- what is seen


def test_the_blocking_server_makes_the_second_client_wait(server):
    results = graded(server(BLOCKING), "idle-hello-sent", "stampede", "interrupt-twice")
    assert results["stampede"].ok
    assert (
        results["idle-hello-sent"].seen
        == "a client that had connected was not greeted within 0.7 s"
    )
    assert "Ctrl+C killed the process" in results["interrupt-twice"].seen
    assert re.fullmatch(
        r"KeyboardInterrupt \(server.py, line \d+, in serve\)", results["interrupt-twice"].words
    )


def test_the_last_words_of_a_server_that_dies_are_shown_with_their_line(server):
    source = BLOCKING.replace("except OSError", "except KeyError")
    result = graded(server(source), "reset-after-connect")["reset-after-connect"]
    line = source.splitlines().index('            client.sendall(b"HELLO 1\\n")') + 1
    assert result.ok is False
    place = rf"\(server.py, line ({line}|{line + 1}), in serve\)"
    died = rf"the server ended with status 1: ConnectionResetError: .* {place}"
    assert re.search(died, result.words), result.words


def test_an_error_in_an_error_handler_does_not_hide_the_first_one(server):
    program = """def on_readable():
    {}["key"]
try:
    on_readable()
except Exception:
    None.close()
"""
    run = subprocess.run(
        [sys.executable, server(program)], capture_output=True, check=False, cwd="/"
    )
    last, first = seen.last_words(run.stderr, "server.py").split(", while it handled ")
    assert re.fullmatch(r"AttributeError: .* 'close' \(server.py, line 6\)", last)
    assert first == "KeyError: 'key' (server.py, line 2, in on_readable)"


def test_a_command_without_options_loses_the_rows_that_need_them(server):
    path = server(BLOCKING)
    results = grade(
        [sys.executable, str(path), "{file}"], ["silent", "idle-at-the-cap", "stampede"]
    )
    assert results["stampede"].ok
    assert "needs --timeout, and the command has no {options}" in results["silent"].seen
    assert "needs --max-clients" in results["idle-at-the-cap"].seen


def test_rows_that_cannot_be_measured_say_so_and_do_not_count(server, monkeypatch):
    """As on macOS: no /proc, no prlimit, no pidfd, no epoll, no waitid."""
    import resource
    import select

    monkeypatch.setattr(meters, "available", lambda: False)
    monkeypatch.delattr(resource, "prlimit")
    monkeypatch.delattr(os, "pidfd_open")
    monkeypatch.delattr(os, "waitid")
    monkeypatch.delattr(select, "epoll")
    monkeypatch.setattr(sys, "platform", "darwin")
    rows = ["stampede", "idle-listening", "descriptor-exhaustion", "interrupt-twice"]
    results = grade(target(str(ROOT / "server.py")).command, rows)
    assert {row: result.ok for row, result in results.items()} == {
        "stampede": True,
        "idle-listening": None,
        "interrupt-twice": True,
        "descriptor-exhaustion": None,
    }
    out = io.StringIO()
    report.print_rows(results.values(), out)
    report.print_remarks(results, None, out)
    assert "not measured: needs the counters of /proc, which only Linux has" in out.getvalue()
    assert "2 rows could not be measured here (macOS), and do not count." in out.getvalue()
    assert report.score(results, {}).startswith("2 of 2.")


def test_on_windows_it_says_in_one_line_to_use_wsl():
    program = "import os, runpy; os.name = 'nt'; runpy.run_module('learn.{}', run_name='__main__')"
    for name in "grade", "watch":
        words = [sys.executable, "-c", program.format(name)]
        run = subprocess.run(words, check=False, cwd=ROOT, capture_output=True, text=True)
        assert run.returncode == 1
        assert re.fullmatch(r"The \w+( \w+)? needs Linux or macOS; .*WSL.*\n", run.stderr)


# --- the table, the chapters, the words


def test_every_attack_is_a_row_of_one_chapter_and_has_its_words():
    assert sorted(ROWS) == sorted(TABLE) == sorted(attack.name for attack in ATTACKS)
    assert len(set(ROWS)) == len(ROWS)
    assert {name for names in KEPT.values() for name in names} <= set(ROWS)
    assert OWN.keys() | KEPT.keys() <= TITLES.keys()
    assert sorted(HALVES["12a"] + HALVES["12b"]) == sorted(OWN[12])


def test_the_words_of_a_row_say_something_new_each_time():
    for row, entry in TABLE.items():
        assert len(set(entry)) == 5, row
        assert all(entry), row


def test_a_chapter_has_the_rows_it_turns_green_or_must_keep():
    assert rows_of("6") == ("garbage", "endless")
    assert rows_of("12a")[0] == "interrupt" and rows_of("12b")[0] == "frozen-terminal"
    assert "idle-done" in rows_of("8") and not rows_of("3")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_options_that_cost_a_row_are_known(attack):
    assert "quiet" not in engine.needs(attack.name)
    if attack.insists:
        assert engine.needs(attack.name)


@pytest.mark.parametrize(
    ("complaint", "words"),
    [
        ("12 bytes of 100, then still open", "a client waited in vain: 12 of 100 bytes came"),
        (
            "3 good clients lost: still waiting after 8 bytes of 100",
            "3 good clients waited in vain, with 8 of 100 bytes",
        ),
        (
            "1 good clients lost: ECONNRESET after 0 bytes of 100",
            "1 good client got no copy: a reset after 0 of 100 bytes",
        ),
        ("75.000 ms of CPU in 0.15 s", "50 % of a processor, with nothing to do"),
        (
            "exit status -15 instead of 0",
            "SIGTERM killed the process at once, with every transfer in it",
        ),
        ("something unforeseen", "something unforeseen"),
    ],
)
def test_a_complaint_becomes_a_sentence(complaint, words):
    assert seen.sentence(complaint) == words


def test_what_a_server_prints_cannot_reach_the_terminal_as_it_is():
    said = (
        b'Traceback (most recent call last):\n  File "s.py", line 1, in f\nOSError: \x1b[2J'
        + b"x" * 999
    )
    assert seen.last_words(said).startswith("OSError: ?[2Jxxx")
    assert len(seen.last_words(said)) < 220


# --- the command line


def test_the_last_line_is_the_score_and_a_grade_is_compared_with_the_one_before(server, capsys):
    path = server(BLOCKING)
    assert main([str(path), "--chapter", "6", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["of"] == 2
    memory = Memory(path)
    memory.note({row: Result(row, False, "", "", CHAPTER_OF[row]) for row in ROWS})
    assert main([str(path), "--row", "stampede", "--no-status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 of 1. Next: chapter 4."
    assert "+1 since the last grade." in lines and "Green now: stampede." in lines
    assert Memory(path).green["stampede"] and not Memory(path).green["silent"]


def test_each_call_for_a_hint_gives_one_more(server, capsys):
    path = server(BLOCKING)
    with pytest.raises(NoTarget, match="no grade yet"):
        raise_from_main([str(path), "--hint"], capsys)
    Memory(path).note({"drip": Result("drip", False, "", "", 9)})
    counts = []
    for _ in range(4):
        assert main([str(path), "--hint"]) == 0
        counts.append(capsys.readouterr().out.count("hint "))
    assert counts == [1, 2, 3, 3]
    assert main([str(path), "--hint", "2", "--row", "silent"]) == 0
    assert capsys.readouterr().out.count("hint ") == 2


def raise_from_main(words: list[str], capsys) -> None:
    status = main(words)
    err = capsys.readouterr().err
    assert status == 2 and err.count("\n") == 1
    raise NoTarget(err)


@pytest.mark.parametrize(
    ("words", "pattern"),
    [
        (["/no/such/file.py"], "there is no file /no/such/file.py"),
        (["99"], "there is no step 99: learn/steps has"),
        (["exhibit:99"], "there is no exhibit 99: learn/museum has"),
        (["exhibit:x"], "there is no exhibit x: learn/museum has"),
        (["node 'server.js"], "No closing quotation"),
        (["--row", "nonsense"], "there is no row nonsense; the rows are connect-and-close"),
        (["--exercise", "99z"], "there is no exercise 99z with a test; there are 9c"),
        (["--client", "/no/such/client.py"], "there is no file /no/such/client.py"),
        (["--folder", "/no/such/folder"], "there is no folder /no/such/folder"),
        (["server.py", "--chapter", "3"], "chapter 3: .* has no rows"),
        (
            ["server.py", "--chapter", "14"],
            "chapter 14: .* no rows; grade with CLIENT=",
        ),
    ],
)
def test_what_cannot_be_found_is_reported_in_one_line(words, pattern, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    if "--row" in words:
        words = ["server.py", *words]
    assert main(words) == 2
    err = capsys.readouterr().err.splitlines()
    assert re.search(pattern, err[-1])
    assert len(err) == (2 if "--folder" in words else 1)


def test_another_language_is_named_by_its_command(tmp_path, capsys):
    (tmp_path / "server.js").write_text("")
    assert main([str(tmp_path / "server.js")]) == 2
    assert 'SERVER="node ' in capsys.readouterr().err


def test_without_a_file_the_way_to_one_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    assert "`make learn` makes one" in capsys.readouterr().err


def test_no_grade_is_kept_beside_files_of_the_project():
    Memory(ROOT / "server.py").note({"drip": Result("drip", False, "", "", 9)})
    assert not (ROOT / ".server.py.grade").exists()


@pytest.mark.parametrize(
    "kept",
    [
        '{"green": 7}',
        "{}",
        "7",
        "no JSON",
        '{"green": {}, "hints": {"drip": 1e999}}',
        "[" * 100_000,
    ],
    ids=lambda kept: kept[:20],
)
def test_a_damaged_memory_is_as_good_as_none(kept, server):
    path = server(BLOCKING)
    path.with_name(".server.py.grade").write_text(kept)
    memory = Memory(path)
    assert (memory.green, memory.hints) == ({}, {})
