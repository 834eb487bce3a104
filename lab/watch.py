"""`make watch`: follow the trace of a running server in the browser.

    server.py --trace run.jsonl                     python3 -m lab.watch run.jsonl
              |                                               |
              +--- appends lines --> run.jsonl --- reads ---> Tail
                                                              |  whole lines, as they come
                                                          Browser --- server-sent events --> page

Owns a small web server on our own reactor with two addresses: `/` is the page and `/events` is the
trace. It does not know what the lines mean: the page does, with the help of watch.js.

Each browser reads the file at its own pace: it gets the next piece when the kernel has taken the
one before, so a slow browser costs no memory. A selector cannot wait for a regular file to grow, so
a timer looks ten times a second, but only while a browser follows.

A trace may contain anything that peers have sent. So the server listens on the loopback interface
only, and serves only requests that name it by this address. A page of another origin cannot read
the answers, and cannot get around that with a name of its own (DNS rebinding).
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process

    process.begin()

import json
import os
import re
import socket
import stat
from enum import Enum, auto
from pathlib import Path
from typing import ClassVar

from connection import Connection, Sock
from edges import addresses
from edges.command_line import Options, name, port, value
from edges.console import Console
from edges.failure import Failure, reason
from edges.program import run
from lab.tracing.page import live_page
from listener import Acceptor
from protocol import shown
from reactor import READ, WRITE, Reactor
from signals import Signals

SCRIPT = Path(__file__).with_suffix(".js")  # what the page does with the stream
LOOPBACK = "127.0.0.1"
BROWSERS = 50  # connections at once
LOOK = 0.1  # seconds between two looks at the file
PIECE = 65536  # bytes of the trace in one event of the stream
HEAD = 8192  # bytes of a request; a browser's has some 500
REQUEST = 10.0  # seconds for a request, and for the page that answers it
FIRST_LINE = 4096  # bytes in which the first lines of two runs differ

GET = re.compile(rb"GET (/[!-~]*) HTTP/1\.[01]\r\n")
HOST = re.compile(rb"(?i)\r\nHost: *([!-~]*) *\r\n")
BEGIN, NOW = b"event: begin\ndata: .\n\n", b"event: now\ndata: .\n\n"

HEADERS = (
    "HTTP/1.1 {}\r\n"
    "Content-Type: {}; charset=utf-8\r\n"
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Connection: close\r\n\r\n"
)


class WatchOptions(Options):
    """The options of lab.watch."""

    role = "watch"
    about = "Follow the trace of a running server (or client) in a browser."
    trace_file = name("run.jsonl", "what --trace writes; it may begin later (default: run.jsonl)")
    port = value(port, 0, "port on 127.0.0.1 (default: any free one)")

    def files(self) -> dict[str, str | int]:
        return {"TRACE_FILE": self.trace_file}


class State(Enum):
    """What a connection of a browser is doing."""

    REQUESTED = auto()  # its request is being read
    ANSWERED = auto()  # the page is being sent; then the browser ends the connection
    FOLLOWING = auto()  # the trace is being sent, for as long as it grows


class Tail:
    """The trace file: its present run, from the first line on.

    The file may not exist yet. It may be replaced or begin again, because the server was started
    again: then `generation` is one higher. An empty file counts as one that has not begun.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.generation = 0
        self.descriptor = -1
        self.first_line = b""
        self.size = 0

    def look(self) -> None:
        """Look at the file again. Raises Failure if it can never be a trace."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except FileNotFoundError as error:
            if not Path(self.path).absolute().parent.is_dir():
                raise self.failure(reason(error)) from error
            return
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise self.failure(reason(error)) from error
        try:
            self.compare(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def compare(self, descriptor: int) -> None:
        """Follow `descriptor` from now on; notice whether another run has begun."""
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise self.failure("not a regular file")
        line, end, _ = os.pread(descriptor, FIRST_LINE, 0).partition(b"\n")
        if end and not is_run(line):
            raise self.failure("not a trace: it does not begin with a run event")
        first_line = line if end else b""
        if first_line != self.first_line or found.st_size < self.size:
            self.generation += 1
        self.first_line, self.size = first_line, found.st_size
        self.close()
        self.descriptor = descriptor

    def failure(self, why: str) -> Failure:
        return Failure(f"cannot follow {shown(os.fsencode(self.path), limit=None)}: {why}")

    def read(self, at: int) -> bytes:
        """Return whole lines that begin at offset `at`; b"" if there are none yet."""
        if not self.first_line:
            return b""
        data = os.pread(self.descriptor, PIECE, at)
        end = data.rfind(b"\n") + 1
        return data[:end] if end or len(data) < PIECE else data

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1


def is_run(line: bytes) -> bool:
    """Tell whether `line` is the first one of a trace."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(event, dict) and event.get("ev") == "run"


