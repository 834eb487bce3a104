"""An attack: its name, what it does, and the server that it needs."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.torture.arena import Arena, Scale
from lab.torture.server_process import Options


def by_deadline(scale: Scale) -> Options:
    """Return the options for an attack that lasts until the server's deadline."""
    return {"timeout": scale.deadline}


def far_deadline(scale: Scale) -> Options:
    """Return the options for an attack during which no deadline may pass."""
    return {"timeout": 60}


def slow_motion(scale: Scale) -> Options:
    """Return the options for a transfer of half a second, which can be attacked in the middle."""
    return {"timeout": 60, "chunk": 1, "pause": scale.pause}


SLOW_CPU = 0.02  # seconds for a client in slow motion: a hundred turns of the loop


@dataclass(frozen=True)
class Attack:
    """One row of the scorecard.

    `run` makes the attack and returns what was seen; its docstring is the description. `options`
    are the server's; with `insists` the attack makes no sense without them. `stderr` is the
    server's stderr (see ServerProcess). `ends_server` says that the server must end.
    `cpu_per_client` is the processor time in seconds that one connection may cost.
    """

    name: str
    run: Callable[[Arena], str]
    options: Callable[[Scale], Options] = far_deadline
    insists: bool = False
    stderr: str = "read"
    ends_server: bool = False
    cpu_per_client: float = 0.001  # 0.00005 is usual

    @property
    def description(self) -> str:
        """What it does, and what must be seen."""
        return " ".join((self.run.__doc__ or "").split())
