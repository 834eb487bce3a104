"""Traces of whole runs: of the real programs, and of simulated ones: the same each time."""

import json
import os
import signal

import pytest

from lab.simulation.__main__ import main as simulation
from lab.simulation.world import World
from tests.support.kernel import await_condition
from tests.support.programs import HELLO, Client, Server, file_message, run_client, run_server

BODY = b"Hello, world!\n"


def events(path):
    """Return the events so far; of the last line, half may have been written."""
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


def of(trace, *, on=None, ev=None):
    return [e for e in trace if on in (None, e.get("on")) and ev in (None, e["ev"])]


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "body.txt"
    path.write_bytes(BODY)
    return path


# --- real runs


def test_the_server_records_a_client_from_accept_to_close(tmp_path, body):
    path = tmp_path / "run.jsonl"
    with Server(body, "-q", "--trace", path) as server:
        assert server.fetch() == HELLO + file_message(BODY)
        await_condition(lambda: of(events(path), on="c1", ev="close"), "the trace of the close")
    trace = events(path)
    assert [e["ev"] for e in of(trace, on="c1") if e["ev"] not in ("timer", "watch")] == [
        "open", "call", "tx", "done",
        "call", "rx", "state", "tx", "half", "state", "done",
        "call", "rx", "close", "done",
    ]  # fmt: skip
    [listen] = of(trace, ev="listen")
    assert (listen["address"], listen["body_len"]) == (f"127.0.0.1:{server.port}", 14)
    assert [(s["was"], s["now"]) for s in of(trace, ev="state")] == [
        ("HELLO_SENT", "SENDING"), ("SENDING", "DONE"),
    ]  # fmt: skip
    sent = b"".join(bytes.fromhex(tx["hex"]) for tx in of(trace, ev="tx"))
    assert sent == HELLO + file_message(BODY)
    assert [e["n"] for e in trace] == list(range(1, len(trace) + 1))
    assert trace[-1]["ev"] == "end"


def test_the_client_records_its_run(tmp_path, body):
    path = tmp_path / "run.jsonl"
    with Server(body, "-q") as server:
        copy = tmp_path / "copy"
        client = run_client("-q", "--port", server.port, "--trace", path, "127.0.0.1", copy)
        assert (client.status, copy.read_bytes()) == (0, BODY)
    trace = events(path)
    assert (trace[0]["role"], trace[-1]["ev"]) == ("client", "end")
    assert [s["now"] for s in of(trace, on="connection", ev="state")] == [
        "HELLO_EXPECTED", "RECEIVING", "DONE",
    ]  # fmt: skip


def test_a_client_that_fails_has_a_whole_trace_too(tmp_path):
    path = tmp_path / "run.jsonl"
    client = run_client("--port", 1, "--trace", path, "127.0.0.1", tmp_path / "copy")
    assert client.status == 3
    trace = events(path)
    assert of(trace, ev="error")[0]["why"] == "connection refused"
    assert trace[-1]["ev"] == "end"


def test_a_killed_server_leaves_whole_lines(tmp_path, body):
    path = tmp_path / "run.jsonl"
    with Server(body, "-q", "--trace", path, "--chunk", 1, "--pause", 0.01) as server:
        with server.connect() as connection:
            connection.sendall(HELLO)
            assert connection.recv(100)
            await_condition(lambda: len(of(events(path), ev="tx")) > 10, "some sends")
            server.send_signal(signal.SIGKILL)
            server.wait()
    trace = events(path)
    assert path.read_bytes().endswith(b"}\n")
    assert trace[-1]["ev"] != "end"


def test_a_trace_that_cannot_be_written_is_one_line_and_everybody_is_served(body):
    with Server(body, "--trace", "/dev/full") as server:
        for _ in range(3):
            assert server.fetch() == HELLO + file_message(BODY)
        server.settle()
        said = [line for line in server.lines if "trace" in line]
    assert said == ["the trace ends: cannot write to '/dev/full': no space left on device"]


def test_listeners_of_one_name_are_reported_apart(tmp_path, body):
    path = tmp_path / "run.jsonl"
    with Server(body, "-q", "--trace", path, host="localhost"):
        await_condition(lambda: of(events(path), ev="select"), "the first turn")
    names = {e["on"] for e in of(events(path), ev="watch") if e["on"].startswith("listener")}
    assert names in ({"listener"}, {"listener 1", "listener 2"})


@pytest.mark.parametrize("name", ["missing/run.jsonl", ".", ""])
def test_a_trace_that_cannot_be_opened_is_one_line_and_status_1(tmp_path, name):
    for program in (run_server, run_client):
        ended = program("--trace", name, cwd=tmp_path)
        assert ended.status == 1
        assert len(ended.lines) == 1 and f"cannot trace to '{name}'" in ended.lines[0]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_the_trace_never_overwrites_the_file_that_it_is_about(tmp_path, body, link):
    link(body, tmp_path / "other")
    for words in ((body, "--trace", body), (body, "--trace", tmp_path / "other")):
        ended = run_server(*words)
        assert (ended.status, body.read_bytes()) == (2, BODY)
        assert "--trace and INPUT_FILE are the same file" in ended.lines[-1]
    ended = run_client("--trace", tmp_path / "other", "127.0.0.1", body)
    assert (ended.status, body.read_bytes()) == (2, BODY)
    assert "--trace and OUTPUT_FILE are the same file" in ended.lines[-1]


def test_a_copy_that_does_not_exist_yet_is_no_place_for_a_trace(tmp_path):
    ended = run_client("--trace", "./copy", "127.0.0.1", "copy", cwd=tmp_path)
    assert (ended.status, os.listdir(tmp_path)) == (2, [])


def test_a_slow_handler_is_reported(tmp_path, body):
    """Stopped in mid-handler, as by a swap storm; the alarm cannot know why, only that."""
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text(
        "import zlib, time\n"
        "crc32 = zlib.crc32\n"
        "zlib.crc32 = lambda data: time.sleep(0.06) or crc32(data)\n"
    )
    how = {"PYTHONPATH": str(slow)}
    with Server(body, "-q") as server:
        words = ("--port", server.port, "--slow", 0.05, "127.0.0.1", tmp_path / "copy")
        with Client(*words, env=how) as client:
            client.wait()
    [line] = [line for line in client.lines if line.startswith("slow")]
    assert line.startswith("slow: connection in ClientConnection.on_readable took 0.0")


# --- simulated runs


def recorded(seed):
    """Return the traces of all programs in the world of a seed."""
    world = World.of_seed(seed)
    programs = [world.server, *world.clients]
    traces = [[] for _ in programs]
    for program, lines in zip(programs, traces, strict=True):
        program.record(lines)
    world.run()
    return [b"".join(lines) for lines in traces]


@pytest.mark.parametrize("seed", range(25))
def test_a_simulated_run_has_the_same_trace_every_time(seed):
    first = recorded(seed)
    assert all(first)
    assert recorded(seed) == first


def test_a_replay_can_record_the_run_of_its_server(tmp_path, capsys):
    path = tmp_path / "run.jsonl"
    assert simulation(["replay", "7", "--trace", str(path)]) == 0
    assert path.read_bytes() == recorded(7)[0]
