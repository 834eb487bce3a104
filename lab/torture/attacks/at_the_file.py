"""Attacks on the file: a valid hello, and after it bad behaviour."""

import select
import time

from lab.torture import meters
from lab.torture.arena import Arena
from lab.torture.attack import Attack, by_deadline
from lab.torture.attacks.at_the_hello import demand_flat_memory, pour
from lab.torture.attacks.resets import TINY
from lab.torture.peer import Ending, Peer
from lab.torture.wire import HELLO

EXTRA = b"and another thing\n"


def never_reads(arena: Arena) -> str:
    """Answers, then neither reads nor closes, with a tiny receive buffer. Must be seen: the server
    gives up at its deadline: a byte sent before is taken, one sent after is answered by RST.
    """
    peers = [arena.peer(receive_buffer=TINY) for _ in range(arena.scale.attackers)]
    for peer in peers:
        peer.send(HELLO)
    arena.serve()
    early = any(_is_over(peer) and not arena.may_be_over(peer) for peer in peers)
    arena.demand(not early, "given up before the deadline")
    _wait_for_reset(peers[0], arena.last_moment(peers[-1]) - time.monotonic())
    over = sum(map(_is_over, peers))
    arena.demand(over == len(peers), f"{len(peers) - over} still open after the deadline")
    return f"{over} given up at the deadline"


def early_half_close(arena: Arena) -> str:
    """Half-closes right after its hello, as `printf 'HELLO 1\\n' | nc -N` does. Must be seen: that
    is legal; the whole file comes, and an orderly end.
    """
    peers = [arena.peer() for _ in range(arena.scale.attackers)]
    for peer in peers:
        peer.send(HELLO)
        peer.half_close()
    arena.serve()
    for peer in peers:
        arena.demand_copy(_ending(arena, peer))
    return f"{len(peers)} exact copies"


def extra_bytes(arena: Arena) -> str:
    """Sends more after its hello: in the same segment, a little later, a quarter of a megabyte.
    Must be seen: the whole file all the same, and no reset that could destroy it on the way.
    """
    together, later, much = arena.peers(3)
    together.send(HELLO + EXTRA)
    later.send(HELLO)
    later.read(len(arena.stream), arena.soon)
    later.send(EXTRA)
    much.send(HELLO + EXTRA * 15_000)
    arena.serve()
    for peer in (together, later, much):
        arena.demand_copy(_ending(arena, peer))
    return f"3 exact copies, in spite of {len(EXTRA) * 15_002} bytes more"


def endless_extra(arena: Arena) -> str:
    """Fetches the file, then sends without end instead of closing. Must be seen: read and thrown
    away until the deadline, in a fair share with everybody else; the memory does not grow.
    """
    (peer,) = arena.peers(1)
    peer.send(HELLO)
    peer.read(len(arena.stream), arena.soon)
    arena.cpu_allowed += arena.deadline  # what it is sent it has to read
    with demand_flat_memory(arena) as grown:
        poured = pour(peer, peer.opened + arena.deadline / 2)
        arena.serve()
        poured += pour(peer, arena.last_moment(peer))
    after = time.monotonic() - peer.opened
    arena.demand(peer.pour(EXTRA) is None, "still open after the deadline")
    return f"ended after {after:.2f} s and {poured >> 20} MiB, memory +{grown[0] >> 10} KiB"


def urgent(arena: Arena) -> str:
    """Sends TCP urgent bytes in the middle of its hello and after it. Must be seen: they are no
    part of the stream; an exact copy, and the server falls asleep again.
    """
    (peer,) = arena.peers(1)
    peer.send(HELLO[:5])
    peer.send_urgent(b"!")
    peer.send(HELLO[5:])
    arena.demand_copy(_ending(arena, peer))
    peer.send_urgent(b"!")
    arena.serve()
    measured = arena.server.pid is not None and meters.available()
    woken = arena.nothing_happens(arena.scale.window).sleeps if measured else 0
    arena.demand(woken == 0, f"{woken} wake-ups afterwards")
    return f"an exact copy, {woken} wake-ups afterwards"


def _ending(arena: Arena, peer: Peer) -> Ending:
    return peer.read_to_end(arena.soon)


def _is_over(peer: Peer) -> bool:
    """Send one byte; a kernel whose side of the connection is closed answers with RST at once."""
    return not peer.send(b"?") or _wait_for_reset(peer, 0.02)


def _wait_for_reset(peer: Peer, seconds: float) -> bool:
    poll = select.poll()
    poll.register(peer.sock, 0)  # errors and hang-ups only, which are always reported
    return bool(poll.poll(max(0.0, seconds) * 1000))


ATTACKS = (
    Attack("never-reads", never_reads, by_deadline),
    Attack("early-half-close", early_half_close),
    Attack("extra-bytes", extra_bytes),
    Attack("endless-extra", endless_extra, by_deadline),
    Attack("urgent", urgent),
)
