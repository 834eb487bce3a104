"""What the watch mode shows, as lines of text."""

import textwrap

from learn.grade import report
from learn.grade.chapters import ROWS, title
from learn.grade.table import TABLE
from learn.watch.course import Course

KEYS = "h hint   n next red row   l list   g grade   q quit"
BAR = 35


def overview(course: Course, row: str, hints: int, width: int, *, color: bool) -> list[str]:
    """Return the main view: chapter, goal, score, and the red row that is looked at."""
    lines = [*_heading(course, width), "", *_score(course), ""]
    if course.problem:
        return [*lines, *textwrap.wrap(f"{course.path} cannot be graded: {course.problem}", width)]
    if row in course.results:
        lines += report.lines(course.results[row], color=color)
    for number, hint in enumerate(TABLE[row].hints[:hints] if row else (), 1):
        lines += ["", *textwrap.wrap(f"hint {number} of 3: {hint}", width)]
    return lines


def _heading(course: Course, width: int) -> list[str]:
    chapters = course.to_read
    goal = ", ".join(course.chapter_rows)
    lines = [title(course.chapter)]
    if goal:
        lines += textwrap.wrap(f"goal: {goal}", width, break_on_hyphens=False)
    first, last = chapters[0], chapters[-1]
    span = f"chapter {last}" if first == last else f"chapters {first} to {last}"
    return [*lines, f"read: {span} of docs/protocol.md"]


def _score(course: Course) -> list[str]:
    if course.grading:
        tried = f"{course.tried} of {len(ROWS)} rows tried"
        return [f"{_bar(course.tried, len(ROWS), '.')} grading: {tried}"]
    won = course.green - sum(course.before.values()) if course.before else 0
    change = f" ({won:+d})" if won else ""
    return [f"{_bar(course.green, len(ROWS), '#')} {course.green} of {len(ROWS)}{change}"]


def _bar(done: int, total: int, mark: str) -> str:
    filled = BAR * done // total
    return f"[{mark * filled}{' ' * (BAR - filled)}]"


def listing(course: Course) -> list[str]:
    """Return every row in one line, in the order of the chapters."""
    known = course.memory.green
    words = {True: "ok ", False: "RED", None: "-- "}
    rows = [f"{words[known.get(row)]} {row}" for row in ROWS]
    half = (len(rows) + 1) // 2
    return [f"  {left:<30}{right}" for left, right in zip(rows, [*rows[half:], ""], strict=False)]


def footer(course: Course, width: int) -> list[str]:
    """Return the last lines: the keys, and what is waited for."""
    return ["", KEYS[:width], f"{course.path} is graded again when you save it."[:width]]
