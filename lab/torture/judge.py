"""One attack from start to verdict: a server, the attack, the time after it, and the house rules.

The house rules are the same for every attack. Every good client gets an exact copy, also one that
comes after the attack. The server still runs (or has ended, if that was the point). It has no more
descriptors open than before. It used no more processor time than its clients may cost (1 ms each,
or 20 ms in slow motion) and 1 % of the time that passed: a loop that spins breaks this rule. Its
stderr has no traceback, and only printable ASCII, so that no byte of a peer got through.
"""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from lab.tool import temporary_file
from lab.torture import meters, wire
from lab.torture.arena import CALM, Arena, Broken, Scale
from lab.torture.attack import Attack
from lab.torture.peer import Peer
from lab.torture.server_process import NotPossible, NotStarted, Server, ServerProcess, expand

OK, FAIL, NOT_MADE = "ok", "FAIL", "n/a"
IDLE_SHARE = 0.01  # of one processor, which a server may use whatever happens
ENDING = 0.2  # seconds of processor time in which an interpreter may end
PRINTABLE = re.compile(rb"[\n -~]*")


class Row(NamedTuple):
    """One row of the scorecard; `cpu` in seconds, None if it was not measured.

    `said` is what the server wrote to stderr, as far as that was read; `status` is its exit status,
    None if it still ran.
    """

    attack: str
    seen: str
    verdict: str
    cpu: float | None = None
    served: int = 0
    wanted: int = 0
    complaints: Sequence[str] = ()
    said: bytes = b""
    status: int | None = None


class Bench(NamedTuple):
    """A server's command (see server_process.py), and the size of the attacks.

    `deadline` is the server's --timeout in seconds if its command does not take {options}.
    """

    command: Sequence[str]
    scale: Scale
    deadline: float
    start: Callable[..., ServerProcess] = ServerProcess


def judge(attack: Attack, bench: Bench) -> Row:
    """Start a new server, attack it, return the row."""
    takes_options = "{options}" in bench.command
    if attack.insists and not takes_options:
        return Row(attack.name, "its command has no {options}", NOT_MADE)
    options = attack.options(bench.scale)
    deadline = (options["timeout"] if takes_options else None) or bench.deadline
    with temporary_file(wire.SAMPLE) as file:
        command = expand(bench.command, file, options)
        try:
            with bench.start(command, stderr=attack.stderr) as server:
                stream = _known(server, attack, bench)
                return confront(attack, server, bench.scale, deadline, stream)
        except NotStarted as error:
            complaints = [str(error)]
            return Row(attack.name, "did not start", FAIL, complaints=complaints, said=error.said)


def _known(server: Server, attack: Attack, bench: Bench) -> bytes | None:
    """Return what a good client gets, if we know it: in slow motion a fetch takes long."""
    if "pause" not in attack.options(bench.scale) or "{file}" not in bench.command:
        return None
    if meters.available():
        meters.wait_for_calm(server.known_pid, CALM / 2, bench.scale.unrest)
    return wire.whole_stream(wire.SAMPLE)


def confront(
    attack: Attack, server: Server, scale: Scale, deadline: float, stream: bytes | None = None
) -> Row:
    """Attack a running server, which sends `stream` to a good client; return the row."""
    try:
        stream = stream or learn(server, 2 * scale.patience)
    except OSError as error:
        seen, complaints, said = "no good client is served", [str(error)], server.last_words()
        return Row(attack.name, seen, FAIL, complaints=complaints, said=said)
    with Arena(server, scale, deadline, stream, attack.cpu_per_client) as arena:
        house = House(server)
        try:
            seen = _attack(attack, arena)
        except NotPossible as error:
            return Row(attack.name, str(error), NOT_MADE)
        with suppress(Broken):
            if arena.complaints and scale.first_only:
                raise Broken
            house.demand_rules(arena, attack.ends_server)
        complaints = list(dict.fromkeys(arena.complaints))
        verdict = FAIL if complaints else OK
        served = arena.good.served, arena.wanted
        status = _status(server, 0.1 if complaints else 0)
        said = server.last_words()
        return Row(attack.name, seen, verdict, house.cpu, *served, complaints, said, status)


def _status(server: Server, limit: float) -> int | None:
    """Return the exit status of a server that ends by itself within `limit` seconds, else None."""
    if isinstance(server, ServerProcess) and server.ended(limit):
        return server.status()
    return None


def learn(server: Server, patience: float = 10) -> bytes:
    """Fetch one copy, check it, and return its stream, which all others must equal."""
    peer = Peer(server.address)
    try:
        peer.read(len(wire.HELLO), time.monotonic() + patience)
        peer.send(wire.HELLO)
        ending = peer.read_to_end(time.monotonic() + patience)
    finally:
        peer.close()
    if (flaw := wire.flaw(ending.data)) is not None:
        raise OSError(f"the first copy: {flaw}")
    return ending.data


def _attack(attack: Attack, arena: Arena) -> str:
    """Make the attack, disconnect the attackers, serve one more client; return what was seen."""
    seen = "broken off"
    try:
        seen = attack.run(arena)
        arena.dismiss()
        if not attack.ends_server:
            arena.serve(1)
    except Broken:
        pass  # it is among the complaints
    except OSError as error:
        with suppress(Broken):
            arena.demand(False, f"gone: {error.strerror or error}")
    return seen


class House:
    """The server's state before the attack, and the rules; `cpu` is the time that it has used."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cpu: float | None = None
        self._began = time.monotonic()
        self._descriptors = self._count_descriptors()
        measurable = server.pid is not None and meters.available()
        self._reading = meters.reading(server.known_pid) if measurable else None

    def demand_rules(self, arena: Arena, may_have_ended: bool) -> None:
        """Demand all the house rules."""
        if self._reading is not None:
            self._demand_little_cpu(arena, self._reading)
        lost = arena.wanted - arena.good.served
        arena.demand(lost == 0, f"{lost} good clients lost: {'; '.join(arena.good.failures[:1])}")
        if self.server.pid is not None and not may_have_ended:
            self._demand_as_before(arena)
        if self.server.errors is not None:
            said = self.server.errors.text
            arena.demand(b"Traceback (most" not in said, "a traceback on stderr")
            arena.demand(PRINTABLE.fullmatch(said) is not None, "unescaped bytes on stderr")

    def _demand_little_cpu(self, arena: Arena, before: meters.Reading) -> None:
        self.cpu = meters.reading(self.server.known_pid).since(before).cpu
        allowed = arena.cpu_allowed + IDLE_SHARE * (time.monotonic() - self._began)
        allowed += ENDING if self.server.ended(0) else 0
        arena.demand(self.cpu <= allowed, f"{self.cpu:.2f} s of CPU, {allowed:.2f} s allowed")

    def _demand_as_before(self, arena: Arena) -> None:
        arena.demand(not self.server.ended(0), "the server has ended")
        meters.until(lambda: self._count_descriptors() <= self._descriptors, arena.scale.promptly)
        left = self._count_descriptors() - self._descriptors
        arena.demand(left <= 0, f"{left} descriptors left open")

    def _count_descriptors(self) -> int:
        return len(meters.descriptors(self.server.pid)) if self.server.pid else 0
