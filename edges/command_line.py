"""The command lines of both programs: what may be said, and what it means.

A usage error is one line and status 2. Values are read strictly: Python's int() and float() would
also take "1_0", " 5", "８" and "nan".
"""

import argparse
import os
import re
import resource
import sys
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from edges.console import Console

RELEASE = "1.0.0"
PORT = 7080
SAMPLE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "sample.txt")
LONGEST = 86400.0  # seconds; a day is longer than any wait that makes sense, and select takes it
WIDTH = 78  # columns of --help, as argparse lays it out on a terminal of 80
SERVER_HELP = (
    "Deliver one small text file to every client. "
    "Ctrl+C (SIGINT) asks whether to go on; stop a service with SIGTERM."
)
SPARE = 32  # descriptors kept for all that is not a client: standard streams, listeners, files


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that speaks through the console, and in one line when it refuses."""

    def __init__(self, console: Console, prog: str, description: str) -> None:
        # Without a width, argparse asks how wide the terminal is, each time an option is added, and
        # imports shutil and its compressors to do so: 5 % of a client's whole life (2 of 41 ms).
        layout = partial(argparse.HelpFormatter, width=WIDTH)
        super().__init__(
            prog=prog, description=description, formatter_class=layout, allow_abbrev=False
        )
        self.console = console
        self.names: dict[str, str] = {}  # the arguments that are no options, and their defaults
        self.add_argument("--version", action="version", version=f"eighty {RELEASE}")
        volume = self.add_mutually_exclusive_group()
        volume.add_argument("-q", "--quiet", action="store_true", help="say only what matters")
        volume.add_argument("-v", "--verbose", action="store_true", help="a line per loop turn too")
        self.add_argument(
            "--trace", metavar="FILE", help="record the run, with peers' addresses and octets"
        )
        self.add("--slow", duration, None, "tell of calls that take longer (with -v: 0.1)")

    def add_name(self, name: str, default: str, what: str) -> None:
        """Take a name that may be left out."""
        self.names[name] = default
        self.add_argument(name, metavar=name.upper(), nargs="?", help=what)

    def add(self, option: str, kind: Callable[[str], object], default: object, what: str) -> None:
        """Take an option with a value."""
        metavar = "S" if kind in (seconds, duration) else "N"
        self.add_argument(option, metavar=metavar, type=kind, default=default, help=what)

    def read(self, arguments: list[str] | None) -> argparse.Namespace:
        """Return the options. Names and options come in any order; after "--" there are only names.

        (parse_args refuses `client.py HOST --port 1 COPY`, and the standard remedy, intermixed
        parsing, takes a name after "--" for an option.)
        """
        words = sys.argv[1:] if arguments is None else arguments
        end = words.index("--") if "--" in words else len(words)
        options = self.parse_intermixed_args(words[:end])
        more = words[end + 1 :]
        for name, default in self.names.items():
            if getattr(options, name) is None:
                setattr(options, name, more.pop(0) if more else default)
        if more:
            self.error(f"unrecognized arguments: {' '.join(more)}")
        for name in self.names:
            if options.trace is not None and same_file(options.trace, getattr(options, name)):
                self.error(f"--trace and {name.upper()} are the same file")
        return options

    def _print_message(self, message: str, file: object = None) -> None:
        self.console.announce(message.rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        one_line = message.replace("\n", r"\n")  # which a name may have in it
        self.console.line(f"{self.prog}: {one_line} (see {self.prog} --help)")
        raise SystemExit(2)


def server_options(console: Console, arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of server.py; SystemExit 2 on a usage error, 0 after --help."""
    parser = Parser(console, "server.py", SERVER_HELP)
    parser.add_name("input_file", SAMPLE, "the file (default: sample.txt beside server.py)")
    parser.add_argument("--host", help="address or name to listen on (default: all interfaces)")
    parser.add("--port", port, PORT, f"port; 0: any free one (default {PORT})")
    parser.add("--timeout", duration, 10.0, "seconds a connection may last in all (default 10)")
    parser.add("--drain", seconds, 5.0, "seconds for open connections at the end (default 5)")
    parser.add(
        "--max-clients", count, most_clients(), "at once; more wait (default: open files less 32)"
    )
    parser.add("--chunk", count, None, "slow motion: at most N octets per send")
    parser.add("--pause", seconds, None, "slow motion: seconds between sends")
    options = parser.read(arguments)
    if options.pause is not None and options.chunk is None:
        parser.error("--pause needs --chunk")
    return options


def client_options(console: Console, arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of client.py; SystemExit 2 on a usage error, 0 after --help."""
    parser = Parser(console, "client.py", "Fetch the file of a server: an exact copy or nothing.")
    parser.add_name("server", "localhost", "name or address (default localhost)")
    parser.add_name("output_file", "sample.txt", "the copy; - is stdout (default sample.txt)")
    parser.add("--port", client_port, PORT, f"port (default {PORT})")
    parser.add("--timeout", duration, 10.0, "seconds for everything (default 10)")
    return parser.read(arguments)


def same_file(one: str, other: str) -> bool:
    """Tell whether two names lead to one file; it need not exist."""
    try:
        return os.path.realpath(one) == os.path.realpath(other) or os.path.samefile(one, other)
    except (OSError, ValueError):  # not there; a NUL in the name
        return False


def port(text: str, lowest: int = 0) -> int:
    """Read a port number. (getaddrinfo would take 70000, and mean 4464.)"""
    if not re.fullmatch("[0-9]{1,5}", text) or not lowest <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port, {lowest} to 65535, got {text!a}")
    return int(text)


def client_port(text: str) -> int:
    """Read the number of a port that can be connected to."""
    return port(text, lowest=1)


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


def most_clients() -> int:
    """Return how many clients fit under the soft limit of open files."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else max(1, soft - SPARE)
