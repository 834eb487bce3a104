"""The oracle over real runs: of the programs as they are, and of programs that were broken for it.

A right run breaks no invariant, whatever the peers do. A program with a classic defect of event
loops breaks the one that is about it: such a server often delivers its file all the same, and no
other test would notice. The defects are put in by code that runs before the program.
"""

import io
import signal
import socket
import textwrap

import pytest

from lab.simulation.world import World
from lab.tracing import events, invariants
from tests.support.kernel import await_condition
from tests.support.programs import (
    HELLO,
    ROOT,
    Client,
    Server,
    customized,
    file_message,
    read_to_end,
    reserved_port,
    reset,
    run_client,
)
from tests.test_trace import recorded

BODY = b"Hello, world!\n"
SEEDS = [*range(20), 72]  # of simulated worlds; 72: an attempt that failed kept its deadline


def read(path):
    with path.open("rb") as stream:
        return events.read(stream)


def holds(path):
    """Assert that a whole run is right, and return its trace."""
    trace = read(path)
    assert trace.whole
    assert [str(violation) for violation in invariants.check(trace)] == []
    return trace


def words(trace, ev, key):
    return [event[key] for event in trace.events if event.ev == ev]


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "body.txt"
    path.write_bytes(BODY)
    return path


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run.jsonl"


# --- the server, whatever its clients do


def test_one_client_is_served(run, body):
    with Server(body, "--trace", run) as server:
        assert server.fetch() == HELLO + file_message(BODY)
        server.settle()
    assert words(holds(run), "close", "how") == ["done"]


def test_many_clients_are_served_at_once(run, body):
    with Server(body, "-q", "--trace", run) as server:
        clients = [server.connect() for _ in range(40)]
        for client in clients:
            client.sendall(HELLO[:3])
        for client in reversed(clients):
            client.sendall(HELLO[3:])
        for client in clients:
            assert read_to_end(client) == HELLO + file_message(BODY)
            client.close()
        await_condition(lambda: run.read_text().count('"close"') == 40, "all are closed")
    assert words(holds(run), "close", "how") == 40 * ["done"]


def test_slow_motion_is_no_busy_loop(run, body):
    with Server(body, "-v", "--trace", run, "--chunk", 5, "--pause", 0.005) as server:
        copies = [server.connect() for _ in range(3)]
        for client in copies:
            client.sendall(HELLO + b"and more that nobody asked for")
        for client in copies:
            assert read_to_end(client) == HELLO + file_message(BODY)
            client.close()
        server.settle()
    trace = holds(run)
    assert words(trace, "timer", "op").count("fire") > 10


def test_a_client_without_room_is_waited_for(run, body):
    with Server(body, "--trace", run, "--chunk", 1) as server:
        assert server.fetch() == HELLO + file_message(BODY)
        server.settle()
    assert ["c1", "w"] in [pair for ready in words(holds(run), "wake", "ready") for pair in ready]


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", read_to_end),
        (b"HELLO 2\n", read_to_end),
        (b"", lambda client: client.shutdown(socket.SHUT_WR)),
        (b"", reset),
        (HELLO[:4], reset),
        (HELLO, reset),
        (HELLO + 10_000 * b"x", reset),
        (b"x" * 10_000, lambda client: None),
    ],
)
def test_a_client_that_misbehaves_is_ended_properly(run, body, data, end):
    with Server(body, "--trace", run) as server:
        with server.connect() as client:
            client.sendall(data)
            end(client)
            if client.fileno() >= 0:
                server.settle()
        server.settle()
        assert server.fetch() == HELLO + file_message(BODY)
        server.settle()
    assert words(holds(run), "close", "how")[-1] == "done"


def test_a_silent_client_is_late_and_costs_no_turn_meanwhile(run, body):
    with Server(body, "--trace", run, "--timeout", 0.1) as server:
        with server.connect() as client:
            assert read_to_end(client).startswith(HELLO + b"ERROR no hello")
        server.settle()
    trace = holds(run)
    assert words(trace, "close", "how") == ["late: no hello within 0.1 s"]
    assert len(words(trace, "select", "fds")) <= 5


def test_a_client_that_does_not_end_its_stream_is_late(run, body):
    with Server(body, "--trace", run, "--timeout", 0.2) as server:
        with server.connect() as client:
            client.sendall(HELLO)
            assert read_to_end(client) == HELLO + file_message(BODY)
            server.settle()
    assert words(holds(run), "close", "how") == ["late"]


def test_a_drain_that_takes_too_long_cuts(run, body):
    with Server(body, "--trace", run, "--drain", 0.05) as server:
        with server.accepted():
            server.send_signal(signal.SIGTERM)
            assert server.wait() == 1
    assert words(holds(run), "close", "how") == ["cut"]


def test_no_room_is_an_episode_and_no_busy_loop(run, body):
    with Server(body, "--trace", run, "--max-clients", 1) as server:
        clients = [server.connect() for _ in range(3)]
        for client in clients:
            client.sendall(HELLO)
            assert read_to_end(client) == HELLO + file_message(BODY)
            client.close()
        server.settle()
    assert words(holds(run), "close", "how") == 3 * ["done"]


