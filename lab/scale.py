"""`make scale N=4`: several servers behind HAProxy; one stops in mid-run, one client is greedy.

A server has one thread, so it uses one processor. To use more processors, start more servers, with
a load balancer in front that gives each client to one of them. Here that is HAProxy in TCP mode,
with lab/haproxy.cfg. The clients are a swarm, which knows only one address:

                        +--> server 1
    swarm --> HAProxy --+--> server 2   stopped, when a third of the clients have their copies
                        +--> server 3
                        +--> server 4

There are three acts, each with its own servers. In the first, one server is stopped as an operator
does it: HAProxy gives it no new clients, then SIGTERM lets it drain; no client may be lost. In the
second, SIGKILL stops one, as in a crash: the clients that it held are lost, and no others. In the
third, one address opens connections, holds them and says nothing: it gets no more than its share,
and all other clients are served.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process
    from lab import posix

    posix.require()
    process.begin()

import csv
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from edges import input_file
from edges.command_line import SAMPLE, count, value
from edges.console import Console
from edges.failure import Failure
from edges.program import run
from lab.limits import allow_clients
from lab.processes import OwnServer
from lab.progress import Progress
from lab.swarm import OneOfMany, Swarm, Untraced
from lab.torture import meters
from reactor import READ, Reactor
from signals import Signals

CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
WHERE_IT_MAY_BE = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"  # Debian: not in PATH
TIMEOUT = 10.0  # seconds for each client, and for HAProxy to answer
SLOW_MOTION = ("--chunk=32", "--pause=0.02")  # so that each server has clients at any moment
AT_ONCE = 200  # clients
MOST = 100  # servers
SHARE = 500  # connections that haproxy.cfg allows one address
GREED = SHARE + 100  # connections that the greedy client tries to open
GREEDY = "127.0.0.2"  # its address; on Linux all of 127.0.0.0/8 is this machine


def found() -> str:
    """Return the path of haproxy. Raises Failure where there is none."""
    program = shutil.which("haproxy", path=WHERE_IT_MAY_BE)
    if program is None:
        raise Failure("there is no haproxy here; on Debian and Ubuntu: apt install haproxy")
    return program


class Balancer:
    """HAProxy in front of servers on these ports. A context manager."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        """Start it. No need to wait for it: the socket that it inherits listens already."""
        program = found()
        self.admin = str(folder / "admin")
        self.output = folder / "output"
        with socket.create_server(("127.0.0.1", 0), backlog=4096) as sock:
            self.address = sock.getsockname()
            file = folder / "haproxy.cfg"
            file.write_text(configuration(sock.fileno(), self.admin, ports))
            with self.output.open("wb") as output:
                self.process = subprocess.Popen(
                    [program, "-db", "-f", file],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=[sock.fileno()],
                    process_group=0,  # as the servers
                )

    def __enter__(self) -> "Balancer":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def last_words(self) -> str:
        """Return why it has ended; "" if it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)
            return ["haproxy said nothing", *self.output.read_text().splitlines()][-1]
        return ""

    def tell(self, *commands: str) -> str:
        """Give commands to its admin socket (management guide, 9.3); return the answers."""
        with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as answers:
            sock.settimeout(TIMEOUT)
            sock.connect(self.admin)
            sock.sendall(";".join(commands).encode() + b"\n")
            return answers.read().decode()

    def figures(self, name: str) -> dict[str, str]:
        """Return its statistics of the server `name`, or of BACKEND (management guide, 9.1)."""
        table = self.tell("show stat").removeprefix("# ").splitlines()
        rows = csv.DictReader(line for line in table if line)
        return next(row for row in rows if (row["pxname"], row["svname"]) == ("eighty", name))


def configuration(descriptor: int, admin: str, ports: list[int]) -> str:
    """Return lab/haproxy.cfg, with ports and paths that are free here."""
    lines = CONFIGURATION.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("    server ")]
    text = "\n".join(kept)
    text = text.replace("unix@haproxy.sock", f"unix@{admin}")
    text = text.replace("127.0.0.1:7080", f"fd@{descriptor}")
    servers = [f"    server s{n} 127.0.0.1:{port}" for n, port in enumerate(ports, 1)]
    return "\n".join([text, *servers, ""])


