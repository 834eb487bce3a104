"""Watch your server: `python3 -m learn.watch --help`, or `make learn`."""

import os
import sys

if __name__ == "__main__":
    if os.name != "posix":
        sys.exit("The watch mode needs Linux or macOS; on Windows run it in WSL (see chapter 0).")
    from lab import tool
    from learn.watch.command_line import main

    tool.run("learn.watch", main)
