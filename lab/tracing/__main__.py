"""The command line: what a person does with a trace.

    python3 -m lab.tracing check FILE...                  check the eight invariants
    python3 -m lab.tracing view FILE [-o PAGE.html]       a page to step through the run
    python3 -m lab.tracing lanes FILE [-o PICTURE.svg]    a picture of it
    python3 -m lab.tracing strip FILE N-M [-o PICTURE.svg] events N to M alone, for a document
    python3 -m lab.tracing perfetto FILE [-o EXPORT.json] the same for chrome://tracing and Perfetto

Owns files and descriptors; the other modules here do the work. `-` is stdin. Status 0: all is well;
1: an invariant is broken, or something cannot be read or written; 2: a usage error. An error that a
user can cause is reported in one line, never with a traceback.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process

    process.begin()

import argparse
import errno
import importlib
import io
import os
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NoReturn

from edges import destination, outputs, standard_streams, writing
from edges.failure import Failure, reason
from lab.tracing import events, invariants, lanes, perfetto
from lab.tracing.events import NotATrace, Trace
from protocol import escaped

PRINTED = 20  # violations of one file at most: the first ones are enough to start with
PIECE = 1 << 20  # bytes read at once: a read allocates the memory that it asks for

Drawer = Callable[[Trace, str, argparse.Namespace], str]
DRAWERS: dict[str, Drawer] = {
    "view": lambda _, text, _options: paged(text),
    "lanes": lambda trace, _, options: options.draw(trace),
    "strip": lambda trace, _, options: lanes.strip(trace, *within(trace, *options.events)),
    "perfetto": lambda trace, _, _options: perfetto.export(trace),
}


def paged(text: str) -> str:
    """Return the page of a trace. Only `view` imports what the page needs."""
    return str(importlib.import_module("lab.tracing.page").page(text))


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that refuses in one line, as edges/command_line.py's does.

    (Not that one: it reads the options of one program, and prints through the console of a loop.)
    """

    def _print_message(self, message: str, file: object = None) -> None:
        put(message)

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: {printable(message)} (see python3 -m lab.tracing --help)")
        raise SystemExit(2)


