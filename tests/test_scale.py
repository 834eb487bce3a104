"""make scale: several servers behind HAProxy; one is stopped, and only its clients are lost. A
greedy client gets its share and no more."""

import os
import re
import signal
import subprocess
from contextlib import ExitStack, nullcontext

import pytest

from edges.command_line import SAMPLE
from edges.failure import Failure
from lab import scale
from lab.processes import OwnServer
from signals import Interrupted
from tests.support.programs import UNMEASURED, Program, Server

SCRIPT = "lab.scale"
ACT = r"(\w+): ([\d,]+) of ([\d,]+) exact, ([\d,]+) lost of ([\d,]+) held, ([\d,]+) retried .*"
GREEDY = r"greedy: 600 of 600 exact, 0 lost; 500 of 600 connections of the greedy address .*"


def number(text):
    return int(text.replace(",", ""))


@pytest.fixture
def haproxy(not_here):
    """The path of haproxy. REQUIRE_HAPROXY=1 makes a lack of it a failure."""
    try:
        return scale.found()
    except Failure as failure:
        if os.environ.get("REQUIRE_HAPROXY"):
            pytest.fail(str(failure))
        not_here(str(failure))


# The servers end when a third of the clients are through, and at most AT_ONCE more have begun: so
# there are clients that come later, on a machine of any speed.
LATER_ONES = 2 * scale.AT_ONCE


def kill_all(act):
    """End all servers, and count no client as held."""
    for server in act.servers:
        server.kill()


def play(capfd, *words):
    """Run both acts in this process; return the status and the lines on stdout."""
    status = scale.main([str(word) for word in words])
    return status, capfd.readouterr().out.splitlines()


def test_more_servers_than_a_machine_has_room_for_are_refused():
    assert scale.ScaleOptions(servers=100).conflict() is None
    assert "at most 100" in str(scale.ScaleOptions(servers=101).conflict())


def test_a_signal_ends_the_start_of_the_servers():
    """Else Ctrl+C would have to wait for all of them."""

    def check():
        raise Interrupted(signal.SIGINT)

    started = []

    def start(*words):
        started.append(words)
        return nullcontext()

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Interrupted), ExitStack() as stack:
        patched.setattr(scale, "OwnServer", start)
        scale.Terminated(stack, 50, check)
    assert len(started) == 1


def test_nobody_is_lost_but_the_clients_of_the_killed_server(haproxy):
    with Program(SCRIPT, "--servers", 4, "--clients", 600) as run:
        status = run.wait(60)
    assert status == 0, run.stdout
    terminated, killed, greedy, verdict = run.stdout.splitlines()
    name, exact, size, lost, held, elsewhere = re.fullmatch(ACT, terminated).groups()
    assert (name, exact, size, lost, elsewhere) == ("SIGTERM", "600", "600", "0", "0")
    name, exact, size, lost, held, elsewhere = re.fullmatch(ACT, killed).groups()
    assert (name, size) == ("SIGKILL", "600")
    assert number(exact) + number(lost) == 600
    assert number(lost) <= number(held) < 400
    assert number(elsewhere) > 0
    assert re.fullmatch(GREEDY, greedy)
    assert verdict == "no client was lost but those that the killed server held"


def test_a_loss_at_sigterm_is_a_failure(haproxy, monkeypatch, capfd):
    monkeypatch.setattr(scale.Terminated, "stop", kill_all)
    status, lines = play(capfd, "--servers", 2, "--clients", LATER_ONES)
    assert status == 1
    assert lines[-1] == "FAILED: SIGTERM"


def test_a_client_lost_beyond_the_killed_server_is_a_failure(haproxy, monkeypatch, capfd):
    monkeypatch.setattr(scale.Killed, "stop", kill_all)
    status, lines = play(capfd, "--servers", 2, "--clients", LATER_ONES)
    assert status == 1
    assert lines[-1] == "FAILED: SIGKILL"


