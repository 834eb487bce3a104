"""Cases of the catalogue of faults that belong to no one module."""

import ast
import fcntl
import os
import resource
import socket
import textwrap
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from edges.system import best_selector
from reactor import READ, Reactor
from tests.support.programs import ROOT, Client, customized

BEYOND = 1500  # FD_SETSIZE is 1024
RUNTIME = [*ROOT.glob("*.py"), *(ROOT / "edges").glob("*.py")]
WALL_CLOCK = {"time.time", "time.time_ns", "datetime.now", "datetime.datetime.now", "time.sleep"}


@pytest.mark.fault("C1")
def test_no_part_of_the_runtime_asks_the_wall_clock_which_may_jump():
    calls = {
        ast.unparse(node)
        for path in RUNTIME
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert "time.monotonic" in calls
    assert not calls & WALL_CLOCK


@pytest.mark.fault("C1")
def test_a_wall_clock_that_jumps_moves_no_deadline(monkeypatch):
    class Late:
        def on_error(self, error):
            raise error

    expired = []
    reactor = Reactor()
    queue = reactor.deadline_queue(0.05, expired.append)
    queue.arm(Late())
    monkeypatch.setattr(time, "time", lambda: 1e12)  # a thousand centuries later
    started = time.monotonic()
    reactor.run(until=lambda: expired)
    reactor.close()
    assert 0.05 <= time.monotonic() - started < 5


@pytest.mark.fault("E7")
def test_a_descriptor_beyond_what_select_2_can_take_is_watched_like_any_other(not_here):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= BEYOND:
        not_here(f"fewer than {BEYOND} descriptors allowed")
    woken = []
    near, far = socket.socketpair()
    with near, far, closing(Reactor(best_selector())) as reactor:
        reader = SimpleNamespace(interest=0, on_readable=lambda: woken.append(True))
        reader.sock = fcntl.fcntl(near, fcntl.F_DUPFD_CLOEXEC, BEYOND)
        reactor.watch(reader, READ)
        far.send(b"x")
        reactor.turn()
        reactor.watch(reader, 0)
        os.close(reader.sock)
    assert woken == [True]


LEAK = """
    import socket
    socket.socket()
"""


@pytest.mark.fault("I-7")
def test_a_socket_that_nobody_closes_would_fail_every_test_that_starts_a_program(tmp_path):
    """ResourceWarning comes up in __del__, where `-W error` can only print it: so it is read."""
    env = customized(tmp_path, textwrap.dedent(LEAK))
    with pytest.raises(AssertionError, match=r"Exception ignored|Warning"):
        with Client("--version", env=env) as client:
            client.wait()
