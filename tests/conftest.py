"""What every test is held to, whatever it tests.

Nothing is left after a test: no descriptor, no selector key, no deadline, no thread, no child
process, no file (at the top of the checkout, in input_file/, output_file/, the temporary folder),
no resource that only the garbage collector closed. Asserted here, once, for all.

A test that hangs is ended after a limit, without signals, which some tests are about:
the programs it started are killed, so that whatever it waits for comes to an end, and it fails with
its own traceback. If that does not help, the run ends with the traceback of every thread.
"""

import _thread
import faulthandler
import gc
import os
import selectors
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.support import programs
from tests.support.programs import SYSTEM
from tests.support.sample import FULL, examples

MANY_FILES = 5000  # in one process
TEST_LIMIT = 60.0 if SYSTEM != "win32" else 180.0  # seconds; a test takes one, a few take five
LONG_WAITS = ("test_tool.py",)  # two of its tests wait for five seconds
PAGE_LIMIT = 600.0  # for a test in a browser, which needs most of a busy machine
GRACE = 10.0  # seconds for a test to fail by itself once its programs are killed

# The same examples in every run, and no limit for a single one: a busy machine is no defect.
hypothesis.settings.register_profile(
    "ci", derandomize=True, deadline=None, database=None, max_examples=examples(100)
)
hypothesis.settings.register_profile("search", deadline=None, max_examples=10_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

CHECKOUT = Path(__file__).resolve().parent.parent
TASKS = "/proc/self/task"
DESCRIPTORS = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
pytest_plugins = ["tests.support.browser"]  # fixtures; it imports its packages when one is used
# These need packages that `make test` does without; each has a target that names it.
collect_ignore_glob = ["test_book*.py", "test_page_*.py", "test_grammar.py"]
if SYSTEM != "win32":
    collect_ignore_glob.append("test_on_windows.py")
if sys.platform != "win32":
    collect_ignore_glob.append("test_windows.py")
MISSING = "NOT TESTED HERE: "  # what this machine lacks for a test is named at the end of the run


def pytest_configure(config: pytest.Config) -> None:
    # A socket or file that nobody closed: an error in __del__, which `sys.unraisablehook` sees.
    config.addinivalue_line("filterwarnings", "error::ResourceWarning")
    # pytest-xdist sets it for its workers; our programs must find their modules without it. (With
    # it, `-m lab.demo` in a copy of the project runs this project's demo.)
    if "PYTEST_XDIST_WORKER" in os.environ and not os.environ.get("BSD"):
        os.environ.pop("PYTHONPATH", None)
    if sys.platform == "win32":  # the tests of the core run there, too
        return
    # mutmut notes which test runs which code, but only in this process (`make mutants`). In the
    # programs that the tests start, its notes would be lost, and some fail over them.
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        del os.environ["MUTANT_UNDER_TEST"]
    from lab import limits

    # Some tests hold thousands of connections. A usual soft limit is 1,024, a hard one far higher.
    limits.allow_files(MANY_FILES)
    # A shell starts `command &` with SIGINT ignored, nohup starts it with SIGHUP ignored, and our
    # programs would inherit that from us.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parts = {
        "choices": ["together", "alone"],
        "help": "only tests without, or with, the mark alone",
    }
    parser.addoption("--part", **parts)  # not -m, which is the user's


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile: thousands of objects are made, and all of them stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import a file for the part `alone` only if the mark is in it."""
    if config.getoption("--part") == "alone" and collection_path.suffix == ".py":
        return "mark.alone" not in collection_path.read_text(encoding="utf-8") or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # mutmut names tests in any order; each change of the module would cost its fixtures again. The
    # longest waits come first: at the end, the other workers would have nothing more to do.
    items.sort(key=lambda item: (item.path.name not in LONG_WAITS, str(item.path)))
    for name in {"win32": ("posix_only", "linux_only"), "bsd": ("linux_only",)}.get(SYSTEM, ()):
        for item in items:
            if mark := item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"{name}: {mark.args[0]}"))
    part = config.getoption("--part")
    if part is not None:
        chosen: dict[bool, list[pytest.Item]] = {True: [], False: []}
        for one in items:
            chosen[bool(one.get_closest_marker("alone")) == (part == "alone")].append(one)
        config.hook.pytest_deselected(items=chosen[False])
        items[:] = chosen[True]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reasons = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    for reason in dict.fromkeys(reasons):
        if MISSING in reason:
            words = reason[reason.index(MISSING) :]
            terminalreporter.write_line(words, yellow=True, bold=True)


@pytest.fixture
def not_here() -> Callable[[str], None]:
    """Skip, loudly: the reason is shown once more at the end of the run."""

    def skip(reason: str) -> None:
        pytest.skip(MISSING + reason)

    return skip


@pytest.fixture
def traceable(not_here: Callable[[str], None]) -> None:
    """For tests that let system calls fail. REQUIRE_STRACE=1 makes a lack of strace a failure."""
    from lab.injection import strace

    if SYSTEM == "win32":
        pytest.skip("not on Windows: strace would show the calls of Wine")
    if why := strace.missing():
        if os.environ.get("REQUIRE_STRACE"):
            pytest.fail(why)
        not_here(why)


@pytest.fixture(scope="session", autouse=True)
def no_colours() -> Iterator[None]:
    """What the programs say does not depend on the terminal that the tests were started from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        patch.delenv("FORCE_COLOR", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def warm_start(pytestconfig: pytest.Config) -> Iterator[None]:
    """In `make test` a program that is started as usual is a fork of one that has its imports done.

    In `make check` each is started as a user starts it; so are those that coverage measures, and
    those of which the time is measured.
    """
    measured = any(name.startswith("COVERAGE_PROCESS") for name in os.environ)
    if FULL or measured or SYSTEM != "linux" or pytestconfig.getoption("--part") == "alone":
        yield
        return
    from tests.support.warm import Warm

    with Warm(modules=["lab.tracing"]) as programs.WARM:
        yield
    programs.WARM = None


@pytest.fixture(scope="session")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Everything temporary, the tests' and the programs', goes into one folder of our own."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="session")
def real_stderr(pytestconfig: pytest.Config) -> Iterator[int]:
    """The descriptor that a dying run still can write to; pytest captures number 2."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    capture.suspend_global_capture(in_=False)
    copy = os.dup(2)
    capture.resume_global_capture()
    yield copy
    os.close(copy)


def descriptors() -> dict[int, str]:
    """Return the open descriptors and what they are."""
    found: dict[int, str] = {}
    if sys.platform == "win32":  # what Wine shows there are its own, which come and go
        return found
    for name in os.listdir(DESCRIPTORS) if os.path.isdir(DESCRIPTORS) else ():
        try:
            found[int(name)] = os.readlink(f"{DESCRIPTORS}/{name}")
        except OSError:  # the one that listed the folder, closed by now; no links on macOS
            if os.path.exists(f"{DESCRIPTORS}/{name}"):
                found[int(name)] = "?"
    return found


def children() -> set[str]:
    """Return the process ids of our children, the dead ones included (Linux)."""
    found: set[str] = set()
    for task in os.listdir(TASKS) if os.path.isdir(TASKS) else ():
        try:
            with open(f"{TASKS}/{task}/children", encoding="ascii") as names:
                found.update(names.read().split())
        except OSError:  # a thread that has just ended
            continue
    return found


def files(temporary: Path) -> set[str]:
    """Return the files in the folders where the programs could leave something."""
    ours = {name for name in os.listdir(CHECKOUT) if not name.startswith((".", "__"))}
    folders = [f"{CHECKOUT}/input_file", f"{CHECKOUT}/output_file", str(temporary)]
    inside = {f"{folder}/{name}" for folder in folders for name in os.listdir(folder)}
    return ours | inside


def world(temporary: Path) -> dict[str, set[str]]:
    """Return all that a test may leave behind."""
    return {
        "descriptors": {f"{fd} {what}" for fd, what in descriptors().items()},
        "child processes": children(),
        "files": files(temporary),
        "threads": {f"{thread.name} {thread.ident}" for thread in threading.enumerate()},
    }


@pytest.fixture(scope="module", autouse=True)
def old_objects_are_set_aside() -> None:
    """Each test collects garbage twice; what is there before its module needs no further look.

    Not by later modules either: to look at all that was set aside takes a tenth of a second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def time_limit(request: pytest.FixtureRequest, real_stderr: int) -> Iterator[None]:
    """End a test that hangs."""
    too_long = []
    in_browser = any(map(request.node.get_closest_marker, ("browser", "book")))
    limit = PAGE_LIMIT if in_browser else TEST_LIMIT

    def give_up() -> None:
        too_long.append(f"{request.node.nodeid}: more than {limit:.0f} s")
        os.write(real_stderr, f"\n{too_long[0]}\n".encode())
        faulthandler.dump_traceback_later(GRACE, exit=True, file=real_stderr)
        for program in list(programs.RUNNING):
            program.kill()

    watchdog = threading.Timer(limit, give_up)
    watchdog.daemon = True
    watchdog.start()
    yield
    watchdog.cancel()
    watchdog.join()
    if too_long:
        faulthandler.cancel_dump_traceback_later()
        pytest.fail(too_long[0])


@pytest.fixture(autouse=True)
def nothing_is_left(time_limit: None, temporary: Path) -> Iterator[None]:
    """Compare the world before and after the test."""
    reactors: list[Any] = []
    unraisable: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "unraisablehook", lambda u: unraisable.append(f"{u.exc_value!r} in {u.object!r}")
        )
        if "reactor" in sys.modules:
            remember_reactors(patch, reactors)
        gc.collect()
        before = world(temporary)
        yield
        keys = [key for reactor in reactors for key in still_watched(reactor)]
        deadlines = [armed for reactor in reactors for armed in still_armed(reactor)]
        reactors.clear()
        gc.collect()
        after = world(temporary)
    assert not keys, f"still in a selector: {keys}"
    assert not deadlines, f"deadlines still armed: {deadlines}"
    assert not unraisable, f"raised where nobody could catch it: {unraisable}"
    for what, was in before.items():
        assert not after[what] - was, f"{what} left behind: {after[what] - was}"
    gone = before["descriptors"] - after["descriptors"]
    assert not gone, f"descriptors of somebody else were closed: {gone}"


