"""server.py and signals: Ctrl+C, the drain, the prompt, SIGTERM, SIGHUP, and storms of them.

On real processes, with a real terminal where it matters. No sleep: a test waits for what the server
says or does; where a time is the point, it is compared with another one of the same run.
"""

import contextlib
import os
import re
import select
import signal
import socket
import termios
import threading
import time
from pathlib import Path

import pytest

from tests.support.programs import (
    CLOSING,
    HELLO,
    LIMIT,
    PROMPT,
    REPORT,
    Server,
    conversation,
    customized,
    read_exactly,
    read_to_end,
    reserved_port,
)

TEXT = b"one\ntwo\n"
INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
SLOW = ("--chunk", "1", "--pause", "0.01")  # a conversation takes about half a second


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "text"
    path.write_bytes(TEXT)
    return path


def begun(server: Server, hello: bytes = b"") -> socket.socket:
    """Return a connection that the server has accepted and greeted, at least begun to."""
    connection = server.connect()
    connection.sendall(hello)
    assert read_exactly(connection, 1) == HELLO[:1]
    return connection


def rest(connection: socket.socket) -> bytes:
    """Return the whole stream of a connection that `begun` has read one byte of."""
    return HELLO[:1] + read_to_end(connection)


def report(server: Server) -> tuple[int, int, int]:
    """Wait for the next report; return done, lost and cut."""
    match = server.expect(REPORT)
    return int(match["done"]), int(match["lost"]), int(match["cut"])


# -- the prompt -------------------------------------------------------------------------------


@pytest.mark.fault("D1", "D10")
@pytest.mark.parametrize("answer", ["n\n", "no\n", "\n", "", "n"], ids=repr)
def test_after_ctrl_c_no_an_empty_line_and_the_end_of_the_file_end_the_server(
    text_file: Path, answer: str
) -> None:
    with Server(text_file) as server:
        assert server.fetch() == conversation(TEXT)
        server.settle()
        server.send_signal(INT)
        assert report(server) == (1, 0, 0)
        server.expect(PROMPT)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        server.answer(answer)
        server.close_stdin()
        assert server.wait() == 0
    assert server.stdout == f"listening on 127.0.0.1:{server.port}\n"
    assert server.stderr.endswith("\n")


@pytest.mark.fault("F6", "E1")
def test_yes_reads_the_file_again_and_listens_again_on_the_same_port(text_file: Path) -> None:
    last = TEXT
    with reserved_port() as port, Server(text_file, port=port) as server:
        for number, answer in enumerate(("y\n", "yes\n", "Y\n")):
            body = b"period %d\n" % number
            assert server.fetch() == conversation(last)
            server.settle()
            text_file.write_bytes(body)
            server.send_signal(INT)
            assert report(server) == (1, 0, 0)  # of this period alone
            server.expect(PROMPT)
            server.answer(answer)
            server.expect_listening()
            assert server.port == port
            last = body
        assert server.fetch() == conversation(last)


@pytest.mark.fault("D11")
def test_any_other_answer_is_asked_again_three_times_at_most(text_file: Path) -> None:
    wrong = [b"maybe\n", b"\xff\xfe\x1b[2J\n", 4000 * b"y" + b"\n", b"yes and no\n"]
    with Server(text_file) as server:
        server.send_signal(INT)
        for answer in (*wrong[:3], b"y\n"):
            server.expect(PROMPT)
            server.answer(answer)
        server.expect_listening()
        server.send_signal(INT)
        for answer in wrong:
            server.expect(PROMPT)
            server.answer(answer)
        assert server.wait() == 0
    assert len(re.findall(PROMPT, server.stderr)) == 8


@pytest.mark.fault("D10", "E11")
@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_answers_written_beforehand_are_read_one_line_for_each_question(
    text_file: Path, tmp_path: Path, kind: str
) -> None:
    answers = tmp_path / "answers"
    answers.write_bytes(b"y\nn\n")
    shell = f'exec "$@" <{answers}' if kind == "file" else None
    with Server(text_file, shell=shell) as server:
        if kind == "pipe":
            server.answer("y\nn\n")
        server.send_signal(INT)
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        server.send_signal(INT)
        assert server.wait() == 0
    assert len(re.findall(PROMPT, server.stderr)) == 2


