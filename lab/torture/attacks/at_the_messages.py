"""Attacks on the server's messages: nobody reads them, or they cannot be written."""

from lab.torture import meters
from lab.torture.arena import Arena
from lab.torture.attack import Attack


def frozen_terminal(arena: Arena) -> str:
    """Freezes the server's terminal (Ctrl+S: a pty that nobody reads), then thousands of good
    clients come. By hand: freeze it yourself first. Must be seen: all are served, the terminal has
    kept its blocking mode and has not become the server's own, and SIGTERM still ends it.
    """
    arena.serve(arena.scale.crowd)
    if not arena.by_hand:
        arena.demand(arena.process.terminal_is_blocking(), "left the terminal non-blocking")
        arena.demand(meters.terminal(arena.pid) == 0, "took the terminal as its own")
    _demand_orderly_end(arena)
    return f"{arena.scale.crowd} clients came, nobody read a line"


def frozen_pipe(arena: Arena) -> str:
    """The same with a pipe that nobody reads. Must be seen: the same."""
    arena.serve(arena.scale.crowd)
    _demand_orderly_end(arena)
    return f"{arena.scale.crowd} clients came, nobody read a line"


def nobody_listens(arena: Arena) -> str:
    """Closes the reading end of the server's stderr (`2> >(true)`): each line is EPIPE. Must be
    seen: all are served, and it ends with status 0 when asked to.
    """
    arena.serve(arena.scale.crowd)
    _demand_orderly_end(arena)
    return f"{arena.scale.crowd} clients came, no line could be written"


def _demand_orderly_end(arena: Arena) -> None:
    if arena.by_hand:
        return
    arena.process.terminate()
    if arena.process.ended(arena.scale.promptly):
        status = arena.process.status()
        arena.demand(status == 0, f"exit status {status} after SIGTERM")
    else:
        arena.demand(False, "SIGTERM does not end it")


ATTACKS = (
    Attack("frozen-terminal", frozen_terminal, stderr="terminal", ends_server=True),
    Attack("frozen-pipe", frozen_pipe, stderr="pipe", ends_server=True),
    Attack("broken-stderr", nobody_listens, stderr="gone", ends_server=True),
)
