"""The drawing layer: SVG pictures, written as text from the few shapes that ours need.

Owns the elements and the frame around them. Each picture owns its content and its colours:
lab/bench/svg.py draws plots, lab/tracing/lanes.py a run, lab/documents/scoreboard.py a table. One
file has light and dark colours: the style sheet asks for the reader's choice.
"""

from collections.abc import Iterable
from html import escape


def number(value: float) -> str:
    """Return a place or a length: a tenth of a pixel is as fine as anyone sees."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, kind: str = "", more: str = "") -> str:
    """Return `words` in the class `kind`; `y` is their base line, `more` are further attributes."""
    place = f'x="{number(x)}" y="{number(y)}"'
    return f'<text class="{kind}" {place}{more}>{escape(words)}</text>'


def rect(x: float, y: float, width: float, height: float, kind: str, radius: int = 0) -> str:
    """Return a rectangle in the class `kind`, with round corners if `radius` says so."""
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect class="{kind}" {place}' + (f' rx="{radius}"/>' if radius else "/>")


def circle(x: float, y: float, radius: float, kind: str) -> str:
    """Return a filled circle in the class `kind`."""
    return f'<circle class="{kind}" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"/>'


def drawing(
    size: tuple[float, float],
    title: str,
    style: str,
    shapes: Iterable[str],
    *,
    description: str = "",
    zoom: int = 1,
) -> str:
    """Return the picture of `shapes`; a screen reader says its title and its description.

    `size` is its width and height, shown `zoom` times as large.
    """
    width, height = (round(length) for length in size)
    box = f'viewBox="0 0 {width} {height}" width="{zoom * width}" height="{zoom * height}"'
    read = "t d" if description else "t"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="{read}" {box}>',
        f'<title id="t">{escape(title)}</title>',
        f'<desc id="d">{escape(description)}</desc>' if description else "",
        f"<style>{style}</style>",
        *shapes,
        "</svg>",
    ]
    return "\n".join(filter(None, parts)) + "\n"
