"""The scorecard: one line for each attack, as soon as it is over, and the sum."""

from collections.abc import Iterable
from typing import TextIO

from edges import colours
from lab.torture.judge import FAIL, NOT_MADE, OK, Row

COLOURS = {OK: 32, FAIL: 31, NOT_MADE: 33}  # green, red, yellow
LINE = "{:<22} {:<66} {:>8} {:>11}  {}"


def print_scorecard(rows: Iterable[Row], out: TextIO) -> bool:
    """Print each row as it comes, then the sum; return whether all is ok."""
    print(LINE.format("attack", "what was seen", "CPU used", "good served", "verdict"), file=out)
    verdicts = []
    for row in rows:
        print(_line(row, _shown(row.verdict, out)), file=out, flush=True)
        verdicts.append(row.verdict)
    parts = (f"{verdicts.count(verdict)} {verdict}" for verdict in (OK, FAIL, NOT_MADE))
    print(f"{len(verdicts)} attacks: {', '.join(parts)}", file=out)
    return set(verdicts) == {OK}


def _shown(verdict: str, out: TextIO) -> str:
    """Return the verdict, in colour if `out` has colours."""
    if not colours.supported(out.isatty()):
        return verdict
    return f"\x1b[{COLOURS[verdict]}m{verdict}\x1b[0m"


def _line(row: Row, verdict: str) -> str:
    cpu = "-" if row.cpu is None else f"{row.cpu:.3f} s"
    good = f"{row.served}/{row.wanted}"
    seen, *more = row.complaints[:3] or [row.seen]
    line = LINE.format(row.attack, seen, cpu, good, verdict)
    return "\n".join([line, *(f"{'':<22} {complaint}" for complaint in more)])
