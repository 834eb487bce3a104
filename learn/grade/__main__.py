"""Grade a server: `python3 -m learn.grade --help`, or `make grade`."""

import os
import sys

if __name__ == "__main__":
    if os.name != "posix":
        sys.exit("The grader needs Linux or macOS; on Windows run it in WSL (see chapter 0).")
    from lab import tool
    from learn.grade.command_line import main

    tool.run("learn.grade", main)
