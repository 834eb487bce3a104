"""Ctrl+C and SIGTERM at every moment of a run: the old file as it was, or the new one whole.

The moments come in three ways: in each state that a scripted server can hold the client, at steps
of main (support/stage.py, STEPS: right before and after system calls among others), and at times
spread over a whole run, the interpreter's start included.
"""

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from tests.support import kernel, peers, stage
from tests.support.peers import hanging, listening
from tests.support.programs import HELLO, OURS, SYSTEM, Client, file_message
from tests.support.stage import (
    BODY,
    OLD,
    STREAM,
    assert_one_line,
    await_asleep,
    client_of,
    content,
    directed,
    in_pairs,
    meet,
    private_folder,
)

INTERRUPTS = [signal.SIGINT, signal.SIGTERM]
if SYSTEM == "win32":
    INTERRUPTS = [signal.SIGINT]  # SIGTERM ends a program there at once


@pytest.fixture(params=INTERRUPTS, ids=lambda number: number.name)
def number(request):
    return request.param


@pytest.fixture
def folder():
    with private_folder() as place:
        yield place


def assert_interrupted(client: Client, number: signal.Signals, folder: Path):
    """Send the signal; assert the status, one line (given -q), and that nothing has changed."""
    before = content(folder)
    client.send_signal(number)
    assert client.wait() == 128 + number
    assert_one_line(client.stderr, "interrupted")
    left = {name for name in before if name.startswith(".")}  # the temporary file
    assert content(folder) == {name: before[name] for name in before.keys() - left}
    assert client.out is None or client.stdout_bytes == b""


# -- in each state ---------------------------------------------------------------------------------

HELD = {
    "HELLO_EXPECTED, nothing came": b"",
    "HELLO_EXPECTED": b"HELL",
    "RECEIVING": HELLO,
    "RECEIVING, half of the line": HELLO + b"FILE 1",
    "RECEIVING, half of the body": STREAM[:-5],
    "DONE": STREAM,
}


@pytest.mark.fault("G19", "D1")
@pytest.mark.parametrize("data", HELD.values(), ids=HELD)
def test_in_each_state_of_the_transfer(folder, number, data):
    with listening() as door, client_of(door, "-q", target="copy", folder=folder) as client:
        peer = meet(door, client).send(data)
        if data:
            peer.await_read()
        assert_interrupted(client, number, folder)


@pytest.mark.fault("G19", "G3")
def test_while_connecting(folder, number):
    with hanging() as port:
        with Client("127.0.0.1", "copy", "--port", port, "-q", cwd=folder) as client:
            kernel.await_condition(lambda: kernel.is_connecting(port), "connecting")
            assert_interrupted(client, number, folder)


@pytest.mark.fault("G19")
def test_while_the_name_is_looked_up(folder, number):
    """The resolver of the C library cannot be interrupted; here one that never answers."""
    source = """
import os, socket, time
def getaddrinfo(*args, **kwargs):
    os.write(2, b"looking up\\n")
    time.sleep(1000)
socket.getaddrinfo = getaddrinfo
"""
    with directed(source) as env, Client("name", "copy", "-q", cwd=folder, env=env) as client:
        client.expect("looking up\n")
        client.send_signal(number)
        assert client.wait() == 128 + number
        assert content(folder) == {"copy": OLD}


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("G19", "H6")
def test_while_a_fifo_waits_for_its_reader(folder, number):
    os.mkfifo(folder / "fifo")
    with listening() as door, client_of(door, "-q", target="fifo", folder=folder) as client:
        meet(door, client).send(STREAM).finish()
        await_asleep(client, "wait_for_partner|fifo_open")
        assert_interrupted(client, number, folder)
    assert (folder / "fifo").is_fifo()


@pytest.mark.posix_only("a write to a full pipe waits")
@pytest.mark.fault("G19", "H6")
@pytest.mark.parametrize("blocking", [True, False])
def test_while_standard_output_is_full(folder, number, blocking):
    reader, writer = os.pipe()
    try:
        stage.fill(writer)
        os.set_blocking(writer, blocking)
        how = {"target": "-", "folder": folder, "stdout": writer}
        with listening() as door, client_of(door, "-q", **how) as client:
            meet(door, client).send(STREAM).finish()
            await_asleep(client, "pipe_write" if blocking else "poll_schedule|do_select|do_poll")
            assert_interrupted(client, number, folder)
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.posix_only("other kinds of files do not exist")
@pytest.mark.fault("G19", "D2", "H6")
def test_together_with_the_end_of_the_stream(folder, number):
    """Both wait for the client in one turn of its loop: it must not begin to wait for a reader."""
    os.mkfifo(folder / "fifo")
    with listening() as door, client_of(door, "-q", target="fifo", folder=folder) as client:
        peer = meet(door, client).send(STREAM).await_read()
        client.send_signal(signal.SIGSTOP)
        peer.finish()
        client.send_signal(number)
        client.send_signal(signal.SIGCONT)
        assert client.wait() == 128 + number


