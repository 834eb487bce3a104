"""The simulation at work: what it has found, the catalogue in little stories, what it would find.

A run that ends has kept every invariant of lab/simulation/ after each of its turns,
so most tests here only set the scene, and look at what they are about.
"""

import errno
import math
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import connection
import listener
import reactor
import server
from lab.simulation import __main__ as simulation
from lab.simulation import verdicts
from lab.simulation.calls import Nth
from lab.simulation.chance import Calm, Seeded
from lab.simulation.faults import DEFECT, GONE_NUMBERS, SHORTAGE_NUMBERS
from lab.simulation.knobs import Knobs
from lab.simulation.strangers import KINDS
from lab.simulation.wire import Pending
from lab.simulation.world import Broken, World
from tests.support.sample import examples

ROOT = Path(__file__).resolve().parent.parent
HELLO = b"HELLO 1\n"
FILE = b"FILE 14 7b55a718\nHello, world!\n"


class Always:
    """Lets a call fail, for one host, as often as it is made; or the first `times` times."""

    def __init__(self, call, error, whose="server", times=10**9):
        self.call, self.error, self.whose, self.left = call, error, whose, times

    def strike(self, host, call, sock):
        if call == self.call and host.name.startswith(self.whose) and self.left > 0:
            self.left -= 1
            return self.error
        return 0


class OnListener(Always):
    """The same, if it is made for a listener."""

    def strike(self, host, call, sock):
        return super().strike(host, call, sock) if sock.name == "listener" else 0


class SecondSend:
    """Lets the second send of a server that sends an ERROR line fail."""

    def __init__(self, error):
        self.error = error

    def strike(self, host, call, sock):
        refusing = sock.wire is not None and sock.heard[:1] == b"G" and host.name == "server"
        return self.error if call == "send" and refusing else 0


def lived(*strangers, faults=None, later=(), story=None, **knobs):
    """Run a calm world with these strangers and knobs; `later`: (seconds, what the server gets)."""
    world = World(Calm(), Knobs(**knobs), faults, story)
    for kind in reversed(strangers):  # they come before the clients
        world.pending.remove(stranger := world.add_stranger(kind))
        world.pending.insert(0, stranger)
    for seconds, number in later:
        world.at(world.now + seconds, Pending(world.server.signal, number))
    return world.run()


def words(world):
    return [wire.word for wire in world.server.wires]


def copies(world):
    return [client.outcome for client in world.clients]


def exact(world):
    """Tell whether every client has its copy."""
    return copies(world) == [world.knobs.body] * world.knobs.clients


# What the simulation has found in the programs. Each of these failed before.


def test_a_server_survives_ctrl_c_while_accepting_pauses_and_a_client_that_waits_is_gone():
    """Closing went over the listeners while the end of that client rotated them: RuntimeError, and
    with it the end of every transfer. (Two listeners: --host localhost.)"""
    later = [(1.0, signal.SIGINT)]
    world = lived("silent", "aborts", clients=1, max_clients=1, listeners=2, later=later)
    assert words(world) == ["cut", "lost", "done"]


def test_looking_again_survives_that_a_client_that_waits_is_gone():
    """The same in Acceptor.look, told as a defect."""
    story = []
    shortage = Always("accept", errno.EMFILE, times=1)
    lived("aborts", "aborts", clients=1, listeners=2, faults=shortage, story=story)
    assert not [line for line in story if "defect" in line]


def waking(world):
    """Return a list that gets the moment of each time that the server wakes."""

    def noted(timeout=None):
        ready = select(timeout)
        turns.append(world.now)
        return ready

    turns = []
    select, world.server.selector.select = world.server.selector.select, noted
    return turns


def test_no_retry_outlives_its_episode():
    """A client that waited and was gone armed the retry again in the turn that ended the episode;
    from then on the server woke every 90 ms, for ever."""
    world = World(Calm(), Knobs(clients=0), Always("accept", errno.EMFILE, times=1))
    world.add_stranger("aborts")
    world.at(world.now + 60.0, Pending(world.server.signal, signal.SIGTERM))
    turns = waking(world)
    world.run()
    assert 0 < len(turns) < 10


def test_a_client_without_room_is_not_polled_in_slow_motion():
    """With --pause the server tried to send after each pause, whether there was room or not."""
    world = World(Calm(), Knobs(clients=0, chunk=1, pause=0.001, window=4))
    world.add_stranger("never reads")
    turns = waking(world)
    world.run()
    assert words(world) == ["late"]
    assert 0 < len(turns) < 50


