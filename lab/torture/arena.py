"""Where a server meets its attackers, with good clients beside them.

An attack is a function that gets an arena, attacks through it, and returns in one line what was
seen. It also demands what must be true; a broken demand makes the row fail, and the first one is
shown.
"""

import select
import time
from collections.abc import Sequence
from typing import NamedTuple

from lab.torture import meters, wire
from lab.torture.good_clients import PACE, PATIENCE, GoodClients
from lab.torture.peer import END, OPEN, Ending, Peer
from lab.torture.server_process import NotPossible, Server, ServerProcess

SLACK = 0.5  # seconds that a busy machine may be late
EARLY = 0.1  # seconds that a deadline may seem early: the server's clock starts at its accept
PROMPTLY = 1.0  # the usual value of Scale.promptly, and the one of Scale.unrest
CALM = 0.1  # seconds without a change after which a process counts as asleep


class Scale(NamedTuple):
    """The size of the attacks: numbers of clients, and lengths of time in seconds."""

    attackers: int  # hostile clients of one attack
    good: int  # good clients beside an attack
    crowd: int  # good clients that come and go while nobody reads the server's messages
    deadline: float  # the server's --timeout, where the attack lasts until then
    window: float  # in which nothing may happen, when wake-ups are counted
    exhaustion: float  # at the descriptor limit
    patience: float = PATIENCE  # silence after which a good client counts as lost
    promptly: float = PROMPTLY  # in which a thing must happen that waits for nothing
    unrest: float = PROMPTLY  # that a server may take to fall asleep
    pause: float = 0.005  # between two bytes in slow motion
    slack: float = SLACK  # a pause in which the server sleeps lasts the window and this
    first_only: bool = False  # the first complaint ends the attack: a red row is red soon


FULL = Scale(attackers=50, good=20, crowd=5000, deadline=2.0, window=1.0, exhaustion=3.0)
FAST = Scale(attackers=10, good=5, crowd=500, deadline=0.6, window=0.25, exhaustion=0.6)


class Broken(Exception):
    """The first demand was broken, and `first_only` ends the attack then."""


