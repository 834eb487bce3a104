"""Attack a server in every known way, and collect what happened.

First comes a polite client: a server that serves nobody gets one line, not 35. Then come the
attacks, each on a server of its own. They wait most of the time, so several run together. The rows
that measure processor time run last, when no attack disturbs them.
"""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lab.tool import temporary_file
from lab.torture import meters, wire
from lab.torture.arena import Scale
from lab.torture.attack import Attack, by_deadline
from lab.torture.attacks import ATTACKS
from lab.torture.judge import NOT_MADE, OK, Bench, Row, judge, learn
from lab.torture.server_process import NotStarted, ServerProcess, expand
from learn.grade import seen
from learn.grade.chapters import CHAPTER_OF, ROWS
from learn.grade.table import TABLE

SIDE_BY_SIDE = 16  # attacks at a time
QUIET = 8  # rows at a time that measure the processor
FEW = 3  # red rows that are worth a second look
PRESSURE = 40.0  # percent, from which a machine counts as busy
RESTLESS = 10  # percent of SCALE.unrest: more than a calm server needs before it sleeps
WINDOWS = 10  # of SCALE.unrest each, until a loop that spins has used so much on a busy machine
STARTING = 5.0  # seconds that a server gets to say where it listens
SCALE = Scale(
    attackers=10,
    good=3,
    crowd=100,
    deadline=0.5,
    window=0.15,
    exhaustion=0.3,
    patience=0.8,
    promptly=0.7,
    unrest=0.3,
    pause=0.002,
    slack=0.2,
    first_only=True,
)
NAMED = {attack.name: attack for attack in ATTACKS}
ONE_PORT = (
    "The server always listens on port {}, so the rows run one after the other: up to a minute. "
    "Let it take --port: with 0 the kernel chooses a free one."
)
LONGEST_FIRST = (
    "idle-sending",
    "descriptor-exhaustion",
    "reset-mid-file",
    "interrupt",
    "terminate",
    "never-reads",
    "frozen-terminal",
    "frozen-pipe",
)


class Result(NamedTuple):
    """One row: `ok` is None if this system cannot measure it; `words` is the server's last line."""

    row: str
    ok: bool | None
    seen: str
    wanted: str
    chapter: int
    words: str = ""


class Unfit(Exception):
    """The server cannot be graded at all; the text says why in one line."""


def grade(
    command: Sequence[str],
    rows: Iterable[str] = ROWS,
    *,
    path: str = "",
    prepare: Callable[[], None] | None = None,
    progress: Callable[[Result], None] | None = None,
    notice: Callable[[str], None] = lambda text: None,
) -> dict[str, Result]:
    """Grade the server that `command` starts; return a result for each of `rows`.

    In the command, {file} becomes the file to deliver and {options} the options of an attack.
    `path` is the file whose lines a traceback should name. `prepare` is called in each new server
    process, `progress` whenever a row is known, and `notice` with a sentence that says what makes
    grading slow. Raises Unfit.
    """
    start = partial(ServerProcess, starting=STARTING, prepare=prepare)
    names = set(rows)
    greeting = _greet(command, start, path)
    if greeting.port:
        notice(ONE_PORT.format(greeting.port))
    if greeting.restless:
        return {name: _restless(name, greeting.restless) for name in ROWS if name in names}
    return _attack(Bench(command, SCALE, SCALE.deadline, start), names, path, greeting, progress)


def _attack(
    bench: Bench,
    names: Set[str],
    path: str,
    greeting: "Greeting",
    progress: Callable[[Result], None] | None,
) -> dict[str, Result]:
    results: dict[str, Result] = {}

    def try_all(attacks: Sequence[Attack], jobs: int) -> None:
        with _pool(1 if greeting.port else jobs) as pool:
            begun = [pool.submit(_result, attack, bench, path) for attack in attacks]
            for done in as_completed(begun):
                result = done.result()
                if progress and result.row not in results:
                    progress(result)
                results[result.row] = result

    for phase, jobs in _phases([attack for attack in ATTACKS if attack.name in names]):
        try_all(phase, jobs)
    red = [NAMED[row] for row, result in results.items() if result.ok is False]
    if len(red) <= FEW and _is_busy():
        try_all(red, FEW)
    return {name: results[name] for name in ROWS if name in results}


def _is_busy() -> bool:
    """Tell whether programs have to wait for a processor, in the last minute or in ten seconds.

    If so, a few red rows are tried a second time: a busy machine can make a good server late, but
    it cannot make a bad server good.
    """
    return os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1) or _pressure() > PRESSURE


def _pressure() -> float:
    """Return the percent of the last ten seconds in which a program waited for a processor.

    It is 0 where the kernel does not say (see Documentation/accounting/psi.rst in Linux).
    """
    try:
        text = Path("/proc/pressure/cpu").read_text(encoding="ascii")
    except OSError:
        return 0
    match = re.search(r"^some avg10=([\d.]+)", text)
    return float(match[1]) if match else 0


@contextmanager
def _pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Yield a pool of threads; after an interrupt, attacks that have not begun never begin."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _phases(attacks: Sequence[Attack]) -> list[tuple[list[Attack], int]]:
    ordered = sorted(attacks, key=lambda attack: attack.name not in LONGEST_FIRST)
    waiting = [attack for attack in ordered if not _measures(attack)]
    measuring = [attack for attack in ordered if _measures(attack)]
    return [(waiting, SIDE_BY_SIDE), (measuring, QUIET)]


