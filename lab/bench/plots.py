"""The plots of docs/performance.md, each drawn from results.json and nothing else."""

from collections.abc import Callable
from functools import partial

from lab.bench.results import Results, by_cost, curves, middle, ratios, row, rows
from lab.bench.subjects import EIGHTY, YARDSTICK
from lab.bench.svg import GRID, INK, MUTED, OURS, OURS_PALE, Picture, Scale, apart

WIDTH = 720
LEFT, RIGHT = 165, 560  # edges of the plot; the labels are on both sides of it
STEP, BAR = 30, 18  # pixels from line to line, and of a bar
SAMPLE = 12  # pixels of a coloured square in a legend
TOP = 46
FIELD = 300  # height of a field of curves
Curves = dict[str, dict[int, float]]


def kind(name: str) -> str:
    """Return the colour of a curve: ours, the limit, or one of the others."""
    if name.startswith((EIGHTY, "epoll, our own")):
        return OURS
    return INK if name == YARDSTICK else MUTED


def text_kind(name: str) -> str:
    """Return the colour of a text, likewise."""
    return "ours-text" if kind(name) == OURS else ""


def peers(results: Results) -> Picture:
    """Draw a bar per server: what the kernel does for it, and what it does itself."""
    picture = Picture(WIDTH, "processor time per transfer, of each server")
    found = by_cost(rows(results, "peers"), "cpu")
    limit = row(results, "peers", YARDSTICK)
    scale = Scale([middle(each["cpu"]) for each in found], LEFT, RIGHT)
    picture.text(LEFT, 16, "microseconds of processor time per transfer, and times that of C")
    for place, each in enumerate(found):
        y, cpu = TOP + STEP * place, middle(each["cpu"])
        ours = kind(each["name"]) == OURS
        system = scale(cpu * (1 - (each["user"] or 0)))
        picture.text(LEFT - 10, y + 14, each["name"], f"end {text_kind(each['name'])}")
        picture.bar(LEFT, y, system - LEFT, BAR, OURS if ours else INK)
        picture.bar(system, y, scale(cpu) - system, BAR, OURS_PALE if ours else MUTED)
        times = f", {middle(ratios(each, limit)):.2f} ×" if limit else ""
        picture.text(scale(cpu) + 8, y + 14, f"{cpu:.0f} µs{times}", text_kind(each["name"]))
    below = TOP + STEP * len(found) + 2
    explain(picture, LEFT, below, (INK, OURS), "in the kernel (system)")
    explain(picture, LEFT + 210, below, (MUTED, OURS_PALE), "in the program (user)")
    return picture


def explain(picture: Picture, x: float, y: float, kinds: tuple[str, ...], words: str) -> None:
    """Write what these colours mean."""
    for place, colour in enumerate(kinds):
        picture.bar(x + SAMPLE * place, y, SAMPLE, SAMPLE, colour)
    picture.text(x + SAMPLE * len(kinds) + 8, y + SAMPLE - 1, words, "small")


def latency(results: Results) -> Picture:
    """Draw a line per server, from the median to the greatest time."""
    picture = Picture(WIDTH, "time from connect to the end of stream")
    found = by_cost(rows(results, "peers"), "p50")
    figures = [1e-3 * middle(each[key]) for each in found for key in ("p50", "max")]
    scale = Scale(figures, LEFT, RIGHT + 40, log=True)
    title = "milliseconds from connect to end of stream, 100 clients at a time (logarithmic)"
    picture.text(LEFT, 16, title)
    for tick in scale.ticks():
        picture.line([(scale(tick), TOP - 8), (scale(tick), TOP + STEP * len(found))], 1, GRID)
        picture.text(scale(tick), TOP - 14, f"{tick:g}", "small mid")
    for place, each in enumerate(found):
        y, name = TOP + STEP * place + 9, each["name"]
        at = [scale(1e-3 * middle(each[key])) for key in ("p50", "p90", "p99", "max")]
        picture.text(LEFT - 10, y + 5, name, f"end {text_kind(name)}")
        picture.line([(at[0], y), (at[-1], y)], 2, kind(name))
        for x, radius in zip(at, (5, 4, 3, 2), strict=True):
            picture.dot(x, y, radius, kind(name))
        words = f"{1e-3 * middle(each['p50']):.1f}, {1e-3 * middle(each['p99']):.1f} ms"
        picture.text(at[-1] + 8, y + 5, words, text_kind(name))
    below = TOP + STEP * len(found) + 12
    picture.text(LEFT, below, "dots: median, 90 %, 99 %, greatest; figures: median, 99 %", "small")
    return picture


