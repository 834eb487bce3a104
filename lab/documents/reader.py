"""Documents that cannot drift, part two: a reader who does all that a page says.

Owns the running of `pycon` and `console` blocks. Called by tests/test_docs.py; document.py
says which kinds of block there are.

The reader sits in a scratch copy of the project that differs from it in one number: wherever the
project says port 7080, the copy says another, free one, and so does the text of the blocks. So a
page shows exactly what people will type and see, and nothing here listens on a fixed port.

A server has a terminal of its own (a pty), because it is told to stop by a key; so has a client
that runs on beside it. In their blocks

    ^C                                          presses Ctrl+C, the rest of that line is output
    Continue listening? [y/N] y                 waits for the question, then types what follows it
    a block without a `$ ` line                 goes on reading where the block before it stopped

In all that a program prints, `[...]` stands for any characters of one line, and alone on a line for
any number of lines. In `pycon` it is the `...` of doctest.

The reader types faster than any person; with a `pause` it waits before each line and each block.
"""

import contextlib
import doctest
import functools
import os
import random
import re
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.documents.document import ROOT, Block, blocks

PORT = "7080"
TIME_LIMIT = 20  # seconds for one command, one answer, one pycon block
TERMINALS = ("server", "client")  # the marks of blocks that have a terminal of their own
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "build", "node_modules")
TYPED = re.compile(r"(\^C|.*\[y/N\] )(.*\n)")


class Surprise(AssertionError):
    """What happened is not what the document shows."""


@contextlib.contextmanager
def own_port() -> Iterator[str]:
    """Give a port that only our programs can get, below those that the kernel hands out by itself.

    It is bound, which no other reader can do meanwhile, and does not listen. SO_REUSEADDR, which
    servers set as well, lets a server listen there all the same.
    """
    for port in random.sample(range(7100, 10000), 100):
        with socket.socket() as held:
            try:
                held.bind(("127.0.0.1", port))
            except OSError:
                continue
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            yield str(port)
            return
    raise OSError("no free port among a hundred tried")


def scratch_copy(directory: Path, port: str, root: Path = ROOT) -> None:
    """Copy the project at `root` into `directory`, with another default port."""

    def copy(source: str, target: str) -> None:
        octets = Path(source).read_bytes()
        Path(target).write_bytes(octets.replace(PORT.encode(), port.encode()))
        shutil.copymode(source, target)

    shutil.copytree(root, directory, ignore=LEFT_BEHIND, copy_function=copy)


def environment() -> dict[str, str]:
    """Return an environment in which output does not depend on who runs the tests."""
    ours = {"NO_COLOR": "1", "COLUMNS": "80", "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    theirs = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return theirs | ours | {"PATH": path}


def pattern(expected: str) -> str:
    """Return the regular expression that a program's output, shown as `expected`, has to match."""
    lines = expected.splitlines(keepends=True)
    return "".join(
        r"(?:.*\n)*?" if line.strip() == "[...]" else ".*".join(map(re.escape, line.split("[...]")))
        for line in lines
    )


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with the output shown for it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, output = re.split(r"(?<!\\)\n", part, maxsplit=1)
        yield command, output


def start(command: str, directory: Path, **streams: Any) -> "subprocess.Popen[str]":
    """Start a shell command in a session of its own."""
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=directory,
        env=environment(),
        start_new_session=True,
        text=True,
        **streams,
    )