@pytest.mark.fault("D10", "E10", "E11")
@pytest.mark.parametrize("stdin", ["<&-", "</dev/null", "0>/dev/null", "0>&2"])
def test_a_stdin_that_gives_no_answer_means_no(text_file: Path, stdin: str) -> None:
    with Server(text_file, shell=f'exec "$@" {stdin}') as server:
        assert server.fetch() == conversation(TEXT)
        server.send_signal(INT)
        assert server.wait() == 0
    assert re.search(PROMPT, server.stderr)


@pytest.mark.fault("D9")
@pytest.mark.parametrize("number", [INT, TERM, HUP])
def test_a_signal_at_the_prompt_means_no(text_file: Path, number: signal.Signals) -> None:
    with Server(text_file) as server:
        server.send_signal(INT)
        server.expect(PROMPT)
        server.send_signal(number)
        assert server.wait() == 0
    assert server.stderr.endswith("\n")


@pytest.mark.fault("D13")
def test_a_port_that_was_taken_meanwhile_is_one_line_and_status_1(text_file: Path) -> None:
    with Server(text_file) as server:
        server.send_signal(INT)
        server.expect(PROMPT)
        with socket.create_server(server.address):
            server.answer("y\n")
            line = server.expect(r"^.*in use.*\n")[0]
            assert server.wait() == 1
        assert f"127.0.0.1:{server.port}" in line
        assert server.stderr.endswith(line)


@pytest.mark.fault("F8")
@pytest.mark.parametrize("body", [None, b"no LF"], ids=["deleted", "no LF"])
def test_a_file_that_became_bad_is_one_line_and_status_1(
    text_file: Path, body: bytes | None
) -> None:
    with Server(text_file) as server:
        server.send_signal(INT)
        server.expect(PROMPT)
        text_file.unlink() if body is None else text_file.write_bytes(body)
        server.answer("y\n")
        assert server.wait() == 1
    assert str(text_file) in server.lines[-1]


# -- the drain --------------------------------------------------------------------------------


@pytest.mark.fault("D6")
def test_open_transfers_finish_after_ctrl_c_and_newcomers_are_refused(text_file: Path) -> None:
    with Server(text_file, *SLOW) as server:
        clients = [begun(server, HELLO) for _ in range(3)]
        server.send_signal(INT)
        server.expect("^stopping")
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        for client in clients:
            with client:
                assert rest(client) == conversation(TEXT)
        assert report(server) == (3, 0, 0)
        server.expect(PROMPT)
        server.answer("n\n")
        assert server.wait() == 0


@pytest.mark.fault("D12", "A16")
@pytest.mark.parametrize("places", [1, 1000])
def test_a_client_that_waits_in_the_backlog_at_ctrl_c_is_served(
    text_file: Path, places: int
) -> None:
    with Server(text_file, "--max-clients", places) as server:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(server.accepted())
            server.freeze()
            waiting = [stack.enter_context(server.connect()) for _ in range(40)]
            server.send_signal(INT)
            server.thaw()
            for client in (*waiting, first.connection):
                client.sendall(HELLO)
                assert read_to_end(client) == conversation(TEXT)
                client.close()
        assert report(server) == (41, 0, 0)
        server.expect(PROMPT)
        server.answer("n\n")


@pytest.mark.fault("D7")
@pytest.mark.parametrize("sent", [b"", HELLO], ids=["in HELLO_SENT", "in DONE"])
def test_what_is_open_at_the_end_of_the_drain_is_cut_and_the_status_is_1(
    text_file: Path, sent: bytes
) -> None:
    drain = 0.4
    with Server(text_file, "--drain", drain, "--timeout", "600") as server:
        with begun(server, sent):
            began = time.monotonic()
            server.send_signal(INT)
            assert server.expect(CLOSING.pattern)[2] == "cut"
            assert time.monotonic() - began >= drain
            assert report(server) == (0, 0, 1)
            server.expect(PROMPT)
        server.answer("y\n")
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        server.settle()
        server.send_signal(INT)
        assert report(server) == (1, 0, 0)
        server.expect(PROMPT)
        server.answer("n\n")
        assert server.wait() == 1  # any drain


