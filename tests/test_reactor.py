"""The loop: who is called when, and that neither an error, a stale event nor a signal goes astray.

With a fake selector and its clock wherever that is enough; real sockets for numbers that the kernel
gives anew, real signals for Signals.
"""

import gc
import os
import signal
import socket
import sys
import threading
import weakref
from contextlib import closing

import pytest

from reactor import READ, WRITE, Interrupted, Reactor, Signals, nothing
from tests.support.fakes import FakeSelector


class Handler:
    """Notes each call in the `log` of the test; what it does then, a test may say."""

    def __init__(self, world, name, *incoming, reads=nothing, writes=nothing):
        self.world = world
        self.name = name
        self.sock = world.selector.socket(*incoming)
        self.interest = 0
        self.reads, self.writes = reads, writes
        self.errors = []

    def on_readable(self):
        self.world.log.append(f"{self.name} readable")
        self.reads()

    def on_writable(self):
        self.world.log.append(f"{self.name} writable")
        self.writes()

    def on_error(self, error):
        self.errors.append(error)

    def late(self):
        self.world.log.append(f"{self.name} late")

    def close(self):
        self.world.reactor.watch(self, 0)
        self.sock.close()


class World:
    """A reactor on a fake selector, and what was called, in order."""

    def __init__(self, selector):
        self.selector = selector
        self.reactor = Reactor(selector, selector.clock)
        self.log = []
        self.handlers = []

    def handler(self, name, *incoming, interest=0, **deeds):
        handler = Handler(self, name, *incoming, **deeds)
        self.handlers.append(handler)
        self.reactor.watch(handler, interest)
        return handler

    def turn(self):
        """Turn once; return what was called in it."""
        self.log.clear()
        self.reactor.turn()
        return self.log[:]

    def advance(self, seconds):
        self.selector.now += seconds

    def end(self):
        for handler in self.handlers:
            self.reactor.watch(handler, 0)
        for queue in self.reactor.queues:
            queue.moments.clear()
        self.reactor.close()


@pytest.fixture
def world():
    world = World(FakeSelector())
    yield world
    world.end()


# --- one turn


def test_a_turn_is_sleep_then_hook_then_readable_then_writable_then_deadlines_then_hook(world):
    late = world.reactor.queue(0.0, Handler.late)
    one = world.handler("one", b"x", interest=READ | WRITE)
    world.handler("two", b"x", interest=READ)
    late.arm(one)
    world.reactor.trace = lambda event, *_, **what: (
        event == "wake" and world.log.append(f"woke, ready: {len(what['ready'])}")
    )
    world.reactor.after_turn = lambda: world.log.append("after")
    assert world.turn() == [
        "woke, ready: 2", "one readable", "one writable", "two readable", "one late", "after",
    ]  # fmt: skip


def test_the_trace_is_told_of_each_step_of_a_turn(world):
    told = []
    world.reactor.trace = lambda event, who=None, **what: told.append(
        (event, who, world.selector.now - 1000.0, what)
    )
    one = world.handler("one", interest=READ)
    world.selector.after(2.5, lambda: one.sock.incoming.append(b"x"))
    world.turn()
    [watch, select, wake, call, done, turned] = told
    assert watch == ("watch", one, 0.0, {"was": 0, "now": READ})
    assert select == ("select", None, 0.0, {"timeout": None})
    [(key, events)] = wake[3]["ready"]
    assert (wake[0], wake[2], key.data, events) == ("wake", 2.5, one, READ)
    assert call == ("call", one, 2.5, {"action": one.on_readable})
    assert done == ("done", one, 2.5, {"action": one.on_readable})
    assert turned == ("turned", None, 2.5, {})


def test_a_trace_is_told_how_long_the_loop_may_sleep_and_changes_nothing_of_it(world):
    told = []
    world.reactor.queue(5.0, Handler.late).arm(world.handler("one"))
    world.reactor.trace = lambda event, who=None, **what: told.append(what)
    world.turn()
    assert told[0] == {"timeout": 5.0}
    assert world.selector.sleeps == [5.0]


