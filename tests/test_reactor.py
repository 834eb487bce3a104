"""The loop: which handler is called when, and that errors and stale events reach no wrong handler.

Most tests use a fake selector and its clock; real sockets are needed where the kernel uses a
descriptor again.
"""

import gc
import socket
import sys
import weakref
from contextlib import closing

import pytest

from reactor import READ, WRITE, DeadlineQueue, Reactor, Timer, nothing
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
        self.queues = []

    def queue(self, length, act=Handler.late):
        self.queues.append(self.reactor.deadline_queue(length, act))
        return self.queues[-1]

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
        self.reactor.timers.waiting.clear()
        for queue in self.queues:
            queue.waiting.clear()
        self.reactor.close()


@pytest.fixture
def world():
    world = World(FakeSelector())
    yield world
    world.end()


# --- one turn


def test_a_turn_is_sleep_then_readable_then_writable_then_deadlines_then_the_hook(world: World):
    late = world.queue(0.0)
    select = world.selector.select

    def noted(timeout):
        ready = select(timeout)
        world.log.append(f"woke, ready: {len(ready)}")
        return ready

    world.selector.select = noted
    one = world.handler("one", b"x", interest=READ | WRITE)
    world.handler("two", b"x", interest=READ)
    late.arm(one)
    world.reactor.call_later(0.0, one, lambda: world.log.append("one's timer"))
    world.reactor.after_turn = lambda: world.log.append("after")
    assert world.turn() == [
        "woke, ready: 2", "one readable", "one writable", "two readable", "one's timer", "one late",
        "after",
    ]  # fmt: skip


def test_the_hook_is_called_in_a_turn_that_has_nothing_else_to_do(world: World):
    world.reactor.after_turn = lambda: world.log.append("after")
    world.reactor.call_later(1.0, world.handler("one"), nothing)
    assert world.turn() == ["after"]


def test_run_asks_between_the_turns_whether_it_may_end(world: World):
    asked = []
    world.handler("one", b"x", interest=READ)
    world.reactor.run(until=lambda: (asked.append(len(world.log)), len(world.log) == 3)[1])
    assert asked == [0, 1, 2, 3]


@pytest.mark.fault("B18")
def test_a_handler_that_runs_the_loop_gets_an_error_and_the_loop_goes_on(world: World):
    one = world.handler("one", b"x", interest=READ)
    one.reads = lambda: world.reactor.run(until=lambda: True)
    world.reactor.run(until=lambda: one.errors)
    [error] = one.errors
    assert isinstance(error, RuntimeError)
    assert str(error).startswith("the loop is running already: ")
    world.reactor.run(until=lambda: len(one.errors) == 2)


def test_after_a_run_that_was_ended_by_an_error_the_loop_may_run_again(world: World):
    with pytest.raises(ZeroDivisionError):
        world.reactor.run(until=raises(ZeroDivisionError()))
    world.reactor.run(until=lambda: True)


def test_nobody_ready_and_no_deadline_is_a_sleep_without_end(world: World):
    with pytest.raises(AssertionError, match="deadlock"):
        world.turn()
    assert world.selector.sleeps == [None]


# --- interest


@pytest.mark.fault("B14", "B15")
def test_interest_0_is_not_registered_and_nothing_is_reported_twice(world: World):
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


def test_an_interest_that_the_selector_refuses_is_not_noted(world: World):
    one = world.handler("one")
    one.sock.close()
    with pytest.raises(ValueError):
        world.reactor.watch(one, READ)
    assert one.interest == 0


@pytest.mark.fault("B15")
def test_a_handler_that_gives_up_writing_while_it_reads_is_not_called_to_write(world: World):
    one = world.handler("one", b"x", interest=READ | WRITE)
    one.reads = lambda: world.reactor.watch(one, READ)
    assert world.turn() == ["one readable"]


def test_a_handler_that_waits_for_both_is_called_only_for_what_is_ready(world: World):
    one = world.handler("one", interest=READ | WRITE)
    assert world.turn() == ["one writable"]
    one.sock.incoming.append(b"x")
    one.sock.room = 0
    assert world.turn() == ["one readable"]


