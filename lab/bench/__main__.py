"""The bench: what a transfer costs each server, and how that grows.

    make bench                                        everything; writes docs/performance*
    make bench QUICK=1                                everything, roughly; writes build/performance
    make bench ARGS='--only eighty --rounds 3'        one server, and C to compare it with
    make bench ARGS='--also "mine=python mine.py"'    a further command, FILE is appended to it
    make bench ARGS='--scene idle --scene memory'     only these scenes

The results of a restricted run are printed, and written to build/performance: the figures in docs/
always come from one whole run.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from edges.command_line import count
from lab.bench import document, machine, machines
from lab.bench.processes import BUILD, Failed
from lab.bench.results import Results, load, save
from lab.bench.scenes import SCENES, Plan
from lab.bench.subjects import chosen, missing, sample
from lab.limits import allow_files, most_files
from protocol import FILE_LIMIT


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description="what a transfer costs")
    parser.add_argument("--quick", action="store_true", help="everything in less than a minute")
    parser.add_argument("--scene", action="append", choices=SCENES, help="this scene alone")
    only = "this server alone, beside C; may be given several times, as may --scene and --also"
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help=only)
    also = "one more server, started by COMMAND with the file's name behind it"
    parser.add_argument("--also", action="append", default=[], metavar="NAME=COMMAND", help=also)
    parser.add_argument("--rounds", type=count, help="in place of each scene's own number")
    parser.add_argument("--file", type=delivered, default=sample(), help="what is delivered")
    return parser.parse_args()


def delivered(text: str) -> Path:
    """Read the name of a file that can be delivered."""
    path = Path(text).resolve()
    if not path.is_file() or path.stat().st_size > FILE_LIMIT:
        raise argparse.ArgumentTypeError(f"expected a file of at most 80 bytes, got {text!r}")
    return path


def measured(given: argparse.Namespace, wanted: list[str]) -> Results:
    """Run the scenes that are wanted."""
    allow_files(most_files())
    circumstances = machine.circumstances()
    servers, load = machine.split_cores()
    os.sched_setaffinity(0, load)
    plan = Plan(given.file, servers, given.quick, given.rounds, chosen(given.only, given.also))
    for name, why in missing().items():
        print(f"NOT RUN: {name}: {why} (pip install --group bench)", file=sys.stderr)
    scenes = {name: SCENES[name](plan) for name in wanted}
    plan.progress.end()
    return {"circumstances": circumstances, "scenes": scenes}


def end_as_by_ctrl_c() -> None:
    """Treat other signals that end us like Ctrl+C, so that no server is left running."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def main() -> int:
    """Measure, print, write."""
    given = options()
    end_as_by_ctrl_c()
    few = bool(given.scene or given.only or given.also or given.rounds)
    wanted = given.scene or (["peers"] if given.only or given.also else list(SCENES))
    try:
        results = measured(given, wanted)
    except (Failed, ValueError) as failed:
        sys.exit(f"bench: {failed}; no figures")
    except KeyboardInterrupt:
        sys.exit("\nbench: interrupted; no figures")
    whole = not few and not given.quick and given.file == sample()
    folder = document.FOLDER if whole else BUILD / "performance"
    if whole:
        results = machines.with_others(results, load(folder)["machines"])
    save(results, folder)
    print(document.summary(results))
    if whole:
        document.write()
    else:
        document.draw(results, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
