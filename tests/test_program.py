"""The frame of both programs: what it cannot stand without, and its end."""

import os
import signal
import sys

import pytest

from edges import program
from edges.console import Outlet
from reactor import Signals
from tests.programs import run_server


@pytest.mark.fault("E8")
def test_a_limit_too_low_for_the_loop_itself_is_told_in_one_line():
    five = ("prlimit", "--nofile=5")  # three standard streams and the socketpair: none for epoll
    ended = run_server(prefix=five, python=os.path.realpath(sys.executable), flags=())
    assert ended.status == 1
    assert ended.lines[-1] == "server.py: cannot go on: too many open files"


def test_whatever_the_system_refuses_is_one_line_and_status_1(capfd):
    def refused(*_):
        raise OSError(12, "Cannot allocate memory")

    assert program.run("server.py", refused, []) == 1
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