def test_the_trace_is_told_of_changes_of_interest_only(world):
    told = []
    world.reactor.trace = lambda event, who=None, **what: told.append((event, who, what))
    one = world.handler("one")
    for interest in (READ, READ, READ | WRITE, 0, 0):
        world.reactor.watch(one, interest)
    assert told == [
        ("watch", one, {"was": 0, "now": READ}),
        ("watch", one, {"was": READ, "now": READ | WRITE}),
        ("watch", one, {"was": READ | WRITE, "now": 0}),
    ]


def test_the_trace_is_told_of_an_error_before_the_handler_is(world):
    def fail():
        raise error

    told, error = [], ZeroDivisionError()
    one = world.handler("one")
    one.on_error = lambda error: told.append(("on_error", one, {"error": error}))
    world.reactor.trace = lambda event, who=None, **what: told.append((event, who, what))
    world.reactor.call(one, fail)
    assert told == [
        ("call", one, {"action": fail}),
        ("error", one, {"error": error}),
        ("on_error", one, {"error": error}),
        ("done", one, {"action": fail}),
    ]


def test_the_trace_is_told_of_deadlines_set_cancelled_and_acted_on(world):
    told = []
    queue = world.reactor.queue(3.0, Handler.late)
    one, two = world.handler("one"), world.handler("two")
    world.reactor.trace = lambda event, who=None, **what: told.append((event, who, what))
    queue.arm(one)
    queue.arm(two)
    queue.cancel(one)
    assert len(told) == 3
    queue.cancel(one)
    world.advance(3.0)
    queue.expire(world.selector.now, world.reactor.call)
    assert [event[:2] for event in told] == [
        ("timer", one), ("timer", two), ("timer", one), ("timer", two),
        ("call", two), ("done", two),
    ]  # fmt: skip
    late = {"what": Handler.late}
    assert [event[2] for event in told[:4]] == [
        {"op": "set", "length": 3.0, **late}, {"op": "set", "length": 3.0, **late},
        {"op": "cancel", **late}, {"op": "fire", **late},
    ]  # fmt: skip


def test_run_asks_between_the_turns_whether_it_may_end(world):
    asked = []
    world.handler("one", b"x", interest=READ)
    world.reactor.run(until=lambda: asked.append(len(world.log)) or len(world.log) == 3)
    assert asked == [0, 1, 2, 3]


def test_nobody_ready_and_no_deadline_is_a_sleep_without_end(world):
    with pytest.raises(AssertionError, match="deadlock"):
        world.turn()
    assert world.selector.sleeps == [None]


# --- interest


@pytest.mark.fault("B14", "B15")
def test_interest_0_is_not_registered_and_nothing_is_told_twice(world):
    one = world.handler("one", b"x")
    watch, told = world.reactor.watch, world.selector.told
    watch(one, 0)
    assert told == []
    watch(one, READ)
    watch(one, READ)
    watch(one, READ | WRITE)
    watch(one, 0)
    watch(one, 0)
    assert told == [
        ("register", one.sock, READ), ("modify", one.sock, READ | WRITE), ("unregister", one.sock),
    ]  # fmt: skip
    assert not world.selector.get_map()


def test_an_interest_that_the_selector_refuses_is_not_noted(world):
    one = world.handler("one")
    one.sock.close()
    with pytest.raises(ValueError):
        world.reactor.watch(one, READ)
    assert one.interest == 0


@pytest.mark.fault("B15")
def test_who_gives_up_writing_while_it_reads_is_not_called_to_write(world):
    one = world.handler("one", b"x", interest=READ | WRITE)
    one.reads = lambda: world.reactor.watch(one, READ)
    assert world.turn() == ["one readable"]


def test_who_waits_for_both_is_called_only_for_what_is_ready(world):
    one = world.handler("one", interest=READ | WRITE)
    assert world.turn() == ["one writable"]
    one.sock.incoming.append(b"x")
    one.sock.room = 0
    assert world.turn() == ["one readable"]


def test_who_begins_to_wait_to_write_is_called_only_when_a_select_has_looked(world):
    one = world.handler("one", b"x", interest=READ)
    one.reads = lambda: world.reactor.watch(one, WRITE)
    assert world.turn() == ["one readable"]
    assert world.turn() == ["one writable"]


# --- stale events


@pytest.mark.fault("B16", "B20")
def test_who_was_closed_earlier_in_the_batch_is_not_called(world):
    one = world.handler("one", b"x", interest=READ)
    two = world.handler("two", b"x", interest=READ)
    one.reads = two.close
    assert world.turn() == ["one readable"]


