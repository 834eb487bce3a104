"""Draw SVG as text. One file has light and dark colours: the reader's browser chooses."""

from html import escape
from math import log10
from statistics import fmean

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
        self.draw(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>', y + 8)

    def bar(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        """Draw a rectangle."""
        size = f'width="{max(width, 0):.1f}" height="{height:.1f}"'
        self.draw(f'<rect x="{x:.1f}" y="{y:.1f}" {size} class="{kind}"/>', y + height + 4)

    def dot(self, x: float, y: float, radius: float, kind: str) -> None:
        """Draw a filled circle."""
        place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
        self.draw(f'<circle {place} class="{kind}"/>', y + radius + 4)

    def line(self, points: list[tuple[float, float]], width: float, kind: str) -> None:
        """Draw a line through all points."""
        path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shape = f'<path d="{path}" stroke-width="{width}" class="line {kind}" style="fill:none"/>'
        self.draw(shape, max(y for _, y in points) + 4)

    def __str__(self) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
            f'height="{self.height:.0f}" viewBox="0 0 {self.width} {self.height:.0f}" role="img">'
        )
        title = f"<title>{escape(self.title)}</title>"
        return "\n".join([head, title, f"<style>{STYLE}</style>", *self.shapes, "</svg>\n"])


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
