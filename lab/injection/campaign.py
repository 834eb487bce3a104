"""Rehearse a scene, play it again for each call and each errno, and make the table of the runs."""

import compileall
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.injection import errnos
from lab.injection.scenes import BODY, Place, Scene, Seen
from lab.injection.strace import Call
from lab.injection.verdicts import complaints
from tests.support.programs import ROOT, Server

AT_WORK = ("client", "connection", "copy", "stdin")  # roles of the calls that are not set-up
IN_A_ROW = 5  # accept4 is also made to fail this many times in a row
# Python's C handler writes the number of a signal to the socketpair. On Linux a write to a
# connected socket with room cannot fail; if it did, the signal would be lost without a trace.
NOT_OURS = ("write", "signals")
NOT_THE_PROGRAMS = shutil.ignore_patterns(
    ".*", "tests", "lab", "learn", "docs", "build", "__pycache__", "*_file", "*.md"
)


@dataclass(frozen=True)
class Injection:
    """One call that is made to fail."""

    scene: Scene
    call: Call
    errno: str
    times: int = 1

    def __str__(self) -> str:
        return f"{self.scene.name}: {self.call.text} -> {self.errno}" + f" x {self.times}" * (
            self.times > 1
        )

    @property
    def words(self) -> str:
        """The value of strace's option `-e inject`."""
        first = self.call.nth
        when = f"{first}..{first + self.times - 1}" if self.times > 1 else first
        return f"{self.call.name}:error={self.errno}:when={when}"


@dataclass(frozen=True)
class Result:
    """An injection, and what was wrong after it: empty if nothing was."""

    injection: Injection
    wrong: list[str]


@contextmanager
def stage() -> Iterator[Place]:
    """Yield a place to play: a compiled copy of the programs, and a good server."""
    with tempfile.TemporaryDirectory() as name:
        programs = Path(name) / "programs"
        shutil.copytree(ROOT, programs, ignore=NOT_THE_PROGRAMS)
        compileall.compile_dir(programs, quiet=1)
        (Path(name) / "good").write_bytes(BODY)
        with Server(Path(name) / "good", "-q") as server:
            yield Place(programs, Path(name), server.port)


def play(scene: Scene, place: Place, inject: str = "") -> Seen:
    """Play `scene` in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=place.folder) as folder:
        seen = Seen()
        scene.play(Place(place.programs, Path(folder), place.port), inject, seen)
        return seen


def rehearsed(scene: Scene, place: Place) -> Seen:
    """Return what happens when nothing fails. Two runs must agree, so that calls can be counted."""
    seen = [play(scene, place), play(scene, place)]
    names = [[(call.name, call.nth, call.role) for call in one.calls] for one in seen]
    if names[0] != names[1] or seen[0].status != 0:
        raise AssertionError(f"{scene.name}: not twice the same: {difference(*seen)}")
    return seen[0]


def difference(one: Seen, other: Seen) -> str:
    """Return the first difference between two rehearsals."""
    for mine, yours in zip(one.calls, other.calls, strict=False):
        if (mine.name, mine.nth) != (yours.name, yours.nth):
            return f"{mine.text!r}, {yours.text!r}"
    return f"{len(one.calls)}, {len(other.calls)} calls; status {one.status}, {other.status}"


def plan(scene: Scene, calls: Sequence[Call]) -> Iterator[Injection]:
    """Yield every injection of a scene that makes these calls."""
    begin = next(n for n, call in enumerate(calls) if scene.first.search(call.text))
    for call in calls[begin:]:
        if (call.name, call.role) == NOT_OURS or not scene.calls.match(call.text):
            continue
        for errno in errnos.of(call.name):
            yield Injection(scene, call, errno)
            if call.name.startswith("accept"):
                yield Injection(scene, call, errno, IN_A_ROW)


def thinned(injections: Iterable[Injection]) -> Iterator[Injection]:
    """Yield one injection for each kind of call, for `--fast`: if possible one in the middle of the
    conversation."""
    kinds = set()
    for injection in sorted(injections, key=lambda one: one.call.role not in AT_WORK):
        kind = (injection.call.name, injection.times)
        if kind not in kinds:
            kinds.add(kind)
            yield injection


def results(
    scene: Scene, place: Place, *, fast: bool, call: str | None, jobs: int
) -> Iterator[Result]:
    """Rehearse, then yield the runs; `jobs` of them run at a time."""
    usual = rehearsed(scene, place)
    injections = [one for one in plan(scene, usual.calls) if call in (None, one.call.name)]

    def result(injection: Injection) -> Result:
        seen = play(scene, place, injection.words)
        found = complaints(scene.name, seen, injection.call, injection.errno, len(usual.calls))
        return Result(injection, list(found))

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(result, list(thinned(injections)) if fast else injections)


def table(done: Sequence[Result]) -> str:
    """Return the table of the runs: one row for each call of each scene."""
    rows = defaultdict(list)
    for result in done:
        rows[result.injection.scene.name, result.injection.call.name].append(result)
    lines = [
        "| scene | call | made | pairs survived | runs survived | errors |",
        "|---|---|---|---|---|---|",
    ]
    lines += [row(*name, results) for name, results in rows.items()]
    return "\n".join([*lines, "", total(done)])


def row(scene: str, call: str, done: Sequence[Result]) -> str:
    names = dict.fromkeys(result.injection.errno for result in done)
    failed = {result.injection.errno for result in done if result.wrong}
    made = len({result.injection.call.nth for result in done})
    pairs = f"{len(names) - len(failed)} of {len(names)}"
    runs = f"{sum(not result.wrong for result in done)} of {len(done)}"
    return f"| {scene} | {call} | {made} | {pairs} | {runs} | {' '.join(names)} |"


def total(done: Sequence[Result]) -> str:
    pairs = {(r.injection.scene.name, r.injection.call.name, r.injection.errno) for r in done}
    failed = {
        (r.injection.scene.name, r.injection.call.name, r.injection.errno) for r in done if r.wrong
    }
    survived = sum(not result.wrong for result in done)
    return (
        f"{len(pairs) - len(failed)} of {len(pairs)} (scene, call, errno) triples survived, "
        f"in {survived} of {len(done)} runs"
    )