def memory(results: Results) -> Picture:
    """Draw a bar per server: what an idle client costs."""
    picture = Picture(WIDTH, "memory per idle client")
    found = by_cost(rows(results, "memory"), "bytes")
    scale = Scale([middle(each["bytes"]) for each in found], LEFT, RIGHT)
    picture.text(LEFT, 16, "bytes of the server's memory per idle client")
    for place, each in enumerate(found):
        y, cost = TOP - 14 + STEP * place, middle(each["bytes"])
        picture.text(LEFT - 10, y + 14, each["name"], f"end {text_kind(each['name'])}")
        picture.bar(LEFT, y, scale(cost) - LEFT, BAR, kind(each["name"]))
        picture.text(scale(cost) + 8, y + 14, f"{cost:,.0f}", text_kind(each["name"]))
    return picture


def growth(scene: str, axis: str, results: Results, *, log: bool) -> Picture:
    """Draw a curve per server over the places of the axis, each with its name at its end."""
    found = curves(results, scene)
    title = "microseconds of processor time per transfer"
    picture = Picture(WIDTH, f"{title}, by {axis}")
    places = sorted({at for curve in found.values() for at in curve})
    left = 60
    x = {at: left + (RIGHT - left) * n / max(1, len(places) - 1) for n, at in enumerate(places)}
    figures = [figure for curve in found.values() for figure in curve.values()]
    y = Scale(figures, TOP + FIELD, TOP, log=log)
    picture.text(left, 16, f"{title} (logarithmic)" if log else title)
    for tick in y.ticks():
        picture.line([(left, y(tick)), (RIGHT, y(tick))], 1, GRID)
        picture.text(left - 8, y(tick) + 4, f"{tick:g}", "small end")
    for at in places:
        picture.text(x[at], TOP + FIELD + 18, f"{at:,}", "small mid")
    picture.text((left + RIGHT) / 2, TOP + FIELD + 38, axis, "small mid")
    draw_curves(picture, found, x, y)
    return picture


def draw_curves(picture: Picture, found: Curves, x: dict[int, float], y: Scale) -> None:
    """Draw the curves, ours last and so on top."""
    for name, curve in sorted(found.items(), key=lambda pair: kind(pair[0]) == OURS):
        points = [(x[at], y(figure)) for at, figure in curve.items()]
        picture.line(points, 3 if kind(name) == OURS else 2, kind(name))
        for point in points:
            picture.dot(*point, 3, kind(name))
    write_names(picture, {name: list(curve.items())[-1] for name, curve in found.items()}, x, y)


def write_names(
    picture: Picture, ends: dict[str, tuple[int, float]], x: dict[int, float], y: Scale
) -> None:
    """Write each curve's name beside its end; above it, where the others go on."""
    short = {name: end for name, end in ends.items() if x[end[0]] < RIGHT}
    for name, (at, figure) in short.items():
        picture.text(x[at], y(figure) - 10, name, f"mid {text_kind(name)}")
    whole = [name for name in ends if name not in short]
    points = [y(ends[name][1]) for name in whole]
    for name, point, place in zip(whole, points, apart(points, 16), strict=True):
        picture.line([(RIGHT + 5, point), (RIGHT + 15, place)], 1, kind(name))
        picture.text(RIGHT + 18, place + 4, name, text_kind(name))


IDLE = "idle clients beside the load"

PLOTS: dict[str, Callable[[Results], Picture]] = {
    "peers": peers,
    "latency": latency,
    "concurrency": partial(growth, "concurrency", "clients at once", log=True),
    "idle": partial(growth, "idle", IDLE, log=False),
    "memory": memory,
    "selectors": partial(growth, "selectors", IDLE, log=False),
}


def drawn(results: Results) -> dict[str, str]:
    """Return the plots of all scenes that were measured, by the names of their files."""
    played = results["scenes"]
    scene = {"latency": "peers"}
    return {
        f"{name}.svg": str(plot(results))
        for name, plot in PLOTS.items()
        if played.get(scene.get(name, name), {}).get("rows")
    }
