"""Write Markdown: tables, and the words in their cells."""

from textwrap import fill

from lab.bench.subjects import EIGHTY

Cells = list[str]


def markdown(head: Cells, lines: list[Cells]) -> str:
    """Return a table."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rule, *lines])


def paragraph(text: str) -> str:
    """Return `text` wrapped to the width of our documents."""
    return fill(text, 115, break_long_words=False, break_on_hyphens=False) + "\n"


def bold(name: str) -> str:
    """Return a server's name, ours in bold."""
    return f"**{name}**" if name.startswith(EIGHTY) else name


def often(count: float) -> str:
    """Return how often something happens per transfer; "" if it hardly ever does."""
    return f"{count:.2f}" if count >= 0.005 else ""
