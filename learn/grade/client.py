"""Grade a client: start it once for each of many servers, good and bad ones, at the same time.

A row is green if the client's status is 0 exactly when it must be, the copy is exact, and a failure
leaves the old copy as it was and no other file. Whether the other statuses are those of protocol.md
is a row of its own.
"""

import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from lab.tool import temporary_folder
from lab.torture.child import Child
from learn.grade import seen
from learn.grade.client_rows import LAST_ADDRESS, REFUSED, Scene, guarded, scenes
from learn.grade.engine import Result, Unfit
from learn.grade.target import NoTarget, Target

CHAPTER = 14
SIDE_BY_SIDE = 16
STARTING = 5.0  # seconds in which a client must have connected: many interpreters start at once
GRACE = 2.0  # seconds after its --timeout, counted from then on, in which it must have ended
OLD = b"the old copy\n"
STATUSES = "exit-statuses"


class Clock:
    """When a client is late: `end` is a moment of the monotonic clock, `late` what it means.

    It counts from the connection; before that an interpreter starts, beside fifteen others.
    """

    def __init__(self, timeout: float) -> None:
        self.end = time.monotonic() + STARTING
        self.late = f"it had not ended after {STARTING} s, and nobody saw it connect"
        self._timeout = timeout

    def connected(self) -> None:
        """Note that the client is there."""
        self.late = f"it had not ended {GRACE} s after its --timeout of {self._timeout} s"
        self.end = time.monotonic() + self._timeout + GRACE


class Outcome(NamedTuple):
    """What a client left: its status, the copy, other files, its words.

    A status of None: it was killed, because it was `late`.
    """

    status: int | None
    copy: bytes | None
    others: Sequence[str]
    said: bytes
    late: str


def client_target(named: str) -> Target:
    """Return what `CLIENT=named` means; raises NoTarget."""
    path = Path(named)
    if path.is_file():
        words = [sys.executable, str(path.resolve()), "{host}", "{output}", "--port", "{port}"]
        return Target(named, [*words, "{options}"], path)
    try:
        words = shlex.split(named)
    except ValueError as error:
        raise NoTarget(f"CLIENT={named}: {error}") from None
    if len(words) < 2:
        raise NoTarget(f"there is no file {named}")
    return Target(named, words)


def client_rows() -> list[str]:
    """Return the names of all rows."""
    return [*(scene.name for scene in scenes()), STATUSES]


def grade_client(
    command: Sequence[str],
    rows: Iterable[str] | None = None,
    *,
    path: str = "",
    prepare: Callable[[], None] | None = None,
    progress: Callable[[Result], None] | None = None,
) -> dict[str, Result]:
    """Grade the client that `command` starts; return a result for each row.

    In the command, {host} and {port} become the server's address, {output} the name of the copy,
    and {options} becomes `--timeout S`. Raises Unfit for a client that cannot even save the file of
    a polite server: most rows expect a failure, so a client that always fails would look good.
    """
    names = set(client_rows() if rows is None else rows)
    chosen = [scene for scene in scenes() if scene.name in names or STATUSES in names]
    _greet(command, path, prepare)
    results, wrong = {}, []
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for scene, outcome in pool.map(
            lambda scene: (scene, _play(scene, command, prepare)), chosen
        ):
            result = _result(scene, outcome, path)
            if result.ok and outcome is not None and outcome.status != scene.status:
                wrong.append(f"{scene.name} {outcome.status} instead of {scene.status}")
            results[scene.name] = result
            if progress:
                progress(result)
    results[STATUSES] = _statuses(wrong, sum(result.ok is True for result in results.values()))
    return {name: result for name, result in results.items() if name in names}


def _greet(command: Sequence[str], path: str, prepare: Callable[[], None] | None) -> None:
    """Play a polite server. Raises Unfit."""
    first = scenes()[0]
    result = _result(first, _play(first, command, prepare), path)
    if not result.ok:
        words = f": {result.words}" if result.words else ""
        raise Unfit(f"the file of a polite server was not saved: {result.seen}{words}")


