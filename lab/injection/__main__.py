"""The command line of the injection; see the package's docstring for its use.

Exit status: 0 the programs survived all; 1 they did not; 2 usage, or nothing can be traced here.
"""

import argparse
import sys
from collections.abc import Sequence

from edges.command_line import count
from lab.injection import strace
from lab.injection.campaign import Result, results, stage, table
from lab.injection.scenes import SCENES

NAMES = {scene.name: scene for scene in SCENES}


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    options = parser().parse_args(words)
    if why := strace.missing():
        print(f"nothing can be made to fail: {why}", file=sys.stderr)
        return 2
    done: list[Result] = []
    with stage() as place:
        for name in options.scene or NAMES:
            chosen = {"fast": options.fast, "call": options.call, "jobs": options.jobs}
            for result in results(NAMES[name], place, **chosen):
                done.append(result)
                report(result, len(done))
    print(table(done))
    return 1 if any(result.wrong for result in done) else 0


def report(result: Result, number: int) -> None:
    """Print each failure at once, and the progress from time to time."""
    if result.wrong:
        print(f"{result.injection}\n    " + "\n    ".join(result.wrong), flush=True)
    if number % 100 == 0:
        print(f"{number} runs", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m lab.injection")
    options.add_argument("--fast", action="store_true", help="each kind of call once")
    options.add_argument("--scene", action="append", choices=NAMES, help="only this one")
    options.add_argument("--call", help="only this system call, such as accept4")
    options.add_argument("--jobs", type=count, default=2, help="runs at a time (default 2)")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