class Stopped(Swarm):
    """A swarm that stops one server when a third of the downloads have ended.

    At most AT_ONCE downloads are open at a time, greeted or not, so that many begin only after the
    server has stopped.
    """

    def __init__(
        self, reactor: Reactor, original: bytes, size: int, stop: Callable[[], None]
    ) -> None:
        super().__init__(reactor, original, size, TIMEOUT, AT_ONCE)
        self.stop = stop

    def heard(self, download: OneOfMany) -> None:
        """Do nothing: a download that has been greeted still counts as open here."""

    def see_to(self, download: OneOfMany) -> None:
        super().see_to(download)
        if len(self.latencies) + self.failures.total() == max(1, self.size // 3):
            self.stop()


class Act:
    """Some servers behind HAProxy, a swarm, and the result. Each subclass is one act."""

    name = ""

    def __init__(self, stack: ExitStack, servers: int, check: Callable[[], None]) -> None:
        """Start the servers and HAProxy; `check` raises Interrupted if a signal has come."""
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        self.stack = stack
        self.servers: list[OwnServer] = []
        for _ in range(servers):
            self.servers.append(stack.enter_context(OwnServer(SAMPLE, *SLOW_MOTION)))
            check()  # no loop runs yet, and many servers take long
        ports = [server.port for server in self.servers]
        self.balancer = stack.enter_context(Balancer(Path(folder), ports))
        self.held = 0  # clients of the server that is stopped, just before

    def begin(self) -> None:
        """Prepare the act; called before the swarm."""

    def stop(self) -> None:
        """Do what the act is about; called when a third of the downloads have ended."""

    def good(self, crowd: Swarm) -> bool:
        """Return whether the act went well: whether no client was lost that had to be served."""
        return not crowd.failures

    def drain(self) -> None:
        """Give the first server no new clients, and count those that it has."""
        self.balancer.tell("set server eighty/s1 state drain")
        self.held = int(self.balancer.figures("s1")["scur"])

    def play(self, crowd: Swarm, console: Console) -> None:
        """Run the swarm. Raises Failure if not even one client gets its copy."""
        self.begin()
        with closing(Progress(crowd.reactor, console, crowd.so_far)):
            try:
                crowd.run([(socket.AF_INET, self.balancer.address)])
            except Failure as failure:
                raise Failure(self.balancer.last_words() or str(failure)) from failure

    def told(self, crowd: Swarm) -> str:
        """Return the line on this act."""
        exact, lost = len(crowd.latencies), crowd.failures.total()
        processor = meters.reading(self.balancer.process.pid).cpu / max(1, exact)
        return (
            f"{self.name}: {exact:,} of {crowd.size:,} exact, {lost:,} lost{self.remark()};"
            f" {crowd.seconds:.2f} s, HAProxy {1e6 * processor:.0f} us each"
        )

    def remark(self) -> str:
        """Return what else the line says."""
        elsewhere = int(self.balancer.figures("BACKEND")["wredis"])
        return f" of {self.held:,} held, {elsewhere:,} retried elsewhere"


class Terminated(Act):
    """An operator stops one server: no new clients for it, then SIGTERM and its drain."""

    name = "SIGTERM"

    def stop(self) -> None:
        self.drain()
        self.servers[0].terminate()


class Killed(Act):
    """One server ends as in a crash, without a word to HAProxy."""

    name = "SIGKILL"

    def stop(self) -> None:
        self.drain()  # so that no client comes between the count and the end
        self.servers[0].kill()
        self.balancer.tell("set server eighty/s1 state ready")

    def good(self, crowd: Swarm) -> bool:
        return crowd.failures.total() <= self.held


class Besieged(Act):
    """One address opens connections, keeps them open and says nothing."""

    name = "greedy"
    let_in = 0  # of its connections

    def begin(self) -> None:
        self.let_in = sum(self.greeted() for _ in range(GREED))

    def greeted(self) -> bool:
        """Open one more connection; tell whether a server says hello."""
        try:
            sock = socket.create_connection(self.balancer.address, TIMEOUT, (GREEDY, 0))
            return bool(self.stack.enter_context(sock).recv(1))
        except ConnectionError:  # HAProxy refuses with a reset
            return False

    def good(self, crowd: Swarm) -> bool:
        return super().good(crowd) and self.let_in <= SHARE

    def remark(self) -> str:
        return f"; {self.let_in:,} of {GREED:,} connections of the greedy address let in"


ACTS = (Terminated, Killed, Besieged)


class ScaleOptions(Untraced):
    """The options of scale.py."""

    role = "scale"
    about = "Several servers behind HAProxy; one stops in mid-run, one client is greedy."
    servers = value(count, 4, "how many, 2 or more (default 4)")
    clients = value(count, 4000, "how many in each act (default 4000)")

    def conflict(self) -> str | None:
        if self.servers < 2:
            return "one of the servers is stopped, so it takes --servers 2 or more"
        if self.servers > MOST:
            return f"--servers: at most {MOST}, for each is a process"
        return super().conflict()


def scale(reactor: Reactor, console: Console, signals: Signals, options: ScaleOptions) -> int:
    """Play the three acts; return the exit status."""
    found()  # without haproxy there is no use in starting anything
    original = input_file.read(SAMPLE)
    allow_clients(AT_ONCE + GREED)
    reactor.watch(signals, READ)
    failed = []
    for kind in ACTS:
        with ExitStack() as stack:
            act = kind(stack, options.servers, signals.check)
            crowd = Stopped(reactor, original, options.clients, act.stop)
            signals.act = crowd.interrupt
            act.play(crowd, console)
            if crowd.signal:
                return interrupted(crowd, console)
            console.announce(act.told(crowd))
            if not act.good(crowd):
                failed.append(act.name)
    good = "no client was lost but those that the killed server held"
    console.announce(f"FAILED: {', '.join(failed)}" if failed else good)
    return 1 if failed else 0


def interrupted(crowd: Swarm, console: Console) -> int:
    """Print the results; return the exit status."""
    for line in crowd.summary():
        console.announce(line)
    return 128 + crowd.signal


def main(arguments: list[str] | None = None) -> int:
    """Run `python -m lab.scale ARGUMENTS` (default: sys.argv) and return the exit status."""
    return run("scale.py", ScaleOptions, scale, arguments)


if __name__ == "__main__":
    process.end(main())
