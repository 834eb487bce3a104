"""Start server.py on a selector of the standard library instead of our own.

    python lab/bench/starters/with_selector.py PollSelector server.py [options]

This is not an option of server.py: only the bench needs the choice.
"""

import runpy
import selectors
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent.parent))
from edges import program


def main() -> None:
    """Use the selector named on the command line in place of the best one."""
    kind: type[selectors.BaseSelector] = getattr(selectors, sys.argv[1])
    vars(program)["best_selector"] = kind
    del sys.argv[:2]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
