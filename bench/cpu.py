"""Measure what one transfer costs each server: microseconds of its processor time, user and system.

Processor time, since that is what a server on one thread has to give: its inverse is the most
that one core can serve. Each server has the same load (bench/load.c, which verifies every copy),
pinned to another core than the server. The rounds are interleaved and the ratios are taken within
a round, so that a slow minute of the machine slows everybody alike.

    make bench                                          all servers, the full table
    make bench ARGS='--only eighty --rounds 3'          one server, beside the yardstick
    make bench ARGS='--also "mine=python mine.py"'      a further command, FILE is appended to it
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

from servers import LOAD, ROOT, YARDSTICK, Server, circumstances, commands, running


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="processor time per transfer, of each server")
    parser.add_argument("--transfers", type=int, default=20_000, help="per round (20,000)")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (7)")
    parser.add_argument("--at-a-time", type=int, default=32, help="open connections (32)")
    parser.add_argument("--only", action="append", metavar="NAME", help="beside the yardstick")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--file", type=Path, default=ROOT / "sample.txt", help="what is delivered")
    return parser.parse_args()


def chosen(only: list[str] | None, also: list[str]) -> dict[str, list[str]]:
    """Return the commands of the servers that are wanted."""
    known = commands()
    for name, _, command in (each.partition("=") for each in also):
        known[name] = shlex.split(command)
        only = only and [*only, name]
    if only and (unknown := set(only) - set(known)):
        raise SystemExit(f"bench: no server {', '.join(unknown)}; there are {', '.join(known)}")
    return {n: c for n, c in known.items() if not only or n in only or n == YARDSTICK}


def put_on_different_cores(servers: dict[str, Server]) -> None:
    """Pin the servers to one core and the load, which inherits it from us, to another."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("bench: only one core: servers and load share it", file=sys.stderr)
        return
    os.sched_setaffinity(0, {cores[1]})
    for server in servers.values():
        os.sched_setaffinity(server.process.pid, {cores[0]})


def transfer(server: Server, path: Path, transfers: int, at_a_time: int) -> tuple[float, float]:
    """Put the load on `server`; return its microseconds per transfer, and transfers per second."""
    before = server.cpu()
    command = [str(LOAD), str(server.port), str(path), str(transfers), str(at_a_time)]
    load = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if load.returncode:
        raise SystemExit("bench: a transfer went wrong; no figures")
    return (server.cpu() - before) / transfers / 1000, transfers / float(load.stdout)


def spread(figures: list[float], form: str) -> str:
    """Return the least, the median and the greatest of `figures`."""
    three = (min(figures), statistics.median(figures), max(figures))
    return "  ".join(format(figure, form) for figure in three)


def print_table(costs: dict[str, list[float]], rates: dict[str, list[float]]) -> None:
    """Print one line per server; the ratio is that of the same round's yardstick."""
    print(f"{'server':20}  {'µs per transfer':^21}  {'ratio to C':^17}  transfers/s")
    print(f"{'':20}  {'min    median      max':^21}  {'min  median   max':^17}  median")
    for name, cost in costs.items():
        ratios = [ours / c for ours, c in zip(cost, costs[YARDSTICK], strict=True)]
        rate = statistics.median(rates[name])
        print(f"{name:20}  {spread(cost, '7.1f')}  {spread(ratios, '5.2f')}  {rate:11,.0f}")


def main() -> None:
    """Warm every server up, run the rounds, print the table."""
    given = options()
    costs: dict[str, list[float]] = {}
    rates: dict[str, list[float]] = {}
    with running(chosen(given.only, given.also), given.file) as servers:
        put_on_different_cores(servers)
        for server in servers.values():
            transfer(server, given.file, max(1, given.transfers // 5), given.at_a_time)
        for _ in range(given.rounds):
            for name, server in servers.items():
                cost, rate = transfer(server, given.file, given.transfers, given.at_a_time)
                costs.setdefault(name, []).append(cost)
                rates.setdefault(name, []).append(rate)
    print(circumstances())
    print(f"{given.rounds} rounds of {given.transfers:,} transfers, {given.at_a_time} at a time")
    print_table(costs, rates)


if __name__ == "__main__":
    main()
