"""A server of a demonstration's own: server.py as a child process, from its start to its end.

Called by swarm.py and scale.py.
"""

import math
import signal
import subprocess
import sys
from pathlib import Path

import protocol
from edges.failure import Failure

ROOT = Path(protocol.__file__).resolve().parent
PATIENCE = 10.0  # seconds for a server to end: twice what its drain may take


def processor_time(pid: int) -> float:
    """Return the seconds that a process has run on a processor so far, all its threads together.

    /proc/PID/task/*/schedstat counts nanoseconds. Not a number, where there is none.
    """
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    times = [int(thread.read_text().split()[0]) for thread in threads]
    return sum(times) / 1e9 if times else math.nan


class OwnServer:
    """server.py on a free port of the loopback interface, quiet. A context manager."""

    def __init__(self, path: str, *options: str) -> None:
        """Start it; return once it listens. Raises Failure if it does not come to that."""
        words = ["--host=127.0.0.1", "--port=0", "--quiet", *options, "--", path]
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "server.py", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,  # Ctrl+C is for us alone, and we end it when we have done with it
        )
        assert self.process.stdout is not None
        first = self.process.stdout.readline().strip()
        if not first.startswith("listening on "):
            self.kill()
            raise Failure(f"no server: {first or 'it said nothing'}")
        self.port = int(first.rpartition(":")[2])
        self.at_first = processor_time(self.process.pid)  # the interpreter has started by now

    def __enter__(self) -> "OwnServer":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind, however we got here."""
        if self.process.returncode is None:
            self.kill()

    def seconds(self) -> float:
        """Return the processor time that serving has taken so far. Ask before its end."""
        return processor_time(self.process.pid) - self.at_first

    def terminate(self) -> None:
        """Ask it to drain: to accept nobody new, and to end when the last client has gone."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> str:
        """Drain it; return its last line, which counts how its connections ended."""
        self.terminate()
        return self.last_line()

    def last_line(self) -> str:
        """Wait for its end; return the last line that it said, and its status unless that is 0."""
        try:
            said, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            return "it did not end"
        last = said.splitlines()[-1] if said else "it said nothing"
        status = self.process.returncode
        return f"{last} (status {status})" if status else last