def options(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options; SystemExit 2 on a usage error, 0 after --help."""
    about = "Check, draw or show a run that --trace FILE has recorded."
    parser = Parser("python3 -m lab.tracing", description=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="check the eight invariants")
    check.add_argument("files", metavar="FILE", nargs="+", help="a trace; - is stdin")
    for name, what, output in (
        ("view", "make a page to step through the run", "PAGE.html"),
        ("lanes", "draw the run, one lane for each client", "PICTURE.svg"),
        ("strip", "draw the events N to M", "PICTURE.svg"),
        ("perfetto", "export the run for chrome://tracing and Perfetto", "EXPORT.json"),
    ):
        command = commands.add_parser(name, help=what)
        command.add_argument("file", metavar="FILE", help="a trace; - is stdin")
        if name == "strip":
            command.add_argument("events", metavar="N-M", type=span, help="from event N to event M")
        if name == "lanes":
            kinds = command.add_mutually_exclusive_group()
            for flag, draw, help_ in (
                ("--moving", lanes.moving, "draw a cursor that moves through the run"),
                ("--narrow", lanes.narrow, "draw a few turns only, for a phone"),
            ):
                kinds.add_argument(flag, dest="draw", action="store_const", const=draw, help=help_)
            command.set_defaults(draw=lanes.picture)
        command.add_argument("-o", dest="output", metavar=output, help=default(name))
    return parser.parse_args(arguments)


def span(words: str) -> tuple[int, int]:
    """Return the two numbers of a range such as 28-39."""
    found = re.fullmatch("([1-9][0-9]{0,8})-([1-9][0-9]{0,8})", words, re.ASCII)
    if not found or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError(f"expected N-M, such as 28-39, got {words!r}")
    return int(found[1]), int(found[2])


def within(trace: Trace, first: int, last: int) -> tuple[int, int]:
    """Return the range if the trace has these events; raise Failure if it does not."""
    if last > len(trace.events):
        raise Failure(f"there is no event {last}: the trace has {len(trace.events)}")
    return first, last


def default(command: str) -> str:
    """Add the option for the output file of a command, with its default."""
    return "default: FILE with the ending .html" if command == "view" else "default: stdout"


# --- check a trace, or draw it


def checked(name: str) -> int:
    """Check one file and print what was found; return the exit status."""
    trace = read(name, bytes_of(name))
    violations = invariants.check(trace)
    lines = [f"{violation}" for violation in violations[:PRINTED]]
    if len(violations) > PRINTED:
        lines.append(f"and {len(violations) - PRINTED} more")
    if not violations:
        lines.append(f"{figures(trace)}: all {len(invariants.INVARIANTS)} invariants hold")
    put("".join(f"{shown(name)}: {line}\n" for line in lines))
    return 1 if violations else 0


def figures(trace: Trace) -> str:
    """Return the size of a trace in words, and whether it is complete."""
    counts = Counter(event.ev for event in trace.events)
    words = [
        counted(len(trace.events), "event"),
        counted(counts["turned"], "turn"),
        counted(counts["open"], "connection"),
    ]
    last = trace.events[-1]
    if last.ev != "end":
        words.append("the last line torn" if trace.torn else "no end, as after a crash")
    elif not trace.whole:
        words.append(f"{counted(last['dropped'], 'event')} more not recorded")
    return ", ".join(words)


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number} {noun}" + "s" * (number != 1)


def drawn(options: argparse.Namespace) -> int:
    """Make a picture, a page or an export; return the exit status."""
    command, name, output = options.command, options.file, options.output
    data = bytes_of(name)
    trace = read(name, data)
    text = DRAWERS[command](trace, data.decode("utf-8", "replace"), options)
    if output is None and command == "view" and not is_stdin(name):
        output = str(Path(name).with_suffix(".html"))
    if output is None or destination.descriptor_of(output) == 1:
        put(text)
    else:
        write(str(output), text, name)
    return 0


# --- files


def bytes_of(name: str) -> bytes:
    """Return the content of a file, up to the limit at which reading it will fail."""
    if same := outputs.clash({shown(name): source(name)}):
        raise Failure(same)  # our output would spoil the trace
    try:
        with open(0 if name == "-" else name, "rb", closefd=name != "-") as stream:
            pieces = iter(lambda: stream.read(PIECE), b"")
            return b"".join(islice(pieces, events.LARGEST // PIECE + 1))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Failure(f"cannot read {shown(name)}: {reason(error)}") from error


def read(name: str, data: bytes) -> Trace:
    """Return the trace in these bytes of the file `name`."""
    try:
        return events.read(io.BytesIO(data))
    except NotATrace as error:
        raise Failure(f"{shown(name)}: not a trace: {error}") from error


def is_stdin(name: str) -> bool:
    """Tell whether a trace has no name of its own: -, /dev/stdin, /dev/fd/7."""
    return name == "-" or destination.descriptor_of(name) is not None


def source(name: str) -> str | int:
    """Return the path of a trace, or the descriptor of stdin."""
    return 0 if name == "-" else name


def write(name: str, text: str, trace: str) -> None:
    """Write a file, but never over the trace from which it was made, nor over our own output."""
    if same := outputs.clash({"the trace": source(trace), shown(name): name}):
        raise Failure(f"{same}: -o another name")
    try:
        Path(name).write_bytes(text.encode("utf-8", "backslashreplace"))
    except (OSError, ValueError) as error:
        raise Failure(f"cannot write {shown(name)}: {reason(error)}") from error
    say(f"wrote {shown(name)}")


def put(text: str) -> None:
    """Write to stdout. If the reader has left (`| head`), that is no error."""
    try:
        writing.write(1, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise SystemExit(1) from error
        raise Failure(f"cannot write to stdout: {reason(error)}") from error


def say(text: str) -> None:
    """Write a line to stderr, if there is one."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode("ascii", "backslashreplace"))


def shown(name: str) -> str:
    """Return the name of a file as printable ASCII."""
    return "stdin" if name == "-" else printable(name)


def printable(text: str) -> str:
    """Return a user's input as printable ASCII."""
    return escaped(os.fsencode(text))


def main(arguments: list[str] | None = None) -> int:
    """Run `python3 -m lab.tracing ARGUMENTS` (default: sys.argv) and return the exit status."""
    standard_streams.open_closed()
    return told(lambda: run(options(arguments)))  # --help writes to stdout, so it may fail as well


def run(chosen: argparse.Namespace) -> int:
    """Do what the command line says; return the exit status."""
    if chosen.command != "check":
        return drawn(chosen)
    return max([told(lambda name=name: checked(name)) for name in chosen.files])  # type: ignore[misc]


def told(act: Callable[[], int]) -> int:
    """Return the status of `act`; tell the user in one line if it fails."""
    try:
        return act()
    except Failure as failure:
        say(f"tracing: {failure}")
        return failure.status


if __name__ == "__main__":
    process.end(main())
