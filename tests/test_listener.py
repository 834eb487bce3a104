"""Accepting: no waiting client is ever lost, the loop never spins, and an episode is two lines.

A house with doors, in a world without a kernel: a tenth of a second passes at once.
"""

import errno
import os
import re

import pytest

from listener import BATCH, DEAD, GONE, RETRY, SWEEP, Acceptor
from reactor import READ, WRITE, Reactor, nothing
from tests.support.fakes import FakeSelector

SHORTAGES = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM]
NOT_NOW = {errno.EAGAIN, errno.EALREADY, errno.EINPROGRESS}  # BlockingIOError, says PEP 3151
OTHERS = sorted({*errno.errorcode} - GONE - NOT_NOW - DEAD)


class Visitor:
    """A client that connects."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


class House:
    """An acceptor with some doors; `guests` has the connections that it accepted."""

    def __init__(self, limit=1000, doors=1):
        self.selector = FakeSelector()
        self.reactor = Reactor(self.selector, self.selector.clock)
        self.guests = []
        self.came = []  # visitor and address, of all times
        self.said = []
        self.turns = 0
        self.deaf = 0  # how often it was said that no door is left
        self.acceptor = Acceptor(
            self.reactor, self.guests, limit, self.open_door, self.no_door, self.said.append
        )
        self.doors = [self.selector.socket() for _ in range(doors)]
        self.acceptor.open(self.doors)

    def open_door(self, visitor, address):
        self.welcome(visitor, address)  # looked up now: a test may have another way to welcome

    def no_door(self):
        self.deaf += 1

    def welcome(self, visitor, address):
        self.guests.append(visitor)
        self.came.append((visitor, address))

    def knock(self, count, door=0):
        """Let `count` visitors wait at a door."""
        for _ in range(count):
            number = len(self.came) + sum(len(d.backlog) for d in self.doors)
            self.doors[door].backlog.append((Visitor(f"v{number}"), ("192.0.2.1", number)))

    def turn(self, times=1):
        for _ in range(times):
            self.reactor.turn()
            self.turns += 1

    def settle(self):
        """Turn for as long as there is something to do at once."""
        while self.selector.ready():
            self.turn()

    def spend(self, seconds):
        """Turn until so much time has passed; return how many turns that took."""
        before, end = self.turns, self.selector.now + seconds
        clock = self.reactor.call_later(seconds, self, nothing)
        while self.selector.now < end:
            self.turn()
        self.reactor.cancel(clock)
        return self.turns - before

    def leave(self, count=1):
        """Let the oldest guests go."""
        for _ in range(count):
            self.guests.pop(0)
            self.acceptor.connection_ended()

    def listens(self):
        return len(self.selector.get_map()) == len(self.doors)

    def sleeps_for_ever(self):
        try:
            self.turn()
        except AssertionError as error:
            return "deadlock" in str(error)
        return False

    def on_error(self, error):
        raise error


@pytest.fixture
def open_house():
    houses = []

    def open_house(**how):
        houses.append(House(**how))
        return houses[-1]

    yield open_house
    for house in houses:
        house.acceptor.close()
        house.reactor.close()


def test_each_door_has_a_name(open_house):
    (door,) = open_house().acceptor.listeners
    house = open_house(doors=2)
    assert str(door) == "listener"
    assert [str(door) for door in house.acceptor.listeners] == ["listener 1", "listener 2"]


def failing(number):
    return OSError(number, os.strerror(number))


# --- without any trouble


def test_a_guest_who_waits_is_welcomed_with_the_address_that_accept_gave(open_house):
    house = open_house()
    house.knock(3)
    waiting = house.doors[0].backlog[:]
    house.turn()
    assert house.came == waiting
    assert house.said == []


@pytest.mark.fault("A13")
@pytest.mark.parametrize("address", [(), None, "", ("::1", 1, 0, 0)])
def test_an_odd_address_is_passed_on_as_it_is(open_house, address):
    house = open_house()
    house.doors[0].backlog.append((Visitor("odd"), address))
    house.turn()
    assert [came[1] for came in house.came] == [address]


@pytest.mark.fault("A15")
def test_a_flood_is_taken_in_batches_between_which_others_have_their_turn(open_house):
    class Transfer:
        interest = 0
        turns = 0

        def __init__(self, sock):
            self.sock = sock

        def on_writable(self):
            self.turns += 1

    house = open_house()
    transfer = Transfer(house.selector.socket())
    house.reactor.watch(transfer, WRITE)
    house.knock(3 * BATCH + 1)
    for turn, welcomed in enumerate([BATCH, 2 * BATCH, 3 * BATCH, 3 * BATCH + 1], start=1):
        house.turn()
        assert (len(house.guests), transfer.turns) == (welcomed, turn)
    house.reactor.watch(transfer, 0)


@pytest.mark.fault("A11")
def test_a_door_that_was_reported_for_nothing_is_no_event(open_house):
    house = open_house()
    [key] = house.selector.get_map().values()
    house.selector.lies.append((key, READ))
    house.turn()
    assert (house.came, house.said, house.listens()) == ([], [], True)


@pytest.mark.fault("A9", "A10")
def test_a_guest_who_gave_up_waiting_is_passed_over_in_silence(open_house):
    house = open_house()
    house.doors[0].backlog += [failing(number) for number in GONE]
    house.knock(1)
    house.turn()
    assert (len(house.guests), house.said, house.listens()) == (1, [], True)


@pytest.mark.fault("A10")
def test_all_that_accept_says_of_the_connection_and_not_of_us_is_passed_over():
    """The list is of accept(2), "Error handling", and ECONNABORTED, which it names further down."""
    names = "ENETDOWN EPROTO ENOPROTOOPT EHOSTDOWN ENONET EHOSTUNREACH EOPNOTSUPP ENETUNREACH"
    numbers = {getattr(errno, name, errno.ECONNABORTED) for name in names.split()}  # no ENONET: BSD
    windows = {errno.ECONNRESET}
    assert numbers | {errno.ECONNABORTED, errno.ETIMEDOUT} | windows == GONE


@pytest.mark.fault("A9", "A15")
def test_a_flood_of_those_who_gave_up_is_taken_in_batches_too(open_house):
    house = open_house()
    house.doors[0].backlog += [failing(errno.ECONNABORTED)] * 100
    house.turn()
    assert len(house.doors[0].backlog) == 100 - BATCH


@pytest.mark.posix_only("there EAGAIN and EWOULDBLOCK are two errors, and the fake knows one")
@pytest.mark.fault("A10")
def test_any_other_error_of_accept_is_an_episode_and_no_end(open_house):
    for number in OTHERS:
        house = open_house()
        house.knock(1)
        house.doors[0].fails["accept"] = failing(number)
        assert house.spend(0.5) < 30, number
        house.doors[0].fails.clear()
        house.spend(0.5)
        assert (len(house.guests), len(house.said)) == (1, 2), number


# --- out of descriptors or memory


@pytest.mark.fault("A1", "A2", "A4", "A8")
@pytest.mark.parametrize("number", SHORTAGES)
def test_an_episode_is_two_lines_and_nobody_is_lost(open_house, number):
    house = open_house()
    house.knock(40)
    house.doors[0].fails["accept"] = failing(number)
    house.spend(3.0)
    assert house.said == [f"accepting paused: {os.strerror(number).lower()}; open connections: 0"]
    house.doors[0].fails.clear()
    house.spend(0.5)
    assert len(house.guests) == 40
    assert len(house.said) == 2
    assert re.fullmatch(r"accepting resumed after 3\.\d s", house.said[1])
    assert house.sleeps_for_ever()


@pytest.mark.fault("A1")
def test_a_shortage_is_no_defect(open_house):
    house = open_house()
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    [listener] = house.acceptor.listeners
    assert house.acceptor.accept_some(listener) is False  # nothing was raised
    [timer] = house.reactor.timers.waiting
    assert timer.deadline == house.selector.now + RETRY


@pytest.mark.fault("A1", "A3")
def test_while_a_shortage_lasts_the_loop_hardly_turns(open_house):
    house = open_house()
    house.knock(1)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    assert not house.listens()
    assert house.spend(10.0) <= 10.0 / RETRY * 3  # each look: sleep, deadline, door


@pytest.mark.fault("A3", "A4")
def test_a_shortage_that_never_ends_has_one_line_and_one_timer(open_house):
    house = open_house()
    house.knock(1)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    for _ in range(1000):
        house.turn()
        assert len(house.reactor.timers.waiting) <= 1
    assert len(house.said) == 1


@pytest.mark.fault("A1", "A4", "A17")
def test_a_shortage_that_is_over_when_there_is_room_for_some_ends_no_episode(open_house):
    house = open_house(limit=1)
    house.knock(2)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    house.doors[0].fails.clear()
    house.spend(1.0)
    assert (len(house.guests), len(house.said)) == (1, 1)  # the other one still waits
    house.leave()
    house.spend(1.0)
    assert (len(house.guests), len(house.said)) == (1, 2)


@pytest.mark.fault("A1")
def test_after_a_shortage_accepting_goes_on_within_a_tenth_of_a_second(open_house):
    house = open_house()
    house.knock(1)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    house.doors[0].fails.clear()
    before = house.selector.now
    while not house.guests:
        house.turn()
    assert house.selector.now - before <= 0.1


@pytest.mark.fault("A1")
def test_a_connection_that_ends_lets_accepting_go_on_at_once(open_house):
    house = open_house()
    house.knock(1)
    house.turn()
    house.knock(2)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    house.doors[0].fails.clear()
    before = house.selector.now
    house.leave()
    house.turn()
    assert (len(house.guests), house.selector.now) == (2, before)


@pytest.mark.fault("A4")
def test_a_second_episode_has_its_own_two_lines(open_house):
    house = open_house()
    for episode in (1, 2):
        house.knock(1)
        house.doors[0].fails["accept"] = failing(errno.EMFILE)
        house.spend(1.0)
        house.doors[0].fails.clear()
        house.spend(1.0)
        assert len(house.said) == 2 * episode


def test_a_connection_that_ends_outside_an_episode_changes_nothing(open_house):
    house = open_house()
    house.knock(1)
    house.turn()
    house.selector.told.clear()
    house.leave()
    assert house.selector.told == []
    assert house.sleeps_for_ever()


@pytest.mark.fault("A4")
def test_a_guest_who_leaves_as_the_episode_ends_leaves_no_timer_behind(open_house):
    def come_and_go(visitor, address):
        house.guests.append(visitor)
        house.leave()

    house = open_house()
    house.knock(1)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    house.doors[0].fails.clear()
    house.welcome = come_and_go
    house.spend(0.2)
    assert (house.guests, house.doors[0].backlog, len(house.said)) == ([], [], 2)
    assert house.sleeps_for_ever()


@pytest.mark.fault("B18", "A4")
def test_a_door_that_cannot_open_again_prolongs_the_episode_and_ends_nobody(open_house):
    def register(*_):
        raise failing(errno.ENOSPC)

    house = open_house()
    house.knock(1)
    house.turn()
    house.knock(1)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    house.doors[0].fails.clear()
    register_really, house.selector.register = house.selector.register, register
    house.leave()
    house.spend(0.5)
    assert (len(house.came), len(house.said)) == (1, 1)
    house.selector.register = register_really
    house.spend(0.5)
    assert (len(house.came), len(house.said), house.listens()) == (2, 2, True)


# --- at the limit


@pytest.mark.fault("A17")
def test_at_the_limit_with_nobody_waiting_there_is_no_episode(open_house):
    house = open_house(limit=2)
    house.knock(2)
    house.turn()
    assert house.sleeps_for_ever()
    assert (house.said, house.listens()) == ([], True)


@pytest.mark.fault("A17")
def test_at_the_limit_a_guest_who_waits_begins_an_episode_that_costs_nothing(open_house):
    house = open_house(limit=2)
    house.knock(3)
    house.settle()
    assert house.said == ["accepting paused: limit of 2 clients reached; open connections: 2"]
    assert house.sleeps_for_ever()
    assert (len(house.guests), house.listens()) == (2, False)


@pytest.mark.fault("A17", "A4")
def test_however_many_take_turns_at_the_limit_an_episode_is_two_lines(open_house):
    house = open_house(limit=2)
    house.knock(50)
    while len(house.came) < 50:
        house.settle()
        assert len(house.guests) <= 2
        house.leave()
        assert len(house.said) <= 1
    house.leave(len(house.guests))
    house.spend(0.2)
    assert [line.split(":")[0][:17] for line in house.said] == [
        "accepting paused",
        "accepting resumed",
    ]
    assert [visitor.name for visitor, _ in house.came] == [f"v{n}" for n in range(50)]


@pytest.mark.fault("A17")
def test_an_episode_is_over_when_nobody_waits_although_all_places_are_taken_again(open_house):
    house = open_house(limit=1)
    house.knock(3)
    house.settle()
    house.leave()
    house.spend(1.0)
    assert (len(house.guests), len(house.said)) == (1, 1)  # one still waits
    assert house.sleeps_for_ever()
    house.leave()
    house.spend(0.2)
    assert (len(house.guests), len(house.said)) == (1, 2)
    assert (house.listens(), house.sleeps_for_ever()) == (True, True)


@pytest.mark.fault("A17")
def test_a_look_in_the_very_turn_that_takes_the_last_place_ends_no_episode(open_house):
    house = open_house(limit=1)
    house.knock(3)
    house.settle()
    house.leave()
    house.selector.now += RETRY  # the loop was busy: in its next turn the look is due as well
    house.turn()
    assert (len(house.came), len(house.said)) == (2, 1)  # the third visitor still waits
    house.settle()
    assert house.said == ["accepting paused: limit of 1 clients reached; open connections: 1"]


@pytest.mark.fault("A17")
def test_a_look_behind_a_whole_batch_that_takes_the_last_place_ends_no_episode(open_house):
    house = open_house(limit=BATCH)
    house.knock(2 * BATCH + 1)
    house.settle()
    house.leave(BATCH)
    house.selector.now += RETRY
    house.turn()
    house.settle()
    assert (len(house.came), len(house.said)) == (2 * BATCH, 1)


@pytest.mark.fault("A18")
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_two_doors_share_the_places(open_house, limit):
    house = open_house(limit=limit, doors=2)
    house.knock(60, door=0)
    house.knock(60, door=1)
    for _ in range(30):
        house.settle()
        house.leave()
    taken = [60 - len(door.backlog) for door in house.doors]
    assert sum(taken) >= 30
    assert abs(taken[0] - taken[1]) <= limit


@pytest.mark.fault("A3", "A18")
def test_an_episode_is_of_all_doors_and_over_when_all_are_empty(open_house):
    house = open_house(doors=2)
    house.knock(1, door=0)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    assert not house.selector.get_map()
    house.knock(2 * BATCH, door=1)
    house.doors[0].fails.clear()
    house.turn(2)
    assert len(house.said) == 1  # the second door has more than a batch
    house.spend(0.5)
    assert (len(house.guests), len(house.said)) == (2 * BATCH + 1, 2)


def come_and_go(house):
    """Let one leave and another one come, 20 ms later; return how many lines were said by then."""
    house.leave()
    house.knock(1)
    house.spend(0.02)
    return len(house.said)


@pytest.mark.fault("A20")
def test_an_episode_ends_although_connections_end_all_the_time(open_house):
    """50 a second: if each of them set the retry again, it would never happen."""
    house = open_house(limit=2)
    house.knock(3)
    house.settle()
    assert len(house.said) == 1
    house.leave()
    house.settle()  # the third one is taken: nobody waits any more
    assert [come_and_go(house) for _ in range(100)][10:] == [2] * 90
    seconds = re.fullmatch(r"accepting resumed after (\d\.\d) s", house.said[1])[1]
    assert float(seconds) <= 0.1


@pytest.mark.fault("A20")
def test_an_episode_ends_if_the_guest_who_waited_has_left_while_connections_end(open_house):
    house = open_house(limit=3)
    house.knock(4)
    house.settle()
    house.doors[0].backlog.clear()
    for lines in (1, 2):
        house.leave()
        house.spend(0.06)
        assert len(house.said) == lines
    assert house.said[1] == "accepting resumed after 0.1 s"


@pytest.mark.fault("A20")
def test_another_pause_while_connections_end_all_the_time_has_lines_of_its_own(open_house):
    house = open_house(limit=2)
    for lines in (1, 3):
        house.knock(3 - len(house.guests))
        house.settle()
        assert len(house.said) == lines  # paused: said when it happens
        house.leave()
        house.settle()
        assert [come_and_go(house) for _ in range(20)][10:] == [lines + 1] * 10
    assert [line.split()[1].strip(":") for line in house.said] == ["paused", "resumed"] * 2


# --- listening sockets that are dead


@pytest.mark.fault("A21")
@pytest.mark.parametrize("number", sorted(DEAD))
def test_a_dead_listener_is_closed_with_one_line_and_the_other_goes_on(open_house, number):
    house = open_house(doors=2)
    house.knock(1, door=0)
    house.knock(1, door=1)
    house.doors[0].fails["accept"] = failing(number)
    house.turn()
    why = os.strerror(number).lower()
    assert house.said == [f"listener 1 closed, it cannot accept any more: {why}"]
    assert [door.closings for door in house.doors] == [1, 0]
    assert (len(house.guests), house.deaf) == (1, 0)
    house.knock(3, door=1)
    before = house.selector.now
    house.turn()
    assert (len(house.guests), house.selector.now) == (4, before)
    assert house.sleeps_for_ever()  # it is no episode, and nobody looks at the dead one


@pytest.mark.fault("A21")
@pytest.mark.parametrize("doors", [1, 2])
def test_when_the_last_listener_is_dead_its_owner_is_called_once(open_house, doors):
    house = open_house(doors=doors)
    for door in range(doors):
        house.knock(1, door=door)
        house.doors[door].fails["accept"] = failing(errno.EINVAL)
    house.turn()
    assert (len(house.said), house.deaf) == (doors, 1)
    assert not house.selector.get_map()
    house.acceptor.close()
    assert [door.closings for door in house.doors] == [1] * doors
    assert house.sleeps_for_ever()


@pytest.mark.fault("A21")
def test_a_listener_that_dies_in_an_episode_leaves_the_other_one_its_episode(open_house):
    house = open_house(doors=2)
    house.knock(2, door=0)
    house.knock(2, door=1)
    for door in house.doors:
        door.fails["accept"] = failing(errno.EMFILE)
    house.turn()
    house.doors[0].fails["accept"] = failing(errno.EINVAL)
    house.doors[1].fails.clear()
    house.spend(0.5)
    assert [line.split(" after ")[0].split(":")[0] for line in house.said] == [
        "accepting paused", "listener 1 closed, it cannot accept any more", "accepting resumed",
    ]  # fmt: skip
    assert (len(house.guests), house.deaf) == (2, 0)
    assert house.sleeps_for_ever()


@pytest.mark.fault("A21")
def test_the_last_listener_that_dies_in_an_episode_leaves_no_timer_behind(open_house):
    house = open_house(limit=1)
    house.knock(2)
    house.settle()
    house.doors[0].fails["accept"] = failing(errno.EINVAL)
    house.leave()
    house.settle()
    house.spend(0.5)
    assert house.deaf == 1
    assert house.sleeps_for_ever()


@pytest.mark.fault("A22")
@pytest.mark.parametrize("number", sorted(GONE))
def test_an_error_of_clients_that_lasts_is_no_error_of_clients(open_house, number):
    house = open_house()
    house.knock(1)
    house.doors[0].fails["accept"] = failing(number)
    house.turn(SWEEP // BATCH + 1)
    why = os.strerror(number).lower()
    assert house.said == [f"accepting paused: {why}; open connections: 0"]
    assert house.spend(10.0) < 250, "a look each tenth of a second, and no spin"
    del house.doors[0].fails["accept"]
    house.spend(0.2)
    assert len(house.guests) == 1
    assert re.fullmatch(r"accepting resumed after \d+\.\d s", house.said[-1])


@pytest.mark.fault("A22")
def test_as_many_clients_as_a_backlog_holds_may_be_gone_and_the_next_one_is_served(open_house):
    house = open_house()
    house.doors[0].backlog += [failing(errno.ECONNABORTED)] * SWEEP
    house.knock(1)
    house.settle()
    assert (len(house.guests), house.said) == (1, [])
    house.doors[0].backlog += [failing(errno.ECONNABORTED)] * SWEEP
    house.settle()
    house.knock(1)
    house.doors[0].backlog += [failing(errno.ECONNABORTED)] * SWEEP
    house.knock(1)
    house.settle()
    assert (len(house.guests), house.said) == (3, [])


# --- closing


@pytest.mark.fault("D6", "D12")
def test_closing_takes_everybody_who_waits_whatever_the_limit_says(open_house):
    house = open_house(limit=1, doors=2)
    house.knock(20, door=0)
    house.knock(20, door=1)
    house.acceptor.close()
    assert len(house.guests) == 40
    assert [door.closings for door in house.doors] == [1, 1]
    assert not house.selector.get_map()


@pytest.mark.fault("D12")
def test_closing_takes_no_more_than_the_backlog_holds(open_house, monkeypatch):
    monkeypatch.setattr("listener.SWEEP", 30)
    house = open_house()
    house.knock(31)
    house.acceptor.close()
    assert (len(house.guests), house.doors[0].closings) == (30, 1)


@pytest.mark.fault("D12")
def test_closing_takes_one_more_than_the_usual_backlog_since_that_many_can_wait(open_house):
    """Linux: a backlog of 4096 is full when it holds more than 4096."""
    assert SWEEP == 4096 + 1
    house = open_house()
    house.knock(4096 + 2)
    house.acceptor.close()
    assert len(house.guests) == 4096 + 1


@pytest.mark.fault("D12")
def test_closing_out_of_descriptors_takes_the_guests_it_can_and_says_so(open_house):
    house = open_house(doors=2)
    house.knock(1, door=0)
    house.knock(1, door=1)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.acceptor.close()
    assert (len(house.guests), house.said) == (1, ["accepting stopped: too many open files"])
    assert [door.closings for door in house.doors] == [1, 1]


@pytest.mark.fault("A7")
def test_closing_in_an_episode_ends_it_without_a_word_and_for_good(open_house):
    house = open_house()
    house.knock(1)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    house.doors[0].fails.clear()
    house.acceptor.close()
    assert (len(house.guests), len(house.said)) == (1, 1)
    house.leave()
    assert house.sleeps_for_ever()
    assert not house.selector.get_map()


@pytest.mark.fault("A7")
def test_a_guest_who_leaves_while_the_doors_close_opens_none_of_them(open_house):
    house = open_house(limit=1, doors=2)
    house.knock(2, door=0)
    house.knock(2, door=1)
    house.settle()
    assert len(house.said) == 1
    house.welcome = lambda *_: house.acceptor.connection_ended()
    house.acceptor.close()
    assert not house.selector.get_map()
    assert house.sleeps_for_ever()


@pytest.mark.fault("A19")
def test_a_door_that_was_closed_earlier_in_the_batch_takes_nobody(open_house):
    class Signal:
        interest = 0

        def __init__(self, sock):
            self.sock = sock

        def on_readable(self):
            self.sock.recv(1)
            house.acceptor.close()
            house.doors[0].backlog.append((Visitor("too late"), None))

    house = open_house()
    house.reactor.watch(house.acceptor.listeners[0], 0)
    signal = Signal(house.selector.socket(b"x"))
    house.reactor.watch(signal, READ)  # before the door, so that it is called first
    house.acceptor.watch(READ)
    house.knock(1)
    house.turn()
    assert [visitor.name for visitor, _ in house.came] == ["v0"]
    house.reactor.watch(signal, 0)


def test_a_close_that_fails_keeps_no_other_door_open(open_house):
    def close():
        close_really()
        raise failing(errno.EIO)

    house = open_house(doors=2)
    close_really, house.doors[0].close = house.doors[0].close, close
    house.acceptor.close()
    assert [door.closings for door in house.doors] == [1, 1]


def test_doors_that_the_selector_refused_are_closed_all_the_same(open_house):
    def register(*_):
        raise failing(errno.ENOSPC)

    house = open_house(doors=0)
    house.doors = [house.selector.socket() for _ in range(2)]
    register_really, house.selector.register = house.selector.register, register
    with pytest.raises(OSError):
        house.acceptor.open(house.doors)
    house.selector.register = register_really
    house.acceptor.close()
    assert [door.closings for door in house.doors] == [1, 1]
    assert house.selector.told == []


def test_after_closing_the_next_period_begins_from_the_start(open_house):
    house = open_house(limit=1)
    house.knock(2)
    house.settle()
    house.acceptor.close()
    house.guests.clear()
    house.doors = [house.selector.socket()]
    house.acceptor.open(house.doors)
    house.knock(2)
    house.settle()
    assert (len(house.guests), len(house.said)) == (1, 2)


# --- defects


@pytest.mark.fault("B18", "A14")
def test_a_defect_in_welcoming_pauses_and_is_tried_again_later(open_house):
    def stumble(*_):
        raise ZeroDivisionError("oops")

    house = open_house()
    welcome, house.welcome = house.welcome, stumble
    house.knock(50)
    house.turn()
    line = "accepting paused: a defect: ZeroDivisionError('oops'); open connections: 0"
    assert (house.said, house.listens()) == ([line], False)
    house.spend(1.0)
    assert len(house.said) == 1
    house.welcome = welcome
    house.spend(1.0)
    assert not house.doors[0].backlog
    assert len(house.said) == 2


def test_a_defect_in_the_look_after_a_whole_batch_is_tried_again_later(open_house):
    house = open_house()
    house.knock(BATCH)
    house.doors[0].fails["accept"] = failing(errno.EMFILE)
    house.turn()
    del house.doors[0].fails["accept"]
    found_empty, stumbled = house.acceptor.found_empty, []

    def stumble(listener):
        if len(house.guests) == BATCH and not stumbled:
            stumbled.append(listener)
            raise ZeroDivisionError("oops")
        return found_empty(listener)

    house.acceptor.found_empty = stumble
    house.spend(1.0)
    assert stumbled
    assert re.fullmatch(r"accepting resumed after \d+\.\d s", house.said[-1])
    house.knock(1)
    house.settle()
    assert len(house.guests) == BATCH + 1