def test_a_listener_that_cannot_be_registered_again_counts_no_connection_twice():
    """ENOSPC from epoll_ctl: the end of a connection failed half-way, and was reported twice."""
    world = lived(clients=3, max_clients=1, faults=OnListener("register", errno.ENOSPC, times=2))
    assert words(world) == ["done", "done", "done"]


@pytest.mark.parametrize("call", ["close", "unregister"])
def test_a_close_that_fails_after_a_reset_does_not_end_the_loop(call):
    """The reset ended the connection from within on_error, where nothing else was caught."""
    world = lived("aborts", clients=2, faults=Always(call, errno.EIO))
    assert sorted(words(world)) == ["done", "done", "lost"]


def test_a_defect_in_refusing_does_not_end_the_loop():
    """ProtocolError led to refuse() from within on_error, where nothing else was caught."""
    world = lived("another protocol", clients=2, faults=SecondSend(DEFECT))
    assert sorted(words(world)) == ["bug", "done", "done"]


@pytest.mark.fault("G19")
def test_a_download_that_is_interrupted_while_it_connects_leaves_no_deadline():
    knobs = Knobs(clients=4, dead_ends=True, interrupts=1.0, haste=0.3)
    clients = [client for s in range(10) for client in World(Seeded(s), knobs).run().clients]
    assert any(client.interrupted and client.wire is None for client in clients)


# A: accepting.


@pytest.mark.fault("A1", "A2", "A4", "A5", "A6")
def test_without_a_free_descriptor_everybody_waits_and_is_served():
    world = lived(clients=24, places=2)
    assert exact(world)
    assert world.server.pauses == 1  # told once, however often accept has failed


@pytest.mark.fault("A1", "A3", "A4")
def test_a_shortage_without_end_costs_eleven_looks_a_second_and_one_line():
    faults = Always("accept", errno.EMFILE)
    world = lived(clients=1, patience=20.0, faults=faults, later=[(10.0, signal.SIGTERM)])
    assert 10 * 10 <= 10**9 - faults.left <= 12 * 10
    assert world.server.pauses == 1


@pytest.mark.fault("A8")
@pytest.mark.parametrize("number", SHORTAGE_NUMBERS, ids=errno.errorcode.get)
def test_any_shortage_pauses_and_ends_in_a_tenth_of_a_second(number):
    world = lived(faults=Always("accept", number, times=1))
    assert exact(world)
    assert world.now - 1000.0 <= 0.1
    assert (world.server.pauses, world.server.resumptions) == (1, 1)


@pytest.mark.fault("A9", "A10")
@pytest.mark.parametrize("number", sorted(GONE_NUMBERS), ids=errno.errorcode.get)
def test_a_client_that_has_left_the_backlog_costs_nobody_else_anything(number):
    world = lived(faults=Always("accept", number, times=1))
    assert copies(world).count(world.knobs.body) == 2
    assert words(world) == ["done", "done"]
    assert world.server.resumptions == 0


@pytest.mark.fault("A21")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.ENOTSOCK])
def test_of_two_listeners_the_one_that_is_dead_is_left_and_everybody_is_served(number):
    story = []
    world = lived(listeners=2, faults=Always("accept", number, times=1), story=story)
    assert len([line for line in story if "cannot accept any more" in line]) == 1
    assert words(world)


@pytest.mark.fault("A10")
@pytest.mark.parametrize("number", [errno.EPERM, errno.EIO, errno.EFAULT])
def test_an_error_of_accept_that_nobody_expects_does_not_stop_the_server(number):
    assert exact(lived(faults=Always("accept", number, times=3)))


@pytest.mark.fault("A11")
def test_a_listener_that_is_not_ready_after_all_is_silent():
    world = lived(faults=Always("accept", errno.EAGAIN, times=2))
    assert exact(world)
    assert world.server.resumptions == 0


@pytest.mark.fault("A7", "D6")
def test_a_listener_that_is_closed_while_paused_is_not_opened_again():
    world = lived("silent", clients=1, max_clients=1, later=[(0.05, signal.SIGTERM)])
    assert words(world) == ["cut", "done"]


@pytest.mark.fault("A12", "B10")
def test_a_client_that_is_gone_when_it_is_accepted_is_lost_and_nobody_else():
    world = lived("silent", "aborts", clients=2, max_clients=1)
    assert words(world) == ["late", "lost", "done", "done"]