def test_a_handler_that_begins_to_wait_to_write_is_called_only_when_a_select_has_looked(
    world: World,
):
    one = world.handler("one", b"x", interest=READ)
    one.reads = lambda: world.reactor.watch(one, WRITE)
    assert world.turn() == ["one readable"]
    assert world.turn() == ["one writable"]


# --- stale events


@pytest.mark.fault("B16", "B20")
def test_a_handler_that_was_closed_earlier_in_the_batch_is_not_called(world: World):
    one = world.handler("one", b"x", interest=READ)
    two = world.handler("two", b"x", interest=READ)
    one.reads = two.close
    assert world.turn() == ["one readable"]


@pytest.mark.fault("B16")
def test_a_reused_number_never_gets_the_old_event(world: World):
    one = world.handler("one", b"x", interest=READ)
    two = world.handler("two", b"x", interest=READ)

    def replace_two():
        two.close()
        three = world.handler("three", interest=READ)
        assert three.sock.fileno() == two.sock.number

    one.reads = replace_two
    assert world.turn() == ["one readable"]


@pytest.mark.fault("B16")
def test_a_descriptor_that_is_used_again_never_gets_the_old_event():
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
def test_a_handler_may_close_everybody_in_the_middle_of_a_batch(world: World):
    def close_all():
        for handler in world.handlers:
            handler.close()

    for number in range(5):
        world.handler(f"h{number}", b"x", interest=READ)
    world.handlers[1].reads = close_all
    assert world.turn() == ["h0 readable", "h1 readable"]
    assert not world.selector.get_map()


@pytest.mark.fault("B17")
def test_closing_before_unregistering_would_bar_the_number(world: World):
    one = world.handler("one", interest=READ)
    one.sock.close()
    with pytest.raises(KeyError, match="already registered"):
        world.handler("two", interest=READ)
    world.selector.keys.clear()
    world.handlers.clear()


# --- deadlines


def test_a_deadline_is_acted_on_when_its_time_has_passed_and_not_before(world: World):
    queue = world.queue(5.0)
    one = world.handler("one")
    queue.arm(one)
    assert queue.earliest() == world.selector.now + 5.0
    assert world.turn() == []  # slept till then; sockets come first in this turn
    assert world.turn() == ["one late"]
    assert world.selector.sleeps == [5.0, 0.0]
    assert not queue.waiting


def test_the_loop_sleeps_until_the_earliest_deadline_of_all_queues(world: World):
    one = world.handler("one")
    for length in (7.0, 3.0, 5.0):
        world.queue(length).arm(one)
    world.turn()
    assert world.selector.sleeps == [3.0]


def test_an_overdue_deadline_means_no_sleep_not_a_negative_one(world: World):
    queue = world.queue(1.0)
    queue.arm(world.handler("one"))
    world.advance(60.0)
    assert world.turn() == ["one late"]
    assert world.selector.sleeps == [0.0]


@pytest.mark.fault("C9")
def test_a_cancelled_deadline_is_gone_and_cancelling_nothing_is_harmless(world: World):
    queue = world.queue(1.0)
    one, two = world.handler("one"), world.handler("two")
    queue.arm(one)
    queue.arm(two)
    queue.cancel(one)
    queue.cancel(one)
    world.advance(2.0)
    assert list(queue.waiting) == [two]
    assert world.turn() == ["two late"]


def test_arming_again_counts_from_now_and_goes_to_the_end(world: World):
    queue = world.queue(5.0)
    one, two = world.handler("one"), world.handler("two")
    queue.arm(one)
    world.advance(1.0)
    queue.arm(two)
    world.advance(1.0)
    queue.arm(one)
    assert list(queue.waiting) == [two, one]
    world.advance(5.0)
    assert world.turn() == ["two late", "one late"]


@pytest.mark.fault("C5")
def test_equal_deadlines_are_acted_on_in_the_order_in_which_they_were_armed(world: World):
    queue = world.queue(1.0)
    handlers = [world.handler(f"h{number}") for number in range(100)]
    for handler in reversed(handlers):
        queue.arm(handler)
    world.advance(1.0)
    assert world.turn() == [f"{handler.name} late" for handler in reversed(handlers)]