def kill(process: "subprocess.Popen[str]") -> None:
    """End a process that was not yet waited for, with all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Terminal:
    """The terminal in which a server or a client runs. It echoes what is typed, and Ctrl+C is a
    key."""

    def __init__(self, who: str, command: str, directory: Path) -> None:
        self.who = who
        self.screen, tty = os.openpty()
        self.unread = ""
        # A session without a terminal takes for its own the first one that it opens.
        command = f": <>{os.ttyname(tty)}; {command}"
        self.process = start(command, directory, stdin=tty, stdout=tty, stderr=tty)
        os.close(tty)

    def play(self, text: str) -> None:
        """Type what `text` says is typed, and see everything else that it shows."""
        shown = ""
        for line in text.splitlines(keepends=True):
            if typed := TYPED.fullmatch(line):
                question, keys = ("", "\x03") if typed[1] == "^C" else typed.groups()
                self.see(shown + question)
                os.write(self.screen, keys.encode())
                shown = line[len(question) :]  # the terminal echoes what is typed
            else:
                shown += line
        self.see(shown)

    def see(self, shown: str) -> None:
        """Wait until the output begins with what is `shown`, and go on behind it."""
        deadline = time.monotonic() + TIME_LIMIT
        while not (found := re.match(pattern(shown), self.unread)):
            left = max(0, deadline - time.monotonic())
            more = select.select([self.screen], [], [], left)[0] and self.read()
            if not more:
                raise Surprise(
                    f"the {self.who} printed\n{self.unread}\nthe document shows\n{shown}"
                )
            self.unread = (self.unread + more).replace("\r\n", "\n")
        self.unread = self.unread[found.end() :]

    def read(self) -> str:
        """Return what has been printed; nothing at the end."""
        try:
            return os.read(self.screen, 65536).decode(errors="replace")
        except OSError:  # EIO: nobody has the other side open any more
            return ""

    def close(self) -> None:
        """End what runs here, if it still does."""
        kill(self.process)
        os.close(self.screen)


class Typist(doctest.DocTestRunner):
    """Types the lines of `pycon` blocks, with a pause before each."""

    def __init__(self, pause: float) -> None:
        flags = doctest.ELLIPSIS | doctest.REPORT_ONLY_FIRST_FAILURE
        super().__init__(verbose=False, optionflags=flags)
        self.pause = pause

    def report_start(self, *_: object) -> None:
        time.sleep(self.pause)


class Reader:
    """Does what the blocks of one chapter say, and raises Surprise where something else happens."""

    def __init__(self, directory: Path, port: str, pause: float = 0.0) -> None:
        self.directory = directory
        self.port = port
        self.pause = pause
        self.status = 0  # of the last command, so that `echo $?` works
        self.terminals: dict[str, Terminal] = {}
        self.namespace: dict[str, Any] = {"__name__": "__main__"}

    def do(self, block: Block) -> None:
        """Do what one block says."""
        time.sleep(self.pause)
        text = block.text.replace(PORT, self.port)
        if block.language == "pycon":
            self.answer(text, block)
        elif block.mark in TERMINALS:
            self.play(block.mark, text)
        else:
            self.run(text)

    def answer(self, text: str, block: Block) -> None:
        """Type a `pycon` block into Python and compare the answers."""
        test = doctest.DocTestParser().get_doctest(
            text, self.namespace, str(block), block.document, block.line
        )
        self.namespace = test.globs
        wrong: list[str] = []
        with alarm():
            Typist(self.pause).run(test, out=wrong.append, clear_globs=False)
        if wrong:
            raise Surprise("".join(wrong))

    def play(self, who: str, text: str) -> None:
        """Start a server or client in its terminal, or go on with the one that runs."""
        if text.startswith("$ "):
            self.hang_up(who)
            command, text = next(commands(text))
            self.terminals[who] = Terminal(who, command, self.directory)
        if who not in self.terminals:
            raise Surprise(f"no {who} runs in this chapter yet")
        self.terminals[who].play(text)

    def run(self, text: str) -> None:
        """Run the commands of a `console` block and compare what they print."""
        for command, shown in commands(text):
            printed = self.output(f"(exit {self.status}); {command}")
            if not re.fullmatch(pattern(shown), printed):
                raise Surprise(f"$ {command}\nprinted\n{printed}\nthe document shows\n{shown}")

    def output(self, command: str) -> str:
        """Run one command to its end and return what it prints on both its outputs."""
        streams = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
        }
        with start(command, self.directory, **streams) as process:
            try:
                printed, _ = process.communicate(timeout=TIME_LIMIT)
            except subprocess.TimeoutExpired:
                kill(process)
                raise Surprise(f"$ {command}\ntakes more than {TIME_LIMIT} s") from None
        self.status = process.returncode
        return printed

    def hang_up(self, who: str) -> None:
        """End the server or the client, if there is one."""
        if terminal := self.terminals.pop(who, None):
            terminal.close()

    def close(self) -> None:
        """End what runs in the terminals, and close what the `pycon` blocks left open."""
        for who in TERMINALS:
            self.hang_up(who)
        for thing in self.namespace.values():
            if isinstance(thing, socket.socket | selectors.BaseSelector):
                thing.close()


@contextlib.contextmanager
def alarm() -> Iterator[None]:
    """Interrupt, again and again, whatever lasts longer than the time limit."""

    def ring(*_: object) -> None:
        raise Surprise(f"takes more than {TIME_LIMIT} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT, TIME_LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def is_run(block: Block) -> bool:
    """Tell whether a block is one to be run."""
    skipped = block.mark.startswith("not run: ")
    return block.language in ("pycon", "console") and not skipped


@functools.cache
def read(document: str, chapter: int, root: Path = ROOT, pause: float = 0.0) -> dict[int, str]:
    """Do all that one chapter says; return what went wrong, by the line of the block.

    Done once, whichever blocks are asked for, and nothing is left running: blocks need those
    before them, but chapters stand alone.
    """
    todo = [block for block in blocks(document, root) if block.chapter == chapter and is_run(block)]
    with own_port() as port, tempfile.TemporaryDirectory() as parent:
        directory = Path(parent, "eighty")
        scratch_copy(directory, port, root)
        reader = Reader(directory, port, pause)
        with contextlib.chdir(directory), contextlib.closing(reader):
            for block in todo:
                try:
                    reader.do(block)
                except Surprise as surprise:
                    late = [later.line for later in todo if later.line >= block.line]
                    return dict.fromkeys(late, f"{block}: {surprise}")
    return {}
