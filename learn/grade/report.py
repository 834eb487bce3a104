"""The grade as a learner reads it: one line for a green row, several for a red one, the score."""

import os
import sys
import textwrap
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import TextIO

from learn.grade.chapters import CHAPTER_OF, OWN, title
from learn.grade.engine import Result, needs
from learn.grade.table import TABLE

NAME = 22  # columns for the name of a row
WIDTH = 100


def wants_color(out: TextIO) -> bool:
    """Tell whether colours are welcome: on a terminal, unless NO_COLOR is set."""
    return out.isatty() and not os.environ.get("NO_COLOR")


def print_rows(results: Iterable[Result], out: TextIO) -> None:
    """Print every row under the heading of its chapter, in full up to the first that has red ones.

    Red rows of later chapters get one line each: the learner has not come to them yet.
    """
    color, short = wants_color(out), False
    for chapter, group in groupby(results, key=lambda result: result.chapter):
        print(f"\n{title(chapter)}", file=out)
        rows = list(group)
        for result in rows:
            print("\n".join(lines(result, color=color, short=short)), file=out)
        short = short or any(result.ok is False for result in rows)


def lines(
    result: Result,
    does: str = "",
    *,
    graded: str = "server",
    color: bool = False,
    short: bool = False,
) -> list[str]:
    """Return the lines of one row.

    `does` says what the attack does, if the table does not; `graded` is what the row is about.
    """
    if result.ok is None:
        return [f"  --   {result.row:{NAME}} {result.seen}"]
    if result.ok:
        return [f"  {_painted('ok', 32, color)}   {result.row:{NAME}} {result.seen}"]
    head = f"  {_painted('RED', 31, color)}  {result.row:{NAME}} "
    if short:
        died = result.words.startswith("the server ")
        return [head + (result.words if died else result.seen), *_labelled("wanted", result.wanted)]
    return [
        head + (does or TABLE[result.row].does),
        *_labelled("seen", result.seen),
        *_labelled(graded, result.words),
        *_labelled("wanted", result.wanted),
        *_labelled("read", title(result.chapter)),
    ]


def _labelled(label: str, text: str) -> list[str]:
    indent = " " * 12
    filled = textwrap.wrap(
        text, WIDTH, initial_indent=f"{indent}{label:8}", subsequent_indent=indent + " " * 8
    )
    return filled if text else []


def _painted(text: str, code: int, color: bool) -> str:
    return f"\033[{code}m{text}\033[0m" if color else text


def print_remarks(results: Mapping[str, Result], path: Path | None, out: TextIO) -> None:
    """Print what concerns several rows: options that are missing, rows that do not count."""
    unmeasured = sum(result.ok is None for result in results.values())
    if unmeasured:
        rows, do = ("1 row", "does") if unmeasured == 1 else (f"{unmeasured} rows", "do")
        print(f"\n{rows} could not be measured here ({_system()}), and {do} not count.", file=out)
    if path is not None and (missing := _missing_options(results, path)):
        said = "; ".join(f"--{option} ({', '.join(rows)})" for option, rows in missing.items())
        text = f"Options that {path} does not mention, and the red rows that need them: {said}."
        print("\n" + textwrap.fill(text, WIDTH, break_on_hyphens=False), file=out)


def _system() -> str:
    return {"darwin": "macOS"}.get(sys.platform, sys.platform)


def _missing_options(results: Mapping[str, Result], path: Path) -> dict[str, list[str]]:
    """Return the options that the file never mentions, with the red rows that need them."""
    text = path.read_text(errors="replace").replace("_", "-")
    missing: dict[str, list[str]] = {}
    for result in results.values():
        for option in needs(result.row) if result.ok is False else ():
            if option not in text:
                missing.setdefault(option, []).append(result.row)
    return missing


def print_changes(results: Mapping[str, Result], before: Mapping[str, bool], out: TextIO) -> None:
    """Print what has changed since the last grade: "+5", and which rows."""
    if not before:
        return
    won = [row for row, green in before.items() if results[row].ok and not green]
    lost = [row for row, green in before.items() if results[row].ok is False and green]
    change = len(won) - len(lost)
    how = f"{change:+d} since the last grade." if change else "The same score as last time."
    print(f"\n{how}", file=out)
    for what, rows in ("Green now", won), ("Red now", lost):
        if rows:
            text = f"{what}: {', '.join(rows)}."
            print(textwrap.fill(text, WIDTH, break_on_hyphens=False), file=out)


def score(results: Mapping[str, Result], known: Mapping[str, bool]) -> str:
    """Return the last line. `known` are rows from earlier grades, for the chapter that is next."""
    counted = [result for result in results.values() if result.ok is not None]
    green = sum(result.ok is True for result in counted)
    return f"{green} of {len(counted)}. Next: chapter {next_chapter(results, known)}."


def next_chapter(results: Mapping[str, Result], known: Mapping[str, bool]) -> int:
    """Return the first chapter with a red row; if there is none, the one after the green ones."""
    state = {**known, **{row: result.ok for row, result in results.items()}}
    red = [CHAPTER_OF[row] for row, ok in state.items() if ok is False]
    if red:
        return min(red)
    done = max((CHAPTER_OF[row] for row in results), default=0)
    later = [chapter for chapter in OWN if chapter > done]
    return min(later, default=14)
