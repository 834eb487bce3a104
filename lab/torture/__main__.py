"""The command line of the torture; see the package's docstring for its use.

Exit status: 0 every attack made was ok; 1 one was not, or could not be made; 2 usage.
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from edges.command_line import client_port, count, duration
from lab import tool
from lab.torture.arena import FAST, FULL, Scale
from lab.torture.attack import Attack
from lab.torture.attacks import ATTACKS
from lab.torture.good_clients import Address
from lab.torture.judge import Bench, Row, confront, judge
from lab.torture.scorecard import print_scorecard
from lab.torture.server_process import Server, split

NAMES = {attack.name: attack for attack in ATTACKS}


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    options, command = _parse(words)
    if options.list:
        _list()
        return 0
    attacks = [NAMES[name] for name in options.attack] or list(ATTACKS)
    scale = FAST if options.fast else FULL
    if options.connect:
        rows = _rows_by_hand(attacks, Server(options.connect, options.pid), scale, options.deadline)
    else:
        rows = _rows(attacks, Bench(command, scale, options.deadline), options.jobs)
    return 0 if print_scorecard(rows, sys.stdout) else 1


def _rows(attacks: Sequence[Attack], bench: Bench, jobs: int) -> Iterator[Row]:
    """Yield the rows in order; `jobs` attacks run at a time, each on its own server."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda attack: judge(attack, bench), attacks)


def _rows_by_hand(
    attacks: Sequence[Attack], server: Server, scale: Scale, deadline: float
) -> Iterator[Row]:
    """Yield the rows in order, all for one server that is running already."""
    for attack in attacks:
        yield confront(attack, server, scale, deadline)


def _parse(words: Sequence[str]) -> tuple[argparse.Namespace, Sequence[str]]:
    mine, command = split(words)
    parser = argparse.ArgumentParser(
        prog="python -m lab.torture",
        usage="%(prog)s [options] [-- SERVER COMMAND...]",
        description="Hostile clients against a server of the protocol, and a scorecard.",
        epilog="The server's command prints `listening on HOST:PORT`; in it {file} stands for the "
        "file to deliver and {options} for the options an attack needs.",
    )
    parser.add_argument("--list", action="store_true", help="what the attackers do")
    parser.add_argument("--fast", action="store_true", help="fewer clients, shorter deadlines")
    parser.add_argument(
        "--attack", action="append", choices=NAMES, default=[], metavar="NAME", help="only this one"
    )
    parser.add_argument("--jobs", type=count, default=1, help="attacks at a time (default 1)")
    parser.add_argument(
        "--connect", type=_address, metavar="HOST:PORT", help="attack a running server, by hand"
    )
    parser.add_argument("--pid", type=count, help="the running server's process, to measure it")
    parser.add_argument(
        "--deadline",
        type=duration,
        default=10,
        metavar="S",
        help="the server's --timeout, if its command has no {options} (default 10)",
    )
    options = parser.parse_args(mine)
    if options.connect and not options.attack:
        parser.error("--connect goes with --attack NAME")
    return options, command


def _address(text: str) -> Address:
    match = re.fullmatch(r"\[?([^]]+)\]?:([0-9]+)", text)
    if match is None:
        raise argparse.ArgumentTypeError("HOST:PORT")
    return match[1], client_port(match[2])


def _list() -> None:
    for attack in ATTACKS:
        text = textwrap.indent(textwrap.fill(attack.description, 76), 24 * " ")
        print(f"{attack.name:<23} {text.lstrip()}")


if __name__ == "__main__":
    tool.run("lab.torture", main)
