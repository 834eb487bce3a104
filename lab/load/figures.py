"""What a measurement returns, and how it is printed: a table that can be pasted into a document."""

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One figure: what it is, what it came to, what it was to be; `met`: whether it is."""

    name: str
    value: str
    target: str = "-"
    met: bool = True


def document(title: str, figures: Sequence[Figure], command: str, machine: str) -> str:
    """Return the figures as a section of Markdown, with the command and the machine below."""
    lines = [f"### {title}", "", "| figure | value | target |", "| --- | --- | --- |"]
    lines += [
        f"| {name} | {value}{'' if met else ' **(missed)**'} | {target} |"
        for name, value, target, met in figures
    ]
    return "\n".join([*lines, "", f"`{command}`", f"({machine})"])