def remember_reactors(patch: pytest.MonkeyPatch, reactors: list[Any]) -> None:
    """Put each Reactor that is made from now on into `reactors`."""
    kind = sys.modules["reactor"].Reactor
    make = kind.__init__

    def remembered(self: Any, *args: object, **options: object) -> None:
        make(self, *args, **options)
        reactors.append(self)

    patch.setattr(kind, "__init__", remembered)


def still_armed(reactor: Any) -> list[object]:
    """Return the timers and the handlers in deadline queues that `reactor` would still call."""
    armed: list[object] = []
    for schedule in reactor.schedules:
        armed += schedule.waiting
    return armed


def still_watched(reactor: Any) -> list[object]:
    """Return what is still registered with the selector of `reactor`, if that is not closed."""
    get_map = getattr(reactor.selector, "get_map", dict)
    return [key.data for key in (get_map() or {}).values()]


@pytest.fixture
def threads_end() -> Iterator[None]:
    """Wait for the threads of a test: each closes its socket as the last thing."""
    from tests.support.kernel import await_condition

    before = _thread._count()
    yield
    await_condition(lambda: _thread._count() <= before, "the end of the threads")


@pytest.fixture
def loop() -> Any:
    """A loop that holds no descriptor."""
    from reactor import Reactor

    return Reactor(selectors.PollSelector())
