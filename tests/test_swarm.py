"""make swarm: many downloads on one reactor, each copy compared, and what is said of them."""

import re
import socket
from contextlib import closing, contextmanager
from itertools import pairwise

import pytest

from lab.swarm import Swarm, latencies
from reactor import Reactor
from tests.support.programs import UNMEASURED, Program, Server

SCRIPT = "lab.swarm"
ORIGINAL = b"Hello, world!\n"


@pytest.fixture
def original(tmp_path):
    path = tmp_path / "original.txt"
    path.write_bytes(ORIGINAL)
    return path


@contextmanager
def against_silence(size, **how):
    """Give a swarm whose downloads were sent to a server that never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener, closing(Reactor()) as reactor:
        crowd = Swarm(reactor, ORIGINAL, size, 10.0, **how)
        crowd.where = [(socket.AF_INET, listener.getsockname())]
        crowd.advance()
        try:
            yield crowd
        finally:
            for download in crowd.open:
                download.end()


def test_every_copy_is_exact_and_the_server_counts_as_many():
    with Program(SCRIPT, "--clients", 50) as run:
        assert run.wait() == 0
    lines = run.stdout.splitlines()
    assert lines[0] == "50 of 50 copies exact, 68 bytes each"
    assert re.fullmatch(r"\d+\.\d\d s, [\d,]+ transfers per second, .*", lines[1])
    figure = r"[\d.]+ ms"
    assert re.fullmatch(
        rf"latency: median {figure}, 90 % {figure}, 99 % {figure}, longest {figure}", lines[2]
    )
    [server] = lines[3:]
    assert re.fullmatch(
        r"the server: 50 done, 0 lost, 0 cut; \d+ us of processor time each", server
    )


def test_one_download_is_a_swarm():
    with Program(SCRIPT, "--clients", 1) as run:
        assert run.wait() == 0
    assert run.stdout.startswith("1 of 1 copies exact")


def test_against_a_server_that_runs_already_no_other_is_started(original):
    with Server("-q", original) as server:
        with Program(SCRIPT, "--port", server.port, "--clients", 20, original) as run:
            assert run.wait() == 0
        server.stop()
    assert server.lines[-1] == "20 done, 0 lost, 0 cut"
    assert "the server" not in run.stdout


def test_a_name_with_several_addresses_leads_all_to_the_one_that_answers(original):
    with Server("-q", original) as server:
        words = ("--server", "localhost", "--port", server.port, "--clients", 20, original)
        with Program(SCRIPT, *words) as run:
            assert run.wait() == 0
        server.stop()
    assert server.lines[-1] == "20 done, 0 lost, 0 cut"


def test_copies_of_another_file_are_counted_and_the_status_says_so(original, tmp_path):
    other = tmp_path / "other.txt"
    other.write_bytes(ORIGINAL.swapcase())
    with Server("-q", other) as server:
        with Program(SCRIPT, "--port", server.port, "--clients", 20, original) as run:
            assert run.wait() == 1
    assert run.stdout.startswith("0 of 20 copies exact")
    assert "\n20 failed: a copy that is not the original\n" in run.stdout
    assert "latency" not in run.stdout


def test_where_no_server_is_the_one_that_goes_ahead_says_so_for_all():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Program(SCRIPT, "--port", port, "--clients", 500) as run:
        assert run.wait() == 3
    assert re.fullmatch(r"swarm\.py: cannot connect: .* refused: .*running\?\n", run.stderr)
    assert run.stdout == ""


def test_a_file_that_cannot_be_delivered_is_one_line(tmp_path):
    with Program(SCRIPT, "--", tmp_path) as run:
        assert run.wait() == 1
    assert len(run.lines) == 1


def test_the_clients_that_a_dying_server_takes_along_are_counted_with_the_reason(original):
    slow = ("--chunk", 16, "--pause", 0.2)
    with Server(*slow, original) as server:
        words = ("--port", server.port, "--clients", 300, original)
        with Program(SCRIPT, *words) as run:
            server.expect(r"^c250 C: HELLO 1$")
            server.kill()
            assert run.wait() == 1
        server.wait()
    exact, failed = (
        sum(int(number) for number in re.findall(pattern, run.stdout, re.MULTILINE))
        for pattern in (r"^(\d+) of 300 copies exact", r"^(\d+) failed: ")
    )
    assert 1 <= exact <= 50
    assert exact + failed == 300
    assert not re.search("still open|not begun", run.stdout)


def test_a_limit_of_open_files_that_is_too_low_is_one_line_before_anything_begins():
    low = 'ulimit -n 500; exec "$@"'
    with Program(SCRIPT, "--clients", 1000, shell=low, env=UNMEASURED) as run:
        assert run.wait() == 1
    [line] = run.lines
    assert line.startswith("swarm.py: 1,000 clients need 1,064 open files, the hard limit here is")
    assert "at most 436," in line
    assert run.stdout == ""


def test_the_soft_limit_is_raised_for_both_ends():
    low = 'ulimit -Sn 100; exec "$@"'
    with Program(SCRIPT, "--clients", 400, shell=low, env=UNMEASURED) as run:
        assert run.wait() == 0
    assert run.stdout.startswith("400 of 400 copies exact")


def test_ctrl_c_ends_it_with_a_summary_of_what_there_was(original):
    with Server("-q", "--chunk", 1, "--pause", 0.2, original) as server:
        words = ("--port", server.port, "--clients", 40, original)
        with Program(SCRIPT, *words, terminal=True) as run:
            run.expect(r"0 of 40 exact, 0 failed, 1 open")
            run.type("\x03")
            run.expect(r"^0 of 40 copies exact")
            run.expect(r"^still open: 1$")
            run.expect(r"^not begun: 39$")
            assert run.wait() == 130


def test_ctrl_c_takes_our_own_server_along(original):
    with Program(SCRIPT, "--clients", 15000, terminal=True) as run:
        run.expect(r"of 15,000 exact, 0 failed")
        run.type("\x03")
        run.expect(r"^[\d,]+ of 15,000 copies exact")
        run.expect(
            r"^the server: \d+ done, \d+ lost, 0 cut$"
        )  # and no time "each": other clients come too
        assert run.wait() == 130  # and nobody holds the terminal: see Program.wait


def test_on_a_terminal_the_progress_is_one_line_in_place(original):
    with Server("-q", "--chunk", 4, "--pause", 0.05, original) as server:
        words = ("--port", server.port, "--clients", 30, original)
        with Program(SCRIPT, *words, terminal=True) as run:
            assert run.wait() == 0
    shown = run.out.data.decode()
    progress, _, summary = shown.rpartition("\r" + 79 * " " + "\r")
    assert progress.count("\r") >= 2
    assert "\n" not in progress
    assert summary.startswith("30 of 30 copies exact")


def test_elsewhere_the_progress_is_a_line_a_second(original):
    with Server("-q", "--chunk", 4, "--pause", 0.14, original) as server:
        words = ("--port", server.port, "--clients", 30, original)
        with Program(SCRIPT, *words) as run:
            assert run.wait() == 0
    shape = r"\d+ of 30 exact, 0 failed, \d+ open, (\d+\.\d) s"
    moments = [float(re.fullmatch(shape, line)[1]) for line in run.lines]
    assert moments
    assert all(later - earlier >= 0.9 for earlier, later in pairwise(moments))


@pytest.mark.parametrize("script", [SCRIPT, "lab.scale"])
def test_a_trace_of_a_crowd_is_refused_for_it_would_take_all_for_one(script, tmp_path):
    with Program(script, "--trace", tmp_path / "trace") as run:
        assert run.wait() == 2
    assert len(run.lines) == 1
    assert not list(tmp_path.iterdir())


def test_nobody_reads_the_summary_and_all_is_well():
    with Program(SCRIPT, "--clients", 5, shell='exec "$@" >/dev/full 2>&-') as run:
        assert run.wait() == 0


def test_a_hundred_downloads_need_one_schedule_and_leave_nothing_in_it():
    with against_silence(100) as crowd:
        [timers] = crowd.reactor.schedules
        assert len(timers.waiting) >= 100
    assert not timers.waiting


def test_no_more_begin_at_once_than_a_backlog_holds():
    with against_silence(100, at_once=7) as crowd:
        assert len(crowd.open) == crowd.begun == 7
        next(iter(crowd.open)).heard("S: HELLO 1")
        crowd.advance()
        assert crowd.begun == 8


def test_each_latency_is_that_of_one_client():
    seconds = [n / 1000 for n in range(1, 101)]
    shown = "latency: median 50.0 ms, 90 % 90.0 ms, 99 % 99.0 ms, longest 100.0 ms"
    assert latencies(seconds[::-1]) == shown
    assert latencies([0.5]).count("500.0 ms") == 4
