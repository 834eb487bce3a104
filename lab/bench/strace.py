"""The system calls of a server: how many of each a transfer takes, and their order in one transfer.

strace(1) records every call from the moment at which the server listens. It makes the server many
times slower, so more clients wait at each turn. So the calls that all clients of a turn share
(epoll_wait, accept4) are somewhat fewer per transfer than at full speed.
"""

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from lab.bench.processes import LOAD, Failed, Server

AT_REST = 0.1  # seconds; strace may hold a server still for longer than a moment
CALL = re.compile(r"^(?:\d+ +)?(?P<call>(?P<name>[a-z0-9_]+)\(.*)$")


def is_here() -> bool:
    """Tell whether there is an strace."""
    return shutil.which("strace") is not None


def calls(
    command: tuple[str, ...], path: Path, cores: set[int], transfers: int, at_a_time: int
) -> list[str]:
    """Return the system calls that a server makes for `transfers` transfers, in order."""
    with tempfile.NamedTemporaryFile("r") as log:
        words = ["strace", "-D", "-f", "-s", "100", "-o", log.name, *command]
        with Server(words, path, cores) as server:  # -D: the server is our child, not strace
            server.settled(AT_REST)
            started = log.read()
            load = [str(LOAD), str(server.port), str(path), str(transfers), str(at_a_time)]
            run = subprocess.run(load, capture_output=True, text=True, check=False)
            server.settled(AT_REST)
            lines = (started.rpartition("\n")[2] + log.read()).split("\n")[:-1]  # none that waits
    if run.returncode:
        raise Failed(f"under strace: {run.stderr.strip()}")
    return [found["call"] for line in lines if (found := CALL.match(line))]


def per_transfer(lines: list[str], transfers: int) -> dict[str, float]:
    """Return how many of each call one transfer takes, the most frequent first."""
    counted = Counter(line.partition("(")[0] for line in lines)
    return {name: round(count / transfers, 2) for name, count in counted.most_common()}
