"""Run simulated worlds on the Python at hand: python3 lab/book/seeds.py [COUNT]."""

import sys

from lab.simulation.world import World


def main() -> int:
    """Run; a broken rule is a traceback that names it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for seed in range(count):
        World.of_seed(seed).run()
    print(f"{count} seeds on Python {sys.version.split()[0]}: no rule broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
