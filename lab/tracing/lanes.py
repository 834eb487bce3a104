"""The picture of a run, as an SVG that needs nothing but itself.

Owns signs, words, and what is above and below what. lab/svg.py draws the shapes, layout.py says
where things are from left to right, palette.py has the colours. Called by __main__.py.

It is made for the first screen of a README: an image there runs no script and loads nothing,
follows the reader's choice of light or dark by itself, and is read aloud by its title and its
description. There are two more: one in which a cursor moves through the run (motion.py), and a
narrow one of a few turns, for phones.
Colour never carries a meaning alone: states have their names, marks their shapes.
"""

from collections.abc import Callable
from functools import partial
from html import escape

from lab.svg import drawing, rect, text
from lab.tracing.events import Trace
from lab.tracing.layout import GAP, MOST_LANES, MOST_TURNS, Band, Box, Column, Layout, Mark
from lab.tracing.motion import cursor, keyframes
from lab.tracing.palette import STATES, STYLE
from lab.tracing.signs import GLYPHS, LEGEND

TOP, LOOP, LANE, CONNECTION = 40, 46, 48, 66  # heights
EDGE = 14  # on the right
NARROW = 48  # a turn narrower than this shows its number alone
PHONE = 420  # the width of a picture for phones
LETTER = 6.2  # the usual width of one, in pixels, at 10.5


def picture(trace: Trace) -> str:
    """Return the SVG of a trace."""
    return Picture(Layout(trace)).drawn()


def moving(trace: Trace) -> str:
    """Return the SVG of a trace with a cursor that moves through it."""
    return Moving(Layout(trace)).drawn()


def strip(trace: Trace, first: int, last: int) -> str:
    """Return the SVG of the events `first` to `last`: the lanes in which something happens."""
    return Strip(Layout(trace, first, last), first, last).drawn()


def narrow(trace: Trace) -> str:
    """Return the SVG of a few turns, as many as fit the width of a phone; the first one mostly
    accepts, so they begin with the second."""
    ends = [n for n, event in enumerate(trace.events, 1) if event.ev == "turned"] or [1]
    first = ends[0] + 1 if len(ends) > 1 else 1
    last = max(first, ends[min(1, len(ends) - 1)])
    for end in ends[2:MOST_TURNS]:
        if Layout(trace, first, end).x + EDGE <= PHONE:
            last = end
    return Narrow(Layout(trace, first, last), first, last).drawn()