@pytest.mark.fault("C4")
def test_a_million_cancelled_deadlines_leave_nothing_behind(world: World):
    queue = world.queue(10.0)
    waiting, one = world.handler("waiting"), world.handler("one")
    queue.arm(waiting)
    queue.arm(one)
    before = sys.getsizeof(queue.waiting)
    for _ in range(1_000_000):
        queue.cancel(one)
        queue.arm(one)
    assert list(queue.waiting) == [waiting, one]
    assert sys.getsizeof(queue.waiting) < before + 1000  # bytes: the holes of a small table


@pytest.mark.fault("C8")
def test_a_length_of_zero_that_arms_itself_again_starves_nobody(world: World):
    queue: DeadlineQueue = world.queue(0.0, lambda handler: (handler.late(), queue.arm(handler)))
    other = world.queue(0.0)
    again, one, two = world.handler("again"), world.handler("one", b"x"), world.handler("two")
    world.reactor.watch(one, READ)
    queue.arm(again)
    other.arm(two)
    assert world.turn() == ["one readable", "again late", "two late"]
    assert world.turn() == ["one readable", "again late"]


def test_what_is_armed_while_deadlines_are_acted_on_waits_for_the_next_turn(world: World):
    one, newcomer = world.handler("one"), world.handler("newcomer")
    queue: DeadlineQueue = world.queue(1.0, lambda handler: (handler.late(), queue.arm(newcomer)))
    queue.arm(one)
    world.advance(1.0)
    assert world.turn() == ["one late"]
    assert list(queue.waiting) == [newcomer]


def test_acting_on_one_deadline_may_cancel_all_the_others(world: World):
    def act(handler):
        handler.late()
        for other in world.handlers:
            queue.cancel(other)

    queue = world.queue(1.0, act)
    for name in ("one", "two", "three"):
        queue.arm(world.handler(name))
    world.advance(1.0)
    assert world.turn() == ["one late"]


@pytest.mark.fault("C10")
def test_a_handler_whose_bytes_come_with_the_deadline_is_not_late(world: World):
    queue = world.queue(5.0)
    one = world.handler("one", interest=READ)
    one.reads = lambda: queue.cancel(one)
    queue.arm(one)
    world.selector.after(5.0, lambda: one.sock.incoming.append(b"x"))
    assert world.turn() == ["one readable"]


@pytest.mark.fault("C3", "C10")
def test_a_deadline_that_passed_during_the_sleep_waits_for_a_select_that_looks(world: World):
    """A process that was stopped for a minute: its select gives up at once, without a look."""

    def select(timeout):
        world.selector.select = look
        world.selector.now += 60.0
        one.sock.incoming.append(b"x")
        return []

    look, world.selector.select = world.selector.select, select
    queue = world.queue(5.0)
    one = world.handler("one", interest=READ)
    one.reads = lambda: queue.cancel(one)
    queue.arm(one)
    assert world.turn() == []
    assert world.turn() == ["one readable"]


def test_a_deadline_that_passes_while_others_are_served_waits_for_the_next_turn(world: World):
    """Rule 2: its bytes may have come meanwhile, and only a select can tell."""

    def dawdle():
        world.advance(10.0)
        two.sock.incoming.append(b"x")

    queue = world.queue(5.0)
    one = world.handler("one", b"x", interest=READ, reads=dawdle)
    two = world.handler("two", interest=READ)
    two.reads = lambda: queue.cancel(two)
    queue.arm(two)
    world.reactor.call_later(5.0, one, lambda: world.log.append("timer"))
    assert world.turn() == ["one readable"]
    world.reactor.watch(one, 0)
    assert world.turn() == ["two readable", "timer"]


def test_one_deadline_that_was_due_before_the_turn_takes_no_other_along(world: World):
    queue = world.queue(5.0)
    one, two = world.handler("one"), world.handler("two")
    queue.arm(one)
    world.advance(1.0)
    queue.arm(two)
    world.reactor.call_later(5.0, two, lambda: world.log.append("timer"))
    world.advance(4.0)
    three = world.handler("three", b"x", interest=READ, reads=lambda: world.advance(1.0))
    assert world.turn() == ["three readable", "one late"]
    world.reactor.watch(three, 0)
    assert world.turn() == ["timer", "two late"]


