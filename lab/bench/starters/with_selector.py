"""Start server.py on a selector of the standard library instead of our own.

    python lab/bench/starters/with_selector.py PollSelector server.py [options]

It is no option of the program: whoever serves files has no use for the choice.
"""

import runpy
import selectors
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent.parent))
from edges import program


def main() -> None:
    """Put the selector named on the command line in the place of the best one."""
    kind: type[selectors.BaseSelector] = getattr(selectors, sys.argv[1])
    vars(program)["best_selector"] = kind
    del sys.argv[:2]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
