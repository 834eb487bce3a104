"""What `-v` shows of the loop: one line per turn, how long it slept and who woke it."""

from edges.console import Console
from reactor import READ, WRITE, Ready

WORDS = {READ: "readable", WRITE: "writable", READ | WRITE: "readable and writable"}


class TurnLog:
    """Counts the turns and shows each as it begins: the reactor's `on_wake`."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.turns = 0

    def __call__(self, slept: float, ready: Ready) -> None:
        """Show this turn, unless it will only write messages: a line on that would be one more."""
        if [key.data for key, _ in ready] == [self.console]:
            return
        self.turns += 1
        who = ", ".join(f"{key.data} {WORDS[events]}" for key, events in ready)
        woke = who or "a deadline has passed"
        self.console.line(f"turn {self.turns}: slept {1000 * slept:.1f} ms; {woke}")
