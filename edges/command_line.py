"""The command lines of both programs: what may be written there, and what it means.

Each option is one line of a class: its name, its type, how it is read, what --help says, and its
default. A usage error is one line and status 2. Values are read strictly: Python's int() and
float() would also take "1_0", " 5", "８" and "nan".
"""

import argparse
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Generic, NoReturn, TypeVar, cast

from edges import destination, outputs
from edges.console import Console
from edges.system import MOST_SOCKETS, open_files

RELEASE = "2.0.0"
PORT = 7080
SAMPLE = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "sample.txt")
LONGEST = 86400.0  # seconds; a day is longer than any wait that makes sense, and select takes it
WIDTH = 78  # columns of --help, as argparse lays it out on a terminal of 80
SPARE = 32  # file descriptors kept for all that is not a client: standard streams, listeners, files

T = TypeVar("T")


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
    """Read a number of seconds, 0 to a day."""
    form = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)(e-?[0-9]+)?"
    if not re.fullmatch(form, text) or float(text) > LONGEST:
        raise argparse.ArgumentTypeError(f"expected seconds, 0 to {LONGEST:.0f}, got {text!a}")
    return float(text)


def duration(text: str) -> float:
    """Read a number of seconds that is not 0."""
    if not seconds(text):
        raise argparse.ArgumentTypeError(f"expected seconds, more than 0, got {text!a}")
    return seconds(text)


class Kind:
    """How one option is read from the command line, and what --help says about it."""

    def __init__(
        self,
        default: object,
        about: str,
        short: str = "",
        read: Callable[[str], object] | None = None,
        metavar: str = "",
    ) -> None:
        self.default = default
        self.help = about
        self.short = short  # of a flag
        self.read = read  # of an option with a value
        self.metavar = metavar


# Each of these declares an option in a class. A type checker sees the value of the option instead.


def name(default: str, about: str) -> str:
    """An argument without a dash, which may be left out."""
    return cast(str, Kind(default, about))


def flag(short: str, about: str) -> bool:
    """An option without a value. A command line may have one of them at most."""
    return cast(bool, Kind(False, about, short=short))


def value(read: Callable[[str], T], default: T, about: str, metavar: str = "N") -> T:
    """An option with a value; `read` turns its text into the value."""
    return cast(T, Kind(default, about, read=read, metavar=metavar))


class Options:
    """What every program takes. A subclass adds its own, each in one line; `Parser` reads them."""

    role = ""  # of the program: server or client
    about = ""  # what it does
    quiet = flag("-q", "print only what matters")
    verbose = flag("-v", "add a line for each loop turn")
    trace = value(str, None, "record the run, with peers' addresses and bytes", "FILE")
    slow = value(duration, None, "report calls that take longer than S seconds (-v: 0.1)", "S")

    def __init__(self, **values: object) -> None:
        """Take these values, and the default for every other option."""
        kinds = self.kinds()
        if unknown := values.keys() - kinds.keys():
            raise TypeError(f"{type(self).__name__} has no option {', '.join(unknown)}")
        for option, kind in kinds.items():
            setattr(self, option, values.get(option, kind.default))

    @classmethod
    def kinds(cls) -> dict[str, Kind]:
        """Return how each option is read, the inherited ones first."""
        bases = reversed(cls.__mro__)
        return {
            option: kind
            for base in bases
            for option, kind in vars(base).items()
            if isinstance(kind, Kind)
        }

    def values(self) -> dict[str, object]:
        """Return the value of each option."""
        return {option: getattr(self, option) for option in self.kinds()}

    def conflict(self) -> str | None:
        """Return what is wrong with the options together; None: nothing."""
        return None

    def files(self) -> dict[str, str | int]:
        """Return files that must differ from all other outputs, by the names the user knows."""
        return {}