@pytest.mark.fault("C8")
def test_a_deadline_cancelled_by_another_one_that_is_due_is_not_acted_on(world: World):
    one, two, three = (world.handler(name) for name in ("one", "two", "three"))
    queue: DeadlineQueue = world.queue(1.0, lambda handler: (handler.late(), queue.cancel(two)))
    for handler in (one, two, three):
        queue.arm(handler)
    world.advance(1.0)
    assert world.turn() == ["one late", "three late"]
    assert not queue.waiting


@pytest.mark.fault("C8")
def test_a_deadline_cancelled_and_armed_by_another_one_waits_for_the_next_turn(world: World):
    def act(handler):
        handler.late()
        if handler is one:
            queue.cancel(two)
            queue.arm(two)

    one, two, three = (world.handler(name) for name in ("one", "two", "three"))
    queue = world.queue(0.0, act)
    for handler in (one, two, three):
        queue.arm(handler)
    assert world.turn() == ["one late", "three late"]
    assert world.turn() == ["two late"]


@pytest.mark.fault("C9")
def test_an_act_that_ends_the_loop_leaves_the_other_deadlines(world: World):
    def act(handler):
        handler.late()
        if handler is one:
            raise SystemExit

    def stop():
        raise SystemExit

    one, two = world.handler("one"), world.handler("two")
    queue = world.queue(1.0, act)
    for handler in (one, two):
        queue.arm(handler)
    for deed in (stop, noting(world, "timer")):
        world.reactor.call_later(1.0, one, deed)
    world.advance(1.0)
    for _ in range(2):
        with pytest.raises(SystemExit):
            world.reactor.turn()
    world.reactor.turn()
    assert world.log == ["timer", "one late", "two late"]


# --- timers


def noting(world: World, word):
    return lambda: world.log.append(word)


def test_a_timer_is_called_once_after_its_delay_and_not_before(world: World):
    one = world.handler("one")
    world.reactor.call_later(2.5, one, noting(world, "tick"))
    assert world.turn() == []
    assert world.selector.sleeps == [2.5]
    assert world.turn() == ["tick"]
    assert world.reactor.timers.waiting == []


def test_timers_of_any_delay_fire_in_the_order_of_their_deadlines(world: World):
    one = world.handler("one")
    delays = [(7919 * number) % 1000 for number in range(1000)]
    for delay in delays:
        world.reactor.call_later(delay, one, noting(world, delay))
    world.advance(999.0)
    assert world.turn() == sorted(delays)


@pytest.mark.fault("C5")
def test_timers_with_one_deadline_fire_in_the_order_in_which_they_were_set(world: World):
    one, two = world.handler("one"), world.handler("two")  # which cannot be compared
    for number in range(100):
        world.reactor.call_later(1.0, (one, two)[number % 2], noting(world, number))
    world.advance(1.0)
    assert world.turn() == list(range(100))


def test_the_earliest_of_all_timers_and_queues_ends_the_sleep(world: World):
    one = world.handler("one")
    world.queue(7.0).arm(one)
    world.reactor.call_later(3.0, one, nothing)
    world.reactor.call_later(5.0, one, nothing)
    world.turn()
    assert world.selector.sleeps == [3.0]


@pytest.mark.fault("C9")
def test_a_cancelled_timer_is_not_called_and_cancelling_again_is_harmless(world: World):
    one = world.handler("one")
    tick = world.reactor.call_later(1.0, one, noting(world, "tick"))
    tock = world.reactor.call_later(1.0, one, noting(world, "tock"))
    for _ in range(2):
        world.reactor.cancel(tick)
    world.advance(1.0)
    assert world.turn() == ["tock"]
    world.reactor.cancel(tock)  # it has fired
    assert world.reactor.timers.waiting == []


@pytest.mark.fault("C9")
def test_of_equal_timers_the_one_that_was_meant_is_cancelled(world: World):
    one = world.handler("one")
    timers = [world.reactor.call_later(1.0, one, noting(world, n)) for n in range(9)]
    for number in (0, 4, 8):
        world.reactor.cancel(timers[number])
    world.advance(1.0)
    assert world.turn() == [1, 2, 3, 5, 6, 7]


