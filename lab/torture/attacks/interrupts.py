"""Ctrl+C at the worst moments. The server's stdin is at its end, so the answer is never "yes"."""

import time

from lab.torture.arena import SLACK, Arena, Scale
from lab.torture.attack import SLOW_CPU, Attack, slow_motion
from lab.torture.server_process import Options
from lab.torture.wire import HELLO

BACKLOG = 100  # clients in it: more than a server accepts in one turn
DRAIN = 0.5  # seconds of --drain where the drain is to run out


def interrupt(arena: Arena) -> str:
    """Presses Ctrl+C in mid-transfer: some clients have half the file, some have not said hello.
    Must be seen: newcomers are refused, all transfers under way are finished, the server ends with
    status 0.
    """
    arena.hold(arena.scale.good)
    peers = arena.peers(arena.scale.attackers)
    for peer in peers:
        peer.send(HELLO)
    half = len(arena.stream) // 2
    for peer in peers:
        peer.read(half, arena.soon)
    began = time.monotonic()
    arena.server.interrupt()
    arena.demand(arena.refuses_connections(), "still accepts connections after Ctrl+C")
    reacted = time.monotonic() - began
    arena.finish()
    for peer in peers:
        arena.demand_copy(peer.read_to_end(arena.soon + SLACK))
        peer.close()
    _demand_status(arena, 0)
    return f"refused newcomers after {1000 * reacted:.0f} ms, finished {len(peers)}, status 0"


def interrupt_backlog(arena: Arena) -> str:
    """Presses Ctrl+C while clients wait in the backlog that the server has not yet seen. Must be
    seen: they had connected, so they are served before it ends, with status 0.
    """
    arena.serve()
    arena.server.stop_running()
    peers = [arena.peer() for _ in range(BACKLOG)]
    for peer in peers:
        peer.send(HELLO)
    arena.server.interrupt()
    arena.server.go_on()
    for peer in peers:
        arena.demand_copy(peer.read_to_end(arena.soon))
        peer.close()
    _demand_status(arena, 0)
    return f"{len(peers)} unseen clients served, status 0"


def interrupt_stuck(arena: Arena) -> str:
    """Stays silent after Ctrl+C, for ever. Must be seen: cut when the drain's time is over, and
    status 1.
    """
    arena.serve()
    (peer,) = arena.peers(1)
    began = time.monotonic()
    arena.server.interrupt()
    ending = peer.read_to_end(began + DRAIN + SLACK)
    after = time.monotonic() - began
    arena.demand(DRAIN - 0.02 < after < DRAIN + SLACK, f"{ending.how} after {after:.2f} s of drain")
    _demand_status(arena, 1)
    return f"cut after {after:.2f} s of drain ({DRAIN} s allowed), status 1"


def interrupt_twice(arena: Arena) -> str:
    """Presses Ctrl+C a second time, while a silent client holds the drain up. Must be seen: the
    server ends at once, with status 130.
    """
    arena.serve()
    arena.peers(1)
    arena.server.interrupt()
    arena.demand(arena.refuses_connections(), "still accepts connections after Ctrl+C")
    began = time.monotonic()
    arena.server.interrupt()
    _demand_status(arena, 130)
    return f"ended {1000 * (time.monotonic() - began):.0f} ms after the second one, status 130"


def terminate(arena: Arena) -> str:
    """Sends SIGTERM in mid-transfer. Must be seen: the same drain, nothing is asked, status 0."""
    arena.hold(arena.scale.good)
    (peer,) = arena.peers(1)
    peer.send(HELLO)
    peer.read(len(arena.stream) // 2, arena.soon)
    arena.server.terminate()
    arena.finish()
    arena.demand_copy(peer.read_to_end(arena.soon + SLACK))
    peer.close()
    _demand_status(arena, 0)
    return "finished the transfer, status 0"


def _demand_status(arena: Arena, wanted: int) -> None:
    if not arena.server.ended(arena.scale.promptly):
        arena.demand(False, "still runs")
    elif not arena.by_hand:
        status = arena.process.status()
        arena.demand(status == wanted, f"exit status {status} instead of {wanted}")


def _long_drain(scale: Scale) -> Options:
    return {"timeout": 60, "drain": 60}


def _short_drain(scale: Scale) -> Options:
    return {"timeout": 60, "drain": DRAIN}


ATTACKS = (
    Attack("interrupt", interrupt, slow_motion, ends_server=True, cpu_per_client=SLOW_CPU),
    Attack("interrupt-backlog", interrupt_backlog, _long_drain, ends_server=True),
    Attack("interrupt-stuck", interrupt_stuck, _short_drain, insists=True, ends_server=True),
    Attack("interrupt-twice", interrupt_twice, _long_drain, ends_server=True),
    Attack("terminate", terminate, slow_motion, ends_server=True, cpu_per_client=SLOW_CPU),
)
