"""Attacks by leaving: RST in every state, and crowds that come only to leave."""

from collections.abc import Iterable

from lab.torture.arena import Arena
from lab.torture.attack import SLOW_CPU, Attack, slow_motion
from lab.torture.peer import Peer
from lab.torture.wire import HELLO

TINY = 1  # bytes of SO_RCVBUF asked for; the kernel rounds it up to its minimum, about 2 KiB


def reset_before_accept(arena: Arena) -> str:
    """Connects and resets while the server is not looking, so that it accepts a dead connection.
    Must be seen: nothing; the clients after it are served.
    """
    arena.server.stop_running()
    peers = [arena.peer() for _ in range(arena.scale.attackers)]
    vanish(peers)
    arena.server.go_on()
    arena.serve()
    return f"{len(peers)} resets in the backlog"


def reset_after_connect(arena: Arena) -> str:
    """Connects and resets at once. Must be seen: nothing."""
    for _ in range(arena.scale.attackers):
        arena.peer().reset()
    arena.serve()
    return f"{arena.scale.attackers} resets, before and after the server's hello"


def reset_mid_hello(arena: Arena) -> str:
    """Resets in the middle of its hello. Must be seen: nothing."""
    return _reset_after(arena, HELLO[:4])


def reset_after_hello(arena: Arena) -> str:
    """Resets right after its hello, so that the file goes to a client that has left (send fails
    with ECONNRESET or EPIPE, shutdown with ENOTCONN). Must be seen: nothing.
    """
    return _reset_after(arena, HELLO)


def reset_mid_file(arena: Arena) -> str:
    """Takes a tiny receive buffer and a server in slow motion, and resets when half the file has
    come. Must be seen: this transfer is lost, the others go on.
    """
    peers = arena.peers(arena.scale.attackers, receive_buffer=TINY)
    half = len(arena.stream) - 20
    for peer in peers:
        peer.send(HELLO)
    for peer in peers:
        got = peer.read(half, arena.soon)
        arena.demand(got == arena.stream[:half], f"{len(got)} bytes instead of {half}")
    vanish(peers)
    arena.serve()
    return f"{len(peers)} resets after {half} bytes of {len(arena.stream)}"


def reset_when_done(arena: Arena) -> str:
    """Reads the whole file, then resets instead of closing. Must be seen: nothing."""
    peers = arena.peers(arena.scale.attackers)
    for peer in peers:
        peer.send(HELLO)
    for peer in peers:
        arena.demand_copy(peer.read_to_end(arena.soon))
    vanish(peers)
    arena.serve()
    return f"{len(peers)} resets after the whole file"


def connect_and_close(arena: Arena) -> str:
    """Connects, is greeted and closes, over and over, as health checks do. A close
    before the greeting is read would be a reset, and that is another attack. Must be seen:
    nothing; no descriptor stays open.
    """
    for _ in range(arena.scale.attackers):
        arena.peers(1)
        arena.dismiss()
    arena.serve()
    return f"{arena.scale.attackers} came and went"


def stampede(arena: Arena) -> str:
    """Comes with a crowd, all in the same moment. Must be seen: every one gets an exact copy."""
    count = arena.scale.attackers * 10
    arena.expect(count)
    arena.good.knock(count)
    arena.finish()
    arena.serve()
    return f"{count} connected at once"


def vanish(peers: Iterable[Peer]) -> None:
    """Reset all of them."""
    for peer in peers:
        peer.reset()


def _reset_after(arena: Arena, data: bytes) -> str:
    peers = arena.peers(arena.scale.attackers)
    for peer in peers:
        peer.send(data)
        peer.reset()
    arena.serve()
    return f"{len(peers)} resets right after {data!r}"


ATTACKS = (
    Attack("reset-before-accept", reset_before_accept),
    Attack("reset-after-connect", reset_after_connect),
    Attack("reset-mid-hello", reset_mid_hello),
    Attack("reset-after-hello", reset_after_hello),
    Attack("reset-mid-file", reset_mid_file, slow_motion, cpu_per_client=SLOW_CPU),
    Attack("reset-when-done", reset_when_done),
    Attack("connect-and-close", connect_and_close),
    Attack("stampede", stampede),
)