@pytest.mark.fault("B16")
def test_a_reused_number_never_gets_the_old_event(world):
    one = world.handler("one", b"x", interest=READ)
    two = world.handler("two", b"x", interest=READ)

    def replace_two():
        two.close()
        three = world.handler("three", interest=READ)
        assert three.sock.fileno() == two.sock.number

    one.reads = replace_two
    assert world.turn() == ["one readable"]


@pytest.mark.fault("B16")
def test_a_number_that_the_kernel_gives_anew_never_gets_the_old_event():
    class Readable:
        interest = 0

        def __init__(self):
            self.sock, self.peer = socket.socketpair()
            self.peer.send(b"x")
            reactor.watch(self, READ)
            handlers.append(self)

        def on_readable(self):
            called.append(self)
            others = [handler for handler in handlers if handler is not self]
            numbers = [handler.sock.fileno() for handler in others]
            for handler in others:
                handler.close()
            assert Readable().sock.fileno() in numbers

        def close(self):
            handlers.remove(self)
            reactor.watch(self, 0)
            self.sock.close()
            self.peer.close()

    handlers, called = [], []
    with closing(Reactor()) as reactor:
        for _ in range(3):
            Readable()
        reactor.turn()
        assert len(called) == 1
        for handler in handlers[:]:
            handler.close()


@pytest.mark.fault("B19")
def test_a_handler_may_close_everybody_in_the_middle_of_a_batch(world):
    def close_all():
        for handler in world.handlers:
            handler.close()

    for number in range(5):
        world.handler(f"h{number}", b"x", interest=READ)
    world.handlers[1].reads = close_all
    assert world.turn() == ["h0 readable", "h1 readable"]
    assert not world.selector.get_map()


@pytest.mark.fault("B17")
def test_closing_before_unregistering_would_bar_the_number(world):
    one = world.handler("one", interest=READ)
    one.sock.close()
    with pytest.raises(KeyError, match="already registered"):
        world.handler("two", interest=READ)
    world.selector.keys.clear()
    world.handlers.clear()


# --- deadlines


def test_a_deadline_is_acted_on_when_its_time_has_passed_and_not_before(world):
    queue = world.reactor.queue(5.0, Handler.late)
    one = world.handler("one")
    queue.arm(one)
    assert queue.earliest() == world.selector.now + 5.0
    assert world.turn() == []  # slept till then; whoever came first would have been served now
    assert world.turn() == ["one late"]
    assert world.selector.sleeps == [5.0, 0.0]
    assert not queue.moments


def test_what_is_left_of_a_deadline_gets_less_with_the_time(world):
    queue = world.reactor.queue(5.0, Handler.late)
    one = world.handler("one")
    queue.arm(one)
    assert queue.left(one) == 5.0
    world.advance(7.0)
    assert queue.left(one) == -2.0


def test_the_loop_sleeps_until_the_earliest_deadline_of_all_queues(world):
    one = world.handler("one")
    for length in (7.0, 3.0, 5.0):
        world.reactor.queue(length, Handler.late).arm(one)
    world.turn()
    assert world.selector.sleeps == [3.0]


def test_an_overdue_deadline_means_no_sleep_not_a_negative_one(world):
    queue = world.reactor.queue(1.0, Handler.late)
    queue.arm(world.handler("one"))
    world.advance(60.0)
    assert world.turn() == ["one late"]
    assert world.selector.sleeps == [0.0]


@pytest.mark.fault("C9")
def test_a_cancelled_deadline_is_gone_and_cancelling_nothing_is_harmless(world):
    queue = world.reactor.queue(1.0, Handler.late)
    one, two = world.handler("one"), world.handler("two")
    queue.arm(one)
    queue.arm(two)
    queue.cancel(one)
    queue.cancel(one)
    world.advance(2.0)
    assert list(queue.moments) == [two]
    assert world.turn() == ["two late"]


def test_arming_again_counts_from_now_and_goes_to_the_end(world):
    queue = world.reactor.queue(5.0, Handler.late)
    one, two = world.handler("one"), world.handler("two")
    queue.arm(one)
    world.advance(1.0)
    queue.arm(two)
    world.advance(1.0)
    queue.arm(one)
    assert list(queue.moments) == [two, one]
    world.advance(5.0)
    assert world.turn() == ["two late", "one late"]


