"""Progress of a bench, on stderr: stdout is for results. Off a terminal, a line per scene."""

import sys
import time

from lab.progress import Line


class Progress:
    """How far a run has come: `steps` in each scene."""

    def __init__(self) -> None:
        self.line = Line()
        self.began = time.monotonic()
        self.scene, self.steps, self.done = "", 0, 0

    def begin(self, scene: str, steps: int) -> None:
        """Name the scene that begins, and the number of its steps."""
        self.scene, self.steps, self.done = scene, steps, 0
        if not self.line.in_place:
            words = f"bench: {self.seconds()} s: {scene}, {steps} steps"
            print(words, file=sys.stderr, flush=True)

    def step(self, what: str) -> None:
        """Count one step as done."""
        self.done += 1
        self.line.show(
            f"bench: {self.seconds()} s: {self.scene}, {self.done} of {self.steps}: {what}"
        )

    def seconds(self) -> str:
        """Return how long the run has taken so far."""
        return f"{time.monotonic() - self.began:4.0f}"

    def left_out(self, what: str, why: Exception) -> None:
        """Report that there will be no figures of this, and why."""
        self.line.clear()
        print(f"bench: FAILED, and left out: {what}: {why}", file=sys.stderr)

    def end(self) -> None:
        """Remove the line."""
        self.line.close()
