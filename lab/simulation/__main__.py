"""The command line of the simulation; see the package's docstring for its use.

Exit status: 0 no violation; 1 a violation, or a program that died; 2 usage.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from edges.command_line import count
from lab.simulation import calls, exploration, soak, sweeps
from lab.simulation.world import World


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    choice = parser().parse_args(words)
    if choice.what == "replay":
        return replay(choice.seed, choice.trace)
    if choice.what == "soak":
        return soak.main(choice.count, choice.first, choice.jobs)
    if choice.what == "calls":
        return calls.main(choice.scenario, choice.jobs)
    if choice.what == "explore":
        return exploration.main(choice.scope, choice.jobs)
    return sweeps.main()


def replay(seed: int, trace: Path | None) -> int:
    """Print the story of a seed, and let the server record it; return the exit status."""
    story: list[str] = []
    lines: list[bytes] = []
    try:
        world = World.of_seed(seed, story)
        if trace is not None:
            world.server.record(lines)
        world.run()
    except Exception:  # noqa: BLE001  # a violation, or what a program died of
        print("\n".join(story))
        traceback.print_exc()
        return 1
    finally:
        if trace is not None:
            trace.write_bytes(b"".join(lines))
    print("\n".join(story))
    print(f"seed {seed}: {len(world.clients)} transfers, {world.steps} steps, 0 violations")
    return 0


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.simulation", description="The programs in a made-up world."
    )
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    kind = kinds.add_parser("replay", help="tell the story of a seed")
    kind.add_argument("seed", type=int)
    kind.add_argument("--trace", type=Path, metavar="FILE", help="record the server's run")
    kind = kinds.add_parser("soak", help="simulate many transfers")
    kind.add_argument("--count", type=count, default=1_000_000, help="transfers (default 1000000)")
    kind.add_argument("--first", type=int, default=0, metavar="SEED", help="default 0")
    with_jobs(kind)
    kind = kinds.add_parser("calls", help="fail the Nth call, for every N and errno")
    kind.add_argument("--scenario", action="append", choices=calls.SCENARIOS, help="only this one")
    with_jobs(kind)
    kind = kinds.add_parser("explore", help="every course of events, for tiny files")
    kind.add_argument("--scope", action="append", choices=exploration.SCOPES, help="only this one")
    with_jobs(kind)
    kinds.add_parser("sweep", help="every truncation and bit flip of an exchange")
    return parser


def with_jobs(kind: argparse.ArgumentParser) -> None:
    kind.add_argument("--jobs", type=count, default=os.cpu_count() or 1, help="processes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
