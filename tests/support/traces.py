"""Traces made by hand: what a right run writes, line by line, so that a test can spoil one of them.

    story = Story("server")
    with story.turn(("listener", "r")), story.call("listener", "Listener.on_readable"):
        story.tell("open", "c1", fd=8, peer="127.0.0.1:40312", state="HELLO_SENT")
    story.end()
    trace = story.trace()

Does not judge what is right: lab/tracing/invariants.py does. `spoiled` changes one event and
renumbers the others, so that only the change itself can be noticed.
"""

import contextlib
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import protocol
from lab.tracing import events, invariants
from lab.tracing.events import Trace
from lab.tracing.invariants import Violation

Line = dict[str, Any]
BODY = b"one\ntwo\n"
HELLO = b"HELLO 1\n"


def address(number: int) -> str:
    return f"127.0.0.1:{40310 + number}"


class Story:
    """Events as they come, with their common keys."""

    def __init__(self, role: str) -> None:
        self.lines: list[Line] = []
        self.t = self.k = 0
        self.watched: dict[str, str] = {}
        world: dict[str, Any] = {
            "selector": "EpollSelector",
            "python": "3.11.7",
            "protocol": 1,
            "options": {},
        }
        self.tell("run", v=1, role=role, **world)
        self.watch("signals", "r")

    def tell(self, ev: str, on: str = "", **keys: object) -> None:
        line: Line = {"n": len(self.lines) + 1, "t": self.t, "k": self.k, "ev": ev}
        self.lines.append(line | ({"on": on} if on else {}) | keys)
        self.t += 10

    def watch(self, on: str, now: str) -> None:
        was = self.watched.get(on, "")
        if was != now:
            self.tell("watch", on, was=was, now=now)
            self.watched[on] = now

    @contextlib.contextmanager
    def turn(
        self, *ready: tuple[str, str], timeout: float | None = None, slept: float = 1
    ) -> Iterator[None]:
        self.k += 1
        fds = sum(1 for interest in self.watched.values() if interest)
        self.tell("select", timeout_ms=timeout, fds=fds)
        self.t += int(1000 * slept)
        self.tell("wake", ready=[list(pair) for pair in ready])
        yield
        self.tell("turned")

    @contextlib.contextmanager
    def call(self, on: str, cb: str) -> Iterator[None]:
        self.tell("call", on, cb=cb)
        yield
        self.tell("done", on, cb=cb)

    def fire(self, on: str, what: str) -> contextlib.AbstractContextManager[None]:
        self.tell("timer", on, op="fire", what=what)
        return self.call(on, what)

    def rx(self, on: str, data: bytes | None) -> None:
        again = {} if data is not None else {"again": True}
        data = data or b""
        self.tell("rx", on, bytes=len(data), hex=data[:256].hex(), **again)

    def tx(self, on: str, data: bytes, want: int | None = None) -> None:
        again = {} if data else {"again": True}
        want = len(data) if want is None else want
        self.tell("tx", on, want=want, bytes=len(data), hex=data.hex(), **again)

    def state(self, on: str, was: str, now: str) -> None:
        kinds = (protocol.SERVER_TRANSITIONS, protocol.CLIENT_TRANSITIONS)
        why = {(a.name, b.name): why for kind in kinds for (a, b), why in kind.items()}
        self.tell("state", on, was=was, now=now, why=why[was, now])

    def end(self, dropped: int = 0) -> None:
        self.tell("end", dropped=dropped)

    def text(self) -> str:
        return written(self.lines)

    def trace(self) -> Trace:
        return read(self.text())


def written(lines: Sequence[Line]) -> str:
    return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)


def read(text: str | bytes) -> Trace:
    data = text.encode() if isinstance(text, str) else text
    return events.read(io.BytesIO(data))


def check(lines: Sequence[Line]) -> list[Violation]:
    return invariants.check(read(written(lines)))


