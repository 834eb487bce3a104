"""Colours: each connection's name in one colour, where the terminal has colours.

Owns the decision whether to use colours, and the escape sequences. Knows the form of our own lines;
called with -v (edges/observers/attach.py) and by the programs in lab/.

    c1 S: HELLO 1                            -->  ESC[36m c1 ESC[0m  S: HELLO 1
    turn 2: slept 0.4 ms; c1 readable: ...   -->  ... ; ESC[36m c1 ESC[0m  readable: ...

The console lets only printable ASCII pass, and colours are added after that. So the only escape
sequences that reach a terminal are the seven below, around a name that we wrote. A peer's bytes
stay uncoloured, even if they look like a name.
"""

import os
import re

RESET = b"\x1b[0m"
CYCLE = [b"\x1b[3%dm" % colour for colour in (6, 3, 5, 2, 4, 1)]  # neighbours look different

# A line begins with the name of its connection, or names each connection that acts in the turn.
OWN = re.compile(rb"(?:slow: )?(c([0-9]+))(?= )")
IN_TURN = re.compile(rb"(?<= )(c([0-9]+))(?= )")


def supported(is_terminal: bool) -> bool:
    """Tell whether to use colours, by the same rules as Python itself.

    NO_COLOR (https://no-color.org) wins over FORCE_COLOR. If neither is set, a terminal gets
    colours; one that does not say what it is (no TERM, as on Windows) gets none.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM", "dumb") != "dumb"


def coloured(text: bytes, number: int) -> bytes:
    """Return `text` in the colour of connection `number`."""
    return CYCLE[number % len(CYCLE)] + text + RESET


def painted(lines: bytes) -> bytes:
    """Return `lines`, printable ASCII with LFs, with each connection's name in its colour."""
    return b"".join(map(_painted_line, lines.splitlines(keepends=True)))


def _painted_line(line: bytes) -> bytes:
    if line.startswith(b"turn "):
        return IN_TURN.sub(_painted_name, line)
    if match := OWN.match(line):
        return line[: match.start(1)] + _painted_name(match) + line[match.end(1) :]
    return line


def _painted_name(match: "re.Match[bytes]") -> bytes:
    return coloured(match[1], int(match[2]))