@pytest.mark.posix_only("a write to a full pipe waits")
@pytest.mark.fault("E9", "G19")
def test_while_nobody_reads_stderr(folder, number):
    reader, writer = os.pipe()
    try:
        stage.fill(writer)
        os.set_blocking(writer, True)
        how = {"target": "copy", "folder": folder, "stderr": writer}
        with listening() as door, client_of(door, "-v", **how) as client:
            meet(door, client).send(HELLO).await_read()
            client.send_signal(number)
            assert client.wait() == 128 + number
        assert content(folder) == {"copy": OLD}
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.posix_only("Wine's console: see test_on_windows.py")
@pytest.mark.fault("G19", "D20")
def test_a_real_ctrl_c_at_a_terminal(folder):
    with (
        listening() as door,
        client_of(door, target="copy", folder=folder, terminal=True) as client,
    ):
        meet(door, client).send(HELLO).await_read()
        client.type("\x03")
        assert client.wait() == 130
    assert content(folder) == {"copy": OLD}


# -- at steps of main ------------------------------------------------------------------------------


@pytest.mark.posix_only("os.kill ends a Windows program at once")
@pytest.mark.fault("G19", "D2", "D17")
@pytest.mark.parametrize(("number", "runs"), [(signal.SIGINT, 80), (signal.SIGTERM, 20)])
def test_at_steps_spread_over_the_whole_of_main(number, runs):
    """Status 130 means the old file, 0 the new one, and from main on there is nothing else.

    And 0 belongs to the end of main: earlier it would mean that the signal was lost.
    """
    statuses = {}

    def check(step, start):
        with private_folder() as folder:
            outcome = stage.signalled(start, number, step, folder)
        assert_tidy(outcome, number)
        statuses[step] = outcome.status

    stage.sweep_steps(check, lambda steps: stage.spread(steps, runs))
    assert 128 + number in statuses.values()
    assert all(step > 0.9 * max(statuses) for step in statuses if statuses[step] == 0)


@pytest.mark.posix_only("os.kill ends a Windows program at once")
@pytest.mark.fault("G19")
def test_at_the_first_and_at_the_last_step_of_main(number):
    """Where the program does not handle signals itself, Python's own way would be a traceback."""
    with directed(stage.STEPS) as env:

        def start(*arguments, **how):
            return Client(*arguments, **{**how, "env": {**env, **how["env"]}})

        for first in (True, False):
            with private_folder() as folder:
                step = 1 if first else stage.count_steps(start)
                outcome = stage.signalled(start, number, step, folder)
            assert_tidy(outcome, number)


@pytest.mark.posix_only("os.kill ends a Windows program at once")
@pytest.mark.fault("G19", "H13")
def test_at_steps_close_together_around_the_commit():
    """From the last byte to the end of main: here the old file becomes the new one."""
    seen = set()

    def check(step, start):
        with private_folder() as folder:
            outcome = stage.signalled(start, signal.SIGINT, step, folder)
        assert_tidy(outcome, signal.SIGINT)
        seen.add(outcome.status)

    stage.sweep_steps(check, lambda steps: list(range(steps - 800, steps + 1, 13)))
    assert {0, 130} <= seen


def assert_tidy(outcome: stage.Outcome, number: signal.Signals):
    """Assert that a run that got the signal once ended in one of the ways that are right.

    At the edges of main the program does not yet, or no longer, handle signals itself, and death by
    the signal is as good; but then, too, nothing is left behind.
    """
    assert outcome.out == b""
    if outcome.status == 0:
        assert (outcome.folder, outcome.err) == ({"copy": BODY}, "")
    elif outcome.status == 128 + number:
        assert outcome.folder == {"copy": OLD}
        assert_one_line(outcome.err, "interrupted")
    else:
        assert (outcome.status, outcome.err) == (-number, "")
        assert outcome.folder in ({"copy": OLD}, {"copy": BODY})