@pytest.mark.fault("A13")
def test_an_address_that_is_none_is_no_reason_to_fail():
    world = lived("another protocol", "silent", "aborts", clients=4, odd_addresses=True)
    assert exact(world)


@pytest.mark.fault("A14", "I-6")
@pytest.mark.parametrize("call", ["setblocking", "send", "register"])
def test_a_connection_that_cannot_be_set_up_is_closed(call):
    strike = Nth()
    lived(faults=strike)
    first = strike.sites.index(("server", "setblocking"))
    nth = strike.sites.index(("server", call), first) + 1
    world = lived(faults=Nth(nth, errno.ENOMEM))
    assert sorted(words(world)) == ["done", "done", "lost"]


@pytest.mark.fault("A15")
def test_a_flood_does_not_starve_a_transfer_under_way():
    world = World(Calm(), Knobs(clients=1, chunk=1, body=b"slow\n"))
    flood = [world.add_stranger("silent") for _ in range(200)]
    world.run()
    assert exact(world)
    accepted_before = [w for w in world.server.wires if w.number < world.clients[0].wire.number]
    assert len(accepted_before) + 1 < len(flood)


@pytest.mark.fault("A16")
def test_a_client_that_finds_the_backlog_full_asks_again_and_is_served():
    assert exact(lived(clients=12, backlog=0, max_clients=1))


@pytest.mark.fault("A17")
def test_at_the_limit_of_clients_the_others_wait_and_all_are_served():
    assert exact(lived(clients=24, max_clients=2))


@pytest.mark.fault("A18")
def test_of_two_listeners_neither_takes_all_the_room():
    world = lived(clients=24, max_clients=1, listeners=2)
    assert exact(world)
    where = [wire.server.address[0] for wire in world.server.wires]
    assert all(where[n : n + 4] != [where[n]] * 4 for n in range(20))


@pytest.mark.fault("A19", "D12", "D14")
def test_a_client_in_the_backlog_when_the_signal_comes_is_served():
    """Signal and listener are ready in one batch: the signal is handled first."""
    world = World(Calm(), Knobs(clients=12))
    world.at(world.now, Pending(world.server.signal, signal.SIGTERM))
    world.run()
    accepted = [client for client in world.clients if client.wire and client.wire.number]
    assert accepted and all(client.outcome == world.knobs.body for client in accepted)


# B: a connection's input and output.


@pytest.mark.fault("B1", "B2", "F4")
@pytest.mark.parametrize("body", [b"", b"\n", 79 * b"x" + b"\n"])
def test_a_kernel_that_takes_one_byte_at_a_time_gets_them_all(body):
    assert exact(lived(body=body, window=1))


@pytest.mark.fault("B3", "B22")
def test_a_client_that_never_reads_is_late_and_disturbs_nobody():
    world = lived("never reads", clients=3, window=7)
    assert sorted(words(world)) == ["done", "done", "done", "late"] and exact(world)
    assert 10.0 <= world.now - 1000.0 < 10.01


@pytest.mark.fault("B4", "B5")
@pytest.mark.parametrize("kind", ["silent", "half a hello", "a byte a second"])
def test_a_slow_client_has_one_deadline_from_accept_on(kind):
    world = lived(*20 * [kind], clients=3, timeout=5.0)
    assert sorted(words(world)) == 3 * ["done"] + 20 * ["late"]
    assert 5.0 <= world.now - 1000.0 < 5.01


@pytest.mark.fault("B6", "B8")
def test_an_endless_client_is_refused_at_its_first_bytes():
    world = lived("endless", clients=1)
    assert sorted(words(world)) == ["done", "refused"]
    assert len(world.server.wires[0].server.heard) <= 256 + 65536


@pytest.mark.fault("B7", "B8", "B9")
@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.owed])
@pytest.mark.parametrize("window", [1, 65536])
def test_a_client_that_says_hello_gets_the_file_whatever_else_it_says(kind, window):
    world = lived(kind, clients=1, window=window)
    assert words(world) == ["done", "done"]
    assert world.strangers[0].sock.heard == HELLO + FILE


@pytest.mark.fault("B10", "B26")
@pytest.mark.parametrize("kind", ["hangs up", "stops inside its hello"])
def test_an_end_of_stream_before_the_hello_is_refused(kind):
    assert sorted(words(lived(kind, clients=1))) == ["done", "refused"]


