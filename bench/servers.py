"""The servers that are compared, and how a bench starts, reads and ends one.

All of them speak the same wire protocol on 127.0.0.1, take the file as their last argument and
print `listening on HOST:PORT`. Linux only: processor time and memory are read from /proc.
"""

import contextlib
import datetime
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"  # `make bench` compiles the C programs into it
LOAD = BUILD / "load"
YARDSTICK = "C, epoll"
OURS = [sys.executable, str(ROOT / "server.py"), "-q", "--host", "127.0.0.1", "--port", "0"]


def commands() -> dict[str, list[str]]:
    """Return each server's name and command, the yardstick first; say loudly what is missing."""
    bench = ROOT / "bench"
    known = {
        YARDSTICK: [str(BUILD / "epoll_server")],
        "eighty": OURS,
        "Python, bare epoll": [sys.executable, str(bench / "epoll_server.py")],
        "uvloop": [sys.executable, str(bench / "asyncio_server.py"), "--uvloop"],
        "asyncio": [sys.executable, str(bench / "asyncio_server.py")],
    }
    if importlib.util.find_spec("uvloop") is None:
        del known["uvloop"]
        print("NOT RUN: uvloop is not installed (pip install --group bench)", file=sys.stderr)
    return known


class Server:
    """A server process that has said where it listens."""

    def __init__(self, command: list[str], path: Path) -> None:
        self.process = subprocess.Popen([*command, str(path)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.close()
            raise SystemExit(f"bench: {' '.join(command)} does not listen")
        self.port = int(line.rpartition(":")[2])

    def cpu(self) -> int:
        """Return the nanoseconds of processor time, user and system, of all its threads so far."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)

    def resident(self) -> int:
        """Return the octets of memory that it has in RAM."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


@contextlib.contextmanager
def running(chosen: dict[str, list[str]], path: Path) -> Iterator[dict[str, Server]]:
    """Start all the servers `chosen`; end them on the way out, whatever happens."""
    servers: dict[str, Server] = {}
    try:
        for name, command in chosen.items():
            servers[name] = Server(command, path)
        yield servers
    finally:
        for server in servers.values():
            server.close()


def circumstances() -> str:
    """Return the line without which figures mean nothing: when, on what, with which Python."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    return (
        f"{datetime.date.today()}, {models[0] if models else platform.machine()}, "
        f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    )
