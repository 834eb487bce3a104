"""Knobs: how a world is set up. Small limits and rare troubles are drawn like everything else.

Each knob has a calm value, other values, and the share of worlds that get one of the others. In a
calm world nothing is cut, late, short, full or broken.
"""

import signal
from dataclasses import dataclass, field, fields
from typing import Any, Self

from lab.simulation.chance import Chance

PATIENT = 100_000.0  # seconds; without delays, a program that waits this long waits for ever
STREAM_LIMIT = 105  # bytes of the longest stream of a server
BODIES = (
    b"Hello, world!\n", b"", b"\n", b"a\n\nb\n", "grün, 你好\n".encode(), 79 * b"x" + b"\n",
    b"second\n", 8 * b"123456789\n",
)  # fmt: skip


def knob(calm: Any, *others: Any, share: float) -> Any:
    """Declare a knob: `calm`, or in a `share` of the worlds one of the others."""
    return field(default=calm, metadata={"others": others, "share": share})


@dataclass
class Knobs:
    """The setting of one run."""

    body: bytes = knob(*BODIES, share=0.8)
    clients: int = knob(3, 1, 2, 6, 12, 24, share=0.9)
    strangers: int = knob(0, 1, 2, 4, share=0.35)
    listeners: int = knob(1, 2, share=0.3)
    backlog: int = knob(100, 3, 0, share=0.2)
    # The network.
    split: bool = knob(False, True, share=0.4)
    window: int = knob(65536, 100, 30, 7, 1, share=0.15)
    short: float = knob(0.0, 0.2, 0.8, share=0.15)
    harsh: bool = knob(False, True, share=0.3)
    trouble: float = knob(0.0, 0.1, 0.5, share=0.3)  # wires that are reset, cut or silent
    dead_ends: bool = knob(False, True, share=0.2)  # clients first try addresses that do not work
    # The kernel.
    not_now: float = knob(0.0, 0.1, 0.5, share=0.2)
    spurious: float = knob(0.0, 0.1, 0.5, share=0.2)
    disorder: float = knob(0.0, 0.5, 1.0, share=0.5)
    shortage: float = knob(0.0, 0.2, 0.5, share=0.1)
    anything: float = knob(0.0, 0.01, 0.05, share=0.2)
    places: int = knob(1000, 3, 1, share=0.1)  # connections for which the descriptors last
    odd_addresses: bool = knob(False, True, share=0.2)
    # Time.
    delays: int = knob(0, 2, 10, share=0.3)
    haste: float = knob(0.01, 0.05, 0.3, share=0.3)  # with which calamities come
    # The options of the programs.
    timeout: float = knob(10.0, 1.0, 0.01, share=0.4)
    patience: float = knob(PATIENT, 10.0, 0.5, share=0.2)  # --timeout of the clients
    drain: float = knob(5.0, 0.5, 0.0, share=0.5)
    max_clients: int = knob(1000, 4, 2, 1, share=0.2)
    chunk: int | None = knob(None, 40, 7, 1, share=0.12)
    pause: float | None = knob(None, 0.001, 0.5, share=0.5)
    # Signals of each listening period, at any moment; a calm one ends when nothing is left to do.
    signals: tuple[int, ...] = knob(
        (), (signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGINT),
        (signal.SIGHUP, signal.SIGTERM, signal.SIGINT), share=0.2,
    )  # fmt: skip
    periods: int = knob(1, 2, share=0.2)
    interrupts: float = knob(0.0, 0.3, share=0.1)  # clients that get a Ctrl+C

    @classmethod
    def drawn(cls, chance: Chance) -> Self:
        """Set the knobs by chance."""
        knobs = cls()
        for name, others, share in DIALS:
            if chance.maybe(share):
                setattr(knobs, name, others[chance.below(len(others))])
        if knobs.chunk is None:
            knobs.pause = None
        return knobs

    def hurried(self) -> bool:
        """Return whether a deadline can pass for a client that does nothing wrong."""
        piece = 1 if self.short else min(self.chunk or STREAM_LIMIT, self.window)
        slow_motion = (self.pause or 0.0) * (STREAM_LIMIT / piece + 2)
        return bool(self.delays or self.patience < PATIENT or slow_motion > self.timeout / 2)

    def __str__(self) -> str:
        """Return what is not calm."""
        turned = [name for name, _, _ in DIALS if getattr(self, name) != getattr(CALM, name)]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in turned) or "calm"


DIALS = [(dial.name, dial.metadata["others"], dial.metadata["share"]) for dial in fields(Knobs)]
CALM = Knobs()
