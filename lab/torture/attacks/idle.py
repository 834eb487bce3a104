"""No attack at all: the server has nothing to do, in each of its states, and must sleep.

The demand is 0 wake-ups and 0 nanoseconds of processor time; meters.py says why the two figures
together mean that the loop made no turn at all. A file of at most 80 bytes always fits into the
kernel's buffers, so a transfer cannot stall in SENDING by itself: slow motion makes it wait there.
"""

import time

from lab.torture.arena import CALM, Arena, Scale
from lab.torture.attack import Attack
from lab.torture.peer import Peer
from lab.torture.server_process import Options
from lab.torture.wire import HELLO

CAP = 3  # clients of a server with --max-clients
PIECE = 80  # bytes of a file message that are sent at first; there are some more


def listening(arena: Arena) -> str:
    """Does not come at all. Must be seen: a server that only listens sleeps."""
    return _demand_sleep(arena, [])


def hello_sent(arena: Arena) -> str:
    """Connects and waits, many at once. Must be seen: in HELLO_SENT the server sleeps."""
    peers = arena.peers(arena.scale.attackers * 10)
    return _demand_sleep(arena, peers)


def half_said(arena: Arena) -> str:
    """Sends half a hello and waits. Must be seen: in HELLO_SENT the server sleeps."""
    peers = arena.peers(arena.scale.attackers)
    for peer in peers:
        peer.send(HELLO[:4])
    return _demand_sleep(arena, peers)


def sending(arena: Arena) -> str:
    """Three clients are in the middle of a file in slow motion: one waits, one goes on sending, one
    has half-closed. Must be seen: between two pieces in SENDING the server sleeps, whatever there
    is to read; the rest comes afterwards.
    """
    peers = arena.peers(3)
    by = time.monotonic() + 4 * _pause(arena.scale)
    for peer in peers:
        peer.send(HELLO)
    for peer in peers:
        peer.read(len(HELLO) + PIECE, by)
    peers[1].send(b"and another thing\n")
    peers[2].half_close()
    seen = _demand_sleep(arena, peers)
    for peer in peers:
        arena.demand_copy(peer.read_to_end(by))
    return f"{seen}; then {len(peers)} exact copies"


def done(arena: Arena) -> str:
    """Has the whole file and stays. Must be seen: in DONE the server sleeps."""
    peers = arena.peers(arena.scale.attackers)
    for peer in peers:
        peer.send(HELLO)
        arena.demand_copy(peer.read_to_end(arena.soon))
    return _demand_sleep(arena, [])


def at_the_cap(arena: Arena) -> str:
    """Fills a server that takes only three clients (--max-clients 3), and as many wait in the
    backlog. Must be seen: with accepting paused the server sleeps; those that waited are served.
    """
    peers = arena.peers(CAP)
    waiting = [arena.peer() for _ in range(CAP)]
    seen = _demand_sleep(arena, peers + waiting)
    for peer in peers:
        peer.close()
    for peer in waiting:
        peer.send(HELLO)
        arena.demand_copy(peer.read_to_end(arena.soon))
        peer.close()
    return f"{seen}; then {len(waiting)} exact copies"


def draining(arena: Arena) -> str:
    """Connects and waits, and the server gets Ctrl+C. Must be seen: while it waits for the last
    clients it sleeps; and then it serves them.
    """
    arena.hold(arena.scale.good)
    arena.server.interrupt()
    arena.demand(arena.refuses_connections(), "still accepts connections after Ctrl+C")
    seen = _demand_sleep(arena, [])
    arena.finish()
    return seen


def _demand_sleep(arena: Arena, peers: list[Peer]) -> str:
    spent = arena.nothing_happens(arena.scale.window, peers)
    arena.demand(spent.sleeps == 0, f"{spent.sleeps} wake-ups in {arena.scale.window} s")
    arena.demand(spent.cpu == 0, f"{spent.cpu * 1000:.3f} ms of CPU in {arena.scale.window} s")
    return f"{spent.sleeps} wake-ups, {spent.cpu * 1e9:.0f} ns of CPU in {arena.scale.window} s"


def _pause(scale: Scale) -> float:
    """Return a pause in which the server falls asleep, and then the window fits."""
    return scale.window + CALM + scale.slack


def _long(scale: Scale) -> Options:
    return {"timeout": 60, "drain": 60}


def _in_two_pieces(scale: Scale) -> Options:
    return {"timeout": 60, "chunk": PIECE, "pause": _pause(scale)}


def _capped(scale: Scale) -> Options:
    return {"timeout": 60, "max-clients": CAP}


ATTACKS = (
    Attack("idle-listening", listening, _long),
    Attack("idle-hello-sent", hello_sent, _long),
    Attack("idle-half-hello", half_said, _long),
    Attack("idle-sending", sending, _in_two_pieces, insists=True),
    Attack("idle-done", done, _long),
    Attack("idle-at-the-cap", at_the_cap, _capped, insists=True),
    Attack("idle-draining", draining, _long, ends_server=True),
)
