"""The targets, and whether each was reached: one list, so that none can be forgotten."""

from dataclasses import dataclass

from lab.bench import starts
from lab.bench.results import Results, middle, ratios, row, spread
from lab.bench.subjects import EIGHTY, YARDSTICK

PIPE = "lines to a pipe that is read"


@dataclass(frozen=True)
class Target:
    """A limit, a second and stricter limit, and the scene that has the samples."""

    what: str
    most: float
    then: float | None
    ours: tuple[str, str, int]  # scene, server, place
    theirs: tuple[str, str, int] | None  # the other side of the ratio; None: bytes per client
    form: str = ".2f"
    key: str = "cpu"

    def samples(self, results: Results) -> list[float] | None:
        """Return one sample for each round; None if nothing was measured."""
        ours = row(results, *self.ours)
        if self.theirs is None:
            return [float(cost) for cost in ours["bytes"]] if ours else None
        theirs = row(results, *self.theirs)
        return ratios(ours, theirs, self.key) if ours and theirs else None

    def line(self, results: Results) -> str:
        """Return its line of the table."""
        wanted = f"{self.most:g}" + (f", then {self.then:g}" if self.then else "")
        samples = self.samples(results)
        if samples is None:
            return f"| {self.what} | {wanted} | not measured | |"
        found = spread(samples, self.form)
        return f"| {self.what} | {wanted} | {found} | {self.verdict(samples)} |"

    def verdict(self, samples: list[float]) -> str:
        """Return the verdict on the median, rounded as the table shows it."""
        shown = float(format(middle(samples), self.form))
        if self.then and shown <= self.then:
            return "**reached**, the second too"
        return "**reached**" if shown <= self.most else "missed"


US = ("peers", EIGHTY, 0)
TARGETS = [
    Target("processor time, times C", 1.6, 1.5, US, ("peers", YARDSTICK, 0)),
    Target(
        "processor time, times uvloop's Protocol", 0.9, 0.85,
        US, ("peers", "uvloop Protocol", 0),
    ),
    Target(
        "processor time, times asyncio's Protocol", 0.45, 0.42,
        US, ("peers", "asyncio Protocol", 0),
    ),
    Target(
        "the same, but printing its lines, times C", 1.9, 1.8,
        ("lines", PIPE, 0), ("lines", YARDSTICK, 0),
    ),
    Target(
        "with 10,000 idle clients, times none", 1.05, None,
        ("idle", EIGHTY, 10_000), ("idle", EIGHTY, 0),
    ),
    Target(
        "with 5,000 clients at once, times 100", 1.3, None,
        ("concurrency", EIGHTY, 5000), ("concurrency", EIGHTY, 100),
    ),
    Target("bytes of memory per idle client", 700, 614, ("memory", EIGHTY, 0), None, ",.0f"),
    Target(
        "`client.py` end to end, times the bare imports", 2, 1.5,
        ("start", starts.CLIENT, 0), ("start", starts.IMPORTS, 0), key="wall",
    ),
]  # fmt: skip


def table(results: Results) -> str:
    """Return the table of all targets with their verdicts."""
    lines = [target.line(results) for target in TARGETS]
    head = ["| eighty, everything on, `-q` | at most | measured | |", "|---|---|---|---|"]
    return "\n".join([*head, *lines]) + "\n"