def renumbered(lines: Sequence[Line]) -> list[Line]:
    return [line | {"n": number} for number, line in enumerate(lines, 1)]


def without(lines: Sequence[Line], index: int) -> list[Line]:
    """Return the trace of a recorder that has overlooked this event."""
    return renumbered([*lines[:index], *lines[index + 1 :]])


def find(lines: Sequence[Line], ev: str, on: str = "", **keys: object) -> int:
    """Return the index of the first event like this."""
    for index, line in enumerate(lines):
        same = line["ev"] == ev and (not on or line.get("on") == on)
        if same and all(line.get(key) == value for key, value in keys.items()):
            return index
    raise LookupError(f"no {ev} {on} {keys}")


# --- runs of the server


class ServerStory(Story):
    """What server.py does, in the order in which it does it."""

    def __init__(self, body: bytes = BODY) -> None:
        super().__init__("server")
        self.body = body
        self.message = protocol.file_message(body)
        self.listen()

    def listen(self) -> None:
        crc = f"{zlib.crc32(self.body):08x}"
        self.tell(
            "listen", "server", address="127.0.0.1:7080", body_len=len(self.body), body_crc32=crc
        )
        self.watch("listener", "r")

    def welcome(self, on: str) -> None:
        """Accept one: a turn of the listener's."""
        with self.turn(("listener", "r")), self.call("listener", "Listener.on_readable"):
            self.begin(on)

    def begin(self, on: str) -> None:
        number = int(on[1:])
        self.watched[on] = ""
        self.tell("open", on, fd=7 + number, peer=address(number), state="HELLO_SENT")
        with self.call(on, "ServerConnection.start"):
            self.tell("timer", on, op="set", what="ServerConnection.on_late", in_ms=10000)
            self.tx(on, HELLO)
            self.watch(on, "r")

    def served(self, on: str) -> contextlib.AbstractContextManager[None]:
        return self.call(on, "ServerConnection.on_readable")

    def hear(self, on: str, taken: int | None = None, data: bytes = HELLO) -> None:
        """Hear a hello and send the file, or as much of it as is `taken`: inside a call."""
        self.rx(on, data)
        self.state(on, "HELLO_SENT", "SENDING")
        self.send(on, self.message, taken)

    def send(self, on: str, data: bytes, taken: int | None = None) -> None:
        self.tx(on, data[:taken], want=len(data))
        if taken is None:
            self.tell("half", on)
            self.state(on, "SENDING", "DONE")
            self.watch(on, "r")
        else:
            self.watch(on, "w")

    def close(self, on: str, how: str) -> None:
        self.watch(on, "")
        self.tell("close", on, how=how)
        self.tell("timer", on, op="cancel", what="ServerConnection.on_late")

    def farewell(self, on: str, how: str = "done") -> None:
        self.rx(on, b"")
        self.close(on, how)

    def refuse(self, on: str, data: bytes, reason: str) -> None:
        """Refuse what somebody says instead of a hello: a turn of its own."""
        with self.turn((on, "r"), timeout=9000), self.served(on):
            self.rx(on, data)
            self.tell("error", on, exc="ProtocolError", why=reason)
            with self.call(on, "ServerConnection.refuse"):
                self.tx(on, protocol.error_message(reason))
                self.close(on, f"refused: {reason}")

    def drain(self) -> None:
        with self.turn(("signals", "r")), self.call("signals", "Signals.on_readable"):
            self.watch("listener", "")
            self.tell("timer", "server", op="set", what="Server.cut", in_ms=5000)
        self.tell("timer", "server", op="cancel", what="Server.cut")

    def end(self, dropped: int = 0) -> None:
        self.drain()
        super().end(dropped)


def one_transfer() -> ServerStory:
    story = ServerStory()
    story.welcome("c1")
    with story.turn(("c1", "r"), timeout=9999), story.served("c1"):
        story.hear("c1")
    with story.turn(("c1", "r"), timeout=9998), story.served("c1"):
        story.farewell("c1")
    story.end()
    return story