def _statuses(wrong: Sequence[str], right: int) -> Result:
    kinds = "3 no connection or out of time, 4 protocol, 5 cut short or a wrong checksum"
    wanted = f"a failure says what failed: {kinds}"
    text = "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
    if not right:
        text = "no row is green that could show one"
    return Result(STATUSES, not text, text or "each failure has its own", wanted, CHAPTER)


def _play(
    scene: Scene, command: Sequence[str], prepare: Callable[[], None] | None
) -> Outcome | None:
    """Play one scene; return its outcome, or None if this machine cannot play it."""
    address = _address(scene.where)
    if address is None:
        return None
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_STREAM) as listener,
        temporary_folder() as name,
    ):
        listener.bind((address, 0))
        if scene.where != REFUSED:
            listener.listen()
        listener.settimeout(STARTING)
        host = "localhost" if scene.where == LAST_ADDRESS else address
        words = _expand(command, host, listener.getsockname()[1], scene.timeout)
        clock = Clock(scene.timeout)
        server = threading.Thread(target=_serve, args=(scene, listener, clock))
        if scene.where != REFUSED:
            server.start()
        try:
            return _run(words, Path(name), clock, prepare)
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # ends accept if no client came
            if scene.where != REFUSED:
                server.join()


def _address(where: str) -> str | None:
    """Return the address to listen on: the last one of localhost, if it has more than one."""
    if where != LAST_ADDRESS:
        return "127.0.0.1"
    found = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    return addresses[-1] if len(addresses) > 1 else None


def _serve(scene: Scene, listener: socket.socket, clock: Clock) -> None:
    with suppress(OSError):
        sock, _address = listener.accept()
        clock.connected()
        guarded(scene.act, sock)


def _expand(command: Sequence[str], host: str, port: int, timeout: float) -> list[str]:
    words: list[str] = []
    for word in command:
        if word == "{options}":
            words += ["--timeout", f"{timeout:g}"]
        else:
            filled = word.replace("{host}", host).replace("{port}", str(port))
            words.append(filled.replace("{output}", "copy"))
    return words


def _run(
    words: Sequence[str], folder: Path, clock: Clock, prepare: Callable[[], None] | None
) -> Outcome:
    """Run a client in `folder`, where an old copy is already; kill it when it is late."""
    copy = folder / "copy"
    copy.write_bytes(OLD)
    try:
        unread, read = subprocess.DEVNULL, subprocess.PIPE
        with Child(words, folder=folder, prepare=prepare, stdout=unread, stderr=read) as child:
            status, said = child.finish_by(lambda: clock.end)
    except OSError as error:
        raise Unfit(f"{words[0]}: {error.strerror}") from None
    others = [path.name for path in folder.iterdir() if path != copy]
    saved = copy.read_bytes() if copy.is_file() else None
    return Outcome(status, saved, others, said, clock.late)


def _result(scene: Scene, outcome: Outcome | None, path: str) -> Result:
    if outcome is None:
        text = "not measured: localhost has one address only"
        return Result(scene.name, None, text, scene.wanted, CHAPTER)
    complaint = _complaint(scene, outcome)
    words = (
        (seen.last_words(outcome.said, path) or seen.last_line(outcome.said)) if complaint else ""
    )
    text = complaint or f"status {outcome.status}"
    return Result(scene.name, not complaint, text, scene.wanted, CHAPTER, words)


def _complaint(scene: Scene, outcome: Outcome) -> str:
    """Return what is wrong with an outcome, or ""."""
    if outcome.status is None:
        return outcome.late
    if (outcome.status == 0) != (scene.body is not None):
        return f"status {outcome.status}"
    if outcome.copy != (OLD if scene.body is None else scene.body):
        holds = "is gone" if outcome.copy is None else f"holds {outcome.copy[:40]!r}"
        return f"status {outcome.status}, but the file {holds}"
    if outcome.others:
        return f"status {outcome.status}, but it left {outcome.others[0]} behind"
    return ""
