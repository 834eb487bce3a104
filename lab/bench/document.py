"""Put the figures into docs/performance.md: its tables, and its sentences with figures.

    python -m lab.bench.document --write        rewrite document and plots from results.json

The function NAME in figures.py writes the text between `<!-- bench: NAME -->` and
`<!-- end of bench -->` in the document, so every figure is one that was measured.
"""

import re
import sys
from pathlib import Path

from lab.bench import figures, plots, sentences
from lab.bench.results import Results, load
from lab.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
FOLDER = ROOT / "docs" / "performance"
PART = re.compile(r"^<!-- bench: (.*) -->\n(?:.*\n)*?<!-- end of bench -->\n", re.MULTILINE)


def rewritten(text: str, results: Results) -> str:
    """Return the document with each of its parts rewritten."""

    def part(found: "re.Match[str]") -> str:
        words = figures.PARTS[found[1]](results)
        return f"<!-- bench: {found[1]} -->\n{words}<!-- end of bench -->\n"

    return PART.sub(part, text)


def draw(results: Results, folder: Path) -> None:
    """Write the plots into `folder`."""
    for name, text in plots.drawn(results).items():
        (folder / name).write_text(text)


def write() -> None:
    """Rewrite the plots and the document."""
    results = load(FOLDER)
    draw(results, FOLDER)
    PAGE.write_text(rewritten(PAGE.read_text(), results))


def summary(results: Results) -> str:
    """Return the text of a run for the terminal: the tables of the scenes that were measured."""
    played = [name for name in results["scenes"] if name in figures.TABLES]
    parts = [sentences.circumstances(results)]
    parts += [f"{name}\n\n{figures.TABLES[name](results)}" for name in played]
    return "\n".join(parts)


def main(arguments: list[str]) -> None:
    """Rewrite the page, or print the usage."""
    if arguments != ["--write"]:
        sys.exit("usage: python -m lab.bench.document --write")
    write()


if __name__ == "__main__":
    main(sys.argv[1:])
