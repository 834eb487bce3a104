"""The torture judges others, so it is judged first: its meters see what there is to see, and it is
green on server.py and red, row by row, on a server with the classic mistakes.
"""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import protocol
from lab.torture import meters, naive_server, wire
from lab.torture.__main__ import main
from lab.torture.arena import FAST
from lab.torture.attacks import ATTACKS, at_the_machine
from lab.torture.good_clients import GoodClients
from lab.torture.judge import FAIL, NOT_MADE, OK, Bench, Row, judge
from lab.torture.peer import ENOUGH, OPEN, Peer
from lab.torture.server_process import DEFAULT, ServerProcess, expand, split
from tests.support.kernel import await_condition
from tests.support.sample import sample

pytestmark = pytest.mark.alone  # attacks are judged by processor time

JOBS = 6  # attacks at a time: most of what they do is wait
LONGEST = "idle-sending"  # it begins first
NAIVE = (sys.executable, naive_server.__file__, "{file}", "{options}")

# What each attack is about, by the catalogue of faults; "": nothing that has a number.
FAULTS = {
    "silent": "B4",
    "drip": "B5",
    "half-hello": "B10",
    "garbage": "I-1 B6",
    "endless": "B6",
    "reset-before-accept": "A12 B13",
    "reset-after-connect": "B11",
    "reset-mid-hello": "B11",
    "reset-after-hello": "B11 B13 B24",
    "reset-mid-file": "B11",
    "reset-when-done": "B11",
    "connect-and-close": "B10 I-6",
    "stampede": "A15",
    "never-reads": "B3",
    "early-half-close": "B9",
    "extra-bytes": "B8 B12",
    "endless-extra": "B8 I-8",
    "urgent": "B23",
    "descriptor-exhaustion": "A1 A2 A4 A5",
    "long-stall": "C3",
    "frozen-terminal": "E9",
    "frozen-pipe": "E9",
    "broken-stderr": "E10",
    "interrupt": "D1 D6",
    "interrupt-backlog": "D12",
    "interrupt-stuck": "D7",
    "interrupt-twice": "D8",
    "terminate": "D14",
    "idle-listening": "",
    "idle-hello-sent": "B15",
    "idle-half-hello": "",
    "idle-sending": "B15",
    "idle-done": "B14",
    "idle-at-the-cap": "A17",
    "idle-draining": "",
}

# What the naive server must be caught at.
CAUGHT = {
    "silent": "still open",
    "garbage": "traceback|unescaped|not refused|lost",
    "endless": "not refused",
    "reset-mid-hello": "ended|lost",
    "never-reads": "given up before the deadline",
    "extra-bytes": "but then reset",
    "descriptor-exhaustion": "% CPU|lines",
    "broken-stderr": "no hello and file|lost|gone",
    "interrupt": "exit status|bytes of",
    "idle-hello-sent": "ms of CPU",
}
SOME_CAUGHT = sample(list(CAUGHT), 1, 2)
PASSED = ("stampede", "early-half-close", "idle-listening")  # good manners hide its mistakes


def card(command: tuple[str, ...], *names: str) -> dict[str, Row]:
    bench = Bench(command, FAST, deadline=FAST.deadline)
    attacks = [attack for attack in ATTACKS if attack.name in names]
    attacks.sort(key=lambda attack: attack.name != LONGEST)
    with ThreadPoolExecutor(JOBS) as pool:
        rows = pool.map(lambda attack: judge(attack, bench), attacks)
        return {row.attack: row for row in rows}


@pytest.fixture(scope="module")
def ours(temporary: Path) -> dict[str, Row]:
    return card(DEFAULT, *FAULTS)


@pytest.fixture(scope="module")
def naive(temporary: Path) -> dict[str, Row]:
    return card(NAIVE, *SOME_CAUGHT, *PASSED)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    file = tmp_path / "sample.txt"
    file.write_bytes(wire.SAMPLE)
    with ServerProcess(expand(DEFAULT, str(file), {"timeout": 0.6})) as process:
        yield process


def test_every_attack_is_in_the_table_of_faults():
    assert [attack.name for attack in ATTACKS] == list(FAULTS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_tells_what_it_does_and_what_must_be_seen(attack):
    does, _, seen = attack.description.partition(" Must be seen: ")
    assert does.endswith(".") and seen.endswith(".")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.fault(*ids.split())) for name, ids in FAULTS.items()],
)
def test_our_server_stands(name, ours):
    row = ours[name]
    assert row.verdict == OK, row
    assert row.served == row.wanted > 0, row
    assert row.cpu is not None, row


@pytest.mark.parametrize("name", SOME_CAUGHT)
def test_the_naive_server_is_caught_by(name, naive):
    row = naive[name]
    assert row.verdict == FAIL, row
    assert re.search(CAUGHT[name], " / ".join(row.complaints)), row


@pytest.mark.parametrize("name", PASSED)
def test_the_naive_server_is_not_blamed_for_what_it_does_well(name, naive):
    assert naive[name].verdict == OK, naive[name]


