"""The table of `make demo`: a column for each client, a row for each round of pieces.

    sec client 1           client 2           client 3           client 4
    0.0 HELLO 1\\n
    0.4 (says nothing)     HELLO 1\\n          HELLO 1\\n
    0.7                    FILE 68 aa50029e\\n FILE 68 aa50029e\\n HELLO 1\\n

Owns the layout, and the reading of the server's trace, which comes through a FIFO while the server
runs. A row ends when a client that is in it already gets its next piece. On a terminal the row
grows with each piece; elsewhere it is printed when it has ended.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import protocol
from edges import colours

WIDTH = 18  # columns of a cell: 17 bytes, one of them a line feed, which is shown as \n
CLIENTS = 4  # 4 + 4 * 18 + 3 = 79 columns: a line of a terminal has 80
CLEAR = "\r"  # to the start of the row, to write it again


class Table:
    """The rows. `write` takes text; `terminal` tells whether it goes to one."""

    def __init__(self, write: Callable[[str], None], terminal: bool) -> None:
        self.write = write
        self.terminal = terminal
        self.coloured = colours.supported(terminal)
        self.row: dict[int, str] = {}  # by client
        self.time = 0.0  # of the last piece, in seconds
        self.begun = 0.0  # the first of this row

    def head(self) -> None:
        """Write the names of the columns."""
        cells = {number: f"client {number}" for number in range(1, CLIENTS + 1)}
        self.write(self.rendered("sec", cells) + "\n")

    def put(self, client: int, text: str, time: float | None = None) -> None:
        """Put `text` into the column of `client`; the default time is that of the last piece."""
        if client in self.row:
            self.end_row()
        self.time = self.time if time is None else time
        self.begun = self.begun if self.row else self.time
        self.row[client] = text
        if self.terminal:
            self.write(CLEAR + self.rendered(f"{self.begun:3.1f}", self.row))

    def end_row(self) -> None:
        """End the row, if one has begun; the next piece begins a new one."""
        if self.row:
            text = self.rendered(f"{self.begun:3.1f}", self.row)
            self.write((CLEAR if self.terminal else "") + text + "\n")
        self.row = {}

    def rendered(self, time: str, cells: dict[int, str]) -> str:
        """Return a row, in colours if the output has colours."""
        parts = [self.cell(number, cells.get(number, "")) for number in range(1, max(cells) + 1)]
        return f"{time} {' '.join(parts)}".rstrip()

    def cell(self, client: int, text: str) -> str:
        """Return the cell of a client, as wide as all of them."""
        blank = " " * (WIDTH - len(text))
        if self.coloured and text:
            return colours.coloured(text.encode("ascii"), client).decode() + blank
        return text + blank


class LiveTrace:
    """The trace of the server, read while it runs: each piece that is sent goes into the table."""

    def __init__(self, path: Path, table: Table) -> None:
        os.mkfifo(path)
        self.path = path
        self.table = table
        self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.unfinished = b""
        self.ended = False
        self.opened = 0  # connections
        self.began: float | None = None  # when the first one was accepted

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self.descriptor

    def hear(self) -> None:
        """Take the events that have come."""
        try:
            data = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return
        *lines, self.unfinished = (self.unfinished + data).split(b"\n")
        for line in lines:
            self.show(json.loads(line))
        self.ended = data == b""

    def show(self, event: dict[str, object]) -> None:
        """Show one event, if it is a piece that was sent."""
        moment = float(str(event["t"])) / 1e6
        if event["ev"] == "open":
            self.opened += 1
            self.began = moment if self.began is None else self.began
        elif event["ev"] == "tx" and event["hex"]:
            piece = bytes.fromhex(str(event["hex"]))
            client = int(str(event["on"])[1:])
            self.table.put(client, protocol.escaped(piece), moment - (self.began or 0.0))

    def close(self) -> None:
        """Hear no more."""
        os.close(self.descriptor)
