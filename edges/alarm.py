"""The alarm: says which call kept everybody else waiting.

One thread serves all, so while one handler computes or, worse, waits, nobody else is served. In
debug mode asyncio says so (`loop.slow_callback_duration`); here it is `--slow`, and part of `-v`.
"""

from collections.abc import Callable

from edges.recorder import name


class Alarm:
    """Tells of each call, or else turn, that took longer than `limit` seconds.

    A reactor's `trace`. A call that only waited for one inside it, which is told of, is not.
    """

    def __init__(
        self, limit: float, clock: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self.limit = limit
        self.clock = clock
        self.tell = tell
        self.turn = 0
        self.woke = 0.0
        self.begun: list[float] = []  # when each call under way began, less what was told by then
        self.told = 0.0  # seconds of this turn that somebody was told of

    def __call__(self, event: str, who: object = None, **what: object) -> None:
        if event == "call":
            self.begun.append(self.clock() - self.told)
        elif event == "done":
            self.done(who, what["action"])
        elif event == "wake":
            self.turn += 1
            self.woke, self.told = self.clock(), 0.0
        elif event == "turned":
            self.judge(f"turn {self.turn}", self.clock() - self.woke - self.told)

    def done(self, who: object, action: object) -> None:
        """Judge a call by the time that nobody has been told of yet."""
        took = self.clock() - self.told - self.begun.pop()
        self.judge(f"{who} in {name(action)}", took)

    def judge(self, what: str, took: float) -> None:
        if took > self.limit:
            self.told += took
            self.tell(f"slow: {what} took {took:.2f} s; nobody else was served")
