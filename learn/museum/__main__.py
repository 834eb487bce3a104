"""The command line of the museum; see the package's docstring for its use.

Exit status: 0 what was asked for was shown; 1 the symptom did not show; 2 usage.
"""

import argparse
import difflib
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from edges.command_line import count
from lab import tool
from learn.museum.catalogue import EXHIBITS, SOUND, Exhibit, exhibit

WIDTH = 100


def main(words: Sequence[str]) -> int:
    """Do what the command line says; return the exit status."""
    options = _parse(words)
    if options.measure:
        _need_posix()
        from learn.museum.measure import measure  # noqa: PLC0415 - not on Windows

        measure()
    elif options.number is None:
        _list()
    elif options.repaired:
        print(_repair(options.number))
    else:
        return _show(options.number, options.file)
    return 0


def _list() -> None:
    """Print one line for each exhibit."""
    for one in EXHIBITS:
        print(f"{one.number:>2}  {one.fault}")
    print(
        "\n`make exhibit N=8` shows number 8; `make grade SERVER=exhibit:8` grades it: repair it!"
    )


def _show(one: Exhibit, file: Path | None) -> int:
    """Show an exhibit, or test whether its repaired copy `file` still has the symptom."""
    program = file or one.path
    if file is None:
        _introduce(one)
    symptom, seen = _symptom(one, program)
    _say("Seen now", seen)
    if file is None:
        _say("In words", one.symptom)
        print(f"\nThe fault is marked in {_short(program)}; chapter {one.chapter} explains it.")
        copy = f"mine/{one.number}.py"
        print(f"Repair a copy (cp {_short(program)} {copy}), then:")
        print(f"make exhibit N={one.number} SERVER={copy}")
        return 0 if symptom else 1
    print(
        "The symptom still shows." if symptom else "Repaired: the symptom does not show any more."
    )
    return 1 if symptom else 0


def _introduce(one: Exhibit) -> None:
    """Print what is known about an exhibit before it runs."""
    print(f"Exhibit {one.number}, {_short(one.path)}\n")
    _say("Wrong", one.fault)
    _say("Found in", one.source)
    _say("There", one.fact)


def _symptom(one: Exhibit, program: Path) -> tuple[bool, str]:
    """Run the exhibit into its fault; return whether the symptom showed, and what happened."""
    _need_posix()
    from learn.grade import Unfit, grade  # noqa: PLC0415 - not on Windows
    from learn.museum.shows import SHOWS  # noqa: PLC0415

    if one.shown_by in SHOWS:
        return SHOWS[one.shown_by](program)
    command = (sys.executable, str(program), "{file}", "--port", "0", "{options}")
    try:
        result = grade(command, [one.shown_by], path=str(program))[one.shown_by]
    except Unfit as error:
        return True, str(error)
    words = f" ({result.words})" if result.words else ""
    return not result.ok, f"{result.seen}{words} [{one.shown_by}]"


def _need_posix() -> None:
    """Exit with one line on a system where the attacks do not run."""
    if os.name != "posix":
        sys.exit("the exhibits are shown on Linux and macOS; on Windows, use WSL")


def _repair(one: Exhibit) -> str:
    """Return the difference between an exhibit and its sound form, without their first lines."""
    wrong = one.path.read_text(encoding="utf-8").splitlines()[1:]
    right = (SOUND / one.sound).read_text(encoding="utf-8").splitlines()[1:]
    lines = difflib.unified_diff(
        wrong, right, one.path.name, f"sound/{one.sound}", lineterm="", n=1
    )
    return "\n".join(lines)


def _say(label: str, text: str) -> None:
    """Print a label and a text beside it."""
    lines = textwrap.wrap(text, WIDTH - 12)
    print(f"{label + ':':<11} " + f"\n{'':<12}".join(lines))


def _short(path: Path) -> str:
    """Return a path as one would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = tool.Parser(
        prog="python3 -m learn.museum", description="Servers that are wrong on purpose."
    )
    parser.add_argument("number", nargs="?", type=_number, help="the exhibit to show")
    parser.add_argument("file", nargs="?", type=Path, help="a repaired copy of it, to ask about")
    parser.add_argument("--repaired", action="store_true", help="print the lines that repair it")
    parser.add_argument("--measure", action="store_true", help="attack all, write rows.json")
    options = parser.parse_args(list(words))
    if options.file and not options.file.is_file():
        parser.error(f"there is no file {options.file}")
    return options


def _number(text: str) -> Exhibit:
    try:
        return exhibit(count(text))
    except (argparse.ArgumentTypeError, KeyError):
        raise argparse.ArgumentTypeError(f"there are exhibits 1 to {len(EXHIBITS)}") from None


if __name__ == "__main__":
    tool.run("learn.museum", main)
