"""The sentence on the bytes that were sent and received: invariant 6.

Judges bytes with protocol.py, which is pure. A trace has all the bytes: a whole stream has 105, and
`hex` has up to 256 of each call. Called by invariants.py, like brackets.py.
"""

from collections.abc import Iterator

import protocol
from lab.tracing.events import Event
from protocol import Damaged, PeerError, ProtocolError

# After these ends, what the client has sent is not judged: the server reads it only so that its
# ERROR line can arrive.
UNHEARD = ("late", "refused")
KEPT = 1024  # bytes of a direction that are looked at: ten times what is legal


def after_hello(data: bytes) -> bytes | None:
    """Return what follows a whole hello of our version; None: there is none."""
    try:
        found = protocol.first_line(data, protocol.HELLO)
        if found is None:
            return None
        protocol.require_version(found[1])
    except ProtocolError:
        return None
    return data[found[1].end() :]


def has_file(data: bytes) -> bool:
    """Return whether a server's stream has a whole, valid file with the right checksum."""
    rest = after_hello(data)
    try:
        return rest is not None and protocol.file_received(rest) is not None
    except (ProtocolError, PeerError, Damaged):
        return False


class Conversation:
    """One connection: what it has sent and received so far."""

    def __init__(self, state: str, listen: Event | None) -> None:
        self.state = state
        self.header = b""  # the FILE line of the listening period; b"" for a client
        self.size = 0
        if listen is not None:
            self.size = listen["body_len"]
            self.header = b"FILE %d %b\n" % (self.size, listen["body_crc32"].encode())
        self.sent = b""
        self.received = b""
        self.ended = False  # the peer has ended its stream
        self.half = False  # we have ended ours

    def take(self, event: Event) -> None:
        """Note bytes."""
        data = bytes.fromhex(event["hex"])
        if event.ev == "tx":
            self.sent = (self.sent + data)[:KEPT]
        else:
            self.received = (self.received + data)[:KEPT]
            self.ended = self.ended or not (event["bytes"] or "again" in event.keys)

    def heard(self) -> bool:
        """Tell whether the peer has said a whole, valid hello."""
        return after_hello(self.received) is not None

    def body(self) -> bytes | None:
        """Return the part of the file that a server has sent; None: it has not begun the body."""
        before = protocol.hello() + self.header
        if self.header and self.sent.startswith(before):
            return self.sent[len(before) :]
        return None

    def sent_whole(self) -> bool:
        """Tell whether a server has sent exactly hello, header, and the body that was announced."""
        body = self.body()
        return body is not None and self.header == protocol.file_message(body)[: -len(body) or None]

    def may_send_so(self) -> bool:
        """Tell whether what a server has sent so far begins, or is, a legal stream of it.

        After the client's hello comes the file; without one there may be an ERROR line.
        """
        greeting = protocol.hello()
        if greeting.startswith(self.sent):
            return True
        rest = self.sent.removeprefix(greeting)
        if not self.heard():
            return self.sent.startswith(greeting) and begins_error(rest)
        body = self.body()
        if body is None:
            return (greeting + self.header).startswith(self.sent)
        return len(body) < self.size or self.sent_whole()


def begins_error(data: bytes) -> bool:
    """Tell whether these bytes are an ERROR line, or the beginning of one."""
    return bool(protocol.ERROR.pattern.fullmatch(data)) or protocol.ERROR.may_begin(data)


class Content:
    """6. The bytes are complete and in order. A server sends its hello. To a client that has sent a
    valid hello it then sends exactly the file of its listening period (`listen` has the length and
    the CRC-32), to any other an ERROR line. It ends its direction only after the last byte, and a
    connection is done only if the client has then ended the other direction. A client sends its
    hello only after a valid hello of the server. It is DONE if, and only if, it has a whole file
    with the right checksum.
    """

    def __init__(self) -> None:
        self.role = ""
        self.listen: Event | None = None
        self.conversations: dict[str, Conversation] = {}

    def see(self, event: Event) -> Iterator[str]:
        if event.ev == "run":
            self.role = event["role"]
        elif event.ev == "listen":
            self.listen = event
        elif event.ev == "open":
            self.conversations[event.on] = Conversation(event["state"], self.listen)
        elif event.on in self.conversations:
            yield from self.told(event, self.conversations[event.on])

    def told(self, event: Event, conversation: Conversation) -> Iterator[str]:
        """Judge one event of one connection."""
        if event.ev in ("rx", "tx"):
            conversation.take(event)
        elif event.ev == "state":
            conversation.state = event["now"]
        if conversation.half and event.ev in ("tx", "half"):
            yield f"{event.on} has ended its direction: what is {event.ev} for?"
        conversation.half = conversation.half or event.ev == "half"
        judge = self.server if self.role == "server" else self.client
        yield from (f"{event.on} {what}" for what in judge(event, conversation))
        if event.ev == "close":
            del self.conversations[event.on]

    def server(self, event: Event, conversation: Conversation) -> Iterator[str]:
        match event.ev:
            case "tx" if not conversation.may_send_so():
                yield f"has sent {protocol.shown(conversation.sent)}: no legal stream begins so"
            case "state" if event["now"] == "SENDING" and not conversation.heard():
                yield "begins to send, and has received no valid hello"
            case "half" | "state" if event.keys.get("now") in (None, "DONE"):
                if not conversation.sent_whole():
                    yield f"ends its direction after {len(conversation.sent)} bytes: {self.due()}"
            case "close":
                yield from self.closed(event["how"], conversation)

    def closed(self, how: str, conversation: Conversation) -> Iterator[str]:
        """Judge how a connection of a server has ended."""
        if how == "done" and not conversation.sent_whole():
            yield f"is done after {len(conversation.sent)} bytes: {self.due()}"
        if how == "done" and not conversation.ended:
            yield "is done, and its client has not ended its stream"
        unheard = how.startswith(UNHEARD)
        if conversation.state == "HELLO_SENT" and conversation.heard() and not unheard:
            yield "is closed in HELLO_SENT, and has received a valid hello"

    def due(self) -> str:
        if self.listen is None:
            return "no listen has said what was to be sent"
        return f"not hello and the file of {self.listen['body_len']} bytes"

    def client(self, event: Event, conversation: Conversation) -> Iterator[str]:
        heard = conversation.heard()
        if event.ev == "tx" and not protocol.hello().startswith(conversation.sent):
            yield f"has sent {protocol.shown(conversation.sent)}: that is no hello"
        if event.ev == "tx" and not heard:
            yield "answers, and has received no valid hello"
        if (event.ev, conversation.state) == ("state", "RECEIVING") and not heard:
            yield "is in RECEIVING, and has received no valid hello"
        if event.ev in ("state", "close"):
            whole, done = has_file(conversation.received), conversation.state == "DONE"
            if done and not whole:
                yield "is DONE, and has received no whole, valid file"
            if event.ev == "close" and whole and not done:
                yield f"is closed in {conversation.state}, and has received a whole, valid file"

    def finish(self) -> Iterator[str]:
        yield from ()
