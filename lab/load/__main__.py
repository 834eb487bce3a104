"""The command line of the load; see the package's docstring for its use."""

import argparse
import shlex
import signal
import sys
from collections.abc import Callable, Sequence

from edges.command_line import count, duration
from lab.limits import TooFewFiles
from lab.load import exhaustion, held, transfers
from lab.load.figures import Figure, document
from lab.load.machine import description
from lab.tool import temporary_file
from lab.torture import wire
from lab.torture.server_process import NotStarted, Options, expand, split

Measurement = Callable[[Sequence[str]], list[Figure]]


def main(words: Sequence[str]) -> int:
    """Make one measurement and print it; return the exit status."""
    mine, command = split(words)
    choice = _parser().parse_args(mine)
    title, options, measurement = _plan(choice)
    try:
        figures = _measure(command, options, measurement)
    except (TooFewFiles, NotStarted) as error:
        print(error, file=sys.stderr)
        return 2
    typed = shlex.join(["python", "-m", "lab.load", *words])
    print(document(title, figures, typed, description()))
    return 0 if all(figure.met for figure in figures) else 1


def _plan(choice: argparse.Namespace) -> tuple[str, Options, Measurement]:
    """Return a title, the server's options, and the function that measures."""
    if choice.what == "held":
        title = f"{choice.clients:,} clients held at once"
        return title, held.OPTIONS, lambda command: held.measure(command, choice.clients)
    if choice.what == "transfers":
        title = f"{choice.count:,} transfers in a row"
        return title, transfers.OPTIONS, lambda command: transfers.measure(command, choice.count)
    return (
        "At the limit of open descriptors",
        exhaustion.OPTIONS,
        lambda command: exhaustion.measure(command, choice.clients, choice.seconds, choice.rounds),
    )


def _measure(command: Sequence[str], options: Options, measurement: Measurement) -> list[Figure]:
    with temporary_file(wire.SAMPLE) as file:
        return measurement(expand(command, file, options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.load", usage="%(prog)s WHAT [options] [-- SERVER COMMAND...]"
    )
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    kind = kinds.add_parser("held", help="many clients at once")
    kind.add_argument("--clients", type=count, default=10_000, help="default 10000")
    kind = kinds.add_parser("transfers", help="many transfers in a row")
    kind.add_argument("--count", type=count, default=100_000, help="default 100000")
    kind = kinds.add_parser("exhaustion", help="at the limit of open descriptors")
    kind.add_argument("--clients", type=count, default=200, help="default 200")
    kind.add_argument("--seconds", type=duration, default=10.0, help="default 10")
    kind.add_argument("--rounds", type=count, default=10, help="raised limits, default 10")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # see lab/torture/__main__.py
    sys.exit(main(sys.argv[1:]))