def test_a_drain_of_0_cuts_at_once(text_file: Path) -> None:
    with Server(text_file, "--drain", "0", "--timeout", "600") as server:
        with begun(server):
            server.send_signal(TERM)
            assert server.wait() == 1
    assert server.lines[-1] == "0 done, 0 lost, 1 cut"


def test_the_drain_extends_no_deadline(text_file: Path) -> None:
    with Server(text_file, "--drain", "600", "--timeout", "0.5") as server:
        with begun(server):
            server.send_signal(TERM)
            assert server.wait() == 0
    assert server.lines[-1] == "0 done, 1 lost, 0 cut"


@pytest.mark.fault("D8")
@pytest.mark.parametrize("first", [INT, TERM, HUP])
def test_ctrl_c_during_the_drain_cuts_what_is_left_and_exits_130(
    text_file: Path, first: signal.Signals
) -> None:
    with Server(text_file, "--drain", "600", "--timeout", "600") as server:
        with begun(server), begun(server, HELLO):
            assert server.fetch() == conversation(TEXT)
            server.expect("^c3 done")
            server.send_signal(first)
            server.expect("^stopping")
            server.send_signal(INT)
            assert report(server) == (1, 0, 2)
            assert server.wait() == 130
    assert not re.search(PROMPT, server.stderr)


AT_ONCE = """
import signal
def storm(number, frame):
    for name in ORDER:
        signal.raise_signal(name)
signal.signal(signal.SIGUSR1, storm)
"""


@pytest.mark.fault("D8", "D2", "D3")
@pytest.mark.parametrize(
    ("order", "status"),
    [((INT, INT), 130), ((TERM, INT), 130), ((HUP, INT), 130), ((INT, TERM, INT), 130)],
    ids=str,
)
def test_signals_that_come_before_the_first_is_handled_all_count(
    text_file: Path, tmp_path: Path, order: tuple[signal.Signals, ...], status: int
) -> None:
    # The kernel merges equal signals that wait, so the process raises them itself, in one handler.
    env = customized(tmp_path, f"ORDER = {[int(number) for number in order]}\n{AT_ONCE}")
    with Server(text_file, "--drain", "600", "--timeout", "600", env=env) as server:
        with begun(server):
            server.send_signal(signal.SIGUSR1)
            assert server.wait() == status
    assert server.lines[-1] == "0 done, 0 lost, 1 cut"


@pytest.mark.fault("D3", "D14")
def test_ctrl_c_and_sigterm_at_once_drain_and_do_not_ask(text_file: Path, tmp_path: Path) -> None:
    env = customized(tmp_path, f"ORDER = {[int(INT), int(TERM)]}\n{AT_ONCE}")
    with Server(text_file, *SLOW, env=env) as server:
        with begun(server, HELLO) as client:
            server.send_signal(signal.SIGUSR1)
            assert rest(client) == conversation(TEXT)
        assert server.wait() == 0
    assert not re.search(PROMPT, server.stderr)
    assert server.lines[-1] == "1 done, 0 lost, 0 cut"


@pytest.mark.fault("D14", "D18")
@pytest.mark.parametrize("number", [TERM, HUP])
def test_sigterm_and_sighup_drain_without_a_question(
    text_file: Path, number: signal.Signals
) -> None:
    with Server(text_file, *SLOW) as server:
        with begun(server, HELLO) as client:
            server.send_signal(number)
            assert rest(client) == conversation(TEXT)
        assert server.wait() == 0
    assert not re.search(PROMPT, server.stderr)
    assert server.lines[-1] == "1 done, 0 lost, 0 cut"


@pytest.mark.fault("D14")
@pytest.mark.parametrize("first", [INT, TERM])
def test_sigterm_while_draining_only_means_do_not_ask(
    text_file: Path, first: signal.Signals
) -> None:
    with Server(text_file, *SLOW) as server:
        with begun(server, HELLO) as client:
            server.send_signal(first)
            server.expect("^stopping")
            for number in (TERM, HUP, TERM):
                server.send_signal(number)
            assert rest(client) == conversation(TEXT)
        assert server.wait() == 0
    assert not re.search(PROMPT, server.stderr)
    assert server.lines[-1] == "1 done, 0 lost, 0 cut"


# -- signals that mean nothing ----------------------------------------------------------------


