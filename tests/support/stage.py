"""The stage: one run of client.py against a server that the test plays, and what became of it.

A test plays the server as a function of a tests.support.peers.Peer and looks at the outcome:

    outcome = play(lambda peer: peer.send(b"220 mail.example ESMTP\\r\\n").farewell())
    assert_failed(outcome, 4, "expected HELLO")

Each run has a folder of its own, in which `copy` already exists with OLD in it: a failure must
leave just that. `-q` is given unless a test wants the talk, so that what is said is what the
contract calls warnings and errors. `directed` changes the world of the process before it starts
(what a name resolves to, say): through sitecustomize, which Python imports by itself.
"""

import contextlib
import os
import queue
import re
import select
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.support import programs
from tests.support.kernel import LIMIT, await_condition, sleeps_in
from tests.support.peers import Door, Peer, delivering, listening
from tests.support.programs import HELLO, SYSTEM, Client, file_message
from tests.support.sample import FULL
from tests.support.warm import Warm, WarmProgram

OLD = b"the old copy\n"
BODY = b"Hello, world!\n"
STREAM = HELLO + file_message(BODY)
A_FEW = 5  # cases of a sweep on Windows
AT_LEAST = 12  # cases of a sweep in `make test`; of larger ones a quarter

Case = TypeVar("Case")
Start = Callable[..., "Client | WarmProgram"]


@dataclass(frozen=True)
class Outcome:
    """What a run left to be seen."""

    status: int
    out: bytes
    err: str
    folder: dict[str, bytes]  # the regular files in the run's folder, dot files too


def content(folder: Path) -> dict[str, bytes]:
    """Return all regular files of `folder`."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and not p.is_symlink()}


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a folder with a file `copy` that has OLD in it."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "copy").write_bytes(OLD)
        yield Path(name)


def run(*arguments: object, start: Start = Client, **how: Any) -> Outcome:
    """Run client.py with these arguments and no server."""
    with private_folder() as folder:
        with start(*arguments, **{"cwd": folder, **how}) as client:
            client.wait()
        return _outcome(client, folder)


def play(
    server: Callable[[Peer], object],
    *options: object,
    target: str | Path = "copy",
    quiet: bool = True,
    host: str = "127.0.0.1",
    folder: Path | None = None,
    start: Start = Client,
    **how: Any,
) -> Outcome:
    """Run client.py in `folder` (None: a private one) against `server`, which gets the connection.

    `start` is how to start it; `how` is handed to that.
    """
    options = (*options, "-q") if quiet else options
    with private_folder() if folder is None else contextlib.nullcontext(folder) as place:
        with listening(host) as door:
            with start(*knocking(door, *options, target=target), cwd=place, **how) as client:
                server(meet(door, client))
                client.wait()
            return _outcome(client, place)


def client_of(door: Door, *options: object, target: str | Path, folder: Path, **how: Any) -> Client:
    """Start a client that will knock at `door`."""
    return Client(*knocking(door, *options, target=target), cwd=folder, **how)


def knocking(door: Door, *options: object, target: str | Path) -> list[object]:
    """Return the arguments of a client that will knock at `door`."""
    return ["--port", door.port, *options, "--", door.host, target]


def meet(door: Door, client: Client | WarmProgram) -> Peer:
    """Accept the client's connection; fail at once if it ends without one."""
    process = os.pidfd_open(client.pid)
    try:
        ready, _, _ = select.select([door.sock.fileno(), process], [], [], LIMIT)
    finally:
        os.close(process)
    assert door.sock.fileno() in ready, "no connection"
    return door.accept()


def _outcome(client: Client | WarmProgram, folder: Path) -> Outcome:
    """Return what a client has left; nothing for what the test has redirected."""
    out = b"" if isinstance(client, Client) and client.out is None else client.stdout_bytes
    err = "" if isinstance(client, Client) and client.err is None else client.stderr
    return Outcome(client.wait(), out, err, content(folder))


def saying(*pieces: bytes) -> Callable[[Peer], object]:
    """Return a server that sends the pieces, ends its stream, and waits for the client to leave."""
    return lambda peer: peer.send(*pieces).finish().farewell()


def dripping(stream: bytes) -> Callable[[Peer], object]:
    """Return a server that sends the stream byte by byte, then ends it."""
    return lambda peer: peer.drip(stream).finish().farewell()


def saying_and_staying(*pieces: bytes) -> Callable[[Peer], object]:
    """Return a server that sends the pieces and says nothing more until the client leaves."""
    return lambda peer: peer.send(*pieces).farewell()


def saying_and_resetting(*pieces: bytes) -> Callable[[Peer], object]:
    """Return a server that sends the pieces and resets the connection once they were read."""
    return lambda peer: peer.send(*pieces).await_read().reset()


def assert_one_line(err: str, pattern: str = "") -> None:
    """Assert that `err` is one line of printable ASCII with a match of `pattern`."""
    assert re.fullmatch(r"[ -~]+\n", err), f"not one printable line: {err!r}"
    assert re.search(pattern, err), f"no {pattern!r} in: {err!r}"


def assert_saved(outcome: Outcome, body: bytes = BODY) -> None:
    """Assert that the copy is exact, and that there is nothing else to be seen (given -q)."""
    assert outcome == Outcome(0, b"", "", {"copy": body})


def assert_saved_with_warning(outcome: Outcome, pattern: str) -> None:
    """Assert that the copy is exact, and that one line says what was odd (given -q)."""
    assert outcome == Outcome(0, b"", outcome.err, {"copy": BODY})
    assert_one_line(outcome.err, pattern)


