"""What must hold between two turns, whatever happens: bounded life, bounded memory, no leak, legal
messages, and no forgotten client.

    hold_after_a_turn     for the server: each open connection, and the whole
    hold_for_client       after a turn of a client
    hold_after_a_period   nothing is left

A run that breaks an invariant prints its docstring. verdicts.py says how connections and clients
may end; selector.py and program.py notice spins, world.py deadlocks and runs without end.
"""

from typing import Any

from client import ClientState
from edges.observers.names import object_name
from lab.simulation.program import armed
from protocol import ServerState
from reactor import READ, WRITE

HELLO = b"HELLO 1\n"
HELLO_SENT, SENDING, DONE = ServerState


# Of each open connection of the server.


def little_is_kept(end: Any, c: Any) -> bool:
    """At most 10 bytes of unparsed input are kept."""
    return len(c.received) <= 10


def interest_follows_state(end: Any, c: Any) -> bool:
    """A connection waits for what its state needs, and for nothing else."""
    reads = READ if c.state is not SENDING else 0
    writes = WRITE if c.unsent and not getattr(c, "pause", None) else 0
    return bool(c.interest == reads | writes)


def selector_agrees(end: Any, c: Any) -> bool:
    """A connection is in the selector with its interest, or not at all."""
    key = end.selector.keys.get(c.sock.number)
    if not c.interest:
        return key is None
    return key is not None and key.data is c and key.events == c.interest


def deadline_stands(end: Any, c: Any) -> bool:
    """The deadline counts from accept, is never extended, and ends the connection in time."""
    deadline = end.server.deadlines.waiting[c]
    right = c.sock.wire.accepted_at + end.world.knobs.timeout
    return bool(deadline == right and deadline > end.looked_at)


def said_is_legal(end: Any, c: Any) -> bool:
    """What the server has said is the beginning of a legal stream, and nothing is left out."""
    whole = HELLO + end.server.message if c.state is not HELLO_SENT else HELLO
    return bool(c.sock.said + c.unsent == whole)


def nothing_is_held_back(end: Any, c: Any) -> bool:
    """Nothing that the kernel has is waiting for more (MSG_MORE)."""
    return not c.sock.held_back


# Of the server as a whole.


def within_the_limit(end: Any) -> bool:
    """There are no more connections than --max-clients, unless the backlog was swept."""
    return len(end.server.connections) <= end.world.knobs.max_clients or end.sent_signals


def nothing_leaks(end: Any) -> bool:
    """The open descriptors are the signals, the listeners and the open connections."""
    expected = 1 + len(end.server.acceptor.listeners) + len(end.server.connections)
    return len(end.open) == expected


def selector_is_clean(end: Any) -> bool:
    """Every object in the selector is open, under its own descriptor."""
    return not [n for n, key in end.selector.keys.items() if key.fileobj.number != n]


def nobody_is_forgotten(end: Any) -> bool:
    """A listener is watched, or will be: by a retry, or when a connection ends."""
    acceptor = end.server.acceptor
    for listener in acceptor.listeners:
        if listener.interest != READ and acceptor.next_look is None and acceptor.room() > 0:
            return False
    return True


def one_retry(end: Any) -> bool:
    """At most one retry is armed, and only while accepting is paused."""
    acceptor = end.server.acceptor
    looks = [handler for handler, _ in armed(end.reactor) if handler is acceptor]
    return len(looks) <= (acceptor.paused_at is not None)


def people_are_told(end: Any) -> bool:
    """The messages say that accepting pauses, and that it goes on."""
    return end.in_episode == (end.server.acceptor.paused_at is not None)


OF_A_CONNECTION = (
    little_is_kept, interest_follows_state, selector_agrees, deadline_stands, said_is_legal,
    nothing_is_held_back,
)  # fmt: skip
OF_THE_SERVER = (
    within_the_limit, nothing_leaks, selector_is_clean, nobody_is_forgotten, one_retry,
    people_are_told,
)  # fmt: skip


def hold_after_a_turn(end: Any) -> None:
    """Judge the server between two turns."""
    for connection in end.server.connections:
        for invariant in OF_A_CONNECTION:
            if not invariant(end, connection):
                end.world.violation(f"{connection}, {connection.state.name}: {invariant.__doc__}")
    for invariant in OF_THE_SERVER:
        if not invariant(end):
            end.world.violation(f"server: {invariant.__doc__}")


CLIENT_NEEDS = {
    ClientState.CONNECTING: WRITE,
    ClientState.HELLO_EXPECTED: READ,
    ClientState.RECEIVING: READ,
    ClientState.DONE: READ,
}


def hold_for_client(end: Any) -> None:
    """Judge a client between two turns: it waits for what its state needs, and says only hello."""
    connection = end.download.connection
    if connection is None:
        return
    needs = CLIENT_NEEDS[connection.state] | (WRITE if connection.unsent else 0)
    if connection.interest != needs or len(end.selector.keys) != 1 + (end.pipe is not None):
        end.world.violation(f"{end.name} waits for the wrong thing in {connection.state.name}")
    if not HELLO.startswith(connection.sock.said):
        end.world.violation(f"{end.name} said {connection.sock.said!r}")
    if end.looked_at >= end.began_at + end.world.knobs.patience:
        end.world.violation(f"{end.name} lives on after its deadline")


def judge_pause(end: Any) -> None:
    """The result is reported once."""
    if end.in_episode:
        end.world.violation("the server says again that accepting is paused")


def hold_after_a_period(end: Any) -> None:
    """Nothing is left after a listening period: no connection, deadline, key, listener."""
    left = [object_name(handler) for handler, _ in armed(end.reactor)]
    left += [key.fileobj.name for key in end.selector.keys.values() if key.data is not end.signals]
    left += [sock.name for sock in end.open.values() if sock is not end.pipe]
    left += [f"c{wire.number} without a closing word" for wire in end.wires if not wire.word]
    if left:
        end.world.violation(f"left after a listening period: {', '.join(left)}")
    told, counted = len(end.wires) - end.wires_before, sum(end.server.ends.values())
    if told != counted:
        end.world.violation(f"{told} connections ended, and the report counts {counted}")