class Browser(Connection):
    """A browser's connection: one request, and its answer."""

    transitions: ClassVar = {
        (State.REQUESTED, State.ANSWERED): "it asked for a page, or for nothing we have",
        (State.REQUESTED, State.FOLLOWING): "it asked for the events",
    }

    def __init__(self, watch: "Watch", sock: Sock, peer_address: object, number: int) -> None:
        super().__init__(watch.reactor, sock, State.REQUESTED, peer_address)
        self.watch = watch
        self.number = number
        self.received = b""
        self.generation = -1  # of the run that is being sent
        self.at = 0  # how many bytes of it have been sent
        self.is_up_to_date = False  # the browser has it all, and has been told so

    def __str__(self) -> str:
        return f"c{self.number}"

    def start(self) -> None:
        self.sock.setblocking(False)
        self.watch.deadlines.arm(self)
        self.reactor.watch(self, READ)

    def on_readable(self) -> None:
        data = self.receive()
        if data is None:
            return
        if not data:
            self.close()  # the browser has left, or has what it asked for
        elif self.state is State.REQUESTED:
            self.hear(data)
        elif self.state is State.FOLLOWING:
            self.close()  # it has nothing more to say, and no deadline would end an endless stream

    def hear(self, data: bytes) -> None:
        """Answer the request, once it is whole."""
        self.received += data
        if b"\r\n\r\n" in self.received:
            self.answer(self.received)
        elif len(self.received) > HEAD:
            self.refuse("431 Request Header Fields Too Large")

    def answer(self, request: bytes) -> None:
        asked, host = GET.match(request), HOST.search(request)
        if asked is None:
            self.refuse("405 Method Not Allowed")
        elif host is None or host[1].decode() not in self.watch.hosts:
            self.refuse("403 Forbidden")
        elif asked[1] == b"/":
            self.say(State.ANSWERED, "200 OK", "text/html", live_page(SCRIPT.read_text()))
        elif asked[1] == b"/events":
            self.watch.follow(self)
            self.say(State.FOLLOWING, "200 OK", "text/event-stream", "")
        else:
            self.refuse("404 Not Found")

    def refuse(self, status: str) -> None:
        self.say(State.ANSWERED, status, "text/plain", f"{status}\n")

    def say(self, state: State, status: str, kind: str, text: str) -> None:
        """Begin the answer."""
        self.transition(state)
        self.unsent = (HEADERS.format(status, kind) + text).encode()
        self.proceed()

    def proceed(self) -> None:
        """Send what may be sent now; at the end of an answer, end our direction."""
        had = bool(self.unsent)
        self.unsent = self.unsent or self.more()
        if self.unsent:
            self.send()
        self.unsent = self.unsent or self.more()
        if had and not self.unsent and self.state is State.ANSWERED:
            self.half_close()
        self.reactor.watch(self, READ | WRITE if self.unsent else READ)

    def more(self) -> bytes:
        """Return the next part of the stream; b"" if the browser has everything."""
        tail = self.watch.tail
        if self.state is not State.FOLLOWING:
            return b""
        if self.generation != tail.generation:
            self.generation, self.at, self.is_up_to_date = tail.generation, 0, False
            return BEGIN
        if lines := tail.read(self.at):
            self.at += len(lines)
            self.is_up_to_date = False
            return framed(lines)
        knew, self.is_up_to_date = self.is_up_to_date, True
        return b"" if knew else NOW

    def on_writable(self) -> None:
        self.proceed()

    def on_late(self) -> None:
        self.close()

    def on_error(self, error: Exception) -> None:
        """Ignore a browser that has left; a bug of our own ends the program."""
        self.close()
        if not isinstance(error, OSError):
            raise error

    def close(self) -> None:
        super().close()
        self.watch.ended(self)