@pytest.mark.fault("B11", "B13", "B20", "B24")
@pytest.mark.parametrize("kind", ["aborts", "aborts inside its hello", "aborts after its hello"])
def test_a_reset_ends_one_connection(kind):
    assert sorted(words(lived(kind, clients=2))) == ["done", "done", "lost"]


@pytest.mark.fault("B21")
def test_an_error_of_send_that_only_macos_knows_is_a_lost_connection():
    world = lived(faults=Always("send", errno.EPROTOTYPE, times=1))
    assert sorted(words(world)) == ["done", "done", "lost"]


@pytest.mark.fault("B16", "B17", "B20")
def test_a_number_that_is_used_again_within_a_batch_never_gets_the_old_event():
    """Two clients end, one comes, all in one batch: with three places, numbers are used again."""
    for seed in range(40):
        assert exact(World(Seeded(seed), Knobs(clients=24, max_clients=3, disorder=1.0)).run())


@pytest.mark.fault("B18")
@pytest.mark.parametrize("call", ["recv", "send", "shutdown", "setblocking", "modify"])
def test_our_own_bug_ends_one_connection(call):
    world = lived(clients=4, chunk=20, window=30, faults=Always(call, DEFECT, times=1))
    assert sorted(words(world)) == ["bug", "done", "done", "done"]


@pytest.mark.fault("B19", "D8")
def test_cutting_in_the_middle_of_a_batch_ends_everybody_once():
    world = lived(*5 * ["silent"], clients=0, later=[(1.0, signal.SIGINT), (1.0, signal.SIGINT)])
    assert words(world) == 5 * ["cut"]
    assert world.now - 1000.0 == 1.0


# C: time.


@pytest.mark.fault("C3", "C10")
def test_bytes_that_were_there_before_a_stall_are_not_late():
    """The process is stopped for a minute; the client's hello is in the kernel all the time."""
    world = World(Calm(), Knobs(clients=0))
    stranger = world.add_stranger("silent")

    def stall():
        stranger.sock.send(HELLO)
        stranger.sock.outgoing.happen()
        world.pass_time(world.now + 60.0)

    world.at(world.now + 1.0, Pending(stall))
    world.run()
    assert stranger.sock.heard == HELLO + FILE


@pytest.mark.fault("C10")
def test_a_hello_in_the_last_millisecond_is_in_time():
    world = lived("hello at the last moment", clients=0)
    assert words(world) == ["done"]


@pytest.mark.fault("C5", "C4", "C9")
def test_a_hundred_equal_deadlines_end_a_hundred_connections_in_order():
    story = []
    world = lived(*100 * ["silent"], clients=0, story=story)
    assert words(world) == 100 * ["late"]
    ends = [line.split()[3] for line in story if " late in HELLO_SENT" in line]
    assert ends == [f"c{n}" for n in range(1, 101)]


@pytest.mark.fault("C7", "D23")
def test_while_nothing_can_happen_the_server_does_not_wake():
    """500 silent clients, ten seconds: one turn finds the deadlines, the next one acts on them."""
    world = World(Calm(), Knobs(clients=0, backlog=500))
    for _ in range(500):
        world.add_stranger("silent")
    turns = waking(world)
    world.run()
    assert 0 < len([moment for moment in turns if moment > 1000.0]) <= 3


# D: signals and the drain.


@pytest.mark.fault("D6", "D14", "D18")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_lets_transfers_finish(number):
    world = lived(clients=6, chunk=20, pause=0.5, later=[(1.0, number)])
    assert exact(world)
    assert world.now - 1000.0 < 6.0


@pytest.mark.fault("D7", "D14")
@pytest.mark.parametrize("kind", ["silent", "never reads"])
def test_a_drain_ends_in_time_whatever_the_clients_do(kind):
    world = lived(kind, clients=1, drain=2.0, later=[(1.0, signal.SIGTERM)])
    assert sorted(words(world)) == ["cut", "done"]
    assert 3.0 <= world.now - 1000.0 < 3.01


@pytest.mark.fault("D8")
def test_a_second_interrupt_cuts_at_once_and_other_signals_do_not():
    gentle = [(1.0, signal.SIGTERM), (1.5, signal.SIGTERM), (1.6, signal.SIGHUP)]
    assert lived("silent", clients=0, later=gentle).now - 1000.0 >= 6.0
    harsh = [(1.0, signal.SIGTERM), (1.5, signal.SIGINT)]
    assert lived("silent", clients=0, later=harsh).now - 1000.0 == 1.5