def test_the_bytes_written_down_twice_are_the_same():
    assert protocol.hello() == wire.HELLO
    whole = protocol.hello() + protocol.file_message(wire.SAMPLE)
    assert wire.whole_stream(wire.SAMPLE) == whole
    assert protocol.broken_rule(wire.SAMPLE) is None
    assert wire.flaw(whole) is None
    assert wire.reason(protocol.hello() + protocol.error_message("why not")) == "why not"


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        wire.HELLO,
        wire.whole_stream(b"abc\n")[1:],
        wire.whole_stream(b"abc\n")[:-1],
        wire.whole_stream(b"abc\n") + b"\n",
        wire.whole_stream(b"abc\n").replace(b"b", b"B"),
        wire.whole_stream(b"abc\n").replace(b"FILE 4", b"FILE 04"),
    ],
)
def test_a_copy_that_is_not_exact_is_seen(stream):
    assert wire.flaw(stream) is not None


@pytest.mark.parametrize("stream", [wire.whole_stream(b""), b"HELLO 1\nERROR \n", b"ERROR \xff\n"])
def test_what_is_no_refusal_is_not_taken_for_one(stream):
    assert not wire.is_refusal(stream)


def run(program: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def measured(program: str, seconds: float) -> meters.Reading:
    """Return what `program` did in a window that begins when it has written a line."""
    with run(program) as process:
        try:
            assert process.stdout is not None and process.stdout.readline()
            meters.wait_for_calm(process.pid, 0.1, 10.0)
            before = meters.reading(process.pid)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(seconds)
            return meters.reading(process.pid).since(before)
        finally:
            process.kill()


def test_the_meters_see_that_a_process_sleeps():
    program = "import select; print(flush=True); select.epoll().poll()"
    assert measured(program, 0.3) == (0, 0)


@pytest.mark.parametrize(
    ("cpu", "seconds", "peaceful"),
    [
        (0.009, 0.3, True),  # a slow machine: reaching the limit is all that was done
        (0.013, 0.3, True),
        (0.06, 0.3, False),  # a spinning loop that shares its processor with four others
        (0.3, 0.3, False),
        (0.03, 3.0, True),
        (0.05, 3.0, False),
    ],
)
def test_reaching_the_descriptor_limit_may_cost_something_and_waiting_there_next_to_nothing(
    cpu, seconds, peaceful
):
    assert at_the_machine.is_peaceful(cpu, seconds) is peaceful


class World:
    """A clock that moves when the meters wait, and a process that gets `share` of a processor."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, running: Callable[[float], bool], share: float = 0.0
    ) -> None:
        self.now = 0.0
        monkeypatch.setattr(meters, "time", self)
        monkeypatch.setattr(meters, "runs", lambda pid: running(self.now))
        monkeypatch.setattr(meters, "reading", lambda pid: meters.Reading(share * self.now, 0))

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_process_that_has_work_but_no_processor_does_not_count_as_asleep(monkeypatch):
    """The meters of a process in the queue for a processor stand still, like those of a sleeper."""
    world = World(monkeypatch, running=lambda now: now < 0.25)
    meters.wait_for_calm(0, 0.1, 1.0)
    assert world.now == pytest.approx(0.35, abs=3 * meters.POLL)


def test_a_starved_process_may_take_longer_to_fall_asleep_than_one_that_spins(monkeypatch):
    world = World(monkeypatch, running=lambda now: True)
    meters.wait_for_calm(0, 0.1, 1.0)
    assert world.now == pytest.approx(meters.LONGER, abs=3 * meters.POLL)
    world = World(monkeypatch, running=lambda now: True, share=0.2)
    meters.wait_for_calm(0, 0.1, 1.0)
    assert world.now == pytest.approx(1.0, abs=3 * meters.POLL)


@contextlib.contextmanager
def metered(program: str) -> Iterator[Callable[[], meters.Reading]]:
    """Give what reads `program`'s meters, from the moment that it is sent its line; then end it."""
    with run(program) as process:
        family = {process.pid}
        try:
            assert process.stdin is not None and process.stdout is not None
            assert process.stdout.readline()
            family.update(meters.family(process.pid))
            before = meters.reading(process.pid)
            process.stdin.write(b"go\n")
            process.stdin.flush()
            yield lambda: meters.reading(process.pid).since(before)
        finally:
            subprocess.run(["kill", "-9", *map(str, family)], check=True)


TEN_SLEEPS = (
    "import time; print(flush=True); input()\nfor _ in range(10): time.sleep(0.001)\ninput()"
)


def test_the_meters_see_every_single_wake_up():
    with metered(TEN_SLEEPS) as seen:
        await_condition(lambda: seen().sleeps >= 10, "ten sleeps")


def test_the_meters_see_that_a_process_spins():
    program = "import select; print(flush=True)\nwhile True: select.epoll().poll(0)"
    with metered(program) as seen:
        await_condition(lambda: seen().cpu > 0.05, "processor time")


def test_the_meters_see_the_threads_and_the_children_too():
    """A child sleeps ten times, and a thread: twenty are seen only if both are looked at."""
    program = (
        "import subprocess, sys, threading, time\n"
        "pipes = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'text': True}\n"
        f"child = subprocess.Popen([sys.executable, '-c', {TEN_SLEEPS!r}], **pipes)\n"
        "child.stdout.readline(); print(flush=True); input()\n"
        "child.stdin.write('go\\n'); child.stdin.flush()\n"
        "ten = lambda: [time.sleep(0.001) for _ in range(10)] and child.wait()\n"
        "threading.Thread(target=ten).start()\n"
    )
    with metered(program) as seen:
        await_condition(lambda: seen().sleeps >= 20, "twenty sleeps")


def test_one_attacker_is_sent_by_hand_against_a_running_server(server, capsys):
    host, port = server.address
    words = ["--fast", "--attack", "drip", "--connect", f"{host}:{port}", "--deadline", "0.6"]
    assert main(words) == 0
    assert re.search(
        r"drip .* - +(\d+)/\1  ok\n1 attacks: 1 ok, 0 FAIL, 0 n/a", capsys.readouterr().out
    )
    assert main([*words, "--pid", str(server.pid)]) == 0
    assert re.search(r"drip .* 0\.\d\d\d s +(\d+)/\1  ok", capsys.readouterr().out)


def test_an_attack_that_needs_the_process_says_so(server, capsys):
    host, port = server.address
    words = ["--fast", "--attack", "interrupt", "--connect", f"{host}:{port}"]
    assert main(words) == 1
    assert "only with --pid" in capsys.readouterr().out
    assert main([*words, "--pid", str(server.pid)]) == 0
    assert re.search(r"interrupt .* 5/5  ok", capsys.readouterr().out)


def test_a_command_without_options_is_taken_as_it_is():
    bench = Bench((*NAIVE[:2], "{file}"), FAST, deadline=0.6)
    rows = {a.name: judge(a, bench) for a in ATTACKS if a.name in ("stampede", "idle-at-the-cap")}
    assert rows["stampede"].verdict == OK
    assert rows["idle-at-the-cap"].verdict == NOT_MADE


@pytest.mark.parametrize("command", [["/no/such/program"], [sys.executable, "-c", "print('hi')"]])
def test_a_command_that_does_not_listen_is_reported(command, capsys):
    assert main(["--fast", "--attack", "silent", "--", *command]) == 1
    assert command[0] in capsys.readouterr().out


@pytest.mark.parametrize("attack", ["silent", "frozen-terminal", "frozen-pipe", "broken-stderr"])
def test_a_command_that_does_not_exist_is_reported_whatever_its_stderr_would_be(attack, capsys):
    assert main(["--fast", "--attack", attack, "--", "/no/such/program"]) == 1
    assert "/no/such/program: No such file" in capsys.readouterr().out


@pytest.mark.parametrize(
    "word",
    ["--jobs=0", "--deadline=nan", "--deadline=-1", "--pid=-1", "--connect=127.0.0.1:65536"],
)
def test_a_number_that_makes_no_sense_is_refused(word, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--attack", "silent", word])
    assert f"argument {word.partition('=')[0]}: expected " in capsys.readouterr().err


@pytest.fixture
def endless() -> Iterator[ServerProcess]:
    """A server that never stops sending."""
    program = (
        "import socket; listener = socket.create_server(('127.0.0.1', 0))\n"
        "print('listening on 127.0.0.1:%d' % listener.getsockname()[1], flush=True)\n"
        "client, _ = listener.accept()\n"
        "while True: client.sendall(b'HELLO 1\\n' * 9999)\n"
    )
    with ServerProcess([sys.executable, "-c", program], stderr="nowhere") as server:
        yield server


def test_an_attacker_leaves_a_server_that_never_stops_sending(endless):
    with contextlib.closing(Peer(endless.address)) as attacker:
        ending = attacker.read_to_end(time.monotonic() + 600)
    assert ending.how == OPEN
    assert ENOUGH < len(ending.data) < 3 * ENOUGH


def test_a_good_client_leaves_a_server_that_never_stops_sending(endless):
    with contextlib.closing(
        GoodClients(endless.address, wire.whole_stream(wire.SAMPLE))
    ) as clients:
        clients.serve(1)
    assert "still sending after" in clients.failures[0]


def test_the_list_names_every_attack(capsys):
    assert main(["--list"]) == 0
    assert set(FAULTS) <= set(re.findall(r"^([a-z-]+) ", capsys.readouterr().out, re.MULTILINE))


def test_the_command_comes_after_two_dashes():
    assert split(["--fast", "--", "python", "x.py"]) == (["--fast"], ["python", "x.py"])
    assert split(["--fast"]) == (["--fast"], list(DEFAULT))
