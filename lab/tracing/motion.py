"""The motion in the picture of a run: a cursor moves from left to right; what comes later is pale.

Owns the times. The time of a turn depends on its width; every sleep takes the same time, which is
longer than most turns: the loop sleeps nearly always, although the picture gives that little room.
Called by lanes.py. It is CSS alone, since an image in a README runs no script.

A reader who wants no motion gets none (prefers-reduced-motion). But an image inside a page may not
see that setting (Chromium 156, emulated), so a page should choose the still picture by itself:

    <picture>
      <source media="(prefers-reduced-motion: reduce)" srcset="lanes.svg">
      <img src="lanes-moving.svg">
    </picture>
"""

from lab.tracing.layout import Layout

ASLEEP, SLOW, REST = 0.9, 0.005, 2.0  # seconds: of a sleep, of a pixel of a turn, at the end
TIMES = 3  # then the whole picture stays: motion without end distracts from reading


def cursor(left: int, top: int, bottom: int, width: int) -> str:
    """Draw the cursor at `left`, and the pale ground after it. Without motion it is out of sight:
    to the right of the picture."""
    height = bottom - top
    return (
        f'<g class="head" transform="translate({width})"><rect class="paper" x="{left}" y="{top}" '
        f'width="{width}" height="{height}" fill-opacity=".8"/>'
        f'<path class="glyph error" d="M{left} {top}V{bottom}"/></g>'
    )


def keyframes(layout: Layout, width: int) -> str:
    """Return the rules that move the cursor through the columns of `layout`."""
    time, places = 0.0, [(0.0, 0)]
    for column in layout.columns:
        time += 0.2 if column.kind == "asleep" else SLOW * (column.end - column.x)
        places.append((time, column.end - layout.left))
        if column.kind == "asleep":
            time += ASLEEP
            places.append((time, column.end - layout.left))
    places += [(time, width), (time + REST, width)]
    whole = time + REST
    steps = "".join(f"{100 * at / whole:.2f}%{{transform:translate({x}px)}}" for at, x in places)
    return (
        "@media(prefers-reduced-motion:no-preference){"
        f".head{{animation:head {whole:.1f}s linear {TIMES}}}@keyframes head{{{steps}}}}}"
    )
