"""The screen of a pseudo-terminal: what was written to its other side, once it has got here."""

import os

END = b"\0"  # none of our programs writes it


def shown(keyboard: int, terminal: int) -> str:
    """Return all that was written to `terminal` and not read from `keyboard` yet.

    The kernel passes bytes of a terminal on a little later, but in order: so we write an end
    behind them, and read up to it.
    """
    os.write(terminal, END)
    text = b""
    while not text.endswith(END):
        text += os.read(keyboard, 4096)
    return text.removesuffix(END).decode()


def shown_to_the_end(keyboard: int) -> str:
    """Return all that is left on a terminal that nobody has open any more."""
    text = b""
    try:
        while data := os.read(keyboard, 4096):
            text += data
    except OSError:  # EIO: the other side is closed
        pass
    return text.decode()
