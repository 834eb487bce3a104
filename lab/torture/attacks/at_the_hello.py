"""Attacks on the hello: it does not come, comes in part, or is something else."""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab.torture.arena import Arena
from lab.torture.attack import Attack, by_deadline
from lab.torture.peer import Peer
from lab.torture.wire import HELLO, reason

GARBAGE = (
    b"GET / HTTP/1.1\r\nHost: eighty\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
    b"HELLO 1\r\n",
    b"HELLO 01\n",
    b"HELLO 0\n",
    b"HELLO +1\n",
    b"HELLO  1\n",
    b"HELLO 1 \n",
    b"HELLO 2\n",
    b"HELLO 999\n",
    b"HELLO 1000\n",
    "HELLO ١\n".encode(),
    b"hello 1\n",
    b"\xef\xbb\xbfHELLO 1\n",
    b"\nHELLO 1\n",
    b"\x00" * 64,
    b"HELLX",  # can no longer become a hello: refused without waiting for its end
    b"\x1b]0;owned\x07\x1b[2J\x1b[31m\n",  # would retitle, clear and colour a terminal
    b"\nc1 done\nc2 done\n",  # would forge lines of the server
    bytes(range(256)),
    b"%s%n{0}\\N{BELL}\x9b2J\x85\n",
)
FLOOD = b"A" * (1 << 16)
GROWTH = 4 << 20  # bytes that the server may grow by, however much is poured into it


def silent(arena: Arena) -> str:
    """Connects and never says a word. Must be seen: the server greets, waits asleep, and ends each
    connection at its deadline with a reason; all others are served meanwhile.
    """
    peers = arena.peers(arena.scale.attackers)
    arena.serve()
    endings = [peer.read_to_end(arena.last_moment(peer)) for peer in peers]
    for ending in endings:
        arena.demand_deadline(ending)
    latest = max(ending.after for ending in endings)
    reasons = sum(reason(ending.data) is not None for ending in endings)
    return f"{len(peers)} ended within {latest:.2f} s, {reasons} with a reason"


def drip(arena: Arena) -> str:
    """Sends its hello byte by byte, so slowly that it would last for ever. Must be seen: the one
    deadline counts from the accept and is not extended by a byte.
    """
    peers = arena.peers(arena.scale.attackers)
    for byte in HELLO[:-1]:  # beyond the deadline, which ends them, and this
        for peer in peers:
            peer.send(bytes([byte]))
        arena.serve(1)
        if peers[0].hears_something(time.monotonic() + arena.deadline / 5):
            break
    endings = [peer.read_to_end(arena.last_moment(peer)) for peer in peers]
    for ending in endings:
        arena.demand_deadline(ending)
    latest = max(ending.after for ending in endings)
    return f"{len(peers)} ended within {latest:.2f} s, though they sent all the time"


def half_hello(arena: Arena) -> str:
    """Sends half a hello; half of them then fall silent, the others half-close. Must be seen: the
    silent ones end at the deadline, the others are refused at once.
    """
    peers = arena.peers(arena.scale.attackers)
    for peer in peers:
        peer.send(HELLO[:4])
    waiting, closing = peers[::2], peers[1::2]
    for peer in closing:
        peer.half_close()
        arena.demand_refusal(peer.read_to_end(arena.soon), "half a hello")
    arena.serve()
    for peer in waiting:
        arena.demand_deadline(peer.read_to_end(arena.last_moment(peer)))
    return f"{len(closing)} refused at once, {len(waiting)} ended at the deadline"


def garbage(arena: Arena) -> str:
    """Says everything but the one right hello: other protocols, almost-hellos, terminal commands,
    forged log lines, all 256 bytes. Must be seen: each is refused at once, none gets a file, and
    no byte of theirs reaches the server's terminal unescaped.
    """
    peers = arena.peers(len(GARBAGE))
    for peer, data in zip(peers, GARBAGE, strict=True):
        peer.send(data)
    arena.serve()
    by = arena.soon
    endings = [peer.read_to_end(by) for peer in peers]
    for data, ending in zip(GARBAGE, endings, strict=True):
        arena.demand_refusal(ending, repr(data[:24]))
    reasons = sum(reason(ending.data) is not None for ending in endings)
    return f"{len(endings)} refused at once, {reasons} with a reason"


def endless(arena: Arena) -> str:
    """Sends a hello that never ends, as fast as the network takes it. Must be seen: refused at the
    first bytes, whatever else is sent; the server's memory does not grow.
    """
    with demand_flat_memory(arena) as grown:
        peers = arena.peers(5)
        by = arena.soon
        poured = sum(pour(peer, by) for peer in peers)
        arena.serve()
    by = arena.soon
    for peer in peers:
        arena.demand_refusal(peer.read_to_end(by), "an endless hello")
    return f"{len(peers)} refused after {poured >> 10} KiB in all, memory +{grown[0] >> 10} KiB"


def pour(peer: Peer, by: float) -> int:
    """Send without end, until the server ends it or until `by`; return how many bytes it took."""
    total = 0
    poll = select.poll()
    poll.register(peer.sock, select.POLLOUT)
    while time.monotonic() < by:
        if (taken := peer.pour(FLOOD)) is None:
            break
        total += taken
        poll.poll(20)
    return total


@contextmanager
def demand_flat_memory(arena: Arena) -> Iterator[list[int]]:
    """Demand that the server's memory does not grow within the `with`; yields [bytes] by then."""
    grown = [0]
    before = arena.memory()
    yield grown
    grown[0] = max(0, arena.memory() - before)
    arena.demand(grown[0] < GROWTH, f"memory grew by {grown[0] >> 20} MiB")


ATTACKS = (
    Attack("silent", silent, by_deadline),
    Attack("drip", drip, by_deadline),
    Attack("half-hello", half_hello, by_deadline),
    Attack("garbage", garbage),
    Attack("endless", endless),
)