@pytest.mark.fault("D15", "D18")
@pytest.mark.parametrize(("name", "number"), [("INT", INT), ("HUP", HUP)])
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(
    text_file: Path, name: str, number: signal.Signals
) -> None:
    with Server(text_file, shell=f'trap "" {name}; exec "$@"') as server:
        server.send_signal(number)
        assert server.fetch() == conversation(TEXT)
        server.send_signal(number)
        assert server.fetch() == conversation(TEXT)
        assert server.stop() == 0
    assert not re.search(PROMPT, server.stderr)


@pytest.mark.fault("D15")
def test_a_background_job_of_a_script_ends_by_sigterm(text_file: Path) -> None:
    # sh starts `command &` with SIGINT ignored.
    shell = 'trap : INT; "$@" & echo "job $!"; wait $!; wait $!'
    with Server(text_file, shell=shell, ready=False) as server:
        job = int(server.expect(r"job (\d+)\n", stdout=True)[1])
        server.expect_listening()
        os.killpg(server.pid, INT)
        assert server.fetch() == conversation(TEXT)
        os.kill(job, TERM)
        assert server.wait() == 0
    assert not re.search(PROMPT, server.stderr)


@pytest.mark.fault("D23", "D4")
def test_a_storm_of_other_peoples_signals_has_no_effect(text_file: Path) -> None:
    numbers = (signal.SIGWINCH, signal.SIGCHLD, signal.SIGCONT, signal.SIGURG)
    with Server(text_file, *SLOW) as server:
        with begun(server, HELLO) as client:
            for _ in range(200):
                for number in numbers:
                    server.send_signal(number)
            assert rest(client) == conversation(TEXT)
        assert server.fetch() == conversation(TEXT)


@pytest.mark.fault("D4", "D5", "D17")
def test_a_storm_of_ctrl_c_ends_the_server_in_order(text_file: Path) -> None:
    with Server(text_file, "--drain", "600", "-v") as server:
        with begun(server), begun(server, HELLO):
            end = time.monotonic() + LIMIT
            while server.running and time.monotonic() < end:
                server.send_signal(INT)
            assert server.wait() in (130, -INT)  # one that comes after its work is done kills it
    assert server.lines[-1] == "0 done, 0 lost, 2 cut"


@pytest.mark.fault("D1", "D2", "D17")
def test_ctrl_c_is_noticed_every_time_idle_and_under_load(text_file: Path) -> None:
    stop = threading.Event()
    failures: list[bytes] = []

    def load() -> None:
        while not stop.is_set():
            try:
                said = server.fetch()
            except OSError:
                continue  # refused at the prompt, reset in the last moment: both are fair
            if said != conversation(TEXT):
                failures.append(said)

    with reserved_port() as port, Server(text_file, "-q", port=port) as server:
        for loaded in (False, True):
            threads = [threading.Thread(target=load) for _ in range(2 if loaded else 0)]
            stop.clear()
            for thread in threads:
                thread.start()
            try:
                for _ in range(10):
                    server.send_signal(INT)
                    server.expect(PROMPT)
                    server.answer("y\n")
                    server.expect_listening()
            finally:
                stop.set()
                for thread in threads:
                    thread.join(LIMIT)
    assert failures == []


@pytest.mark.fault("C3", "C10")
@pytest.mark.parametrize("asleep", [True, False], ids=["in its sleep", "awake"])
@pytest.mark.parametrize("sent", [HELLO, HELLO[:3]], ids=["a hello waits", "half a hello waits"])
def test_bytes_that_waited_while_the_server_was_stopped_beyond_the_timeout_are_not_late(
    text_file: Path, sent: bytes, asleep: bool
) -> None:
    # A select that a signal ends when its time is over reports nobody, without having looked.
    timeout = 0.5
    with Server(text_file, "--timeout", timeout) as server:
        with begun(server) as client:
            began = time.monotonic()
            read_exactly(client, len(HELLO) - 1)
            if asleep:
                server.fall_asleep()
            server.freeze()
            client.sendall(sent)
            # Nothing comes, for as long as the connection may last and a little longer.
            assert not select.select([client], [], [], 1.5 * timeout)[0]
            server.thaw()
            said = HELLO + read_to_end(client)
            assert time.monotonic() - began > timeout
        if sent == HELLO:
            assert said == conversation(TEXT)
        else:
            assert re.fullmatch(rb"HELLO 1\nERROR [ -~]+\n", said)


