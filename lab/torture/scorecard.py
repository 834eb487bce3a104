"""The scorecard: one line for each attack, as soon as it is over, and the sum."""

from collections.abc import Iterable
from typing import TextIO

from lab.torture.judge import FAIL, NOT_MADE, OK, Row

LINE = "{:<22} {:<66} {:>8} {:>11}  {}"


def print_scorecard(rows: Iterable[Row], out: TextIO) -> bool:
    """Print each row as it comes, then the sum; return whether all is ok."""
    print(LINE.format("attack", "what was seen", "CPU used", "good served", "verdict"), file=out)
    verdicts = []
    for row in rows:
        print(_line(row), file=out, flush=True)
        verdicts.append(row.verdict)
    parts = (f"{verdicts.count(verdict)} {verdict}" for verdict in (OK, FAIL, NOT_MADE))
    print(f"{len(verdicts)} attacks: {', '.join(parts)}", file=out)
    return set(verdicts) == {OK}


def _line(row: Row) -> str:
    cpu = "-" if row.cpu is None else f"{row.cpu:.3f} s"
    good = f"{row.served}/{row.wanted}"
    seen, *more = row.complaints[:3] or [row.seen]
    line = LINE.format(row.attack, seen, cpu, good, row.verdict)
    return "\n".join([line, *(f"{'':<22} {complaint}" for complaint in more)])
