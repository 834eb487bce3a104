"""Every truncation and every bit flip of a whole exchange, at the client and at the server.

    python -m lab.simulation sweep

Both programs talk, and the network damages one byte of one direction, or ends or resets the stream
there. tests/support/oracle.py, which shares no code with them, says what the outcome must be.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from edges.failure import Failure
from lab.simulation.chance import Calm
from lab.simulation.knobs import BODIES, Knobs
from lab.simulation.wire import CUT, RESET, Wire
from lab.simulation.world import World
from protocol import Damaged, PeerError, ProtocolError
from tests.support import oracle

HELLO = b"HELLO 1\n"
STATUSES = {
    bytes: 0, Failure: 3, TimeoutError: 3, PeerError: 4, ProtocolError: 4, Damaged: 5,
}  # fmt: skip


class Damage(NamedTuple):
    """What the network does: to which byte of whose stream, and what."""

    body: bytes
    whose: str
    place: int
    kind: int  # CUT, RESET, or the bits that are flipped

    def stream(self) -> bytes:
        """Return the damaged stream as it would be if both ends read on."""
        whole = HELLO if self.whose == "client" else HELLO + file_message(self.body)
        if self.kind < 0:
            return whole[: self.place]
        flipped = bytes([whole[self.place] ^ self.kind])
        return whole[: self.place] + flipped + whole[self.place + 1 :]


class Damaging(World):
    """A world whose network damages the stream of one client."""

    def __init__(self, damage: Damage, story: list[str] | None = None) -> None:
        super().__init__(Calm(), Knobs(body=damage.body, clients=1), story=story)
        self.damage = damage

    def connected(self, wire: Wire) -> None:
        super().connected(wire)
        wire.harm.append("damage")
        sender = wire.client if self.damage.whose == "client" else wire.server
        sender.outgoing.flaw = (self.damage.place, self.damage.kind)


def file_message(body: bytes) -> bytes:
    return b"FILE %d %08x\n" % (len(body), oracle.crc32(body)) + body


def damages(body: bytes) -> Iterator[Damage]:
    """Yield every way to damage the delivery of one file."""
    for whose, length in (("client", len(HELLO)), ("server", len(HELLO + file_message(body)))):
        for place in range(length):
            for kind in (CUT, RESET, *(1 << bit for bit in range(8))):
                yield Damage(body, whose, place, kind)


def judge(damage: Damage) -> str:
    """Play one damage; return what is wrong with the outcome, "" if nothing is."""
    world = Damaging(damage).run()
    status = STATUSES[type(world.clients[0].outcome)]
    word = world.wires[0].word
    if damage.whose == "client":
        right_word = "lost" if damage.kind == RESET else oracle.server_word(damage.stream())
        return "" if word == right_word and status != 0 else f"{word}, status {status}"
    right_status = oracle.client_status(damage.stream())
    return "" if status == right_status != 0 else f"status {status}, not {right_status}"


def main() -> int:
    """Sweep, print the figures; return the exit status."""
    seen: Counter[str] = Counter()
    for body in BODIES:
        for damage in damages(body):
            kind = {CUT: "truncations", RESET: "resets"}.get(damage.kind, "bit flips")
            seen[f"{kind} of the {damage.whose}'s stream"] += 1
            if wrong := judge(damage):
                print(f"{damage}: {wrong}")
                return 1
    for what, count in seen.items():
        print(f"{count:6,}  {what}")
    print("     0  wrong files, wrong statuses, wrong closing words")
    return 0
