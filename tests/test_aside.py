"""One blocking call beside the loop: its result, its exception, its end before both."""

import errno
import threading
from functools import partial

import pytest

from edges.aside import Aside
from reactor import Reactor
from tests.support.programs import LIMIT

pytestmark = pytest.mark.usefixtures("threads_end")


def result_of(loop: Reactor, work):
    """Return ("done", result) or ("failed", exception), as the loop gets it."""
    outcome = []
    aside = Aside(
        loop,
        "name",
        work,
        lambda result: outcome.append(("done", result, threading.get_ident())),
        lambda error: outcome.append(("failed", error, threading.get_ident())),
    )
    loop.run(until=lambda: outcome)
    assert (aside.sock.fileno(), aside.interest) == (-1, 0)
    [(how, what, thread)] = outcome
    assert thread == threading.get_ident()  # handlers run in the loop's thread only
    assert not loop.selector.get_map()
    return how, what


def test_the_result_is_delivered_in_the_loop(loop: Reactor):
    assert result_of(loop, lambda: "result") == ("done", "result")


def test_the_work_runs_in_another_thread(loop: Reactor):
    assert result_of(loop, threading.get_ident)[1] != threading.get_ident()


@pytest.mark.fault("E16")
@pytest.mark.parametrize(
    "error", [OSError(1, "no"), MemoryError(), SystemExit(1), KeyboardInterrupt()], ids=repr
)
def test_every_exception_crosses_and_none_is_printed(loop: Reactor, error, capfd):
    def work():
        raise error

    assert result_of(loop, work) == ("failed", error)
    assert capfd.readouterr() == ("", "")


@pytest.mark.fault("E16")
def test_a_thread_that_dies_before_it_runs_is_a_failure(loop: Reactor, monkeypatch):
    """It drops its socket, and so the loop wakes."""
    monkeypatch.setattr("_thread.start_new_thread", lambda _run, arguments: arguments[0].close())
    how, error = result_of(loop, lambda: None)
    assert (how, str(error)) == ("failed", "the thread ended without an answer")


@pytest.mark.parametrize(("text", "outcome"), [("7", 7), ("x", "ValueError")])
def test_what_the_thread_does(loop: Reactor, monkeypatch, text, outcome):
    """Done here in this thread: coverage does not see those that _thread starts."""
    monkeypatch.setattr("_thread.start_new_thread", lambda run, arguments: run(*arguments))
    said = []
    Aside(
        loop,
        "name",
        partial(int, text),
        said.append,
        lambda error: said.append(type(error).__name__),
    )
    loop.run(until=lambda: said)
    assert said == [outcome]


def test_a_closed_one_is_forgotten(loop: Reactor):
    go, over = threading.Event(), threading.Event()

    def work():
        assert go.wait(LIMIT)
        over.set()

    aside = Aside(loop, "name", work, pytest.fail, pytest.fail)
    aside.close()
    aside.close()
    assert not loop.selector.get_map()
    go.set()
    assert over.wait(LIMIT)


@pytest.mark.fault("I-6")
@pytest.mark.parametrize("step", ["socket.socketpair", "_thread.start_new_thread"])
def test_what_cannot_be_started_leaves_nothing_behind(loop: Reactor, monkeypatch, step):
    def refuse(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(step, refuse)
    with pytest.raises(OSError, match="Too many"):
        Aside(loop, "name", lambda: None, pytest.fail, pytest.fail)
    assert not loop.selector.get_map()


def test_a_defect_of_the_receiver_ends_the_loop(loop: Reactor):
    def done(_result):
        raise RuntimeError("a defect")

    Aside(loop, "name", lambda: None, done, pytest.fail)
    with pytest.raises(RuntimeError, match="a defect"):
        loop.run(until=lambda: False)


def test_it_has_a_name_for_logs(loop: Reactor):
    ended = []
    aside = Aside(loop, "name", lambda: None, ended.append, pytest.fail)
    assert str(aside) == "name"
    loop.run(until=lambda: ended)
