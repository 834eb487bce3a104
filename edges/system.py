"""What differs between the systems: chosen here, once, and nowhere else.

windows.py and posix.py have the same names; each is written for its own system, and `make lint`
checks it as that system. The rest of the program never checks the platform.
"""

import sys

if sys.platform == "win32":
    from edges import windows as terminal
    from edges.windows import (
        MOST_SOCKETS,
        NO_WAIT,
        Outlet,
        Source,
        bad_name,
        best_selector,
        open_files,
        share_offset,
        sync_file,
        words,
    )
else:
    from edges import terminal
    from edges.outlet import Outlet
    from edges.posix import (
        MOST_SOCKETS,
        NO_WAIT,
        Source,
        bad_name,
        best_selector,
        open_files,
        share_offset,
        sync_file,
        words,
    )

__all__ = [
    "MOST_SOCKETS", "NO_WAIT", "Outlet", "Source", "bad_name", "best_selector", "open_files",
    "share_offset", "sync_file", "terminal", "words",
]  # fmt: skip
