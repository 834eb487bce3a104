"""Documents that cannot go stale, part two: a reader who does everything that a page says.

Owns the running of `pycon` and `console` blocks. Called by tests/test_docs.py; document.py
says which kinds of block there are.

The reader works in a copy of the project with one difference: in place of port 7080, the copy and
the text of the blocks have another, free port. So a page shows exactly what people will type and
see, and nothing here listens on a fixed port.

Each terminal of a chapter is a real one (a pty) with a shell in it, and the Python prompt is a
Python that runs in a terminal, so input goes through the same prompt as a person's. In a block

    $ command, >>> statement                    waits for the prompt, then types what comes after it
    ^C                                          presses Ctrl+C, the rest of that line is output
    Continue listening? [y/N] y                 waits for the question, then types the answer

and everything else is output. `[...]` matches any characters of one line; alone on a line it
matches any number of lines. A program that runs at the end of a block goes on, and the next block
of the same terminal continues there. With a `pause` the reader types as slowly as people do.

`mine/server.py` is the reader's own file: before a chapter it is the step before it, and a `diff`
block turns it into the next one. A block of `make grade` is not run: it is compared with
learn/steps/rows.json, which tests/test_steps.py compares with a real grade.
"""

import contextlib
import fcntl
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

from lab.documents.document import ROOT, Block, blocks
from learn.grade.chapters import ROWS, rows_of

PORT = "7080"
TIME_LIMIT = 30  # seconds for one answer
LEFT_BEHIND = shutil.ignore_patterns(".*", "*.pyc.*", "build", "node_modules", "mine")
ENDING = {"Terminal 2": "$ ", "Python prompt": ">>> "}  # here everything ends within its block
SHELL = "env PS1='$ ' bash --norc --noediting"  # the bash that starts it unsets PS1
ANYTHING = r"(?:.*\n)*?"
ECHO = r"[^\n]*\n"  # of a line that was typed
TYPED = re.compile(r"(\$ |>>> |\^C|.*\[y/N\] )(.*)\n")
EDITED = re.compile(r"\x1b\[\?2004h.*?\x1b\[\?2004l(?:\x1b\[\?1l\x1b>)?", re.DOTALL)
OPEN = re.compile(r"\x1b\[\?2004h.*", re.DOTALL)
ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>])|\r+(?=\n)")
AGAIN = re.compile(r"[^\n]*\r")  # a line that is written over
MINE = Path("mine/server.py")


class Surprise(AssertionError):
    """What happened is not what the document shows."""


