"""Stop tools on Windows that need signals, fork, or descriptors in a selector."""

import sys


def require() -> None:
    """End the program with one line if this is Windows. Call it before the other imports."""
    if sys.platform == "win32":
        sys.exit("this tool needs Linux or macOS; on Windows, run it in WSL")
