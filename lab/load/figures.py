"""The figures that a measurement returns, and their table, to be pasted into a document."""

from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One figure: its name, its value, and its target; `met` says whether the target is met."""

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