@pytest.mark.fault("C5")
def test_equal_deadlines_are_acted_on_in_the_order_in_which_they_were_armed(world):
    queue = world.reactor.queue(1.0, Handler.late)
    handlers = [world.handler(f"h{number}") for number in range(100)]
    for handler in reversed(handlers):
        queue.arm(handler)
    world.advance(1.0)
    assert world.turn() == [f"{handler.name} late" for handler in reversed(handlers)]


@pytest.mark.fault("C4")
def test_a_million_cancelled_deadlines_leave_nothing_behind(world):
    queue = world.reactor.queue(10.0, Handler.late)
    waiting, one = world.handler("waiting"), world.handler("one")
    queue.arm(waiting)
    queue.arm(one)
    before = sys.getsizeof(queue.moments)
    for _ in range(1_000_000):
        queue.cancel(one)
        queue.arm(one)
    assert list(queue.moments) == [waiting, one]
    assert sys.getsizeof(queue.moments) < before + 1000  # octets: the holes of a small table


@pytest.mark.fault("C8")
def test_a_length_of_zero_that_arms_itself_anew_starves_nobody(world):
    queue = world.reactor.queue(0.0, lambda handler: (handler.late(), queue.arm(handler)))
    other = world.reactor.queue(0.0, Handler.late)
    again, one, two = world.handler("again"), world.handler("one", b"x"), world.handler("two")
    world.reactor.watch(one, READ)
    queue.arm(again)
    other.arm(two)
    assert world.turn() == ["one readable", "again late", "two late"]
    assert world.turn() == ["one readable", "again late"]


def test_what_is_armed_while_deadlines_are_acted_on_waits_for_the_next_turn(world):
    queue = world.reactor.queue(1.0, lambda handler: (handler.late(), queue.arm(newcomer)))
    one, newcomer = world.handler("one"), world.handler("newcomer")
    queue.arm(one)
    world.advance(1.0)
    assert world.turn() == ["one late"]
    assert list(queue.moments) == [newcomer]


def test_acting_on_one_deadline_may_cancel_all_the_others(world):
    queue = world.reactor.queue(1.0, lambda handler: (handler.late(), queue.moments.clear()))
    for name in ("one", "two", "three"):
        queue.arm(world.handler(name))
    world.advance(1.0)
    assert world.turn() == ["one late"]


@pytest.mark.fault("C10")
def test_whose_octets_come_with_the_deadline_is_not_late(world):
    queue = world.reactor.queue(5.0, Handler.late)
    one = world.handler("one", interest=READ)
    one.reads = lambda: queue.cancel(one)
    queue.arm(one)
    world.selector.after(5.0, lambda: one.sock.incoming.append(b"x"))
    assert world.turn() == ["one readable"]


@pytest.mark.fault("C3", "C10")
def test_a_deadline_that_passed_during_the_sleep_waits_for_a_select_that_looks(world):
    """A process that was stopped for a minute: its select gives up at once, without a look."""

    def select(timeout):
        world.selector.select = look
        world.selector.now += 60.0
        one.sock.incoming.append(b"x")
        return []

    look, world.selector.select = world.selector.select, select
    queue = world.reactor.queue(5.0, Handler.late)
    one = world.handler("one", interest=READ)
    one.reads = lambda: queue.cancel(one)
    queue.arm(one)
    assert world.turn() == []
    assert world.turn() == ["one readable"]


def test_a_queue_may_get_another_length_for_what_is_armed_from_now_on(world):
    queue = world.reactor.queue(5.0, Handler.late)
    queue.length = 2.0
    queue.arm(world.handler("one"))
    world.turn()
    assert world.selector.sleeps == [2.0]


# --- errors


def raises(error):
    def action(*_):
        raise error

    return action


@pytest.mark.fault("B18")
def test_an_error_is_told_to_the_handler_that_raised_it_and_to_nobody_else(world):
    error = ZeroDivisionError()
    handlers = [world.handler(f"h{number}", b"x", interest=READ | WRITE) for number in range(4)]
    handlers[1].reads = raises(error)
    handlers[2].writes = raises(error)
    expected = [f"{h.name} {way}" for h in handlers for way in ("readable", "writable")]
    assert world.turn() == expected
    assert [handler.errors for handler in handlers] == [[], [error], [error], []]


