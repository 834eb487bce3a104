"""The frame of both programs: what surrounds them, and how each way to end becomes a status."""

import os
import select
import selectors
import signal
import subprocess
import sys

import pytest

from edges import process, program
from edges.command_line import ClientOptions, ServerOptions
from edges.console import Console
from edges.epoll import EpollSelector
from edges.failure import Failure
from edges.system import Outlet, best_selector
from reactor import Reactor
from signals import Interrupted, Signals, nothing
from tests.support.programs import ROOT, run_server


def raising(error):
    def body(*_):
        raise error

    return body


def test_the_body_gets_what_it_needs_and_its_status_is_the_status():
    def body(reactor, console, signals, options):
        got.extend((reactor, console, signals, options))
        assert signal.getsignal(signal.SIGTERM) is nothing
        return 42

    got = []
    assert program.run("server.py", ServerOptions, body, ["file", "--port", "1"]) == 42
    reactor, console, _, options = got
    assert [type(part) for part in got] == [Reactor, Console, Signals, ServerOptions]
    assert console.reactor is reactor
    assert (options.input_file, options.port) == ("file", 1)


@pytest.mark.parametrize(
    ("words", "observed"),
    [([], False), (["-q"], False), (["-v"], True), (["--slow", "9"], True), (["--trace"], True)],
)
def test_an_observer_is_attached_only_if_an_option_asks_for_it(tmp_path, words, observed):
    def body(reactor, *_):
        seen.append("call" in vars(reactor))
        return 0

    seen = []
    file = [str(tmp_path / "run.jsonl")] if words == ["--trace"] else []
    program.run("server.py", ServerOptions, body, [*words, *file])
    assert seen == [observed]


def test_nobody_observes_and_no_observer_is_imported_unless_asked_for():
    code = """if True:
        import sys
        from edges.command_line import ServerOptions
        from edges.program import run
        def body(reactor, *_):
            print("turn" in vars(reactor), "call" in vars(reactor))
            print([name for name in sys.modules if name.startswith("edges.observers")])
            return 0
        run("server.py", ServerOptions, body, sys.argv[1:])
    """
    quiet, loud = (
        subprocess.run(
            [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True,
            check=True,
        ).stdout.splitlines()
        for words in ([], ["--slow", "1"])
    )  # fmt: skip
    assert quiet == ["False False", "[]"]
    assert loud[0] == "False True"
    assert "edges.observers.alarm" in loud[1]


@pytest.mark.fault("D28")
@pytest.mark.parametrize("ours", [False, True])
def test_only_in_a_process_of_our_own_the_signals_are_ignored_at_the_end(monkeypatch, ours):
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    monkeypatch.setattr(process, "ours", ours)
    try:
        program.run("server.py", ServerOptions, lambda *_: 0, [])
        after = {number: signal.getsignal(number) for number in numbers}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert after == (dict.fromkeys(numbers, signal.SIG_IGN) if ours else before)


def test_lines_of_the_body_are_written_before_the_end(capfd):
    def body(reactor, console, *_):
        console.line("the last words")
        return 0

    program.run("server.py", ServerOptions, body, [])
    assert capfd.readouterr() == ("", "the last words\n")


def test_a_failure_is_its_line_and_its_status(capfd):
    assert program.run("server.py", ServerOptions, raising(Failure("cannot fly", 3)), []) == 3
    assert capfd.readouterr() == ("", "server.py: cannot fly\n")


def test_an_interrupt_is_the_status_that_shells_give_it(capfd):
    for number in (signal.SIGINT, signal.SIGTERM):
        assert (
            program.run("client.py", ClientOptions, raising(Interrupted(number)), [])
            == 128 + number
        )
    lines = [f"client.py: interrupted by {name}\n" for name in ("SIGINT", "SIGTERM")]
    assert capfd.readouterr() == ("", "".join(lines))


@pytest.mark.fault("D22")
@pytest.mark.parametrize("error", [SystemExit(2), ZeroDivisionError(), KeyboardInterrupt()])
def test_whatever_else_is_raised_passes_and_leaves_the_process_as_it_was(capfd, error):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(type(error)):
        program.run("server.py", ServerOptions, raising(error), [])
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.linux_only("epoll")
@pytest.mark.fault("E7")
def test_the_selector_is_ours_where_there_is_epoll_and_else_the_standard_one(monkeypatch):
    with best_selector() as ours:
        assert isinstance(ours, EpollSelector)
    monkeypatch.delattr(select, "epoll")
    with best_selector() as standard:
        assert isinstance(standard, selectors.DefaultSelector)


@pytest.mark.linux_only("the simulated selector has another module")
@pytest.mark.fault("E7")
def test_a_system_without_epoll_is_no_hindrance():
    """Its module `select` lacks all of these names, and that when it is first imported."""
    code = """if True:
        import select
        for name in [name for name in dir(select) if name.lower().startswith("epoll")]:
            delattr(select, name)
        from edges.system import best_selector
        print(type(best_selector()).__module__)
    """
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stdout == "selectors\n", run.stderr


@pytest.mark.linux_only("the descriptor of epoll")
@pytest.mark.fault("E8")
def test_a_limit_too_low_for_the_loop_itself_is_reported_in_one_line():
    five = ("prlimit", "--nofile=5")  # three standard streams and the socketpair: none for epoll
    ended = run_server(prefix=five, python=os.path.realpath(sys.executable), flags=())
    assert ended.status == 1
    assert ended.lines[-1] == "server.py: cannot go on: too many open files"


def test_whatever_the_system_refuses_is_one_line_and_status_1(capfd):
    refused = raising(OSError(12, "Cannot allocate memory"))
    assert program.run("server.py", ServerOptions, refused, []) == 1
    assert capfd.readouterr().err == "server.py: cannot go on: cannot allocate memory\n"


def test_a_close_that_fails_at_the_end_changes_nothing():
    """The descriptors are released all the same; here somebody else has released them before."""
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        os.close(signals.sock.fileno())
    assert signal.getsignal(signal.SIGTERM) is before
    outlet = Outlet(2)
    os.close(outlet.sock)
    outlet.close()
    assert outlet.sock == -1