@pytest.mark.fault("D22", "F6")
def test_a_second_period_delivers_its_own_file():
    world = lived(clients=12, periods=2, signals=(signal.SIGINT,))
    served = {client.wire.body for client in world.clients if isinstance(client.outcome, bytes)}
    assert served <= {world.knobs.body, b"another file\n"}


# G: the client.


@pytest.mark.fault("G1", "G2", "G3", "G4")
def test_a_client_tries_what_does_not_work_before_it_finds_the_server():
    assert exact(lived(clients=3, dead_ends=True))


@pytest.mark.fault("G11", "G15", "G16", "G18", "B22")
@pytest.mark.parametrize("seed", range(30))
def test_however_a_connection_breaks_the_copy_is_exact_or_there_is_none(seed):
    knobs = Knobs(clients=12, trouble=1.0, haste=0.05, split=True, patience=20.0, body=b"x\ny\n")
    world = World(Seeded(seed), knobs).run()
    assert all(not isinstance(copy, bytes) or copy == knobs.body for copy in copies(world))


# I: long runs.


@pytest.mark.fault("I-8")
def test_ready_connections_send_in_turn():
    """Of six transfers of one byte per send, none ever gets two bytes ahead of another."""
    story = []
    lived(clients=6, chunk=1, body=b"fair\n", story=story)
    sent = dict.fromkeys(("c1", "c2", "c3", "c4", "c5", "c6"), 0)
    for who, what in (line.split()[1:3] for line in story):
        if who in sent and what == "sends":
            sent[who] += 1
            assert max(sent.values()) - min(n for n in sent.values() if n) < 10 + len(HELLO)
    assert set(sent.values()) == {len(HELLO + FILE) - len("Hello, world!") + len("fair") - 1}


# Searching: by seeds, and by Hypothesis, whose failures shrink to the shortest story.


class Drawn:
    """Decisions made by Hypothesis."""

    def __init__(self, draw):
        self.draw = draw

    def below(self, count):
        return self.draw(st.integers(0, count - 1))

    def maybe(self, share):
        return share > 0 and self.draw(st.integers(0, 99)) >= 100 - 100 * share


def live_as_drawn(data, story):
    """Run a small world in which Hypothesis decides everything."""
    chance = Drawn(data.draw)
    knobs = Knobs.drawn(chance)
    knobs.clients = min(knobs.clients, 3)
    World(chance, knobs, story=story).run()


def searching(number):
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )


@searching(examples(100))
@given(st.data())
def test_hypothesis_finds_no_story_that_breaks_an_invariant(data):
    story = []
    try:
        live_as_drawn(data, story)
    except Exception:
        note("\n".join(story))
        raise


def told(*words):
    """Run the simulation's command; return what it prints."""
    command = [sys.executable, "-m", "lab.simulation", *map(str, words)]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, start_new_session=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.fault("I-5", "I-6", "A1", "A9", "B1", "B2", "B7", "B11", "B16", "C3", "D6", "D7", "D8")
def test_five_thousand_transfers_in_made_up_worlds_keep_every_invariant():
    """A share of `make soak`, with other seeds than that begins with; in `make test` a quarter."""
    out = told("soak", "--count", examples(5_000), "--first", 10_000_000)
    assert " 0  violations" in out


def test_no_transfers_at_all_are_a_usage_error(capsys):
    with pytest.raises(SystemExit, match="2"):
        simulation.main(["soak", "--count", "0"])
    assert "argument --count: expected a whole number, 1 or more" in capsys.readouterr().err


def test_a_seed_tells_its_story_and_always_the_same():
    first, second = told("replay", 5), told("replay", 5)
    assert first == second
    assert first.count("\n") > 50 and first.endswith(" 0 violations\n")


class PutsOff:
    """Faults: the deadline passes during the first recv, which says "not now", as the next does."""

    def strike(self, host, call, sock):
        if (host.name, call) != ("server", "recv") or b"ERROR" in sock.said:
            return 0
        host.world.now = sock.wire.accepted_at + host.world.knobs.timeout
        return errno.EAGAIN


@pytest.mark.parametrize("known", [True, False])
def test_a_hello_that_recv_puts_off_may_be_too_late(known):
    """The judge accepts it in a world where recv may put off, and in no other."""
    knobs = {"clients": 0, "not_now": 0.1 if known else 0.0}
    with nullcontext() if known else pytest.raises(Broken, match="does not deserve its word"):
        world = lived("hello at the last moment", faults=PutsOff(), **knobs)
        [wire] = world.server.wires
        assert (wire.word, wire.server.heard) == ("late", HELLO)


