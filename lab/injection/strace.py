"""strace: its command line, and its log read back.

strace's `when=` counts all calls of one name that the process makes, also those of the interpreter,
so we count them too. The calls that may fail are those from the program's first own call on,
without those that an import makes. The role of a call says what it is about: "connection", "copy".
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lab.injection.errnos import ALIASES, ERRNOS

PYTHON = os.path.realpath(sys.executable)  # not a shim: `when=` counts the calls of one process
FIRST = re.compile(r"socketpair\(")  # reactor.Signals: the first descriptor that we make
LINE = re.compile(r"(\w+)\((.*)\) += (-?\d+)(.*)")
DESCRIPTOR = re.compile(r"(\d+)(?:, |$)")
NAME = re.compile(r'"((?:[^"\\]|\\.)*)"')
IMPORTS = re.compile(r"\.py$|\.pyc$|\.so|\.mo$|/lib/python3|__pycache__")

# The role of a call, whatever its descriptor: the first pattern that is found in its arguments.
# (The folder is opened once to name the copy in it, and once to write the new name to the disk.)
COPY = [(re.compile(r"\.eighty-"), "copy"), (re.compile(r"O_DIRECTORY"), "folder")]
# The role of a new descriptor: the first pattern that is found in the call that makes it.
ROLES = [
    *COPY,
    (re.compile(r"^epoll_create1"), "loop"),
    (re.compile(r"^accept"), "client"),
    (re.compile(r"^clone"), "thread"),
    (re.compile(r"^socket\("), "connection"),
    # The question is also about the terminal, which it opens by its name or from a descriptor.
    (re.compile(r"/proc/self/fd/(0|[3-9])|^(fcntl|dup)\(0|/dev/pts/"), "stdin"),
    (re.compile(r"/proc/self/fd/[12]|^(fcntl|dup)\([12]"), "messages"),
    (re.compile(r"input"), "input"),
]


def first_role(roles: list[tuple[re.Pattern[str], str]], text: str) -> str | None:
    """Return the role of the first pattern that is found in `text`."""
    return next((role for pattern, role in roles if pattern.search(text)), None)


@dataclass(frozen=True)
class Call:
    """A system call that was made: the `nth` of its name, its role, and strace's line."""

    name: str
    nth: int
    role: str
    text: str


def missing() -> str | None:
    """Return why nothing can be traced here; None if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian and Ubuntu: apt install strace)"
    trial = subprocess.run(
        ["strace", "-qq", "-e", "trace=close", "-e", "inject=close:error=EIO:when=99", "true"],
        capture_output=True,
        check=False,
    )
    return None if trial.returncode == 0 else trial.stderr.decode().strip() or "strace fails"


def prefix(log: Path, inject: str = "") -> tuple[str, ...]:
    """Return the words to put in front of a command: log its calls, and fail one as `inject` says.

    A question mark lets strace pass over a call that this machine does not have.
    """
    calls = ",".join(f"?{name}" for name in (*ERRNOS, *ALIASES))
    words = (
        "strace",
        "-qq",
        "-s",
        "256",
        "-o",
        str(log),
        "-e",
        f"trace={calls}",
        "-e",
        "signal=none",
    )
    return (*words, "-e", f"inject={inject}") if inject else words


def own_calls(log: str, folder: str, first: re.Pattern[str] = FIRST) -> list[Call]:
    """Return the calls in `log` that the program itself made, from the match of `first` on."""
    reader = Reader(folder)
    calls = [reader.read(line) for line in log.splitlines()]
    begin = next(nth for nth, line in enumerate(log.splitlines()) if first.match(line))
    return [call for call in calls[begin:] if call is not None]


class Reader:
    """Reads a log line by line; counts the calls, and keeps the role of each descriptor."""

    def __init__(self, folder: str) -> None:
        self.folder = folder  # of the program's source: a call that opens it is an import
        self.counts: Counter[str] = Counter()
        self.roles = {"0": "stdin", "1": "messages", "2": "messages"}

    def read(self, line: str) -> Call | None:
        """Return the call in this line; None if it is not the program's own."""
        match = LINE.match(line)
        if match is None:
            return None
        name, arguments, result, _ = match.groups()
        self.counts[name] += 1
        role = self.role(name, arguments)
        self.remember(name, line, arguments, result, role)
        return Call(name, self.counts[name], role, line) if role != "import" else None

    def role(self, name: str, arguments: str) -> str:
        """Return the role of a call: that of its descriptor, or of what it names."""
        if role := first_role(COPY, arguments):
            return role
        if name in ("poll", "ppoll"):
            return "stdin"  # only the question waits without the loop
        if name.startswith("epoll_ctl"):
            arguments = arguments.split(", ", 2)[2]
        if match := DESCRIPTOR.match(arguments):
            return "import" if "TIOCGWINSZ" in arguments else self.roles.get(match[1], "-")
        return self.role_of_name(name, arguments)

    def role_of_name(self, name: str, arguments: str) -> str:
        match = NAME.search(arguments)
        if match and (IMPORTS.search(match[1]) or match[1] == self.folder):
            return "import"
        return self.new_role(f"{name}({arguments}")

    def new_role(self, call: str) -> str:
        return first_role(ROLES, call) or "-"

    def remember(self, name: str, line: str, arguments: str, result: str, role: str) -> None:
        """Note the descriptors that this call makes or closes."""
        if name == "socketpair" and (pair := re.search(r"\[(\d+), (\d+)\]", arguments)):
            self.roles.update({pair[1]: "signals", pair[2]: "signals"})
        elif name in ("bind",):
            self.roles[arguments.split(",", maxsplit=1)[0]] = "listener"
        elif (
            name.startswith(("open", "socket", "accept", "epoll_create", "dup"))
            or "F_DUPFD" in line
        ):
            self.roles[result] = "import" if role == "import" else self.new_role(line)