def test_two_periods_have_a_file_each(run, body):
    with Server(body, "-q", "--trace", run, stdin="pipe") as server:
        server.fetch()
        body.write_bytes(b"another\n")
        server.send_signal(signal.SIGINT)
        server.expect(r"Continue listening\?")
        server.answer("y\n")
        server.expect_listening()
        assert server.fetch() == HELLO + file_message(b"another\n")
    assert words(holds(run), "listen", "body_len") == [14, 8]


def test_a_killed_server_leaves_a_trace_that_holds_so_far(run, body):
    with Server(body, "--trace", run, "--chunk", 1, "--pause", 0.01) as server:
        with server.connect() as client:
            client.sendall(HELLO)
            await_condition(lambda: run.read_text().count('"tx"') > 5, "some sends")
            server.kill()
            server.wait()
    trace = read(run)
    assert not trace.whole
    assert invariants.check(trace) == []


# --- the client, whatever its server does


@pytest.mark.parametrize("arguments", [(), ("--chunk", 1)])
def test_a_download_holds(run, body, tmp_path, arguments):
    with Server(body, "-q", *arguments) as server:
        client = run_client("--port", server.port, "--trace", run, "127.0.0.1", tmp_path / "copy")
        assert client.status == 0
    assert words(holds(run), "state", "now")[-1] == "DONE"


def test_a_refused_connection_holds(run, tmp_path):
    with reserved_port() as port:
        client = run_client("--port", port, "--trace", run, "localhost", tmp_path / "copy")
    assert client.status == 3
    holds(run)


MESSAGE = file_message(BODY)
WRONG = MESSAGE.replace(b"Hello", b"hello")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HELLO + MESSAGE, 0),
        (HELLO + MESSAGE + b"x", 4),
        (HELLO + WRONG, 5),
        (HELLO + MESSAGE[:-1], 5),
        (HELLO + b"ERROR not today\n", 4),
        (b"HELLO 2\n", 4),
        (b"SSH-2.0-OpenSSH\r\n", 4),
        (HELLO, 5),
        (b"", 5),
    ],
)
@pytest.mark.parametrize("end", [socket.socket.close, reset])
def test_a_server_that_misbehaves_is_left_properly(run, tmp_path, data, status, end):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with Client("--port", port, "--trace", run, "127.0.0.1", tmp_path / "copy") as client:
            connection, _ = server.accept()
            connection.sendall(data)
            end(connection)
            assert client.wait() in (status, 5)
    holds(run)


