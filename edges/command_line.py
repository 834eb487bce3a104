"""The command lines of both programs: what may be said, and what it means.

A usage error is one line and status 2. Values are read strictly: Python's int() and float() would
also take "1_0", " 5", "８" and "nan".
"""

import argparse
import re
import resource
import sys
from pathlib import Path
from typing import NoReturn

from edges.console import Console

RELEASE = "1.0.0"
PORT = 7080
LONGEST = 86400.0  # seconds; a day is longer than any wait that makes sense, and select takes it
SPARE = 32  # descriptors kept for all that is not a client: standard streams, listeners, files


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that speaks through the console, and in one line when it refuses."""

    def __init__(self, console: Console, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self.console = console
        self.add_argument("--version", action="version", version=f"eighty {RELEASE}")
        volume = self.add_mutually_exclusive_group()
        volume.add_argument("-q", "--quiet", action="store_true", help="say only what matters")
        volume.add_argument("-v", "--verbose", action="store_true", help="a line per loop turn too")
        self.add_argument(
            "--timeout", metavar="S", type=duration, default=10.0, help=self.timeout_help(prog)
        )

    @staticmethod
    def timeout_help(prog: str) -> str:
        whole = "a connection may last" if prog == "server.py" else "for everything"
        return f"seconds {whole} (default 10)"

    def _print_message(self, message: str, file: object = None) -> None:
        self.console.announce(message.rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        self.console.line(f"{self.prog}: {message} (see {self.prog} --help)")
        raise SystemExit(2)


def server_options(console: Console, arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of server.py; SystemExit 2 on a usage error, 0 after --help."""
    parser = Parser(console, "server.py", "Deliver one small text file to every client.")
    add = parser.add_argument
    add(
        "input_file", metavar="INPUT_FILE", nargs="?", help="the file (default: sample.txt here)",
        default=str(Path(__file__).parent.parent / "sample.txt"),
    )  # fmt: skip
    add("--host", help="address or name to listen on (default: all interfaces)")
    add("--port", type=port, default=PORT, help=f"0: any free port (default {PORT})")
    add("--drain", metavar="S", type=seconds, default=5.0,
        help="seconds open connections get at the end (default 5)")  # fmt: skip
    add("--max-clients", metavar="N", type=count, default=places(),
        help="connections at once; more wait (default: open files less 32)")  # fmt: skip
    add("--chunk", metavar="N", type=count, help="slow motion: at most N octets per send")
    add("--pause", metavar="S", type=seconds, help="slow motion: seconds between sends")
    options = parser.parse_intermixed_args(arguments)
    if options.pause is not None and options.chunk is None:
        parser.error("--pause needs --chunk")
    return options


def client_options(console: Console, arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of client.py; SystemExit 2 on a usage error, 0 after --help."""
    parser = Parser(console, "client.py", "Fetch the file of a server, an exact copy or nothing.")
    add = parser.add_argument
    add("server", metavar="SERVER", nargs="?", default="localhost",
        help="name or address (default localhost)")  # fmt: skip
    add("output_file", metavar="OUTPUT_FILE", nargs="?", default="sample.txt",
        help="where the copy is saved (default sample.txt); - is standard output")  # fmt: skip
    add("--port", type=client_port, default=PORT, help=f"(default {PORT})")
    return parser.parse_intermixed_args(arguments)


def port(text: str) -> int:
    """Read a port number, 0..65535. (getaddrinfo would take 70000, and mean 4464.)"""
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port, 0 to 65535, got {text!a}")
    return int(text)


def client_port(text: str) -> int:
    """Read a port number that can be connected to, 1..65535."""
    if not port(text):
        raise argparse.ArgumentTypeError("expected a port, 1 to 65535, got 0")
    return port(text)


def count(text: str) -> int:
    """Read a whole number, 1 or more."""
    if not re.fullmatch("[0-9]{1,18}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more, got {text!a}")
    return int(text)


def seconds(text: str) -> float:
    """Read a length of time in seconds, 0 to a day."""
    if not re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e-?[0-9]+)?", text) or float(text) > LONGEST:
        raise argparse.ArgumentTypeError(f"expected seconds, 0 to {LONGEST:.0f}, got {text!a}")
    return float(text)


def duration(text: str) -> float:
    """Read a length of time in seconds that is not 0."""
    if not seconds(text):
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0, got {text!a}")
    return seconds(text)


def places() -> int:
    """Return how many clients fit under the soft limit of open files."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - SPARE)