class ServerOptions(Options):
    """The options of server.py."""

    role = "server"
    about = (
        "Deliver one small text file to every client. "
        "Ctrl+C (SIGINT) asks whether to go on; stop a service with SIGTERM."
    )
    input_file = name(SAMPLE, "the file to deliver (default: sample.txt beside server.py)")
    host = value(str, None, "address or name to listen on (default: all interfaces)", "HOST")
    port = value(port, PORT, f"port; 0: any free one (default {PORT})")
    timeout = value(duration, 10.0, "seconds a connection may last in all (default 10)", "S")
    drain = value(seconds, 5.0, "seconds that open connections get at the end (default 5)", "S")
    max_clients = value(count, None, "clients at once; others wait (default: open files less 32)")
    chunk = value(count, None, "slow motion: at most N bytes per send")
    pause = value(seconds, None, "slow motion: seconds between sends", "S")

    def conflict(self) -> str | None:
        if self.pause is not None and self.chunk is None:
            return "--pause needs --chunk"
        if self.max_clients and self.max_clients > (most := MOST_SOCKETS - SPARE):
            return f"--max-clients: at most {most} can be served on this system"
        return None

    def files(self) -> dict[str, str | int]:
        return {"INPUT_FILE": self.input_file}


class ClientOptions(Options):
    """The options of client.py."""

    role = "client"
    about = "Fetch the file of a server: an exact copy or nothing."
    server = name("localhost", "name or address (default localhost)")
    output_file = name("sample.txt", "where to save the copy; - is stdout (default sample.txt)")
    port = value(client_port, PORT, f"port (default {PORT})")
    timeout = value(duration, 10.0, "seconds for the whole download (default 10)", "S")

    def files(self) -> dict[str, str | int]:
        number = destination.descriptor_of(self.output_file)
        return {"OUTPUT_FILE": self.output_file if number is None else number}


O = TypeVar("O", bound=Options)  # noqa: E741  # the options of one program


class Parser(argparse.ArgumentParser, Generic[O]):
    """An ArgumentParser that writes to the console, and reports a usage error in one line."""

    def __init__(self, console: Console, prog: str, options: type[O]) -> None:
        # Without a width, argparse asks how wide the terminal is, each time an option is added, and
        # imports shutil and its compressors to do so: 5 % of the time of a client (2 of 41 ms).
        layout = partial(argparse.HelpFormatter, width=WIDTH)
        super().__init__(
            prog=prog, description=options.about, formatter_class=layout, allow_abbrev=False
        )
        # From 3.14 on, argparse colours its help, and the console shows escape sequences as "?".
        self.color = False
        self.console = console
        self.options = options
        self.names: list[str] = []
        self.add_argument("--version", action="version", version=f"eighty {RELEASE}")
        self.volume = self.add_mutually_exclusive_group()
        for option, how in options.kinds().items():
            self.add(option, how)

    def add(self, option: str, kind: Kind) -> None:
        """Add one argument or option."""
        long = "--" + option.replace("_", "-")
        if kind.short:
            self.volume.add_argument(kind.short, long, action="store_true", help=kind.help)
        elif kind.read:
            self.add_argument(
                long, metavar=kind.metavar, type=kind.read, default=kind.default, help=kind.help
            )
        else:
            self.names.append(option)
            self.add_argument(option, metavar=option.upper(), nargs="?", help=kind.help)

    def read(self, arguments: list[str] | None) -> O:
        """Return the options; SystemExit 2 on a usage error, 0 after --help.

        Names and options may come in any order; after "--" everything is a name. (parse_args
        refuses `client.py HOST --port 1 COPY`, and the standard remedy, intermixed parsing, takes a
        name after "--" for an option.)
        """
        words = sys.argv[1:] if arguments is None else arguments
        end = words.index("--") if "--" in words else len(words)
        values = vars(self.parse_intermixed_args(words[:end]))
        more = words[end + 1 :]
        for name in self.names:
            if values[name] is None:
                values.pop(name)
                if more:
                    values[name] = more.pop(0)
        if more:
            self.error(f"unrecognized arguments: {' '.join(more)}")
        options = self.options(**values)
        files = {"--trace": options.trace, **options.files()}
        if conflict := options.conflict() or outputs.clash(files):
            self.error(conflict)
        return options

    def _print_message(self, message: str, file: object = None) -> None:
        self.console.announce(message.rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        one_line = message.replace("\n", r"\n")  # a name may contain one
        self.console.line(f"{self.prog}: {one_line} (see {self.prog} --help)")
        raise SystemExit(2)


def most_clients() -> int:
    """Return how many clients fit under the soft limit of open files."""
    return max(1, open_files() - SPARE)
