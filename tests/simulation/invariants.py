"""What must hold, whatever happens: exactness, isolation, bounded life, bounded memory, no spin, no
leak, one closing word, and a loop that survives.

    hold_after_a_turn     of the server: each open connection, and the whole
    hold_for_client       after a turn of a client
    judge_word            a connection has ended: is its closing word deserved?
    judge_outcome         a client has ended: an exact copy, or a reason that is true?
    hold_after_a_period   nothing is left
    hold_at_the_end       whom nothing has befallen has got what it came for

Where an invariant is a function of its own, its docstring is what a run says that breaks it. Spins
are noticed by selector.py and program.py, deadlocks and runs without end by world.py.
"""

import re
import signal
from typing import Any

from client import ClientState
from edges.failure import Failure
from protocol import Damaged, PeerError, ProtocolError, ServerState
from reactor import READ, WRITE, Interrupted

HELLO = b"HELLO 1\n"
ERROR = re.compile(rb"ERROR [ -~]{0,72}\n?")
HELLO_SENT, SENDING, DONE = ServerState


# Of each open connection of the server.


def little_is_kept(end: Any, c: Any) -> bool:
    """At most 10 octets of unparsed input are kept."""
    return len(c.received) <= 10


def interest_follows_state(end: Any, c: Any) -> bool:
    """A connection waits for what its state needs, and for nothing else."""
    reads = READ if c.state is not SENDING else 0
    writes = WRITE if c.unsent and c not in end.server.pauses else 0
    return bool(c.interest == reads | writes)


def selector_agrees(end: Any, c: Any) -> bool:
    """A connection stands in the selector with its interest, or not at all."""
    key = end.selector.keys.get(c.sock.number)
    if not c.interest:
        return key is None
    return key is not None and key.data is c and key.events == c.interest


def deadline_stands(end: Any, c: Any) -> bool:
    """The deadline counts from accept, is never extended, and ends the connection in time."""
    deadline = end.server.deadlines[c]
    right = c.sock.wire.accepted_at + end.world.knobs.timeout
    return bool(deadline == right and deadline > end.looked_at)


def said_is_legal(end: Any, c: Any) -> bool:
    """What the server has said is the beginning of a legal stream, and nothing is left out."""
    whole = HELLO + end.server.message if c.state is not HELLO_SENT else HELLO
    return bool(c.sock.said + c.unsent == whole)


# Of the server as a whole.


def within_the_limit(end: Any) -> bool:
    """There are no more connections than --max-clients, unless the backlog was swept."""
    return len(end.server.deadlines) <= end.world.knobs.max_clients or end.sent_signals


def nothing_leaks(end: Any) -> bool:
    """The open descriptors are the signals, the listeners and the open connections."""
    expected = 1 + len(end.server.acceptor.listeners) + len(end.server.deadlines)
    return len(end.open) == expected


def selector_is_clean(end: Any) -> bool:
    """Whatever stands in the selector is open, under its own number."""
    return not [n for n, key in end.selector.keys.items() if key.fileobj.number != n]


def nobody_is_forgotten(end: Any) -> bool:
    """A listener is watched, or will be: by a retry, or when a connection ends."""
    acceptor = end.server.acceptor
    for listener in acceptor.listeners:
        if listener.interest != READ and not acceptor.retries and not acceptor.full():
            return False
    return True


def one_retry(end: Any) -> bool:
    """At most one retry is armed, and only while accepting is paused."""
    acceptor = end.server.acceptor
    return len(acceptor.retries) <= (acceptor.paused_at is not None)


def people_are_told(end: Any) -> bool:
    """People are told that accepting pauses, and that it goes on."""
    return end.in_episode == (end.server.acceptor.paused_at is not None)


OF_A_CONNECTION = (
    little_is_kept, interest_follows_state, selector_agrees, deadline_stands, said_is_legal,
)  # fmt: skip
OF_THE_SERVER = (
    within_the_limit, nothing_leaks, selector_is_clean, nobody_is_forgotten, one_retry,
    people_are_told,
)  # fmt: skip


def hold_after_a_turn(end: Any) -> None:
    """Judge the server between two turns."""
    for connection in end.server.deadlines:
        for invariant in OF_A_CONNECTION:
            if not invariant(end, connection):
                end.world.violation(f"{connection}, {connection.state.name}: {invariant.__doc__}")
    for invariant in OF_THE_SERVER:
        if not invariant(end):
            end.world.violation(f"server: {invariant.__doc__}")


def judge_pause(end: Any) -> None:
    """People are told once."""
    if end.in_episode:
        end.world.violation("the server says again that accepting is paused")


def hold_after_a_period(end: Any) -> None:
    """Nothing is left after a listening period: no connection, deadline, key, listener."""
    left = [str(handler) for queue in end.reactor.queues for handler in queue]
    left += [key.fileobj.name for key in end.selector.keys.values() if key.data is not end.signals]
    left += [sock.name for sock in end.open.values() if sock is not end.pipe]
    left += [f"c{wire.number} without a closing word" for wire in end.wires if not wire.word]
    if left:
        end.world.violation(f"left after a listening period: {', '.join(left)}")
    told, counted = len(end.wires) - end.wires_before, sum(end.server.ends.values())
    if told != counted:
        end.world.violation(f"{told} connections ended, and the report counts {counted}")


# Closing words: each must be deserved.