def test_without_a_limit_for_each_address_a_greedy_client_gets_all_it_asks_for(
    haproxy, monkeypatch, capfd, tmp_path
):
    unlimited = tmp_path / "haproxy.cfg"
    lines = scale.CONFIGURATION.read_text().splitlines(keepends=True)
    unlimited.write_text("".join(line for line in lines if " reject " not in line))
    monkeypatch.setattr(scale, "CONFIGURATION", unlimited)
    monkeypatch.setattr(scale, "ACTS", [scale.Besieged])
    status, lines = play(capfd, "--servers", 2, "--clients", 50)
    assert status == 1
    assert "600 of 600 connections of the greedy address let in" in lines[0]
    assert lines[-1] == "FAILED: greedy"


def test_a_health_check_is_a_transfer_like_any_other_and_a_stopped_server_is_left_out(
    haproxy, tmp_path
):
    with Server() as server:
        with scale.Balancer(tmp_path, [server.port]) as balancer:
            server.expect(r"^c1 S: HELLO 1$")
            server.expect(r"^c1 done$")
            # A star means that the next check has begun (HAProxy's management guide, 9.1).
            status = balancer.figures("s1")["check_status"].removeprefix("* ")
            assert status in ("L7OK", "")
        server.stop()
    assert server.lines[-1].endswith(" done, 0 lost, 0 cut")


def test_the_configuration_is_used_as_it_is(haproxy):
    check = [haproxy, "-c", "-f", scale.CONFIGURATION]
    run = subprocess.run(check, capture_output=True, text=True, timeout=10, check=False)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr


def test_the_configuration_listens_on_loopback_only_and_the_program_replaces_all_its_ports():
    text = scale.CONFIGURATION.read_text()
    places = re.findall(r"^ +(?:bind|server \w+) (\S+):\d+", text, re.MULTILINE)
    assert places == 5 * ["127.0.0.1"]
    ours = scale.configuration(9, "there", [1, 2, 3])
    assert re.findall(r"^ +bind (\S+)", ours, re.MULTILINE) == ["fd@9"]
    assert re.findall(r"^ +server (.*)", ours, re.MULTILINE) == [
        f"s{n} 127.0.0.1:{n}" for n in (1, 2, 3)
    ]
    assert "unix@there " in ours


def test_without_haproxy_there_is_one_line_on_how_to_install_it(monkeypatch, capfd):
    monkeypatch.setattr(scale, "WHERE_IT_MAY_BE", "/nowhere")
    assert scale.main([]) == 1
    said = capfd.readouterr()
    assert said.err == (
        "scale.py: there is no haproxy here; on Debian and Ubuntu: apt install haproxy\n"
    )
    assert said.out == ""


def test_a_haproxy_that_does_not_start_is_reported_in_its_own_words(haproxy):
    low = 'ulimit -n 1000; exec "$@"'
    with Program(SCRIPT, shell=low, env=UNMEASURED) as run:
        assert run.wait() == 1
    [line] = run.lines
    assert line.startswith("scale.py: [ALERT]")
    assert "Cannot raise FD limit" in line


def test_one_server_is_too_few():
    with Program(SCRIPT, "--servers", 1) as run:
        assert run.wait() == 2
    assert len(run.lines) == 1


def test_ctrl_c_ends_all_of_it(haproxy):
    with Program(SCRIPT, "--clients", 20000, terminal=True) as run:
        run.expect(r"of 20,000 exact, 0 failed")
        run.type("\x03")
        run.expect(r"^[\d,]+ of 20,000 copies exact")
        assert run.wait() == 130  # and nobody holds the terminal: see Program.wait


def test_a_server_that_cannot_start_is_reported_in_its_own_words(tmp_path):
    with pytest.raises(Failure, match=r"no server: server\.py: cannot deliver"):
        OwnServer(str(tmp_path))


def test_a_server_of_our_own_that_dies_is_reported_with_its_status():
    with OwnServer(SAMPLE) as server:
        os.kill(server.process.pid, signal.SIGKILL)
        assert server.stop() == "it said nothing (status -9)"