# -- at any time -----------------------------------------------------------------------------------


class StartedLate(Client):
    """A client that a signal may reach before its main; Python then shows tracebacks of its own."""

    def assert_clean(self):
        if re.search(r"(client|program)\.py\", line \d+, in (?!<module>)", self.stderr):
            super().assert_clean()


@pytest.mark.posix_only("a signal of Linux may come before Wine can hand it on")
@pytest.mark.fault("G19")
@pytest.mark.parametrize(("number", "runs"), [(signal.SIGINT, 40), (signal.SIGTERM, 12)])
def test_at_moments_spread_over_a_whole_run(number, runs):
    """Before main the signal ends Python in ways of its own; never with a change, nor a success."""
    whole = stage.duration()
    statuses = []

    def check(moment):
        with peers.delivering(STREAM) as port, private_folder() as folder:
            with StartedLate("127.0.0.1", "copy", "--port", port, "-q", cwd=folder) as client:
                threading.Event().wait(moment)
                if client.running:
                    client.send_signal(number)
                statuses.append(client.wait())
            if client.status == 0:
                assert content(folder) == {"copy": BODY}
            elif client.status == -number:  # before main, or after it
                assert content(folder) in ({"copy": OLD}, {"copy": BODY})
            else:
                assert content(folder) == {"copy": OLD}
                before_site = client.stderr == "KeyboardInterrupt\n"  # before Python can trace back
                assert client.status == 128 + number or before_site or OURS.search(client.stderr)

    in_pairs(check, [1.1 * whole * n / runs for n in range(runs)])
    assert len(statuses) == runs


@pytest.mark.fault("G19")
def test_a_storm_of_interrupts_is_one(folder):
    with listening() as door, client_of(door, "-q", target="copy", folder=folder) as client:
        meet(door, client).send(HELLO).await_read()
        for _ in range(500):
            client.send_signal(signal.SIGINT)
        assert client.wait() == 130
        assert_one_line(client.stderr, "interrupted")
    assert content(folder) == {"copy": OLD}


# -- signals that change nothing -------------------------------------------------------------------


@pytest.mark.posix_only("no signal is inherited as ignored")
@pytest.mark.fault("D15")
def test_an_interrupt_that_was_ignored_at_the_start_stays_ignored(folder):
    """As in `client.py &` of a script."""
    shell = "trap '' INT; exec \"$@\""
    with listening() as door:
        with client_of(door, "-q", target="copy", folder=folder, shell=shell) as client:
            peer = meet(door, client).send(HELLO).await_read()
            for _ in range(3):
                client.send_signal(signal.SIGINT)
            peer.drip(file_message(BODY)).finish().farewell()  # turn upon turn of its loop
            assert client.wait() == 0
    assert content(folder) == {"copy": BODY}


@pytest.mark.posix_only("no signal is inherited as ignored")
@pytest.mark.fault("D15")
def test_a_client_that_ignores_interrupts_can_still_be_terminated(folder):
    shell = "trap '' INT; exec \"$@\""
    with listening() as door:
        with client_of(door, "-q", target="copy", folder=folder, shell=shell) as client:
            meet(door, client).send(HELLO).await_read()
            assert_interrupted(client, signal.SIGTERM, folder)


@pytest.mark.posix_only("there are no such signals")
@pytest.mark.fault("D23", "D16")
def test_signals_of_others_change_nothing(folder):
    with listening() as door, client_of(door, "-q", target="copy", folder=folder) as client:
        peer = meet(door, client).send(HELLO).await_read()
        for number in (
            signal.SIGWINCH,
            signal.SIGCHLD,
            signal.SIGCONT,
            signal.SIGPIPE,
            signal.SIGURG,
        ):
            client.send_signal(number)
        peer.drip(file_message(BODY)).finish().farewell()
        assert client.wait() == 0
    assert content(folder) == {"copy": BODY}


@pytest.mark.posix_only("there is no SIGHUP")
@pytest.mark.fault("D18")
def test_a_terminal_that_is_closed_ends_the_client_and_leaves_the_old_file(folder):
    with (
        listening() as door,
        client_of(door, target="copy", folder=folder, terminal=True) as client,
    ):
        meet(door, client).send(HELLO).await_read()
        client.hang_up()
        assert client.wait() != 0
    assert content(folder) == {"copy": OLD}