def framed(lines: bytes) -> bytes:
    """Return lines as one server-sent event. In this format a CR would end a line as well."""
    text = lines.replace(b"\r", b" ").rstrip(b"\n")
    return b"data: " + text.replace(b"\n", b"\ndata: ") + b"\n\n"


class Watch:
    """What all browsers share."""

    def __init__(self, reactor: Reactor, console: Console, tail: Tail) -> None:
        self.reactor = reactor
        self.tail = tail
        self.connections: dict[Browser, None] = {}
        self.followers: dict[Browser, None] = {}
        self.deadlines = reactor.deadline_queue(REQUEST, Browser.on_late)
        self.acceptor = Acceptor(
            reactor, self.connections, BROWSERS, self.welcome, self.stop, console.line
        )
        self.hosts: list[str] = []  # the names by which a request may call us
        self.accepted = 0
        self.looks = False  # a timer will look at the file
        self.stopped = False

    def __str__(self) -> str:
        return "watch"

    def open(self, sockets: list[socket.socket]) -> str:
        """Accept browsers from these sockets; return the address to open."""
        number = sockets[0].getsockname()[1]
        self.hosts = [f"{LOOPBACK}:{number}", f"localhost:{number}"]
        self.acceptor.open(sockets)
        return f"http://{self.hosts[0]}/"

    def welcome(self, sock: Sock, peer_address: object) -> None:
        self.accepted += 1
        browser = Browser(self, sock, peer_address, self.accepted)
        self.connections[browser] = None
        self.reactor.call(browser, browser.start)

    def follow(self, browser: Browser) -> None:
        """Send `browser` what the file contains now, and from then on what is appended."""
        self.deadlines.cancel(browser)
        self.tail.look()
        self.followers[browser] = None
        self.look_later()

    def look(self) -> None:
        """Look at the file, and send what is new to the followers."""
        self.looks = False
        self.tail.look()
        for browser in list(self.followers):
            self.reactor.call(browser, browser.proceed)
        self.look_later()

    def look_later(self) -> None:
        """Set the timer for the next look, if any browser follows."""
        if self.followers and not self.looks:
            self.looks = True
            self.reactor.call_later(LOOK, self, self.look)

    def ended(self, browser: Browser) -> None:
        """Forget a connection that is closed."""
        self.deadlines.cancel(browser)
        self.followers.pop(browser, None)
        if browser in self.connections:
            del self.connections[browser]
            self.acceptor.connection_ended()

    def stop(self, _number: int = 0) -> None:
        self.stopped = True

    def close(self) -> None:
        self.acceptor.close()
        for browser in list(self.connections):
            browser.close()
        self.tail.close()

    def on_error(self, error: Exception) -> None:
        raise error  # the file is no trace any more, or we have a bug: stop


def watch(reactor: Reactor, console: Console, signals: Signals, options: WatchOptions) -> int:
    """Serve the page until a signal comes. Return the exit status."""
    tail = Tail(options.trace_file)
    watching = Watch(reactor, console, tail)
    signals.act = watching.stop
    reactor.watch(signals, READ)
    try:
        tail.look()
        place = addresses.Place(socket.AF_INET, (LOOPBACK, options.port), dual=False)
        address = watching.open(addresses.listen([place]))
        console.announce(f"open {address} in a browser; Ctrl+C ends this")
        reactor.run(until=lambda: watching.stopped)
    finally:
        watching.close()
    return 0


if __name__ == "__main__":
    process.end(run("watch", WatchOptions, watch, None))