# -- a real terminal --------------------------------------------------------------------------


@pytest.mark.fault("D9", "D1")
def test_ctrl_c_and_the_prompt_on_a_terminal(text_file: Path) -> None:
    with Server(text_file, terminal=True) as server:
        assert server.fetch() == conversation(TEXT)
        server.settle()
        server.type("\x03")
        assert report(server) == (1, 0, 0)
        server.expect(PROMPT)
        server.type("yes\n")
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        server.type("\x03")
        server.expect(PROMPT)
        server.type("\x03")  # at the prompt: no
        assert server.wait() == 0
    with Server(text_file, terminal=True) as server:
        server.type("\x03")
        server.expect(PROMPT)
        server.type("\x04")  # Ctrl+D, the end of the file: no
        assert server.wait() == 0


@pytest.mark.fault("D11")
def test_what_was_typed_during_the_drain_does_not_decide(text_file: Path) -> None:
    with Server(text_file, *SLOW, terminal=True) as server:
        with begun(server, HELLO) as client:
            server.type("\x03")
            server.expect("stopping")
            server.type("y\n")
            assert rest(client) == conversation(TEXT)
        server.expect(PROMPT)
        server.type("n\n")
        assert server.wait() == 0
    assert server.stdout.count("listening on") == 1


@pytest.mark.fault("D18", "E10")
@pytest.mark.parametrize("moment", ["idle", "draining", "asking"])
def test_a_terminal_that_is_closed_ends_the_server_in_order(text_file: Path, moment: str) -> None:
    with Server(text_file, *SLOW, terminal=True) as server:
        if moment == "asking":
            server.type("\x03")
            server.expect(PROMPT)
            server.hang_up()
        else:
            with begun(server, HELLO) as client:
                if moment == "draining":
                    server.type("\x03")
                    server.expect("stopping")
                server.hang_up()
                assert rest(client) == conversation(TEXT)
        assert server.wait() == 0


@pytest.mark.fault("D19")
def test_a_server_in_the_background_of_a_terminal_does_not_ask(text_file: Path) -> None:
    # Reading would stop it: SIGTTIN. `set -m` gives the job a process group of its own.
    shell = 'set -m; "$@" & echo "job $!"; wait $!; echo "status $?"'
    with Server(text_file, terminal=True, shell=shell, ready=False) as server:
        job = int(server.expect(r"job (\d+)\n")[1])
        server.expect_listening()
        assert server.fetch() == conversation(TEXT)
        os.kill(job, INT)
        server.expect(REPORT)
        assert server.expect(r"status (\d+)\n")[1] == "0"
        server.wait()
    assert not re.search(PROMPT, server.stderr)


def terminal_state(fd: int) -> tuple[list[object], bool]:
    return termios.tcgetattr(fd), os.get_blocking(fd)


@pytest.mark.fault("E9")
def test_a_terminal_is_left_as_it_was(text_file: Path) -> None:
    master, slave = os.openpty()
    try:
        before = terminal_state(slave)
        with Server(text_file, stdin=slave, stderr=slave) as server:
            assert server.fetch() == conversation(TEXT)
            assert terminal_state(slave) == before
            server.send_signal(INT)
            said = b""
            while not re.search(PROMPT.encode(), said):
                said += os.read(master, 1000)
            assert terminal_state(slave) == before
            os.write(master, b"n\n")
            assert server.wait() == 0
        assert terminal_state(slave) == before
    finally:
        os.close(master)
        os.close(slave)


# -- before listening -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [INT, TERM])
def test_a_name_that_takes_for_ever_to_look_up_can_be_interrupted(
    text_file: Path, tmp_path: Path, number: signal.Signals
) -> None:
    code = """
import os, select, socket
def getaddrinfo(host, *args, flags=0, **kwargs):
    if flags & socket.AI_NUMERICHOST:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    os.write(2, b"looking up\\n")
    select.select([], [], [])
socket.getaddrinfo = getaddrinfo
"""
    env = customized(tmp_path, code)
    with Server(text_file, host="slow", env=env, ready=False) as server:
        server.expect("^looking up")
        server.send_signal(number)
        assert server.wait() in (130, 143)