# Who watches the watchmen: defects that are planted in the programs, and must be found.


def close_before_unregister(self):
    self.sock.close()
    self.reactor.watch(self, 0)


def send_takes_it_all(self, most=None):
    self.sock.send(self.unsent[:most])
    self.unsent = b""


def not_now_is_the_end(self):
    try:
        return self.sock.recv(256)
    except BlockingIOError:
        return b""


def look(loop):
    """Sleep as a loop does."""
    left = loop.earliest() - loop.clock()
    return loop.selector.select(None if left == math.inf else max(0.0, left))


def stale_events_are_delivered(self):
    asleep = self.clock()
    for key, events in look(self):
        if events & reactor.READ:
            self.call(key.data, key.data.on_readable)
        if events & reactor.WRITE:
            self.call(key.data, key.data.on_writable)
    for queue in self.schedules:
        queue.expire(asleep, self.call)
    self.after_turn()


def deadlines_come_first(self):
    ready = look(self)
    for queue in self.schedules:
        queue.expire(self.clock(), self.call)
    for key, events in ready:
        if events & key.data.interest & reactor.READ:
            self.call(key.data, key.data.on_readable)
        if events & key.data.interest & reactor.WRITE:
            self.call(key.data, key.data.on_writable)
    self.after_turn()


def reads_while_sending(self):
    return reactor.READ | (reactor.WRITE if self.unsent else 0)


def always_wants_to_write(self):
    return reactor.READ | reactor.WRITE


def closes_at_once(self):
    self.transition(server.DONE)
    self.end("done")


def every_byte_buys_time(self):
    self.server.deadlines.arm(self)
    heard(self)


heard = server.ServerConnection.on_readable


def ignores_the_end(self, word, why=""):
    self.close()
    self.server.deadlines.cancel(self)
    self.server.ended(self, word)


def forgets_the_backlog(self):
    self.watch(0)
    for each in self.listeners:
        each.sock.close()
    self.listeners.clear()
    self.forget_look()


def goes_on_at_once(self, reason):
    """EMFILE is passed over, as in a naive loop."""


def never_looks_again(self):
    """A retry that does nothing."""


def stays_late(self):
    """The deadline is ignored."""


PLANTED = {
    close_before_unregister: (connection.Connection, "close"),
    send_takes_it_all: (connection.Connection, "send"),
    not_now_is_the_end: (connection.Connection, "receive"),
    stale_events_are_delivered: (reactor.Reactor, "turn"),
    deadlines_come_first: (reactor.Reactor, "turn"),
    reads_while_sending: (server.ServerConnection, "needs"),
    always_wants_to_write: (server.ServerConnection, "needs"),
    closes_at_once: (server.ServerConnection, "half_close"),
    every_byte_buys_time: (server.ServerConnection, "on_readable"),
    ignores_the_end: (server.ServerConnection, "end"),
    stays_late: (server.ServerConnection, "on_late"),
    forgets_the_backlog: (listener.Acceptor, "close"),
    goes_on_at_once: (listener.Acceptor, "pause"),
    never_looks_again: (listener.Acceptor, "look"),
}


@pytest.mark.parametrize("defect", PLANTED, ids=lambda defect: defect.__name__)
def test_a_planted_defect_is_found(monkeypatch, defect):
    monkeypatch.setattr(*PLANTED[defect], defect)
    with pytest.raises(Exception) as found:  # a violation, or the program dies
        for seed in range(300):
            World.of_seed(seed).run()
    print(f"seed {seed}: {found.value!r}")


def test_hypothesis_tells_a_planted_defect_in_few_lines(monkeypatch):
    monkeypatch.setattr(*PLANTED[closes_at_once], closes_at_once)
    stories = []

    @searching(200)
    @given(st.data())
    def search(data):
        story = []
        try:
            live_as_drawn(data, story)
        except Broken:
            stories.append(story)
            raise

    with pytest.raises(Broken):
        search()
    assert len(stories[-1]) <= 25, "\n".join(stories[-1])
    assert "VIOLATION" in stories[-1][-1]


def test_every_closing_word_is_judged():
    assert set(verdicts.WORDS) == set(server.ENDINGS)