def three_clients() -> ServerStory:
    """One whole, one in pieces because its kernel has little room, one that talks nonsense."""
    story = ServerStory()
    story.welcome("c1")
    with story.turn(("listener", "r"), ("c1", "r"), timeout=9999):
        with story.call("listener", "Listener.on_readable"):
            story.begin("c2")
        with story.served("c1"):
            story.hear("c1", taken=10)
    with story.turn(("c1", "w"), ("c2", "r"), timeout=9998):
        with story.call("c1", "ServerConnection.on_writable"):
            story.tx("c1", b"", want=len(story.message) - 10)
        with story.served("c2"):
            story.rx("c2", HELLO[:3])
    with story.turn(("c1", "w"), ("c2", "r"), timeout=9997):
        with story.call("c1", "ServerConnection.on_writable"):
            story.send("c1", story.message[10:])
        with story.served("c2"):
            story.hear("c2", data=HELLO[3:])
    story.welcome("c3")
    story.refuse("c3", b"GET / HTTP/1.1\r\n", "expected HELLO, got 'GET / HTTP/1.1'")
    with story.turn(("c2", "r"), ("c1", "r"), timeout=9995):
        with story.served("c2"):
            story.rx("c2", None)
        with story.served("c1"):
            story.farewell("c1")
    with story.turn(("c2", "r"), timeout=9994), story.served("c2"):
        story.farewell("c2")
    story.end()
    return story


def late_client() -> ServerStory:
    """A client that says nothing until its deadline, which takes two turns."""
    story = ServerStory()
    story.welcome("c1")
    with story.turn(timeout=9999.9, slept=10000):
        pass
    with story.turn(timeout=0, slept=0):
        with story.fire("c1", "ServerConnection.on_late"):
            story.tx("c1", protocol.error_message("no hello within 10 s"))
            story.watch("c1", "")
            story.tell("close", "c1", how="late: no hello within 10 s")
    story.end()
    return story


# --- runs of the client


def download(body: bytes = BODY) -> Story:
    story = Story("client")
    with story.call("download", "Download.try_next"):
        story.watched["connection"] = ""
        story.tell("open", "connection", fd=7, peer="127.0.0.1:7080", state="CONNECTING")
        story.tell("timer", "connection", op="set", what="ClientConnection.on_late", in_ms=9999.9)
        story.watch("connection", "w")
    with story.turn(("connection", "w"), timeout=9999):
        with story.call("connection", "ClientConnection.on_writable"):
            story.state("connection", "CONNECTING", "HELLO_EXPECTED")
            story.tell("timer", "connection", op="cancel", what="ClientConnection.on_late")
            story.watch("connection", "r")
    with story.turn(("connection", "r"), timeout=9998):
        with story.call("connection", "ClientConnection.on_readable"):
            story.rx("connection", HELLO)
            story.state("connection", "HELLO_EXPECTED", "RECEIVING")
            story.tx("connection", HELLO)
    with story.turn(("connection", "r"), timeout=9997):
        with story.call("connection", "ClientConnection.on_readable"):
            story.rx("connection", protocol.file_message(body))
            story.state("connection", "RECEIVING", "DONE")
    with story.turn(("connection", "r"), timeout=9996):
        with story.call("connection", "ClientConnection.on_readable"):
            story.rx("connection", b"")
    story.watch("connection", "")
    story.tell("close", "connection", how="")
    story.end()
    return story


GOOD: dict[str, Callable[[], Story]] = {
    "one transfer": one_transfer,
    "three clients": three_clients,
    "a late client": late_client,
    "a download": download,
}


def spoiled_often(lines: Sequence[Line]) -> list[Line]:
    """Return a trace with 25 violations: each of 25 events has lost its time."""
    return [line | {"t": 10**9 - number} for number, line in enumerate(lines)][:26]
