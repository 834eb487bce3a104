"""The watch mode: grade whenever the file is saved; keys for hints, the next row, the list."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import tool
from learn.grade import command_line, report
from learn.grade.chapters import ROWS
from learn.grade.target import MINE, NoTarget
from learn.watch import screen, terminal
from learn.watch.begin import begin
from learn.watch.course import Course

TICK = 0.2  # seconds between two looks at the file


def main(words: Sequence[str]) -> int:
    """Make the file if there is none, then watch it; return the exit status."""
    options = _parse(words)
    path = options.file or MINE
    try:
        if options.file is None:
            print(begin(options.step, replace=options.replace))
        if not terminal.usable():
            return command_line.main([str(path), "--no-status"])
        return Watch(Course(path)).run()
    except NoTarget as error:
        tool.say(error)
        return command_line.CANNOT
    except KeyboardInterrupt:
        return 130


class Watch:
    """The loop of the watch mode, and what it shows: a row or the list, and how many hints."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.row = ""
        self.hints = 0
        self.listing = False
        self.terminal = terminal.Terminal(self.draw)

    def run(self) -> int:
        """Watch until the reader quits."""
        try:
            with self.terminal:
                self.course.begin()
                while (key := self.terminal.key(TICK)) != "q":
                    self.course.look()
                    self.press(key)
                    self.draw()
        finally:
            self.course.stop()
        print(f"{self.course.path}: {self.course.green} of {len(ROWS)}.")
        return 0

    def press(self, key: str) -> None:
        """Do what a key asks for."""
        rows = self.course.red_rows
        if key == "n" and self.row in rows:
            self.row, self.hints = rows[(rows.index(self.row) + 1) % len(rows)], 0
        elif key == "h":
            self.hints = min(3, self.hints + 1)
        elif key == "g" and not self.course.grading:
            self.course.begin()
        if self.row not in rows:
            self.row, self.hints = rows[0] if rows else "", 0
        if key:
            self.listing = key == "l" and not self.listing

    def draw(self) -> None:
        """Show what is known now."""
        width, _ = self.terminal.size
        color = report.wants_color(sys.stdout)
        if self.listing:
            lines = screen.listing(self.course)
        else:
            lines = screen.overview(self.course, self.row, self.hints, width, color=color)
        self.terminal.show(lines, screen.footer(self.course, width))


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = tool.Parser(
        prog="python3 -m learn.watch",
        description=f"Make {MINE} if there is none, and grade it whenever it has been saved.",
    )
    parser.add_argument("file", nargs="?", type=Path, help=f"a file other than {MINE}")
    parser.add_argument(
        "--from", dest="step", metavar="N", help=f"make {MINE} again, from this step"
    )
    parser.add_argument(
        "--replace", action="store_true", help="do not ask before an old file is replaced"
    )
    return parser.parse_args(list(words))
