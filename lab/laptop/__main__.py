"""Run the tests on one of these systems; the status is that of pytest."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WINDOWS = ROOT / "build/windows/python"

# The unit tests of the core, and of edges/windows.py, run inside the Windows Python.
INSIDE = ("connection", "listener", "reactor", "protocol", "server_hello", "client_hello",
          "state_tables", "recorder", "turns", "alarm", "windows")  # fmt: skip

MEASURED = ("--rcfile=lab/laptop/coverage.ini",)

# These start both programs as Windows programs, and talk to them from here.
OUTSIDE = ("on_windows", "server", "client", "client_saving", "client_signals")

# The parts that meet the system, in two worlds: see bsd/sitecustomize.py. In the second, only those
# that meet terminals. A few tests of every world are in test_on_bsd.py, a part of `make test`.
TERMINALS = ("console", "prompt", "server_output", "server_terminal", "standard_streams", "waiting")
BSD = (*TERMINALS, "addresses", "cases", "client", "client_saving", "client_signals", "connection",
       "input_file", "listener", "mains", "process", "program", "reactor", "saving", "server",
       "server_limits", "server_signals", "signals")  # fmt: skip
# A package that is installed may bring one. That of trio cannot be imported without MSG_MORE.
NO_PLUGINS = {"HYPOTHESIS_NO_PLUGINS": "1"}
WORLDS = {"kqueue": BSD, "kqueue,nottys,badpoll": TERMINALS}


def tests(*names: str) -> list[str]:
    """Return the files of these tests."""
    return [f"tests/test_{name}.py" for name in names]


def pytest(*words: str, **env: str) -> int:
    """Run pytest on all cores, with `env` added to the environment."""
    command = [sys.executable, "-m", "pytest", "-q", "--numprocesses=auto", "--dist=loadgroup"]
    command += words
    return subprocess.run(command, check=False, cwd=ROOT, env={**os.environ, **env}).returncode


def inside_windows(command: str, *words: str) -> int:
    """Run a command of coverage in Windows.

    Its stdin is a terminal: with that, Wine has a console. It takes no file as stdout, so we read
    the output and print it.
    """
    ours, terminal = os.openpty()
    with subprocess.Popen(
        [WINDOWS, "-m", "coverage", command, *MEASURED, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        os.close(terminal)
        assert running.stdout is not None
        for line in running.stdout:
            sys.stdout.buffer.write(line.replace(b"\r\n", b"\n"))
            sys.stdout.flush()
    os.close(ours)
    return int(running.returncode)


def start_wine() -> None:
    """Start Wine's own processes. They keep the outputs of the first program open, so it must not
    be one whose end a test waits for."""
    none = subprocess.DEVNULL
    server = WINDOWS.with_name("wineserver")
    subprocess.run([server, "-p"], check=False, stdin=none, stdout=none, stderr=none)
    pipe = subprocess.PIPE
    with subprocess.Popen([WINDOWS, "-c", ""], stdin=pipe, stdout=pipe, stderr=pipe) as first:
        first.wait()


def end_wine() -> None:
    """End Wine's own processes. (`wineserver -k` was seen not to find its server.)"""
    ours = f"WINEPREFIX={WINDOWS.with_name('prefix')}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to another user
            if ours in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def windows(more: list[str]) -> int:
    """Run the tests of the core there, and those of the programs from here."""
    start_wine()
    try:
        words = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
        status = inside_windows("run", *words, *tests(*INSIDE), *more)
        if not more:  # a part of the tests reaches a part of the lines
            status = status or inside_windows("report")
        how = {"EIGHTY_PYTHON": str(WINDOWS), "EIGHTY_SYSTEM": "win32"}
        return status or pytest(*tests(*OUTSIDE), *more, **how)
    finally:
        end_wine()


def bsd(more: list[str]) -> int:
    """Run the tests in each of the worlds."""
    folder = str(Path(__file__).with_name("bsd"))
    statuses = []
    for world, names in WORLDS.items():
        print(f"the world {world}:", flush=True)
        how = {"EIGHTY_SYSTEM": "bsd", "PYTHONPATH": folder, "BSD": world, **NO_PLUGINS}
        statuses.append(pytest(*tests(*names), *more, **how))
    return max(statuses)


def main(words: list[str]) -> int:
    """Run what the first word says; the others go to pytest."""
    systems = {"windows": windows, "bsd": bsd}
    if not words or words[0] not in systems:
        sys.exit(f"usage: python3 -m lab.laptop {'|'.join(systems)} [ARGUMENTS OF PYTEST]")
    return systems[words[0]](words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
