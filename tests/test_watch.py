"""`make watch`: the trace of a running server, as server-sent events, to this machine alone."""

import http.client
import json
import os
import re
import signal
import socket
from contextlib import closing, contextmanager, suppress

import pytest

from edges.console import Console
from lab.watch import FIRST_LINE, HEAD, PIECE, Browser, Tail, Watch, framed
from reactor import Reactor
from tests.support.programs import ROOT, Program, Server

PATIENT = 20.0
RUN = b'{"n":1,"t":0,"k":0,"ev":"run","v":1}\n'


@contextmanager
def watching(*words, folder):
    with Program("lab.watch", *words, cwd=folder, env={"PYTHONPATH": str(ROOT)}) as program:
        found = program.expect(r"open http://127\.0\.0\.1:(\d+)/ in a browser", stdout=True)
        yield program, int(found[1])


@pytest.fixture
def served(tmp_path):
    with watching("run.jsonl", folder=tmp_path) as (program, port):
        yield port
        program.send_signal(signal.SIGINT)
        assert program.wait() == 0
        assert program.stderr == ""


def get(port, path="/", method="GET", **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENT)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()


class Events:
    """A browser that follows: the events of the stream, one by one."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENT)
        self.sock.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
        self.file = self.sock.makefile("rb")
        head = list(iter(self.file.readline, b"\r\n"))
        assert head[0] == b"HTTP/1.1 200 OK\r\n"
        assert any(b"text/event-stream" in line for line in head)

    def next(self):
        """Return the next event: its name, or the lines of the trace that it brings."""
        name, lines = None, b""
        for line in iter(self.file.readline, b"\n"):
            assert line, "the stream has ended"
            kind, _, value = line.partition(b": ")
            if kind == b"event":
                name = value.decode().strip()
            else:
                lines += value
        return name or lines

    def until_now(self):
        """Return the events up to the next `now`."""
        return list(iter(self.next, "now"))

    def close(self):
        self.file.close()
        self.sock.close()


@pytest.fixture
def follow(served):
    opened = []

    def start():
        opened.append(Events(served))
        return opened[-1]

    yield start
    for events in opened:
        events.close()


# --- the page and its address


def test_the_page_alone_may_connect_and_only_to_its_own_origin(served):
    status, headers, body = get(served)
    policy = re.search(rb'Content-Security-Policy" content="([^"]*)"', body)[1]
    assert status == 200
    assert policy.startswith(b"default-src 'none'; ")
    assert policy.endswith(b"; connect-src 'self'")
    assert ("X-Content-Type-Options", "nosniff") in headers


def test_what_is_not_there_or_not_for_everybody_is_refused(served):
    assert get(served, "/run.jsonl")[0] == 404
    assert get(served, method="POST")[0] == 405
    for path in ("/", "/events"):
        assert get(served, path, Host="evil.example")[0] == 403
        assert get(served, path, Host=f"evil.example:{served}")[0] == 403
    assert get(served, Host=f"localhost:{served}")[0] == 200


def test_only_this_machine_can_connect(served):
    with socket.create_connection(("127.0.0.1", served)) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", served))


@pytest.mark.parametrize(
    ("request_", "status"),
    [(b"\xff\n\r\n\r\n", 405), (b"GET / HTTP/1.1\r\n\r\n", 403), (HEAD * b"x" + b"y", 431)],
)
def test_a_request_that_is_none_gets_an_answer(served, request_, status):
    with socket.create_connection(("127.0.0.1", served), timeout=PATIENT) as browser:
        browser.sendall(request_)
        browser.shutdown(socket.SHUT_WR)
        with browser.makefile("rb") as answer:
            assert answer.read().startswith(b"HTTP/1.1 %d " % status)
    assert get(served)[0] == 200


# --- the trace


def test_lines_come_as_they_are_written_and_only_whole_ones(follow, tmp_path):
    (tmp_path / "run.jsonl").write_bytes(RUN + b'{"n":2}\n{"n"')
    events = follow()
    assert events.until_now() == ["begin", RUN + b'{"n":2}\n']
    with open(tmp_path / "run.jsonl", "ab") as file:
        file.write(b':3}\n{"n":4')
    assert events.until_now() == [b'{"n":3}\n']


def test_a_trace_may_begin_later(follow, tmp_path):
    events = follow()
    assert events.until_now() == ["begin"]
    (tmp_path / "run.jsonl").write_bytes(RUN[:10])
    with open(tmp_path / "run.jsonl", "ab") as file:
        file.write(RUN[10:])
    assert events.until_now() == ["begin", RUN]


AGAIN = RUN.replace(b'"t":0', b'"t":7')


def replaced(path):
    path.with_suffix(".new").write_bytes(AGAIN)
    path.with_suffix(".new").rename(path)


def rewritten(path):
    path.write_bytes(AGAIN)


@pytest.mark.parametrize("how", [replaced, rewritten])
def test_a_run_that_begins_again_is_shown_from_its_beginning(follow, tmp_path, how):
    (tmp_path / "run.jsonl").write_bytes(RUN + b'{"n":2}\n')
    events = follow()
    assert events.until_now() == ["begin", RUN + b'{"n":2}\n']
    how(tmp_path / "run.jsonl")
    shown = events.until_now()
    while shown[-1] != AGAIN:  # in between the file may have been seen empty
        shown += events.until_now()
    assert shown[-2:] == ["begin", AGAIN]


def test_a_trace_that_is_cut_is_shown_from_its_beginning(follow, tmp_path):
    (tmp_path / "run.jsonl").write_bytes(RUN + b'{"n":2}\n')
    events = follow()
    events.until_now()
    os.truncate(tmp_path / "run.jsonl", len(RUN))
    assert events.until_now() == ["begin", RUN]


def test_a_deleted_trace_stays_as_it_was(follow, tmp_path):
    (tmp_path / "run.jsonl").write_bytes(RUN)
    assert follow().until_now() == ["begin", RUN]
    (tmp_path / "run.jsonl").unlink()
    assert follow().until_now() == ["begin", RUN]


def test_several_browsers_follow_each_at_its_own_pace(follow, served, tmp_path):
    line = b'{"n":2,"x":"' + 100 * b"x" + b'"}\n'
    many = 3 * PIECE // len(line) * 20
    (tmp_path / "run.jsonl").write_bytes(RUN + many * line)
    slow, quick = follow(), follow()
    assert slow.next() == "begin"  # and reads no more for now
    assert quick.next() == "begin"
    assert b"".join(quick.until_now()) == RUN + many * line
    assert get(served)[0] == 200
    assert b"".join(slow.until_now()) == RUN + many * line


def test_a_follower_that_goes_on_sending_is_left(follow):
    """It has no deadline, so it could keep a processor busy for ever."""
    browser = follow()
    browser.until_now()
    browser.sock.sendall(b"x")
    with suppress(ConnectionResetError):
        assert browser.file.read() == b""


def test_a_real_server_is_followed_from_its_first_line_to_its_last(follow, tmp_path):
    (tmp_path / "file.txt").write_text("a file\n")
    events = follow()
    events.until_now()
    with Server(tmp_path / "file.txt", "--trace", tmp_path / "run.jsonl") as server:
        server.fetch()
        assert server.stop() == 0
    said = b""
    while b'"ev":"end"' not in said:
        said += b"".join(part for part in events.until_now() if isinstance(part, bytes))
    assert said == (tmp_path / "run.jsonl").read_bytes()
    first = json.loads(said.splitlines()[0])
    assert first["ev"] == "run"
    assert first["clock"] > 0


def test_a_line_that_never_ends_does_not_stop_the_stream(follow, tmp_path):
    (tmp_path / "run.jsonl").write_bytes(RUN)
    events = follow()
    assert events.until_now() == ["begin", RUN]
    with open(tmp_path / "run.jsonl", "ab") as file:
        file.write(2 * PIECE * b"x")
    assert events.until_now()[0] == PIECE * b"x" + b"\n"


def test_a_carriage_return_cannot_end_a_line_of_the_stream():
    assert framed(b'{"a":"\r\revent: begin\r\n"}\n') == b'data: {"a":"  event: begin \ndata: "}\n\n'


# --- who follows what


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.mkdir(), "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.write_text("# eighty\n"), "not a trace"),
        (lambda path: path.write_text("[" * 2000 + "\n"), "not a trace"),
        (lambda path: path.write_text('{"ev":"select"}\n'), "not a trace"),
    ],
)
def test_what_can_never_be_a_trace_is_one_line(tmp_path, make, why):
    make(tmp_path / "run.jsonl")
    with Program("lab.watch", tmp_path / "run.jsonl") as program:
        assert program.wait() == 1
    assert program.stderr.startswith(f"watch: cannot follow '{tmp_path}/run.jsonl': {why}")
    assert program.stderr.count("\n") == 1
    assert program.stdout == ""


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (["no/folder/run.jsonl"], 1, "no such file"),
        (["--port=70000"], 2, "expected a port"),
        (["a", "b"], 2, "unrecognized arguments"),
    ],
)
def test_bad_words_are_one_line(tmp_path, words, status, why):
    with Program("lab.watch", *words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}) as program:
        assert program.wait() == status
    assert why in program.stderr
    assert program.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line(tmp_path, served):
    with Program("lab.watch", f"--port={served}", cwd=ROOT) as program:
        assert program.wait() == 1
    assert re.fullmatch(r"watch: cannot listen on .*; give another --port\n", program.stderr)


def test_without_a_follower_no_timer_looks_at_the_file(tmp_path):
    ours, theirs = socket.socketpair()
    with closing(Reactor()) as reactor, closing(Console(number=1_000_000)) as console, ours:
        watch = Watch(reactor, console, Tail(str(tmp_path / "run.jsonl")))
        browser = Browser(watch, theirs, "", 1)
        watch.follow(browser)
        assert len(reactor.timers.waiting) == 1
        watch.look()
        assert len(reactor.timers.waiting) == 2  # the test looked: the first one still waits
        browser.close()
        reactor.timers.waiting.clear()
        watch.look()
        assert not reactor.timers.waiting


def test_a_first_line_that_is_very_long_is_waited_for(tmp_path):
    (tmp_path / "run.jsonl").write_bytes(FIRST_LINE * b" ")
    tail = Tail(str(tmp_path / "run.jsonl"))
    tail.look()
    assert tail.read(0) == b""
    tail.close()
