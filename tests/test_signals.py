"""Signals as bytes on a socket: none is lost, none does harm, and all is put back, or ignored.

Real signals, raised by the test itself.
"""

import os
import signal
import socket
import threading
from contextlib import closing

import pytest

from edges.interruptible import interruptible
from reactor import READ, Reactor
from signals import STOPS, Interrupted, Signals, change_mask, nothing


def raises(error):
    def action(*_):
        raise error

    return action


def ours():
    """Return what the process does at the signals that Signals takes over."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    writer = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(writer)
    return [signal.getsignal(number) for number in numbers], writer


@pytest.fixture
def handled():
    """Set how signals are handled: put back at the end."""
    old = {}

    def handle(number, handler):
        old.setdefault(number, signal.signal(number, handler))

    yield handle
    for number, handler in old.items():
        signal.signal(number, handler)


@pytest.fixture
def loop():
    """A real reactor on which signals wait, and the numbers they were acted on with."""
    acted = []
    reactor = Reactor()
    with Signals(acted.append) as signals:
        reactor.watch(signals, READ)
        yield reactor, acted
        reactor.watch(signals, 0)
    reactor.close()


@pytest.mark.fault("D22")
def test_handlers_and_wakeup_descriptor_are_put_back_each_time():
    before = ours()
    for _ in range(2):
        with Signals() as signals:
            handlers, writer = ours()
            assert handlers == [nothing] * 3
            assert writer == signals.writer.fileno()
        assert ours() == before


@pytest.mark.fault("D22")
def test_a_wakeup_descriptor_of_somebody_else_is_put_back_too():
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        before = signal.set_wakeup_fd(one.fileno())
        try:
            with pytest.raises(ZeroDivisionError), Signals():
                raise ZeroDivisionError
            assert ours()[1] == one.fileno()
        finally:
            signal.set_wakeup_fd(before)


@pytest.mark.fault("D22")
def test_a_close_that_fails_leaves_neither_a_handler_nor_the_other_socket(monkeypatch):
    class Failing:
        def close(self):
            really.close()
            raise OSError

    before = ours()
    with Signals() as signals:
        really = signals.sock
        monkeypatch.setattr(signals, "sock", Failing())
    assert ours() == before
    assert signals.writer.fileno() == -1


@pytest.mark.fault("D15", "D18")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(handled, number):
    handled(number, signal.SIG_IGN)
    with Signals() as signals:
        assert signal.getsignal(number) is signal.SIG_IGN
        signal.raise_signal(number)
        assert signals.received() == []
        with interruptible(signals):
            signal.raise_signal(number)
    assert signal.getsignal(number) is signal.SIG_IGN


@pytest.mark.fault("D14", "D15")
def test_sigterm_is_taken_even_if_it_was_ignored(handled):
    handled(signal.SIGTERM, signal.SIG_IGN)
    with Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.received() == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_signals_are_acted_on_in_their_order(loop):
    reactor, acted = loop
    numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGINT, signal.SIGHUP]
    for number in numbers:
        signal.raise_signal(number)
    reactor.turn()
    assert acted == numbers


@pytest.mark.fault("D1")
def test_a_signal_wakes_the_loop(loop):
    reactor, acted = loop
    timer = reactor.call_later(30.0, None, nothing)
    sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    sender.start()
    reactor.turn()
    sender.join()
    reactor.cancel(timer)
    assert acted == [signal.SIGINT]


@pytest.mark.fault("D2")
def test_a_signal_right_before_the_sleep_is_not_lost(loop):
    reactor, acted = loop
    timer = reactor.call_later(30.0, None, nothing)
    select = reactor.selector.select

    def select_too_late(timeout):
        signal.raise_signal(signal.SIGINT)
        return select(timeout)

    reactor.selector.select = select_too_late
    reactor.turn()
    reactor.cancel(timer)
    assert acted == [signal.SIGINT]


@pytest.mark.fault("D4", "D17")
def test_a_storm_of_signals_is_survived_without_a_word(loop, capfd):
    reactor, acted = loop
    for _ in range(100_000):
        signal.raise_signal(signal.SIGINT)
    while not acted or reactor.selector.select(0):
        reactor.turn()
    assert set(acted) == {signal.SIGINT}
    assert 100 < len(acted) < 100_000  # what the socketpair held; the rest was dropped
    assert capfd.readouterr() == ("", "")


@pytest.mark.fault("D3", "D23")
def test_the_signals_of_others_are_an_empty_turn(loop, handled):
    reactor, acted = loop
    seen = []
    handled(signal.SIGUSR1, lambda number, frame: seen.append(number))
    signal.raise_signal(signal.SIGUSR1)
    reactor.turn()
    assert (seen, acted) == ([signal.SIGUSR1], [])


@pytest.mark.fault("D3")
def test_no_signal_is_no_error():
    with Signals() as signals:
        assert signals.received() == []
        signals.on_readable()
        signals.check()


@pytest.mark.fault("B25")
def test_no_child_inherits_the_sockets_of_signals():
    with Signals() as signals:
        assert not signals.sock.get_inheritable()
        assert not signals.writer.get_inheritable()


def test_a_defect_in_acting_on_a_signal_ends_the_loop():
    with closing(Reactor()) as reactor, Signals(raises(ZeroDivisionError())) as signals:
        reactor.watch(signals, READ)
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(ZeroDivisionError):
            reactor.turn()
        reactor.watch(signals, 0)


@pytest.mark.fault("D2")
def test_a_check_raises_at_the_signal_that_came_first():
    with Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Interrupted, match=r"^SIGTERM$") as raised:
            signals.check()
        assert raised.value.number == signal.SIGTERM


def test_outside_the_interruptible_part_a_signal_only_waits():
    with Signals() as signals:
        with interruptible(signals):
            pass
        signal.raise_signal(signal.SIGINT)
        assert signals.received() == [signal.SIGINT]


def test_inside_the_interruptible_part_a_signal_raises_at_once():
    with Signals() as signals:
        with pytest.raises(Interrupted, match=r"^SIGHUP$"), interruptible(signals):
            signal.raise_signal(signal.SIGHUP)
            pytest.fail("it went on")
        assert ours()[0] == [nothing] * 3


@pytest.mark.fault("D2")
def test_a_signal_before_the_interruptible_part_keeps_it_from_beginning():
    with Signals() as signals:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Interrupted), interruptible(signals):
            pytest.fail("it began")
        assert ours()[0] == [nothing] * 3


@pytest.mark.fault("D8", "D17")
def test_one_exception_is_raised_however_many_signals_come():
    with Signals() as signals:
        with pytest.raises(Interrupted, match=r"^SIGINT$"), interruptible(signals):
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGTERM)  # while the exception is under way
        assert signals.received() == [signal.SIGINT, signal.SIGTERM]


def test_the_interruptible_part_is_left_in_order_by_any_error():
    with Signals() as signals:
        with pytest.raises(ZeroDivisionError), interruptible(signals):
            raise ZeroDivisionError
        assert ours()[0] == [nothing] * 3


def test_without_anything_better_to_do_a_signal_ends_the_loop():
    with closing(Reactor()) as reactor, Signals() as signals:
        reactor.watch(signals, READ)
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Interrupted, match=r"^SIGHUP$"):
            reactor.turn()
        reactor.watch(signals, 0)


@pytest.mark.fault("D22")
def test_outside_the_main_thread_there_is_an_error_and_no_socket_is_left():
    made, raised = [], []

    class Noting(Signals):
        def close(self):
            made.extend((self.sock, self.writer))
            super().close()

    def enter():
        try:
            Noting().__enter__()
        except ValueError as error:
            raised.append(str(error))

    before = ours()
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert "main thread" in raised[0]
    assert [sock.fileno() for sock in made] == [-1, -1]
    assert ours() == before


# --- blocked at the start


@pytest.fixture
def blocked():
    """Block our signals and another one, as a parent may have done."""
    numbers = {*STOPS, signal.SIGUSR2}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    yield before | numbers
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def mask():
    return signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.fault("D29")
@pytest.mark.parametrize("number", STOPS)
def test_a_signal_that_was_blocked_at_the_start_is_heard_and_the_mask_is_put_back(blocked, number):
    with Signals() as signals:
        signal.raise_signal(number)
        assert signals.received() == [number]
        assert mask() == blocked - set(STOPS)
    assert mask() == blocked


@pytest.mark.fault("D29")
def test_a_signal_that_is_ignored_is_not_unblocked_either(blocked, handled):
    handled(signal.SIGHUP, signal.SIG_IGN)
    with Signals():
        assert signal.SIGHUP in mask()
    assert mask() == blocked


# --- the end of a process


@pytest.mark.fault("D28")
def test_a_final_end_goes_from_our_handler_straight_to_ignoring(handled, monkeypatch):
    set_to = []
    really = signal.signal

    def noted(number, handler):
        set_to.append((number, handler))
        return really(number, handler)

    for number in STOPS:
        handled(number, signal.SIG_DFL)
    with Signals(final=True):
        monkeypatch.setattr(signal, "signal", noted)
    monkeypatch.undo()
    assert set_to == [(number, signal.SIG_IGN) for number in STOPS]
    for number in STOPS:
        signal.raise_signal(number)


@pytest.mark.fault("D28")
def test_at_a_final_end_what_was_ignored_is_ignored_and_the_wakeup_descriptor_is_put_back(handled):
    handled(signal.SIGHUP, signal.SIG_IGN)
    handled(signal.SIGINT, signal.SIG_DFL)
    handled(signal.SIGTERM, signal.SIG_DFL)
    before, mask_before = ours()[1], mask()
    with Signals(final=True):
        pass
    assert ours() == ([signal.SIG_IGN] * 3, before)
    assert mask() == mask_before


@pytest.mark.fault("D28")
def test_amid_the_final_end_our_signals_are_blocked(handled, monkeypatch):
    """Else Python reports one that comes between its last look and the new action."""
    masks = []
    really = signal.signal

    def noted(number, handler):
        masks.append(mask())
        return really(number, handler)

    for number in STOPS:
        handled(number, signal.SIG_DFL)
    before = mask()
    with Signals(final=True):
        monkeypatch.setattr(signal, "signal", noted)
    monkeypatch.undo()
    assert masks == [before | set(STOPS)] * len(STOPS)
    assert mask() == before


def test_signals_that_nobody_watches_yet_can_be_left_alone_by_the_loop():
    with Signals() as signals, closing(Reactor()) as reactor:
        reactor.watch(signals, 0)
        assert signals.interest == 0


def test_where_signals_cannot_be_blocked_nothing_is(monkeypatch):
    monkeypatch.delattr(signal, "pthread_sigmask")
    assert change_mask("SIG_BLOCK", {signal.SIGINT}) == ()
