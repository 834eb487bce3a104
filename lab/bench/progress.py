"""Show progress on stderr: a bar on a terminal, elsewhere a line per scene. stdout is for results.

The bar needs tqdm, which comes with the group `bench`; without it, there are only the lines.
"""

import sys
import time
from typing import Any

try:
    from tqdm import tqdm
except ImportError:
    tqdm = None


class Progress:
    """The progress of a run of `total` steps, under the name of the scene."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.began = time.monotonic()

    def begin(self, scene: str, steps: int) -> None:
        """Name the scene that begins, and the number of its steps."""
        self.end()
        elapsed = time.monotonic() - self.began
        if tqdm is not None and sys.stderr.isatty():
            self.bar = tqdm(total=steps, desc=f"{scene:11}", leave=True, unit="", file=sys.stderr)
        else:
            print(f"bench: {elapsed:4.0f} s: {scene}, {steps} steps", file=sys.stderr, flush=True)

    def step(self, what: str) -> None:
        """Count one step as done."""
        if self.bar is not None:
            self.bar.set_postfix_str(f"{what:24.24}", refresh=False)
            self.bar.update()

    def left_out(self, what: str, why: Exception) -> None:
        """Report that there will be no figures of this, and why."""
        print(f"\nbench: FAILED, and left out: {what}: {why}", file=sys.stderr)

    def end(self) -> None:
        """Close the bar of the last scene."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
