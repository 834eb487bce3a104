"""The subjects of the bench: the servers by name, and the ways to run one of them."""

import importlib.util
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.bench.processes import BUILD
from lab.processes import ROOT

YARDSTICK = "C"  # bare epoll: the limit
EIGHTY = "eighty"
BARE = "bare epoll in Python"

# Name, module of lab/bench/peers and its options, package that it needs.
PEERS = [
    (BARE, "epoll_server", None),
    ("uvloop Protocol", "asyncio_protocol --uvloop", "uvloop"),
    ("asyncio Protocol", "asyncio_protocol", None),
    ("asyncio streams", "asyncio_streams", None),
    ("Twisted", "twisted_server", "twisted"),
    ("gevent", "gevent_server", "gevent"),
    ("trio", "trio_server", "trio"),
    ("thread per client", "threads_server", None),
]


@dataclass(frozen=True)
class Subject:
    """One server under one load: a line of a table, or a point of a curve."""

    name: str
    command: tuple[str, ...]
    at: int = 0  # the place on the axis of a curve
    at_a_time: int = 100  # transfers
    together: bool = False  # in waves, see load.c
    idle: int = 0  # clients that are held open beside the load
    lines: str = ""  # where stderr goes: "" (ours), "pipe" (which is read), "file"
    life: int = 0  # transfers after which a new server is started; 0: never

    def __str__(self) -> str:
        return f"{self.name}, {self.at:,}" if self.at else self.name


def eighty(
    *options: str, python: str = sys.executable, starter: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the command of our own server, which listens on loopback."""
    program = (*starter, str(ROOT / "server.py"))
    return (python, *program, *options, "--host", "127.0.0.1", "--port", "0")


def peer(module: str, python: str = sys.executable) -> tuple[str, ...]:
    """Return the command of one of the peers."""
    name, *options = module.split()
    return (python, "-m", f"lab.bench.peers.{name}", *options)


def known() -> dict[str, tuple[str, ...]]:
    """Return the commands of all servers that can be run here, the yardstick first."""
    found = {YARDSTICK: (str(BUILD / "epoll_server"),), EIGHTY: eighty("-q")}
    for name, module, package in PEERS:
        if not package or importlib.util.find_spec(package):
            found[name] = peer(module)
    return found


def missing() -> dict[str, str]:
    """Return the servers that cannot be run here, and why."""
    return {
        name: f"{package} is not installed"
        for name, _module, package in PEERS
        if package and not importlib.util.find_spec(package)
    }


def chosen(only: list[str], also: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the yardstick and the servers with these names. Raises ValueError for other names.

    The beginning of a name is enough: `uvloop` will do.
    """
    found = known()
    for name, equals, command in (each.partition("=") for each in also):
        if not equals or not command.strip():
            raise ValueError(f"--also wants NAME=COMMAND, and got {name!r}")
        found[name] = tuple(shlex.split(command))
    wanted = [YARDSTICK, *(name.partition("=")[0] for name in also if only)]
    for name in only:
        full = [each for each in found if each == name] or [e for e in found if e.startswith(name)]
        if len(full) != 1:
            raise ValueError(f"no server {name!r}; there are {', '.join(found)}")
        wanted += full
    return {name: command for name, command in found.items() if not only or name in wanted}


def sample() -> Path:
    """Return the file that is delivered."""
    return ROOT / "sample.txt"