@contextlib.contextmanager
def own_port() -> Iterator[str]:
    """Yield a port that only our programs can get, below those that the kernel gives out itself.

    We bind it, so that no other reader can bind it, but do not listen on it. With SO_REUSEADDR,
    which servers set as well, a server can still listen there.
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


def scratch_copy(directory: Path, port: str, root: Path = ROOT, *, link: bool = False) -> None:
    """Copy the project at `root` into `directory`, with another default port.

    Bytecode comes along, so that a chapter does not compile the project again. Python takes it only
    for a source with the same time, and a source with another port gets a time of its own.
    With `link`, a file without the port is a hard link, which is ten times as fast.
    """

    def copy(source: str, target: str) -> None:
        data = Path(source).read_bytes()
        if PORT.encode() in data and port != PORT:
            Path(target).write_bytes(data.replace(PORT.encode(), port.encode()))
            shutil.copymode(source, target)
        else:
            (os.link if link else shutil.copy2)(source, target)

    shutil.copytree(root, directory, ignore=LEFT_BEHIND, copy_function=copy)


def environment(python: str) -> dict[str, str]:
    """Return an environment in which output does not depend on the user who runs the tests.

    Its first folder of programs is the one of `python`.
    """
    ours = {"NO_COLOR": "1", "COLUMNS": "80", "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}
    ours |= {"TERM": "xterm", "PYTHON_HISTORY": os.devnull}
    theirs = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return theirs | ours | {"PATH": f"{Path(python).parent}:{os.environ['PATH']}"}


def pattern(expected: str) -> str:
    """Return the regular expression that a program's output, shown as `expected`, has to match.

    The program may be in the middle of a line when Ctrl+C is pressed.
    """
    return "".join(
        ANYTHING
        if line.strip() == "[...]"
        else ".*" * line.startswith("^C") + ".*".join(map(re.escape, line.split("[...]")))
        for line in expected.splitlines(keepends=True)
    )


def kill(process: "subprocess.Popen[str]") -> None:
    """End a process that is not reaped yet, with all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Terminal:
    """A terminal with a shell or a Python in it. It echoes what is typed; Ctrl+C is a key."""

    def __init__(self, name: str, program: str, directory: Path, python: str) -> None:
        self.name = name
        self.shown = ""  # all that it has shown
        self.read = 0  # how much of its text has been compared
        self.screen, tty = os.openpty()
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 250, 0, 0))
        # A session without a terminal gets the first one that it opens as its own.
        become = f": <>{os.ttyname(tty)}; exec {program}"
        self.process = subprocess.Popen(
            ["bash", "-c", become],
            cwd=directory,
            env=environment(python),
            start_new_session=True,
            stdin=tty,
            stdout=tty,
            stderr=tty,
            text=True,
        )
        os.close(tty)

    def play(self, text: str, ending: str = "", pause: float = 0.0) -> None:
        """Type the input in `text`, and wait for all its output, then for the prompt `ending`, if
        there is one."""
        wanted = ""
        for line in text.splitlines(keepends=True):
            if not (typed := TYPED.fullmatch(line)):
                wanted += pattern(line)
                continue
            time.sleep(pause)
            if typed[1] != "^C":
                # A shell prints an empty line for a program that Ctrl+C has ended.
                self.see(wanted + "\n?" * (typed[1] == "$ ") + re.escape(typed[1]))
                os.write(self.screen, f"{typed[2]}\n".encode())
                wanted = ECHO
            elif wanted.endswith(ANYTHING):  # which may still be coming
                os.write(self.screen, b"\x03")
                wanted += pattern(line)
            else:
                self.see(wanted)
                os.write(self.screen, b"\x03")
                wanted = pattern(line)
        self.see(f"{wanted}(?={re.escape(ending)})")

    def see(self, wanted: str) -> None:
        """Wait until the output begins with `wanted`, and go on after it."""
        deadline = time.monotonic() + TIME_LIMIT
        while not (found := re.match(wanted, self.text()[self.read :])):
            left = max(0, deadline - time.monotonic())
            more = select.select([self.screen], [], [], left)[0] and self.more()
            if not more:
                raise Surprise(
                    f"{self.name} showed\n{self.text()[self.read :]}\n"
                    f"which does not begin with\n{wanted}"
                )
            self.shown += more
        self.read += found.end()

    def text(self) -> str:
        """Return what a person sees at the end: a line that is written again replaces itself."""
        text = OPEN.sub(lambda part: ">>> " * (">>> " in part[0]), EDITED.sub(">>> \n", self.shown))
        return AGAIN.sub("", ESCAPE.sub("", text))

    def more(self) -> str:
        """Return what has been printed; nothing at the end."""
        try:
            return os.read(self.screen, 65536).decode(errors="replace")
        except OSError:  # EIO: nobody has the other side open any more
            return ""

    def close(self) -> None:
        """End what runs here, if it still does."""
        kill(self.process)
        os.close(self.screen)


