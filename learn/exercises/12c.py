"""Let your server count the lines that it had to drop, and say so when it can print again.

When the queue is full, `say` forgets the line, and nobody learns that something is missing. Let it
print `(12 lines dropped)`, with the right number, before the next line that has room.
"""

import fcntl
import os
import re
import time
import unittest
from pathlib import Path

from lab.torture import wire
from lab.torture.child import Output
from lab.torture.good_clients import GoodClients
from lab.torture.server_process import ServerProcess
from learn.exercises.support import LIMIT, mine

FILE = mine("mine/server.py")
CLIENTS = 3000  # more than there is room for lines: in the queue, and in the pipe
DROPPED = re.compile(rb"^\((\d+) lines dropped\)$", re.MULTILINE)


class DroppedLines(unittest.TestCase):
    """A server whose stderr is a pipe."""

    def setUp(self) -> None:
        reader, writer = os.pipe()
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        self.pipe = self.enterContext(os.fdopen(reader, "rb"))
        with os.fdopen(writer, "w") as stderr:
            self.server = self.enterContext(ServerProcess(FILE.delivering, stderr=stderr))
        stream = wire.whole_stream(Path("sample.txt").read_bytes())
        self.clients = GoodClients(self.server.address, stream)
        self.addCleanup(self.clients.close)

    def test_lines_that_nobody_read_are_counted_when_somebody_reads_again(self) -> None:
        self.clients.serve(CLIENTS)
        assert self.clients.served == CLIENTS, "not all clients were served"
        output, end = Output(self.pipe), time.monotonic() + LIMIT
        while not (found := output.wait_for(DROPPED, 0.2)) and time.monotonic() < end:
            self.clients.serve(1)
        assert found, "no line such as (12 lines dropped) came"
        assert int(found[1]) > CLIENTS / 2, f"it says that only {int(found[1])} lines were dropped"

    def test_nothing_is_said_if_nothing_was_dropped(self) -> None:
        output = Output(self.pipe)
        self.clients.serve(5)
        assert output.wait_for(re.compile(rb"(?m)^.*\n.*\n.*\n.*\n"), LIMIT), "no lines came"
        assert b"dropped" not in output.text


if __name__ == "__main__":
    unittest.main()
