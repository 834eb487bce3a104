"""How far the reader has come: grades a file in the background whenever it has been saved."""

import threading
from collections.abc import Mapping
from pathlib import Path

from learn.grade import report
from learn.grade.chapters import CHAPTER_OF, OWN, ROWS
from learn.grade.engine import Result, Unfit, grade
from learn.grade.memory import Memory
from learn.grade.target import NoTarget, of_file

Stamp = tuple[int, int]


class Stopped(Exception):
    """The reader has quit: try no further row."""


class Course:
    """A file and what is known of it: the `results` of the last grade, or the `problem` with it.

    `before` is the grade before the last one; `tried` counts the rows that are known of the grade
    that is running now.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.memory = Memory(path)
        self.results: dict[str, Result] = {}
        self.before: Mapping[str, bool] = {}
        self.problem = ""
        self.tried = 0
        self._stamp: Stamp | None = None  # of the file that was graded
        self._seen: Stamp | None = None  # of the file when it was last looked at
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def grading(self) -> bool:
        """Whether a grade is running."""
        return self._thread is not None and self._thread.is_alive()

    def look(self) -> bool:
        """Begin to grade if the file was saved and has not changed since; tell whether it began."""
        stamp = self._look_at_file()
        at_rest, self._seen = stamp == self._seen, stamp
        if self.grading or stamp == self._stamp or not at_rest:
            return False
        self.begin()
        return True

    def begin(self) -> None:
        """Begin to grade in a thread."""
        self._stamp, self.tried = self._look_at_file(), 0
        self._thread = threading.Thread(target=self._grade)
        self._thread.start()

    def stop(self) -> None:
        """Break off the grade that is running; return when its servers have ended."""
        self._stopped = True
        if self._thread is not None:
            self._thread.join()

    def _look_at_file(self) -> Stamp | None:
        """Return what changes when the file is saved: its time stamp and its size."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _grade(self) -> None:
        try:
            command = of_file(self.path).command
            results = grade(command, path=str(self.path), progress=self._count)
        except Stopped:
            return
        except (NoTarget, Unfit) as error:
            self.problem, self.results = str(error), {}
            return
        self.before, self.results, self.problem = self.memory.note(results), results, ""

    def _count(self, result: Result) -> None:
        if self._stopped:
            raise Stopped
        self.tried += 1

    # where the reader is

    @property
    def chapter(self) -> int:
        """The chapter that is next: the first one with a red row."""
        return report.next_chapter(self.results, self.memory.green)

    @property
    def to_read(self) -> list[int]:
        """The chapters to read now: the one that is next, and those before it that own no row."""
        begun = [chapter for chapter in OWN if chapter < self.chapter]
        return list(range(max(begun, default=1) + 1, self.chapter + 1))

    @property
    def green(self) -> int:
        """The number of green rows."""
        return sum(self.memory.green.values())

    @property
    def red_rows(self) -> list[str]:
        """The red rows, the next chapter's first."""
        return [row for row in ROWS if self.memory.green.get(row) is False]

    @property
    def chapter_rows(self) -> list[str]:
        """The rows of the next chapter."""
        return [row for row in ROWS if CHAPTER_OF[row] == self.chapter]