def test_a_silent_server_is_given_up(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        words_ = ("--port", server.getsockname()[1], "--timeout", 0.1, "--trace", run)
        assert run_client(*words_, "127.0.0.1", tmp_path / "copy").status == 3
    holds(run)


# --- simulated worlds, with all that kernels and networks may do


@pytest.mark.parametrize("seed", SEEDS)
def test_a_simulated_world_holds(seed):
    lies = World.of_seed(seed).knobs.spurious  # its kernel wakes the loop for nothing
    for data in recorded(seed):
        violations = invariants.check(events.read(io.BytesIO(data)))
        found = [str(v) for v in violations if not (lies and v.invariant == 8)]
        assert found == []


# --- programs that are broken

DEFECTS = {
    "reads while it sends": (3, """
        watch = Reactor.watch
        def watch_more(self, handler, interest):
            sends = getattr(getattr(handler, "state", None), "name", "") == "SENDING"
            watch(self, handler, interest | 1 if sends and interest else interest)
        Reactor.watch = watch_more
    """),
    "always waits to write": (8, """
        watch = Reactor.watch
        def watch_more(self, handler, interest):
            more = 2 if interest and hasattr(handler, "state") else 0
            watch(self, handler, interest | more)
        Reactor.watch = watch_more
    """),
    "closes and stays in the selector": (5, """
        def close(self):
            self.sock.close()
        Connection.close = close
    """),
    "closes twice": (5, """
        wrap = instrument._Connections.close
        def wrap_twice(self, original):
            told = wrap(self, original)
            def close(connection):
                told(connection)
                self.tell(events.Closed(connection, "again"))
            return close
        instrument._Connections.close = wrap_twice
    """),
    "forgets to cancel its deadlines": (5, """
        observe = instrument._Loop.observe
        def observe_less(self, queue):
            observe(self, queue)
            queue.cancel = lambda handler: queue.waiting.pop(handler, None)
        instrument._Loop.observe = observe_less
    """),
    "sends one byte too few": (6, """
        message = protocol.file_message
        protocol.file_message = lambda body: message(body)[:-1]
    """),
    "sends another checksum": (6, """
        message = protocol.file_message
        protocol.file_message = lambda body: message(body).replace(b"FILE 14 ", b"FILE 14 0")[:-1]
    """),
    "sends to a client that has said nothing": (6, """
        load = dotted.load
        def load_deaf(name, folder):
            half = load(name, folder)
            half.parse = lambda received: b""
            return half
        dotted.load = load_deaf
    """),
    "ends its direction at once": (6, """
        send = Connection.send
        def send_part(self, most=None, flags=0):
            taken = send(self, 3 if self.state.name == "SENDING" else most)
            self.unsent = b""
            return taken
        Connection.send = send_part
    """),
    "skips a state": (4, """
        about = instrument._Connections.about
        def tell_less(self, connection, event):
            if not isinstance(event, events.Transition) or event.now.name != "SENDING":
                about(self, connection, event)
        instrument._Connections.about = tell_less
    """),
    "works beside the loop": (2, """
        wrap = instrument._Loop.call
        def wrap_call(self, original):
            told = wrap(self, original)
            def call(handler, action):
                starts = getattr(action, "__name__", "") == "start"
                action() if starts else told(handler, action)
            return call
        instrument._Loop.call = wrap_call
    """),
    "never sleeps": (8, """
        select = EpollSelector.select
        EpollSelector.select = lambda self, most=None: select(self, 0.0)
    """),
    "reads from a socket that is not ready": (3, """
        def turn(self):
            ready = self.selector.select(1.0)
            for key in list(self.selector.keys.values()):
                if hasattr(key.data, "state") and key.events & 1:
                    self.call(key.data, key.data.on_readable)
            for key, events in ready:
                if events & 2:
                    self.call(key.data, key.data.on_writable)
                elif not hasattr(key.data, "state"):
                    self.call(key.data, key.data.on_readable)
            self.after_turn()
        Reactor.turn = turn
    """),
}  # fmt: skip

# A batch of two events, and the first one's handler ends what the second one is for.
STALE = """
select = EpollSelector.select
def signals_first(self, timeout=None):
    ready = []
    while names(ready) in ([], ["Listener"]):  # until the signal is here, too
        ready = select(self, timeout)
    return sorted(ready, key=lambda pair: names([pair]) != ["Signals"])
def names(ready):
    return [type(key.data).__name__ for key, _ in ready]
def turn(self):
    for key, events in self.selector.select(None):
        if events & 1:
            self.call(key.data, key.data.on_readable)
    self.after_turn()
EpollSelector.select = signals_first
Reactor.turn = turn
"""

FIRST = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import connection, protocol, reactor
from connection import Connection
from edges import dotted
from edges.epoll import EpollSelector
from edges.observers import events, instrument
from reactor import Reactor
sys.path.pop(0)
"""


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_server_that_is_broken_is_found_out(tmp_path, run, body, defect):
    number, code = DEFECTS[defect]
    env = customized(tmp_path, FIRST + textwrap.dedent(code))
    with Server(body, "--trace", run, "--chunk", 7, "--timeout", 1, env=env) as server:
        if defect == "never sleeps":  # or else there might always be something to do
            await_condition(lambda: '"k":3' in run.read_text(), "some turns for nothing")
        with server.connect() as one, server.connect() as two:
            two.sendall(HELLO[:3])
            one.sendall(HELLO)
            await_condition(lambda: '"half"' in run.read_text(), "the end of a transfer")
            one.shutdown(socket.SHUT_WR)
            await_condition(lambda: '"close"' in run.read_text(), "an end")
        await_condition(lambda: run.read_text().count('"close","on":"c2"') > 0, "another end")
    violations = invariants.check(read(run))
    assert number in {violation.invariant for violation in violations}, violations


def test_a_server_that_serves_an_event_of_before_is_found_out(tmp_path, run, body):
    env = customized(tmp_path, FIRST + STALE)
    with Server(body, "--trace", run, env=env) as server:
        with server.connect():
            server.send_signal(signal.SIGTERM)
            await_condition(lambda: '"k":2' in run.read_text(), "the turn after")
        server.kill()
        server.wait()
    words = 'Listener.on_readable of listener, which no longer waits for "r"'
    assert (3, words) in [(v.invariant, v.words) for v in invariants.check(read(run))]


def test_the_same_scene_with_a_server_that_is_right(tmp_path, run, body):
    env = customized(tmp_path, FIRST)
    with Server(body, "--trace", run, "--chunk", 7, env=env) as server:
        with server.connect() as one, server.connect() as two:
            two.sendall(HELLO[:3])
            one.sendall(HELLO)
            read_to_end(one)
        server.settle()
    holds(run)


def test_a_client_that_keeps_a_damaged_file_is_found_out(tmp_path, run):
    code = """
        whole = protocol.file_received
        def any_checksum(data):
            header, _, body = data.partition(b"\\n")
            return whole(protocol.file_message(body)) if len(body) == 14 else None
        protocol.file_received = any_checksum
    """
    env = customized(tmp_path, FIRST + textwrap.dedent(code))
    with socket.create_server(("127.0.0.1", 0)) as server:
        arguments = ("--port", server.getsockname()[1], "--trace", run, "127.0.0.1")
        with Client(*arguments, tmp_path / "copy", env=env) as client:
            connection, _ = server.accept()
            with connection:
                connection.sendall(HELLO + WRONG)
            assert client.wait() == 0
    found = {(v.invariant, v.words) for v in invariants.check(read(run))}
    assert found == {(6, "connection is DONE, and has received no whole, valid file")}