def done(end: Any, wire: Any) -> bool:
    """Done: the whole file was sent, and the client's end of stream was read."""
    sock = wire.server
    read_to_the_end = sock.incoming.ended and not sock.incoming.arrived
    return bool(sock.said == HELLO + end.server.message and read_to_the_end)


def refused(end: Any, wire: Any) -> bool:
    """Refused: what was read is no hello of version 1."""
    return not wire.server.heard.startswith(HELLO)


def lost(end: Any, wire: Any) -> bool:
    """Lost: a call failed, or there was a reset."""
    return bool(wire.was_reset or wire.harm)


def late(end: Any, wire: Any) -> bool:
    """Late: the deadline has passed, and no hello lay there that the selector had told of."""
    knobs = end.world.knobs
    passed = end.world.now >= wire.accepted_at + knobs.timeout
    hello_was_there = wire.server.heard.startswith(HELLO) and b"ERROR" in wire.server.said
    return bool(passed and (not hello_was_there or knobs.disorder or knobs.not_now))


def cut(end: Any, wire: Any) -> bool:
    """Cut: the drain is over, or SIGINT came after another signal."""
    drained = end.world.now >= end.stopped_at + end.world.knobs.drain
    return drained or signal.SIGINT in end.server.signals[1:]


def bug(end: Any, wire: Any) -> bool:
    """Bug: one was planted."""
    return any("defect" in harm for harm in wire.harm)


WORDS = {"done": done, "refused": refused, "lost": lost, "late": late, "cut": cut, "bug": bug}


def judge_word(end: Any, wire: Any, word: str) -> None:
    """A connection ends with one word, which it deserves, and what was said on it was legal."""
    name = f"c{wire.number}"
    if wire.word:
        end.world.violation(f"{name} ends as {word} after it has ended as {wire.word}")
    wire.word = word
    if not WORDS[word](end, wire):
        end.world.violation(f"{name} does not deserve its word. {WORDS[word].__doc__}")
    if not is_legal_beginning(wire.server.said, HELLO + end.server.message):
        end.world.violation(f"{name}: the server said {wire.server.said!r}")


def is_legal_beginning(said: bytes, whole: bytes) -> bool:
    """Tell whether a server may have said this: the whole stream, or hello and ERROR, or less."""
    rest = said.removeprefix(HELLO)
    return whole.startswith(said) or b"ERROR ".startswith(rest) or bool(ERROR.fullmatch(rest))


# Of a client.

EXPECTED = (PeerError, Damaged, TimeoutError, Failure, Interrupted)
NEEDS = {
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
    needs = NEEDS[connection.state] | (WRITE if connection.unsent else 0)
    if connection.interest != needs or len(end.selector.keys) != 1 + (end.pipe is not None):
        end.world.violation(f"{end.name} waits for the wrong thing in {connection.state.name}")
    if not HELLO.startswith(connection.sock.said):
        end.world.violation(f"{end.name} said {connection.sock.said!r}")
    if end.looked_at >= end.began_at + end.world.knobs.patience:
        end.world.violation(f"{end.name} lives on after its deadline")


def judge_outcome(end: Any) -> None:
    """An exact copy, or a reason that is true."""
    outcome, wire, world = end.outcome, end.wire, end.world
    if isinstance(outcome, bytes):
        if outcome != wire.body:
            world.violation(f"{end.name} has {outcome!r}, and the file is {wire.body!r}")
    elif not isinstance(outcome, EXPECTED) and not is_explained(end):
        world.violation(f"{end.name} ends with {outcome!r}")
    elif isinstance(outcome, TimeoutError) and world.now < end.began_at + world.knobs.patience:
        world.violation(f"{end.name} gave up before its deadline")
    elif not excuse(end):
        world.violation(f"{end.name} has no copy, and nothing has befallen it")
    if end.open or end.selector.keys or any(end.reactor.queues):
        left = [*end.open.values(), *end.selector.keys.values(), *end.reactor.queues]
        world.violation(f"{end.name} leaves something behind: {left}")


def is_explained(end: Any) -> bool:
    """Tell whether a defect was planted in a client, or octets were changed on their way to it."""
    if isinstance(end.outcome, ProtocolError):
        return "damage" in end.wire.harm
    return any("defect" in harm for harm in end.harm)


def excuse(end: Any) -> str:
    """Return what has befallen a client, so that it need not have its copy; "": nothing."""
    wire, server = end.wire, end.world.server
    if end.harm or end.interrupted:
        return "its own calls failed, or it was interrupted"
    if end.world.hurried:
        return "time was short"
    if wire is not None and (wire.harm or wire.word == "cut"):
        return ", ".join(wire.harm) or "cut at the end of the drain"
    if (wire is None or not wire.number) and server.stops:
        return "the server had stopped"
    if wire is None and end.world.knobs.backlog < len(end.world.hosts):
        return "there was never room in the backlog when it asked"
    return ""


def hold_at_the_end(world: Any) -> None:
    """Whom nothing has befallen counts as done, and strangers have what they deserve."""
    for end in world.clients:
        if not excuse(end) and end.wire.word != "done":
            world.violation(f"{end.name} has its copy; the server says {end.wire.word}")
    for stranger in world.strangers:
        wire = stranger.sock.wire if stranger.sock else None
        if not stranger.kind.owed or wire is None or not wire.number:
            continue
        befallen = wire.harm or wire.word == "cut" or world.hurried
        if not befallen and not (wire.word == "done" and wire.client.heard.endswith(wire.file)):
            world.violation(f"{stranger.name}: {wire.word}, it heard {wire.client.heard!r}")