@pytest.mark.fault("B18")
def test_who_ends_itself_by_an_error_while_reading_is_not_called_to_write(world):
    one = world.handler("one", b"x", interest=READ | WRITE, reads=raises(OSError()))
    one.on_error = lambda error: one.close()
    assert world.turn() == ["one readable"]


@pytest.mark.fault("B18")
def test_an_error_at_a_deadline_keeps_no_other_deadline_from_being_acted_on(world):
    error = ZeroDivisionError()
    broken = world.reactor.queue(1.0, raises(error))
    whole = world.reactor.queue(1.0, Handler.late)
    one, two = world.handler("one"), world.handler("two")
    broken.arm(one)
    broken.arm(two)
    whole.arm(one)
    world.advance(1.0)
    assert world.turn() == ["one late"]
    assert (one.errors, two.errors) == ([error], [error])


@pytest.mark.fault("B18")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_passes_through_the_loop(world, kind):
    one = world.handler("one", b"x", interest=READ, reads=raises(kind()))
    with pytest.raises(kind):
        world.turn()
    assert one.errors == []


@pytest.mark.fault("I-5")
def test_an_error_that_was_told_is_not_kept(world):
    class Unkept(Exception):
        pass

    def read():
        raise Unkept

    told = []
    one = world.handler("one", b"x", interest=READ, reads=read)
    one.on_error = lambda error: told.append(weakref.ref(error))
    gc.disable()
    try:
        world.turn()
    finally:
        gc.enable()
    assert told[0]() is None


# --- signals


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
def test_a_close_that_fails_leaves_neither_a_handler_nor_the_other_socket():
    class Failing:
        def close(self):
            really.close()
            raise OSError

    before = ours()
    with Signals() as signals:
        really, signals.sock = signals.sock, Failing()
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
        with signals.interruptible():
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
    queue = reactor.queue(30.0, nothing)
    queue.arm(object())
    sender = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
    sender.start()
    reactor.turn()
    sender.join()
    queue.moments.clear()
    assert acted == [signal.SIGINT]


@pytest.mark.fault("D2")
def test_a_signal_right_before_the_sleep_is_not_lost(loop):
    reactor, acted = loop
    queue = reactor.queue(30.0, nothing)
    queue.arm(object())
    select = reactor.selector.select

    def select_too_late(timeout):
        signal.raise_signal(signal.SIGINT)
        return select(timeout)

    reactor.selector.select = select_too_late
    reactor.turn()
    queue.moments.clear()
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
        signals.on_writable()
        signals.check()
        assert str(signals) == "signals"


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
        with signals.interruptible():
            pass
        signal.raise_signal(signal.SIGINT)
        assert signals.received() == [signal.SIGINT]


def test_inside_the_interruptible_part_a_signal_raises_at_once():
    with Signals() as signals:
        with pytest.raises(Interrupted, match=r"^SIGHUP$"), signals.interruptible():
            signal.raise_signal(signal.SIGHUP)
            pytest.fail("it went on")
        assert ours()[0] == [nothing] * 3


@pytest.mark.fault("D2")
def test_a_signal_before_the_interruptible_part_keeps_it_from_beginning():
    with Signals() as signals:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Interrupted), signals.interruptible():
            pytest.fail("it began")
        assert ours()[0] == [nothing] * 3


@pytest.mark.fault("D8", "D17")
def test_one_exception_is_raised_however_many_signals_come():
    with Signals() as signals:
        with pytest.raises(Interrupted, match=r"^SIGINT$"), signals.interruptible():
            try:
                signal.raise_signal(signal.SIGINT)
            finally:
                signal.raise_signal(signal.SIGTERM)  # while the exception is under way
        assert signals.received() == [signal.SIGINT, signal.SIGTERM]


def test_the_interruptible_part_is_left_in_order_by_any_error():
    with Signals() as signals:
        with pytest.raises(ZeroDivisionError), signals.interruptible():
            raise ZeroDivisionError
        assert ours()[0] == [nothing] * 3