def assert_failed(outcome: Outcome, status: int, pattern: str = "") -> None:
    """Assert the status, one line that says why (given -q), and that nothing has changed."""
    assert outcome == Outcome(status, b"", outcome.err, {"copy": OLD})
    assert_one_line(outcome.err, pattern)


@contextlib.contextmanager
def directed(*sources: str) -> Iterator[dict[str, str]]:
    """Give an environment in which Python runs `sources` before any program."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text("\n".join(sources))
        path = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
        yield {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def resolver(*addresses: tuple[str, int]) -> str:
    """Return a source for `directed` that gives every name these addresses, whatever the port."""
    return f"""
import socket
def answer(sockaddr):
    family = socket.AF_INET6 if ":" in sockaddr[0] else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", sockaddr
socket.getaddrinfo = lambda *_, **__: [answer(sockaddr) for sockaddr in {addresses!r}]
"""


STEPS = """
import os, pathlib, sys

def watch(frame, event, argument):
    global inside, moment, step
    is_main = frame.f_code.co_name == "main" and frame.f_code.co_filename.endswith("client.py")
    if is_main and event == "call":
        inside, moment = True, int(os.environ["MOMENT"])
    step += inside
    if inside and step == moment:
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))
    if is_main and event == "return":
        inside = False
        if not moment:
            pathlib.Path("steps").write_text(str(step))

inside, moment, step = False, 0, 0
sys.setprofile(watch)
"""


def signalled(start: Start, number: int, moment: int, folder: Path) -> Outcome:
    """Run a client that gets signal `number` at step `moment` of its main.

    `start` is a start with STEPS (see `sweep_steps`). A step is what sys.setprofile reports: the
    call of a function or the return from it, those of C included, so there are steps right before
    and right after every system call. Moment 0 is never; then the number of steps is reported.
    """
    env = {"MOMENT": str(moment), "SIGNAL": str(int(number))}
    with delivering(STREAM) as port:
        with start("127.0.0.1", "copy", "--port", port, "-q", cwd=folder, env=env) as client:
            client.wait()
        return _outcome(client, folder)


def sweep_steps(check: Callable[[int, Start], object], choose: Callable[[int], list[int]]) -> None:
    """Call `check` with each step that `choose` takes from their number, and a start with STEPS."""
    with directed(STEPS) as env:
        with Warm(env) as one:
            steps = count_steps(one.start)
        sweep(check, choose(steps), env)


def count_steps(start: Start) -> int:
    """Return how many steps main has in a run that nobody disturbs."""
    with private_folder() as folder:
        assert signalled(start, 0, 0, folder).status == 0
        return int((folder / "steps").read_text())


def spread(most: int, count: int) -> list[int]:
    """Return `count` numbers from 1 to `most`, evenly spread, both ends among them."""
    return sorted({1 + round(n * (most - 1) / (count - 1)) for n in range(count)})


def duration() -> float:
    """Return the seconds that a whole run takes here and now, the interpreter's start included."""
    with delivering(STREAM) as port:
        start = time.monotonic()
        run("127.0.0.1", "copy", "--port", port)
        return time.monotonic() - start


def fill(writer: int) -> int:
    """Write to a pipe until it is full; return how many bytes that took."""
    os.set_blocking(writer, False)
    written = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            written += os.write(writer, bytes(4096))
    return written


def await_asleep(client: Client | WarmProgram, pattern: str) -> None:
    """Wait until the program sleeps in a function of the kernel whose name `pattern` finds."""
    await_condition(lambda: sleeps_in(client.pid, pattern), f"it sleeps in {pattern}")


def in_pairs(check: Callable[[Case], object], cases: Iterable[Case]) -> None:
    """Call `check` with each case, two at a time; the first failure ends it and names its case."""
    with ThreadPoolExecutor(2) as pool:
        runs = [(case, pool.submit(check, case)) for case in cases]
        assert runs, "no cases"
        for case, checked in runs:
            try:
                checked.result()
            except BaseException as error:
                pool.shutdown(wait=False, cancel_futures=True)
                error.add_note(f"the case: {case!r}")
                raise


def sweep(
    check: Callable[[Case, Start], object],
    cases: Iterable[Case],
    env: dict[str, str] | None = None,
) -> None:
    """Call `check` with each case and a warm start for its client, as `in_pairs` does.

    In `make test` only with some of the cases. On Windows no process forks, and each start takes a
    second: there only with a few.
    """
    cases = list(cases)
    if SYSTEM == "win32":
        cases = some(cases, A_FEW)
        in_pairs(lambda case: check(case, partial(Client, env=env)), cases)
        return
    if not FULL:
        cases = some(cases, max(AT_LEAST, len(cases) // 4))
    starts: queue.SimpleQueue[Start] = queue.SimpleQueue()

    def check_with_a_start(case: Case) -> None:
        start = starts.get()
        try:
            check(case, start)
        finally:
            starts.put(start)

    with warm(env) as one, warm(env) as other:
        starts.put(one.start)
        starts.put(other.start)
        in_pairs(check_with_a_start, cases)


def some(cases: list[Case], number: int) -> list[Case]:
    """Return `number` of the cases, evenly spread; all of them if there are no more."""
    if len(cases) <= number:
        return cases
    return [cases[place - 1] for place in spread(len(cases), number)]


def warm(env: dict[str, str] | None = None) -> contextlib.AbstractContextManager[Warm]:
    """Give a warm start of clients: the one that there is, if it may be any."""
    if env is None and programs.WARM is not None:
        return contextlib.nullcontext(programs.WARM)
    return Warm(env)
