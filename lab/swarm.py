"""`make swarm N=1000`: run 1,000 downloads of client.py at once, in one process, on one reactor.

In server.py one thread serves many clients; here one thread is many clients. Each of them is
client.py's own Download with its own ClientConnection. They share only the loop, which client.py
has for itself alone.

    1 download goes ahead      finds the address that answers, or ends the run with its own line
    all others follow it       in waves, see AT_ONCE; each copy is compared, byte for byte

Without --server or --port it starts server.py itself, and ends it. A latency is the time that one
client waited, from its own beginning to its verified copy.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process
    from lab import posix

    posix.require()
    process.begin()

import math
from collections import Counter
from contextlib import ExitStack, closing

from client import Download
from edges import input_file, names
from edges.command_line import PORT, SAMPLE, Options, client_port, count, duration, name, value
from edges.console import Console
from edges.names import Address
from edges.outcome import explained, settled
from edges.program import run
from lab.limits import allow_clients
from lab.processes import OwnServer
from lab.progress import Progress
from reactor import READ, Reactor, nothing
from signals import Signals

# Downloads that have begun and are not greeted yet. This many fit into the server's backlog (4096)
# even while it accepts nobody. A client that finds the backlog full sends its SYN again after a
# second. (Measured with 10,000 downloads and a server stopped for 0.6 s: none had to send again;
# without this limit thousands had to.)
AT_ONCE = 2000


class OneOfMany(Download):
    """A download that reports to its swarm when it is greeted and when it ends."""

    def __init__(self, swarm: "Swarm") -> None:
        super().__init__(swarm.reactor, swarm.timeout, self.heard, nothing)
        self.swarm = swarm
        self.began = self.ended = swarm.reactor.clock()

    def heard(self, _line: str) -> None:
        """Report that the server has greeted us."""
        self.swarm.heard(self)

    def finish(self, outcome: bytes | Exception) -> None:
        """Have the swarm handle our end after this turn; now we are in the middle of a call."""
        if not self.over():
            self.ended = self.reactor.clock()
            self.swarm.settled.append(self)
        super().finish(outcome)


class Swarm:
    """All the downloads, and their outcomes."""

    def __init__(
        self,
        reactor: Reactor,
        original: bytes,
        size: int,
        timeout: float,
        at_once: int = AT_ONCE,
    ) -> None:
        self.reactor = reactor
        self.original = original
        self.size = size
        self.timeout = timeout
        self.at_once = at_once
        self.where: list[Address] = []
        self.begun = 0
        self.unheard: set[OneOfMany] = set()
        self.open: set[OneOfMany] = set()
        self.settled: list[OneOfMany] = []
        self.most_open = 0
        self.latencies: list[float] = []  # of the exact copies
        self.failures: Counter[str] = Counter()
        self.signal = 0  # the one that ended it early
        self.started = reactor.clock()
        self.seconds = 0.0
        self.after_turn = reactor.after_turn

    def __str__(self) -> str:
        return "swarm"

    def run(self, where: list[Address]) -> None:
        """Let one download go ahead, then all others. Raises Failure if the first one fails."""
        self.started = self.reactor.clock()
        self.reactor.after_turn = self.advance
        ahead = self.begin(where)
        self.reactor.run(until=lambda: ahead.over() or self.signal)
        if ahead.over():
            settled(ahead.outcome)
            peer = ahead.connection and ahead.connection.peer_address
            self.where = [one for one in where if one[1] == peer]
            self.advance()
            self.reactor.run(until=self.over)
        self.seconds = self.reactor.clock() - self.started
        for download in self.open:
            download.end()
        self.reactor.after_turn = self.after_turn

    def over(self) -> bool:
        return bool(self.signal) or (self.begun == self.size and not self.open)

    def interrupt(self, number: int) -> None:
        """End early, because of a signal."""
        self.signal = number

    def begin(self, where: list[Address]) -> OneOfMany:
        """Begin one more download."""
        download = OneOfMany(self)
        self.begun += 1
        self.open.add(download)
        self.unheard.add(download)
        self.most_open = max(self.most_open, len(self.open))
        download.begin()
        download.found(list(where))
        return download

    def advance(self) -> None:
        """After each turn: handle the downloads that have ended, and begin new ones.

        None begins before the first one has found the address: `where` is empty until then.
        """
        for download in self.settled:
            self.see_to(download)
        self.settled.clear()
        while self.where and self.begun < self.size and len(self.unheard) < self.at_once:
            self.begin(self.where)
        self.after_turn()

    def heard(self, download: OneOfMany) -> None:
        """Note that a download has left the backlog."""
        self.unheard.discard(download)

    def see_to(self, download: OneOfMany) -> None:
        """Compare the copy, or note why there is none."""
        download.end()
        self.open.discard(download)
        self.unheard.discard(download)
        outcome = download.outcome
        if outcome == self.original:
            self.latencies.append(download.ended - download.began)
        elif isinstance(outcome, bytes):
            self.failures["a copy that is not the original"] += 1
        else:
            why, _, _advice = str(explained(outcome)).partition("; nothing saved")
            self.failures[why] += 1

    def so_far(self) -> str:
        """Return the line on how far it has come."""
        return (
            f"{len(self.latencies):,} of {self.size:,} exact, {self.failures.total():,} failed,"
            f" {len(self.open):,} open, {self.reactor.clock() - self.started:.1f} s"
        )

    def summary(self) -> list[str]:
        """Return the lines of the result."""
        exact, rate = len(self.latencies), len(self.latencies) / self.seconds
        lines = [f"{exact:,} of {self.size:,} copies exact, {len(self.original)} bytes each"]
        lines += [f"{times:,} failed: {why}" for why, times in self.failures.most_common()]
        if self.open:
            lines.append(f"still open: {len(self.open):,}")
        if self.begun < self.size:
            lines.append(f"not begun: {self.size - self.begun:,}")
        most = f"at most {self.most_open:,} open at once"
        lines.append(f"{self.seconds:.2f} s, {rate:,.0f} transfers per second, {most}")
        return [*lines, latencies(self.latencies)] if self.latencies else lines


def latencies(seconds: list[float]) -> str:
    """Return the line on how long the clients waited; each figure is the time of one client."""
    ordered = sorted(seconds)
    places = {"median": 0.5, "90 %": 0.9, "99 %": 0.99, "longest": 1.0}
    found = {name: ordered[math.ceil(place * len(ordered)) - 1] for name, place in places.items()}
    return "latency: " + ", ".join(f"{name} {1000 * t:.1f} ms" for name, t in found.items())


class Untraced(Options):
    """The options of a program with many clients. It has no --trace: a trace tells connections
    apart by their names, and all of these have the same one."""

    def conflict(self) -> str | None:
        return "--trace is for one client or one server; here are many" if self.trace else None


class SwarmOptions(Untraced):
    """The options of swarm.py."""

    role = "swarm"
    about = "Many downloads at once, each copy compared."
    input_file = name(SAMPLE, "what each copy must be (default: sample.txt)")
    clients = value(count, 1000, "how many (default 1000)")
    server = value(str, None, "name or address (default: a server of our own)", "SERVER")
    port = value(client_port, None, f"the server's port (default {PORT})")
    timeout = value(duration, 10.0, "seconds for each (default 10)", "S")


def swarm(reactor: Reactor, console: Console, signals: Signals, options: SwarmOptions) -> int:
    """Run the swarm, against our own server if none is named. Return the exit status."""
    original = input_file.read(options.input_file)
    allow_clients(options.clients)
    with ExitStack() as stack:
        host, port, own = options.server or "127.0.0.1", options.port or PORT, None
        if options.server is None and options.port is None:
            patient = f"--timeout={options.timeout:g}"
            own = stack.enter_context(OwnServer(options.input_file, patient))
            port = own.port
        reactor.watch(signals, READ)
        where = names.looked_up(reactor, host, port)
        crowd = Swarm(reactor, original, options.clients, options.timeout)
        signals.act = crowd.interrupt
        with closing(Progress(reactor, console, crowd.so_far)):
            crowd.run(where)
        lines = crowd.summary()
        if own is not None:
            each = 1e6 * own.seconds() / options.clients
            lines.append(f"the server: {own.stop()}")
            if len(crowd.latencies) == options.clients:  # else it worked for others as well
                lines[-1] += f"; {each:.0f} us of processor time each"
    for line in lines:
        console.announce(line)
    if crowd.signal:
        return 128 + crowd.signal
    return 0 if len(crowd.latencies) == options.clients else 1


def main(arguments: list[str] | None = None) -> int:
    """Run `python -m lab.swarm ARGUMENTS` (default: sys.argv) and return the exit status."""
    return run("swarm.py", SwarmOptions, swarm, arguments)


if __name__ == "__main__":
    process.end(main())
