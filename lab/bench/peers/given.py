"""What all peers share, so that each file shows its framework and nothing else.

    python -m lab.bench.peers.NAME [--timeout S] FILE       prints "listening on 127.0.0.1:PORT"

Each peer speaks the protocol of protocol.md: it says hello at once, waits for the client's hello,
sends the file, ends its own direction, reads on to the client's end of stream, and closes. Whatever
a client does, TIMEOUT seconds after it was accepted its connection ends.
"""

import argparse
from pathlib import Path

import protocol  # this project's own grammar

HOST = "127.0.0.1"
BACKLOG = 4096
HELLO = protocol.hello()
REFUSAL = protocol.error_message("expected HELLO 1")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="serve FILE until killed")
    parser.add_argument("--uvloop", action="store_true", help="(asyncio_protocol alone)")
    parser.add_argument("--timeout", type=float, default=10.0, help="as server.py (10)")
    parser.add_argument("file", type=Path)
    return parser.parse_args()


_given = _options()
UVLOOP: bool = _given.uvloop
TIMEOUT: float = _given.timeout
MESSAGE = protocol.file_message(_given.file.read_bytes())


def listening(port: int) -> None:
    """Print the line that tells the bench that we listen."""
    print(f"listening on {HOST}:{port}", flush=True)