class Arena:
    """One server under attack; `deadline` is its --timeout, `stream` what a good client gets.

    `wanted` and `good.served` count good clients, `complaints` are the broken demands. So far the
    clients may have cost `cpu_allowed` seconds of processor time.
    """

    def __init__(
        self, server: Server, scale: Scale, deadline: float, stream: bytes, cpu_per_client: float
    ) -> None:
        self.server = server
        self.scale = scale
        self.deadline = deadline
        self.stream = stream
        self.good = GoodClients(server.address, stream, scale.patience)
        self.wanted = 0
        self.complaints: list[str] = []
        self.cpu_allowed = 0.02
        self._cpu_per_client = cpu_per_client
        self._peers: list[Peer] = []

    def __enter__(self) -> "Arena":
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()
        self.good.close()

    # clients

    def peer(self, *, receive_buffer: int | None = None) -> Peer:
        """Connect one more attacker."""
        self.cpu_allowed += self._cpu_per_client
        address, patience = self.server.address, self.scale.patience
        self._peers.append(Peer(address, receive_buffer=receive_buffer, patience=patience))
        return self._peers[-1]

    def peers(self, count: int, *, receive_buffer: int | None = None) -> list[Peer]:
        """Connect `count` attackers; each has been greeted."""
        peers = [self.peer(receive_buffer=receive_buffer) for _ in range(count)]
        by = self.soon + count / PACE  # for all of them: a queue is no crowd
        for peer in peers:
            greeting = peer.read(len(wire.HELLO), by)
            self.demand(greeting == wire.HELLO, f"the server's hello was {greeting!r}")
        return peers

    def dismiss(self) -> None:
        """Send all attackers home, in the orderly way."""
        while self._peers:
            self._peers.pop().close()

    def serve(self, count: int | None = None) -> None:
        """Let good clients come and be served, whatever else happens at the same time."""
        count = self.scale.good if count is None else count
        self.expect(count)
        self.good.serve(count)
        self.demand_good()

    def hold(self, count: int) -> None:
        """Let good clients come, be greeted and stay, until `finish`."""
        self.expect(count)
        self.good.hold(count)
        self.demand_good()

    def finish(self) -> None:
        """Let all good clients that `hold` has kept fetch their copies."""
        self.good.finish()
        self.demand_good()

    def expect(self, count: int) -> None:
        """Note that `count` good clients more are to be served."""
        self.wanted += count
        self.cpu_allowed += count * self._cpu_per_client

    # what must hold

    def demand(self, holds: bool, complaint: str) -> None:
        """Complain unless it `holds`."""
        if not holds:
            self.complaints.append(complaint)
            if self.scale.first_only:
                raise Broken(complaint)

    def demand_good(self) -> None:
        """With `first_only`, demand now that no good client was lost."""
        if self.scale.first_only and self.good.failures:
            lost = len(self.good.failures)
            self.demand(False, f"{lost} good clients lost: {self.good.failures[0]}")

    def demand_copy(self, ending: Ending) -> None:
        """Demand the whole file, exactly, and after it the orderly end of the stream."""
        got, wanted = len(ending.data), len(self.stream)
        self.demand(ending.data == self.stream, f"{got} bytes of {wanted}, then {ending.how}")
        self.demand(ending.how == END, f"the whole file, but then {ending.how}")

    def demand_refusal(self, ending: Ending, what: str) -> None:
        """Demand that `what` was refused: no file, at most a reason, and an end."""
        self.demand(wire.is_refusal(ending.data), f"{what}: answered {ending.data[:60]!r}")
        self.demand(ending.how != OPEN, f"{what}: not refused after {ending.after:.1f} s")

    def demand_deadline(self, ending: Ending) -> None:
        """Demand that the connection ended at the server's deadline, neither before nor after."""
        self.demand(ending.how != OPEN, f"still open after {ending.after:.1f} s")
        self.demand(ending.after > self.deadline - EARLY, f"ended after {ending.after:.2f} s")
        self.demand(wire.is_refusal(ending.data), f"answered {ending.data[:60]!r}")

    def may_be_over(self, peer: Peer) -> bool:
        """Tell whether the deadline may have ended `peer`, as it soon may on a busy machine."""
        return time.monotonic() > peer.opened + self.deadline - EARLY

    def last_moment(self, peer: Peer) -> float:
        """Return the moment when the server's deadline must have ended `peer`'s connection."""
        return peer.opened + self.deadline + SLACK

    @property
    def soon(self) -> float:
        """The moment until which a thing must happen that waits for nothing."""
        return time.monotonic() + self.scale.promptly

    # the server's process

    @property
    def pid(self) -> int:
        """The server's process id; raises NotPossible if it is not known."""
        return self.server.known_pid

    @property
    def by_hand(self) -> bool:
        """Whether somebody else started the server; we cannot see how it ends."""
        return not isinstance(self.server, ServerProcess)

    @property
    def process(self) -> ServerProcess:
        """The server's process, our own child; raises NotPossible if it is not."""
        if not isinstance(self.server, ServerProcess):
            raise NotPossible("only with a server started for it")
        return self.server

    def lines(self) -> int:
        """Return the number of lines that the server has written to stderr."""
        return self.server.errors.lines if self.server.errors else 0

    def memory(self) -> int:
        """Return the bytes of memory of the server's process; 0 if it is not known."""
        return meters.memory(self.server.pid) if self.server.pid else 0

    def nothing_happens(self, seconds: float, peers: Sequence[Peer] = ()) -> meters.Reading:
        """Measure the server for a while in which it has nothing to do.

        First waits until it has been asleep for a moment, because a late acknowledgement (40 ms in
        Linux) of what it did last may still stir it inside the kernel. Then `seconds` pass, or less
        if a peer hears something after all: a window that is the measurement itself.
        """
        self.calm_down()
        before = meters.reading(self.pid)
        poll = select.poll()
        for peer in peers:
            poll.register(peer.sock, select.POLLIN)
        heard = poll.poll(seconds * 1000)
        self.demand(not heard, "a client heard something while nothing was to happen")
        return meters.reading(self.pid).since(before)

    def calm_down(self) -> None:
        """Wait until the server sleeps; raises NotPossible where the kernel does not count that."""
        if not meters.available():
            raise NotPossible("needs the counters of /proc, which only Linux has")
        meters.wait_for_calm(self.pid, CALM, self.scale.unrest)

    def refuses_connections(self) -> bool:
        """Tell whether new connections are refused, now or in a moment."""
        return meters.until(self._is_refused, self.scale.promptly)

    def _is_refused(self) -> bool:
        try:
            Peer(self.server.address, patience=CALM).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False  # a full backlog is no refusal
        return False
