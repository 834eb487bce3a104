"""The ends of connections and clients, and whether they are right.

judge_word          a connection of the server has ended, with one closing word
judge_outcome       a client has ended: with an exact copy, or with a reason that is true
hold_at_the_end     every client to which nothing happened has its copy
"""

import re
from typing import Any

from edges.failure import Failure
from lab.simulation.invariants import HELLO
from lab.simulation.program import armed
from protocol import Damaged, PeerError, ProtocolError
from signals import Interrupted

ERROR = re.compile(rb"ERROR [ -~]{0,72}\n?")

# Closing words: each has a condition that must be true.


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
    """Late: the deadline has passed, and no hello was waiting that the selector had reported."""
    knobs = end.world.knobs
    passed = end.world.now >= wire.accepted_at + knobs.timeout
    hello_was_there = wire.server.heard.startswith(HELLO) and b"ERROR" in wire.server.said
    # It may have been unread: not reported, or recv has said "not now" (EAGAIN).
    unread = knobs.disorder or knobs.not_now or knobs.anything
    return bool(passed and (not hello_was_there or unread))


def cut(end: Any, wire: Any) -> bool:
    """Cut: the drain is over, or SIGINT came after another signal."""
    drained = end.world.now >= end.stopped_at + end.world.knobs.drain
    return drained or end.server.interrupted()


def bug(end: Any, wire: Any) -> bool:
    """Bug: one was planted."""
    return any("defect" in harm for harm in wire.harm)


WORDS = {"done": done, "refused": refused, "lost": lost, "late": late, "cut": cut, "bug": bug}


def judge_word(end: Any, wire: Any, word: str) -> None:
    """A connection ends with one word, which is true, and all that was sent on it was legal."""
    name = f"c{wire.number}"
    if wire.word:
        end.world.violation(f"{name} ends as {word} after it has ended as {wire.word}")
    wire.word = word
    if not WORDS[word](end, wire):
        end.world.violation(f"{name} does not deserve its word. {WORDS[word].__doc__}")
    if not is_legal_beginning(wire.server.said, HELLO + end.server.message):
        end.world.violation(f"{name}: the server said {wire.server.said!r}")


def is_legal_beginning(said: bytes, whole: bytes) -> bool:
    """Return whether a server may send this: the whole stream, or hello and ERROR, or a part."""
    rest = said.removeprefix(HELLO)
    return whole.startswith(said) or b"ERROR ".startswith(rest) or bool(ERROR.fullmatch(rest))


# Of a client.

EXPECTED = (PeerError, Damaged, TimeoutError, Failure, Interrupted)


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
    elif has_heard_all(end) and not end.interrupted and not is_explained(end):
        world.violation(f"{end.name} has heard the whole file, and has no copy")
    if left := [*end.open.values(), *end.selector.keys.values(), *armed(end.reactor)]:
        world.violation(f"{end.name} leaves something behind: {left}")


def has_heard_all(end: Any) -> bool:
    """Tell whether a client has read the whole, undamaged stream of the server, and no more."""
    return end.wire is not None and end.wire.client.heard == HELLO + end.wire.file


def is_explained(end: Any) -> bool:
    """Return whether a client had a planted bug, or got bytes that were changed on their way."""
    if isinstance(end.outcome, ProtocolError):
        return "damage" in end.wire.harm
    return any("defect" in harm for harm in end.harm)


def excuse(end: Any) -> str:
    """Return what happened to a client, so that it need not have its copy; "": nothing did."""
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
    """Every client to which nothing happened is done, and each stranger got what it must get."""
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
