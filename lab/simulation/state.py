"""The state of a world, for exploration.py: everything on which the future depends.

Two runs in equal states go on equally. Moments are relative to now, so that time alone changes
nothing; connections are compared by number and name, not by identity.
"""

import math
from collections.abc import Hashable
from typing import Any

from lab.simulation.program import armed
from lab.simulation.sockets import FakeSocket
from lab.simulation.wire import Pending, Stream, Wire
from lab.simulation.world import World


def state_of(world: World) -> Hashable:
    server = world.server
    acceptor = server.server.acceptor
    return (
        [sorted(map(label, events)) for events in (world.pending, world.calamities)].__repr__(),
        tuple((when - world.now, label(event)) for when, event in world.alarms),
        tuple(program_state(program) for program in (server, *world.clients)),
        tuple(connection_state(connection) for connection in server.server.connections),
        tuple(
            connection_state(client.download.connection) if client.download else None
            for client in world.clients
        ),
        tuple((stranger.awake, tuple(map(str, stranger.script))) for stranger in world.strangers),
        tuple((wire_state(wire)) for wire in sorted(world.wires, key=lambda w: w.client.name)),
        (acceptor.paused_at is None, server.stopped_at < math.inf, tuple(server.server.stops)),
        tuple(server.sent_signals),
    )


def program_state(program: Any) -> Hashable:
    now = program.world.now
    return (
        program.awake,
        program.ended,
        program.pipe is not None and program.pipe.numbers,
        tuple((key.fd, key.events, key.fileobj.name) for key in program.selector.keys.values()),
        tuple(
            (type(handler).__name__, round(deadline - now, 6), deadline <= program.looked_at)
            for handler, deadline in armed(program.reactor)
        ),
    )


def connection_state(connection: Any) -> Hashable:
    if connection is None:
        return None
    return connection.state.name, connection.received, connection.unsent, connection.interest


def wire_state(wire: Wire) -> Hashable:
    ends = tuple(map(socket_state, (wire.client, wire.server)))
    streams = tuple(map(stream_state, (wire.client.outgoing, wire.server.outgoing)))
    return ends, streams, wire.silent, wire.was_reset, tuple(wire.harm), wire.word


def socket_state(sock: FakeSocket) -> Hashable:
    flags = (sock.closed, sock.dead, sock.shut, sock.error, sock.seen_idle)
    return sock.name, sock.number, flags, sock.heard, sock.said


def stream_state(stream: Stream) -> Hashable:
    return stream.flying, stream.arrived, stream.ending, stream.ended, stream.under_way


def label(event: Any) -> str:
    """Return a name for a pending event."""
    if isinstance(event, Pending):
        owner = getattr(event.act.__self__, "name", "")
        about = [
            thing.client.name if isinstance(thing, Wire) else thing for thing in event.arguments
        ]
        return f"{event.act.__name__} {owner} {about}"
    return str(event)
