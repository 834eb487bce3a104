"""One run for the playground: a scene, the verdict in words, and the page that shows it.

The scenes are worlds of lab/simulation/, the verdict is that of its invariants after each turn.
Runs in the page, and in the tests of each exercise.
"""

import signal
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from lab.simulation.chance import Calm, Chance, Seeded
from lab.simulation.knobs import Knobs
from lab.simulation.strangers import KINDS
from lab.simulation.world import Broken, World
from lab.tracing.page import ROOT
from lab.tracing.page import page as stage
from listener import Acceptor
from protocol import ProtocolError
from server import ServerConnection

SLOW = next(name for name in KINDS if name.endswith(" a second"))
MANY = 40  # seeds, one after another, until a rule is broken


class Scene(NamedTuple):
    """What a world is like."""

    words: str
    knobs: Mapping[str, Any] = MappingProxyType({})
    strangers: tuple[str, ...] = ()
    calm: bool = False  # the seed does not matter


SCENES = {
    "three": Scene("three clients", calm=True),
    "pieces": Scene("everything comes in pieces", {"split": True, "clients": 3}),
    "narrow": Scene("the kernel takes few bytes at once", {"window": 30, "clients": 3}),
    "reset": Scene("connections are reset or cut", {"trouble": 0.8, "clients": 6}),
    "silent": Scene("one client says nothing", {"clients": 2}, ("silent",), calm=True),
    "slow": Scene("one client sends a byte a second", {"clients": 1}, (SLOW,), calm=True),
    "full": Scene("room for two, and six come", {"max_clients": 2, "clients": 6}),
    "stopped": Scene("Ctrl+C in the middle", {"signals": (signal.SIGINT,), "haste": 0.1}),
    "seed": Scene("a world made up from the seed"),
    "many": Scene(f"{MANY} such worlds, from the seed on"),
}


def world_of(name: str, seed: int) -> World:
    """Return the world of a scene."""
    if name in ("seed", "many"):
        return World.of_seed(seed)
    scene = SCENES[name]
    chance: Chance = Calm() if scene.calm else Seeded(seed)
    world = World(chance, Knobs(**scene.knobs))
    for kind in scene.strangers:
        world.add_stranger(kind)
    return world


def play(name: str, seed: int) -> dict[str, Any]:
    """Run a scene; return the verdict, whether a rule is broken, the number of events, the page."""
    count = MANY if name == "many" else 1
    for number in range(seed, seed + count):
        found = run(world_of(name, number))
        if found["broken"]:
            break
    if name == "many":
        found["verdict"] = f"Seed {number}. {found['verdict']}"
    return found


def run(world: World) -> dict[str, Any]:
    """Run a world to its end, or to the moment when a rule is broken."""
    lines: list[bytes] = []
    bugs: list[str] = []
    world.server.record(lines)
    try:
        with noted(Acceptor, bugs), noted(ServerConnection, bugs):
            world.run()
        rule = ""
    except Broken as broken:
        rule = str(broken)
    events = len(lines)
    page = stage(b"".join(lines).decode())
    verdict = f"Broken at event {events}. {rule}" if rule else f"Every rule held. {summary(world)}"
    error = "".join(dict.fromkeys(bugs))
    return {
        "verdict": verdict,
        "broken": bool(rule),
        "error": error,
        "events": events,
        "page": page,
    }


@contextmanager
def noted(kind: type[Any], bugs: list[str]) -> Iterator[None]:
    """Add the traceback of each bug that an object of this kind is blamed for to `bugs`."""
    on_error = kind.on_error

    def note(handler: Any, error: Exception) -> None:  # noqa: ANN401  # any handler
        if not isinstance(error, OSError | ProtocolError):
            bugs.append(shown(error))
        on_error(handler, error)

    kind.on_error = note
    try:
        yield
    finally:
        kind.on_error = on_error


def summary(world: World) -> str:
    """Return how the connections ended."""
    words = [f"c{wire.number} {wire.word}" for wire in world.server.wires if wire.word]
    copies = sum(isinstance(client.outcome, bytes) for client in world.clients)
    return f"{', '.join(words) or 'No connection'}; {copies} of {len(world.clients)} have a copy."


def shown(error: BaseException) -> str:
    """Return the traceback of a bug that one connection has met, as Python prints it."""
    text = "".join(traceback.format_exception(error))
    return text.replace(f"{ROOT}/", "")