class Reader:
    """Does what the blocks of one chapter say; raises Surprise if something else happens."""

    def __init__(
        self, directory: Path, port: str, python: str = sys.executable, pause: float = 0.0
    ) -> None:
        self.directory = directory
        self.port = port
        self.python = python
        self.pause = pause
        self.step = ""  # which of learn/steps our own file is now
        self.terminals: dict[str, Terminal] = {}

    def begin(self, step: str) -> None:
        """Make our own file from a step."""
        self.step = step
        mine = self.directory / MINE
        mine.parent.mkdir(exist_ok=True)
        shutil.copyfile(self.directory / f"learn/steps/{step}.py", mine)

    def do(self, block: Block) -> None:
        """Do what one block says."""
        if block.steps:
            if self.step != block.steps[0]:
                raise Surprise(f"mine/server.py is step {self.step}, not {block.steps[0]}")
            self.begin(block.steps[1])
        elif block.text.startswith("$ make grade"):
            compare_grade(block.text, self.step)
        else:
            text, ending = block.text.replace(PORT, self.port), ENDING.get(block.terminal, "")
            self.terminal(block).play(text, ending, self.pause)

    def terminal(self, block: Block) -> Terminal:
        """Return the terminal that a block is for; open it if it is new."""
        name = block.terminal
        if name not in self.terminals:
            program = "python3 -q" if block.language == "pycon" else SHELL
            self.terminals[name] = Terminal(name, program, self.directory, self.python)
        return self.terminals[name]

    def close(self) -> None:
        """End what runs in the terminals."""
        while self.terminals:
            self.terminals.popitem()[1].close()


def compare_grade(shown: str, step: str) -> None:
    """Raise Surprise unless a grade that is shown is the one of `step`."""
    green = json.loads((ROOT / "learn/steps/rows.json").read_text())
    if other := re.match(r"\$ make grade (?:CLIENT|EXERCISE|SERVER=(\d+)?)", shown):
        if other[1] is None:
            return  # not one of the steps
        step = next(name for name in green if name.startswith(f"{int(other[1]):02}_"))
    green = green[step]
    for verdict, row in re.findall(r"^  (ok|RED) +([a-z-]+)", shown, re.MULTILINE):
        if (verdict == "ok") != (row in green):
            raise Surprise(f"{row} is not {verdict} in step {step}")
    chapter = re.match(r"\$ make grade CHAPTER=(\w+)", shown)
    rows = rows_of(chapter[1]) if chapter else ROWS
    score = f"{len(set(rows) & set(green))} of {len(rows)}."
    if "ROW=" not in shown and score not in shown:
        raise Surprise(f"the score of step {step} is {score}")


def is_run(block: Block) -> bool:
    """Tell whether a block is one to be done."""
    skipped = block.mark.startswith("not run: ")
    return (block.language in ("pycon", "console") or bool(block.steps)) and not skipped


def step_before(document: str, chapter: int, root: Path = ROOT) -> str:
    """Return the step that the reader's own file is when a chapter begins."""
    steps = [block for block in blocks(document, root) if block.steps]
    before = [block.steps[1] for block in steps if block.chapter < chapter]
    after = [block.steps[0] for block in steps]
    return (before[-1:] or after[:1] or [""])[0]


def read(
    document: str,
    chapter: int,
    root: Path,
    python: str = sys.executable,
    pause: float = 0.0,
) -> dict[int, str]:
    """Do all that one chapter says; return what went wrong, by the line of the block.

    `root` is a copy of the project that nobody needs: a chapter may write to its files.
    A chapter runs as a whole: blocks need the ones before them, but chapters are independent.
    Afterwards nothing is left running.
    """
    todo = [block for block in blocks(document, root) if block.chapter == chapter and is_run(block)]
    if not todo:
        return {}
    with own_port() as port, tempfile.TemporaryDirectory() as parent:
        directory = Path(parent, "eighty")
        scratch_copy(directory, port, root, link=True)
        with contextlib.closing(Reader(directory, port, python, pause)) as reader:
            if step := step_before(document, chapter, root):
                reader.begin(step)
            if any("$ make learn" in block.text for block in todo):
                (directory / MINE).unlink()  # the chapter makes it
            for block in todo:
                try:
                    reader.do(block)
                except Surprise as surprise:
                    return {block.line: f"{block}: {surprise}"}
    return {}
