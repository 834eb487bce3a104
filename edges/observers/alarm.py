"""The alarm: says which call kept all others waiting.

One thread serves all clients, so while one handler computes or, worse, waits, no other is served.
In debug mode asyncio reports it (`loop.slow_callback_duration`); here it is `--slow`, and part of
`-v`.
"""

from collections.abc import Callable

from edges.observers.events import Called, Event, Returned, Turned, Wakes
from edges.observers.names import function_name, object_name


class Alarm:
    """An observer: reports each call, or else the turn, that took longer than `limit` seconds.

    The time of a call that was reported does not count for the calls around it.
    """

    def __init__(
        self, limit: float, clock: Callable[[], float], tell: Callable[[str], None]
    ) -> None:
        self.limit = limit
        self.clock = clock
        self.tell = tell
        self.turn = 0
        self.woke = 0.0
        # When each call under way began, less the time that was reported by then.
        self.begun: list[float] = []
        self.told = 0.0  # seconds of this turn that were reported

    def __call__(self, event: Event) -> None:
        match event:
            case Called():
                self.begun.append(self.clock() - self.told)
            case Returned(handler, action):
                took = self.clock() - self.told - self.begun.pop()
                self.judge(f"{object_name(handler)} in {function_name(action)}", took)
            case Wakes():
                self.turn += 1
                self.woke, self.told = self.clock(), 0.0
            case Turned():
                self.judge(f"turn {self.turn}", self.clock() - self.woke - self.told)

    def judge(self, what: str, took: float) -> None:
        if took > self.limit:
            self.told += took
            self.tell(f"slow: {what} took {took:.2f} s; no other client was served")
