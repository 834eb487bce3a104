"""Plots: a picture that grows, a scale, and what keeps labels apart."""

from math import log10
from statistics import fmean

from lab import svg

INK, MUTED, GRID, OURS, OURS_PALE = "ink", "muted", "grid", "ours", "pale"
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 12px; fill: #57606a } .end { text-anchor: end } .mid { text-anchor: middle }
.ours-text { fill: #0757ba; font-weight: 600 }
.ink { fill: #57606a; stroke: #57606a } .muted { fill: #8c959f; stroke: #8c959f }
.grid { fill: #d8dee4; stroke: #d8dee4 }
.ours { fill: #0969da; stroke: #0969da } .pale { fill: #5495e8; stroke: #5495e8 }
.line { fill: none; stroke-linejoin: round } rect[class] { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 } .ours-text { fill: #79c0ff }
.ink { fill: #b1bac4; stroke: #b1bac4 } .muted { fill: #6e7681; stroke: #6e7681 }
.grid { fill: #30363d; stroke: #30363d }
.ours { fill: #58a6ff; stroke: #58a6ff } .pale { fill: #2167bd; stroke: #2167bd }
}
"""


class Picture:
    """Shapes with the classes of STYLE; its height grows with what is drawn."""

    def __init__(self, width: int, title: str) -> None:
        self.width = width
        self.height = 0.0
        self.title = title
        self.shapes: list[str] = []

    def draw(self, shape: str, bottom: float) -> None:
        """Add a shape that reaches down to `bottom`."""
        self.shapes.append(shape)
        self.height = max(self.height, bottom)

    def text(self, x: float, y: float, words: str, kind: str = "") -> None:
        """Write `words`, their baseline at y."""
        self.draw(svg.text(x, y, words, kind), y + 8)

    def bar(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Draw a rectangle."""
        self.draw(svg.rect(x, y, max(width, 0), height, kind), y + height + 4)

    def dot(self, x: float, y: float, radius: float, kind: str) -> None:
        """Draw a filled circle."""
        self.draw(svg.circle(x, y, radius, kind), y + radius + 4)

    def line(self, points: list[tuple[float, float]], width: float, kind: str) -> None:
        """Draw a line through all points."""
        path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shape = f'<path d="{path}" stroke-width="{width}" class="line {kind}" style="fill:none"/>'
        self.draw(shape, max(y for _, y in points) + 4)

    def __str__(self) -> str:
        return svg.drawing((self.width, self.height), self.title, STYLE, self.shapes)


class Scale:
    """Map a value to a place in a picture: linear from 0, or by its logarithm."""

    def __init__(self, values: list[float], begin: float, end: float, *, log: bool = False) -> None:
        self.log = log
        self.low, self.high = (min(values) * 0.8 if log else 0.0), max(values) * 1.05
        self.begin = begin
        self.length = end - begin

    def __call__(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            value, low, high = log10(value), log10(low), log10(high)
        return self.begin + self.length * (value - low) / (high - low)

    def ticks(self) -> list[float]:
        """Return the round values that lie on it, not too many."""
        round_values = [digit * 10.0**n for n in range(-3, 8) for digit in (1, 2, 5)]
        if self.log:
            return [value for value in round_values if self.low <= value <= self.high]
        step = next(value for value in round_values if value >= self.high / 7)
        return [step * n for n in range(int(self.high / step) + 1)]


def apart(places: list[float], distance: float) -> list[float]:
    """Return `places`, moved as little as possible so that they are `distance` apart.

    Places that are too close form a group, which is spread evenly around its middle.
    """
    groups: list[list[int]] = []
    moved = list(places)
    for place in sorted(range(len(places)), key=places.__getitem__):
        groups.append([place])
        spread_out(groups[-1], places, moved, distance)
        while groups[1:] and moved[groups[-1][0]] - moved[groups[-2][-1]] < distance:
            groups[-2:] = [groups[-2] + groups[-1]]
            spread_out(groups[-1], places, moved, distance)
    return moved


def spread_out(group: list[int], places: list[float], moved: list[float], distance: float) -> None:
    """Write the places of the members of a group into `moved`."""
    first = fmean(places[n] for n in group) - distance * (len(group) - 1) / 2
    for rank, n in enumerate(group):
        moved[n] = first + rank * distance