def _measures(attack: Attack) -> bool:
    return attack.name.startswith("idle-") or attack.name == "descriptor-exhaustion"


def _result(attack: Attack, bench: Bench, path: str) -> Result:
    chapter, wanted = CHAPTER_OF[attack.name], TABLE[attack.name].wanted
    if "{options}" not in bench.command and (attack.insists or attack.options is by_deadline):
        options = " ".join(f"--{name}" for name in needs(attack.name))
        text = f"not tried: it needs {options}, and the command has no {{options}}"
        return Result(attack.name, False, text, wanted, chapter)
    row = judge(attack, bench)
    if row.verdict == NOT_MADE:
        return Result(attack.name, None, f"not measured: {row.seen}", wanted, chapter)
    if row.verdict == OK:
        return Result(attack.name, True, row.seen, wanted, chapter)
    text = seen.sentence(row.complaints[0], SCALE.promptly)
    return Result(attack.name, False, text, wanted, chapter, _words(row, path))


def _words(row: Row, path: str) -> str:
    """Return the server's last line, and how it ended if it should not have."""
    words = seen.last_words(row.said, path)
    ended = row.status not in (None, 0) and "exit status" not in row.complaints[0]
    if ended and row.status is not None:
        words = words or seen.last_line(row.said)
        return f"the server {seen.ending(row.status)}" + (f": {words}" if words else "")
    return words


def needs(name: str) -> list[str]:
    """Return the options without which the server cannot turn this row green."""
    attack = NAMED[name]
    options = attack.options(SCALE)
    usual = {"timeout": 60, "drain": 60, "quiet": None}
    return [option for option, value in options.items() if usual.get(option, 0) != value]


class Greeting(NamedTuple):
    """What a polite client has found out.

    `port` is the port on which the server always listens, so that only one can run; or 0.
    `restless` is the share of a processor, in percent, that a server without clients uses because
    its loop never sleeps; or 0.
    """

    port: int
    restless: int


def _restless(row: str, share: int) -> Result:
    """Return the result of any row for a server that spins: each of them demands some sleep."""
    text = f"the loop never sleeps: {share} % of a processor, with no client there"
    return Result(row, False, text, TABLE[row].wanted, CHAPTER_OF[row])


def _greet(command: Sequence[str], start: Callable[..., ServerProcess], path: str) -> Greeting:
    """Start two servers and let a polite client in. Raises Unfit."""
    with ExitStack() as stack:
        file = stack.enter_context(temporary_file(wire.SAMPLE))
        words = expand(command, file, {})
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(start, words) for _ in range(2)]
            for one in both:
                stack.callback(_end, one)  # after an interrupt as well
        started = [one.result() for one in both if not one.exception()]
        if not started:
            raise _unfit_to_start(both[0].exception(), path)
        for other in started[1:]:
            other.__exit__()
        _demand_a_copy(started[0], path)
        restless = _restlessness(started[0])
        _demand_presence(started[0], path)
        ports = {server.address[1] for server in started}
        return Greeting(ports.pop() if len(ports) == 1 else 0, restless)


def _end(started: "Future[ServerProcess]") -> None:
    if not started.cancelled() and not started.exception():
        started.result().__exit__()


def _restlessness(server: ServerProcess) -> int:
    """Wait until the server's process sleeps or has ended; return its share if it does neither."""
    if not meters.available():
        return 0
    pid = server.known_pid
    began, before = time.monotonic(), meters.reading(pid)
    for _ in range(WINDOWS):
        if meters.until(lambda: not meters.runs(pid), SCALE.unrest):
            return 0
        used = meters.reading(pid).since(before).cpu
        if 100 * used >= RESTLESS * SCALE.unrest:
            return max(1, round(100 * used / (time.monotonic() - began)))
    return 0  # it has waited for a processor all the time, and may be calm


def _unfit_to_start(error: BaseException | None, path: str) -> BaseException:
    if not isinstance(error, NotStarted):
        return error or Unfit("the server did not start")
    words = seen.last_words(error.said, path) or seen.last_line(error.said)
    text = seen.sentence(str(error))
    if " printed no " in text and not words:
        words = "print it with flush=True, or a pipe keeps it back"
    return Unfit(text + (f": {words}" if words else ""))


def _demand_a_copy(server: ServerProcess, path: str) -> None:
    host, port = server.address
    try:
        got = learn(server, SCALE.patience)
    except ConnectionRefusedError:
        text = f"it says that it listens on {host}:{port}, but nothing listens there"
        raise _unfit(server, text, path) from None
    except OSError as error:
        raise _unfit(server, seen.sentence(str(error)), path) from None
    if got != wire.whole_stream(wire.SAMPLE):
        text = "it delivers a different file from the one that its first argument names"
        raise _unfit(server, text, path)


def _demand_presence(server: ServerProcess, path: str) -> None:
    """Call this after _restlessness: a process that is about to end still runs."""
    if server.ended(0):
        text = "it went to the background: the process that was started ended, another one serves"
        raise _unfit(server, text, path)


def _unfit(server: ServerProcess, text: str, path: str) -> Unfit:
    ended = server.ended(0.1)
    words = seen.last_words(server.last_words(), path)
    if ended:
        text = f"{text}; it {seen.ending(server.status())}"
    return Unfit(text + (f": {words}" if words else ""))