@pytest.mark.fault("C4")
def test_of_ten_thousand_timers_set_and_cancelled_nothing_is_left(world: World):
    class Act:
        def __call__(self):
            pass

    one, acts = world.handler("one"), []
    waiting = world.reactor.call_later(50.0, one, nothing)
    for number in range(10_000):
        act = Act()
        acts.append(weakref.ref(act))
        world.reactor.cancel(world.reactor.call_later(number % 97, one, act))
    del act
    assert world.reactor.timers.waiting == [waiting]
    assert not any(reference() for reference in acts)
    world.turn()
    assert world.selector.sleeps == [50.0]


@pytest.mark.fault("C8")
def test_a_timer_that_sets_itself_again_with_no_delay_starves_nobody(world: World):
    def again():
        world.log.append("tick")
        world.reactor.call_later(0.0, one, again)

    one = world.handler("one", b"x", interest=READ)
    again()
    assert world.turn() == ["one readable", "tick"]
    assert world.turn() == ["one readable", "tick"]


@pytest.mark.fault("C8", "C9")
def test_a_timer_cancelled_by_another_one_that_is_due_is_not_called(world: World):
    one = world.handler("one")
    world.reactor.call_later(1.0, one, lambda: world.reactor.cancel(tick))
    tick: Timer = world.reactor.call_later(1.0, one, noting(world, "tick"))
    world.reactor.call_later(1.0, one, noting(world, "tock"))
    world.advance(1.0)
    assert world.turn() == ["tock"]
    assert world.reactor.timers.waiting == []


@pytest.mark.fault("C8", "C9")
def test_a_timer_cancelled_and_set_again_by_another_one_waits_for_the_next_turn(world: World):
    def replace():
        world.reactor.cancel(tick)
        world.reactor.call_later(0.0, one, noting(world, "tick again"))

    one = world.handler("one")
    world.reactor.call_later(1.0, one, replace)
    tick: Timer = world.reactor.call_later(1.0, one, noting(world, "tick"))
    world.reactor.call_later(1.0, one, noting(world, "tock"))
    world.advance(1.0)
    assert world.turn() == ["tock"]
    assert world.turn() == ["tick again"]


@pytest.mark.fault("B18")
def test_an_error_of_a_timer_is_its_handlers_and_the_others_fire(world: World):
    error = ZeroDivisionError()
    one, two = world.handler("one"), world.handler("two")
    world.reactor.call_later(1.0, one, raises(error))
    world.reactor.call_later(1.0, two, noting(world, "tick"))
    world.advance(1.0)
    assert world.turn() == ["tick"]
    assert (one.errors, two.errors) == ([error], [])


# --- errors


def raises(error):
    def action(*_):
        raise error

    return action


@pytest.mark.fault("B18")
def test_an_error_is_reported_to_the_handler_that_raised_it_and_to_nobody_else(world: World):
    error = ZeroDivisionError()
    handlers = [world.handler(f"h{number}", b"x", interest=READ | WRITE) for number in range(4)]
    handlers[1].reads = raises(error)
    handlers[2].writes = raises(error)
    expected = [f"{h.name} {way}" for h in handlers for way in ("readable", "writable")]
    assert world.turn() == expected
    assert [handler.errors for handler in handlers] == [[], [error], [error], []]


@pytest.mark.fault("B18")
def test_a_handler_that_ends_by_an_error_while_reading_is_not_called_to_write(world: World):
    one = world.handler("one", b"x", interest=READ | WRITE, reads=raises(OSError()))
    one.on_error = lambda error: one.close()
    assert world.turn() == ["one readable"]


@pytest.mark.fault("B18")
def test_an_error_at_a_deadline_keeps_no_other_deadline_from_being_acted_on(world: World):
    error = ZeroDivisionError()
    broken = world.queue(1.0, raises(error))
    whole = world.queue(1.0)
    one, two = world.handler("one"), world.handler("two")
    broken.arm(one)
    broken.arm(two)
    whole.arm(one)
    world.advance(1.0)
    assert world.turn() == ["one late"]
    assert (one.errors, two.errors) == ([error], [error])


@pytest.mark.fault("B18")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_exception_passes_through_the_loop(world: World, kind):
    one = world.handler("one", b"x", interest=READ, reads=raises(kind()))
    with pytest.raises(kind):
        world.turn()
    assert one.errors == []


@pytest.mark.fault("I-5")
def test_an_error_that_was_told_is_not_kept(world: World):
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