class Picture:
    """What is drawn, from the back to the front."""

    least = 760  # the width, so that the title has room

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.lanes = self.chosen()[:MOST_LANES]
        self.connections = {band.on for band in layout.bands}
        self.tops: dict[str, int] = {}
        y = TOP + LOOP
        for on in self.lanes:
            self.tops[on] = y
            y += CONNECTION if on in self.connections else LANE
        self.bottom = y
        shown = [band for band in layout.bands if band.on in self.lanes]
        ends = [band.end + int(LETTER * len(band.how)) for band in shown]
        self.width = max([layout.x + EDGE, self.least, *(end + EDGE for end in ends)])

    def chosen(self) -> list[str]:
        """Return the lanes that may be drawn."""
        return self.layout.lanes

    def drawn(self) -> str:
        legend, height = self.legend()
        shown = self.tops
        shapes = [
            rect(0, 0, self.width, height, "paper", 8),
            text(14, 25, self.title() + ".", "title"),
            *(self.stripe(column) for column in self.layout.columns),
            *(self.rule(y) for y in shown.values()),
            *(self.thread(box) for box in self.layout.boxes if box.on in shown),
            *(self.band(band) for band in self.layout.bands if band.on in shown),
            *(self.box(box) for box in self.layout.boxes if box.on in shown),
            *(self.mark(mark) for mark in self.layout.marks if mark.on in shown),
            *(self.loop(column) for column in self.layout.columns),
            *(self.waits(column) for column in self.layout.columns),
            self.cursor(),
            text(self.layout.left - 12, TOP + 23, "the loop", "name end"),
            *(text(self.layout.left - 12, y + 29, on, "name end") for on, y in shown.items()),
            *legend,
        ]
        size, style = (self.width, height), STYLE + self.motion()
        return drawing(size, self.title(), style, shapes, description=self.description())

    def motion(self) -> str:
        """Return the rules of what moves: nothing."""
        return ""

    def cursor(self) -> str:
        """Draw what moves."""
        return ""

    # --- words

    def title(self) -> str:
        """Return the caption: what is to be seen, and how much of it."""
        count, turns = len(self.connections), self.layout.turns
        words = f"{count} connection{'s' * (count != 1)}, one thread, {turns} turns of its loop"
        if turns > MOST_TURNS:
            words += f", the first {MOST_TURNS} shown"
        if len(self.layout.lanes) > MOST_LANES:
            words += f", {MOST_LANES} lanes of {len(self.layout.lanes)} shown"
        return words

    def description(self) -> str:
        """Return what happens to each connection, for readers who cannot see the picture."""
        lives = []
        for on in self.lanes:
            states = [band.state for band in self.layout.bands if band.on == on]
            ends = [
                f", closed: {band.how}" for band in self.layout.bands if band.on == on and band.how
            ]
            if states:
                lives.append(f"{on}: {', '.join(states)}{''.join(ends)}.")
        return " ".join(["Order from left to right, not time.", *lives])

    # --- the back

    def stripe(self, column: Column) -> str:
        if column.kind == "asleep":
            return ""
        return rect(column.x, TOP, column.end - column.x, self.bottom - TOP, "stripe", 5)

    def rule(self, y: int) -> str:
        return f'<path class="rule" d="M14 {y}H{self.width - EDGE}"/>'

    def thread(self, box: Box) -> str:
        """Draw a line from the loop, or from the call around it, to the object that is called."""
        top = self.tops[box.caller] + 40 if box.caller in self.tops else TOP + 36
        return f'<path class="thread" d="M{box.x + 7} {top}V{self.tops[box.on] + 8}"/>'

    def band(self, band: Band) -> str:
        y, width = self.tops[band.on] + 46, band.end - band.x
        drawn = rect(band.x, y, width, 15, STATES.get(band.state, "other"), 4)
        if width >= LETTER * len(band.state) + 4:
            drawn += text(band.x + 4, y + 11, band.state, "state")
        return drawn + (text(band.end + 6, y + 11, band.how, "quiet") if band.how else "")

    # --- the front

    def box(self, box: Box) -> str:
        y = self.tops[box.on] + 7
        return (
            f"<g><title>{escape(box.cb)}</title>"
            f"{rect(box.x + 1, y, box.end - box.x - 2, 34, 'box', 6)}</g>"
        )

    def mark(self, mark: Mark) -> str:
        y = self.tops[mark.on]
        word = text(mark.x, y + 37, mark.word, "word middle") if mark.word else ""
        return glyph(mark.glyph, mark.x, y + (19 if mark.word else 24)) + word

    def loop(self, column: Column) -> str:
        """Draw what the loop does: it works in a turn, or it sleeps."""
        middle = (column.x + column.end) // 2
        if column.kind == "asleep":
            asleep = text(middle, TOP + 17, "asleep", "quiet middle")
            return asleep + text(middle, TOP + 30, spoken(column.slept), "quiet middle")
        label = f"turn {column.k}" if column.end - column.x >= NARROW else str(column.k)
        if column.kind == "outside":
            label = "start" if column.k == 0 else "end"
        block = rect(column.x, TOP + 8, column.end - column.x, 28, "awake", 6)
        return block + text(middle, TOP + 26, label, "turn middle")

    def waits(self, column: Column) -> str:
        """Draw what each object waits for while the loop sleeps; one that wakes it is filled."""
        x, drawn = column.x + GAP // 2, ""
        for on, interest in column.watched.items():
            if on not in self.tops:
                continue
            y, ready = self.tops[on] + 24, column.ready.get(on, "")
            drawn += pill(x, y, interest) if ready else text(x, y + 4, interest, "waits")
        return drawn

    # --- below

    def legend(self) -> tuple[list[str], int]:
        """Return the words below the lanes, and the height of the whole picture."""
        x, y = 14, self.bottom + 26
        drawn = [self.rule(self.bottom)]
        for draw, words in self.signs():
            width = 34 + int(LETTER * len(words))
            if x + width > self.width:
                x, y = 14, y + 24
            drawn += [draw(x + 10, y), text(x + 29, y + 4, words, "quiet")]
            x += width + 8
        return drawn, y + 22

    def signs(self) -> list[tuple[Callable[[int, int], str], str]]:
        """Return the signs in this picture, each with its meaning."""
        used = {mark.glyph for mark in self.layout.marks}
        marks = [(partial(glyph, name), words) for name, words in LEGEND.items() if name in used]
        return [
            (lambda x, y: text(x, y + 4, "r w", "waits"), "the loop waits to read, to write"),
            (lambda x, y: pill(x, y, "r"), "that is ready, and wakes it"),
            *marks,
        ]


class Moving(Picture):
    """The whole run, and a cursor that moves through it."""

    def motion(self) -> str:
        return keyframes(self.layout, self.width)

    def cursor(self) -> str:
        return cursor(self.layout.left, TOP, self.bottom, self.width)


class Strip(Picture):
    """A part of a run, for a document: as little as tells it."""

    least = 300

    def __init__(self, layout: Layout, first: int, last: int) -> None:
        self.first, self.last = first, last
        super().__init__(layout)

    def chosen(self) -> list[str]:
        return [on for on in self.layout.lanes if on in self.layout.used]

    def title(self) -> str:
        return f"Events {self.first} to {self.last}"


class Narrow(Strip):
    """A few turns of a run, for a phone."""

    def title(self) -> str:
        turns = [column.k for column in self.layout.columns if column.kind == "turn"]
        return f"One thread, turns {turns[0]} to {turns[-1]} of its loop" if turns else "One thread"


def pill(x: int, y: int, word: str) -> str:
    """Draw a readiness: it points at the turn that it begins."""
    shape = f'<path class="pill" d="M{x - 11} {y - 10}h15l10 10-10 10h-15z"/>'
    return shape + text(x - 2, y + 4, word, "ready")


def glyph(name: str, x: int, y: int) -> str:
    """Draw one of GLYPHS around a point."""
    return f'<path class="glyph {name}" transform="translate({x} {y})" d="{GLYPHS[name]}"/>'


def spoken(microseconds: int) -> str:
    """Return a length of time as people say it."""
    if microseconds < 1000:
        return f"{microseconds} \N{MICRO SIGN}s"
    if microseconds >= 999_500:
        return f"{microseconds / 1e6:.1f} s"
    if microseconds >= 9_950:
        return f"{microseconds / 1e3:.0f} ms"
    return f"{microseconds / 1e3:.1f} ms"
