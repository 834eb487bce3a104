# My server, chapter 12, on the way: it lets the clients finish
import argparse
import signal
import socket
import sys
import time
import traceback
import zlib
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--port", type=int, default=7080)
parser.add_argument("--chunk", type=int)  # the most bytes to send at once
parser.add_argument("--pause", type=float)  # seconds between two sends
parser.add_argument("--timeout", type=float, default=10)  # seconds for each client
parser.add_argument("--drain", type=float, default=5)  # seconds for open connections, once we stop
options, unknown = parser.parse_known_args()
HELLO = b"HELLO 1\n"
with open(options.file, "rb") as file:
    body = file.read()
message = b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)
selector = DefaultSelector()
timers = {}  # a method: the moment to call it
clients = set()


def say(text):
    print(text, file=sys.stderr, flush=True)  # ch. 12: what if the terminal is stuck?


def watch(handler, interest):
    if handler.interest:
        selector.unregister(handler.sock)
    if interest:
        selector.register(handler.sock, interest, handler)
    handler.interest = interest


def call(action):
    try:
        action()
    except BlockingIOError:
        pass  # not ready after all: select will tell us again
    except OSError as error:  # the network's fault, or the client's
        action.__self__.close("lost", error.strerror)  # __self__: whose method it is
    except Exception:  # our own fault
        say(traceback.format_exc())
        action.__self__.close("lost", "a bug")


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.name = "%s:%d" % address
        self.state = "HELLO_SENT"
        self.received = b""
        say(f"{self.name} connected")
        self.unsent = HELLO
        self.interest = 0
        self.sock.setblocking(False)
        clients.add(self)
        timers[self.on_late] = time.monotonic() + options.timeout

    def on_late(self):
        self.close("lost", "late")

    def on_writable(self):
        if self.unsent and self.on_writable not in timers:
            self.send()
        if self.state == "SENDING" and not self.unsent:
            self.sock.shutdown(socket.SHUT_WR)  # the end of our stream; theirs goes on
            self.state = "DONE"
        reads = 0 if self.state == "SENDING" else EVENT_READ
        writes = EVENT_WRITE if self.unsent and self.on_writable not in timers else 0
        watch(self, reads | writes)

    def send(self):
        with suppress(BlockingIOError):  # the kernel has no room now
            taken = self.sock.send(self.unsent[: options.chunk])
            self.unsent = self.unsent[taken:]
            if self.unsent and options.pause:
                timers[self.on_writable] = time.monotonic() + options.pause

    def on_readable(self):
        data = self.sock.recv(256)
        if self.state == "DONE":
            if not data:
                self.close("done")
            return
        self.received += data
        if self.received.startswith(HELLO):
            self.state = "SENDING"
            self.unsent += message
            self.on_writable()  # there is nearly always room: try before asking
        elif not data or not HELLO.startswith(self.received):
            self.refuse(f"expected HELLO 1, got {self.received!r}")

    def refuse(self, reason):
        with suppress(OSError):  # the client may be gone: we close anyway
            self.sock.send(self.unsent + b"ERROR %b\n" % reason.encode()[:72])
            self.sock.recv(65536)  # bytes left unread would turn the close into a reset
        self.close("lost", reason)

    def close(self, word, why=""):
        say(f"{self.name} {word} in {self.state} {why}".rstrip())
        watch(self, 0)
        self.sock.close()
        timers.pop(self.on_late, None)
        timers.pop(self.on_writable, None)
        clients.remove(self)


class Listener:
    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", options.port), backlog=1000)
        self.sock.setblocking(False)
        self.signals = []  # those that have come so far
        self.interest = 0
        watch(self, EVENT_READ)
        print("listening on %s:%d" % self.sock.getsockname(), flush=True)

    def on_readable(self):
        self.accept()

    def accept(self):
        try:
            sock, address = self.sock.accept()
        except OSError:  # ch. 13: what if we have no room?
            return False
        client = Client(sock, address)
        call(client.on_writable)
        return True

    def close(self):
        while self.accept():
            pass  # clients in the backlog came in time
        watch(self, 0)
        self.sock.close()
        say(f"stopping; open connections: {len(clients)}")


class Signals:
    def __init__(self):
        self.sock, self.writer = socket.socketpair()
        self.writer.setblocking(False)
        self.interest = 0
        watch(self, EVENT_READ)
        signal.set_wakeup_fd(self.writer.fileno())  # a signal becomes a byte to read

    def on_readable(self):
        for number in self.sock.recv(256):
            listener.signals.append(number)
            if len(listener.signals) == 1:
                listener.close()
                timers[self.cut] = time.monotonic() + options.drain
            elif number == signal.SIGINT:
                self.cut()

    def cut(self):
        for client in list(clients):  # a copy: close takes them out
            client.close("cut")


def turn():
    before = time.monotonic()
    wait = max(0, min(timers.values()) - before) if timers else None
    for key, events in selector.select(wait):
        if events & EVENT_WRITE & key.data.interest:
            call(key.data.on_writable)
        if events & EVENT_READ & key.data.interest:
            call(key.data.on_readable)
    for action in [action for action, moment in timers.items() if moment <= before]:
        if timers.pop(action, None):  # it was not cancelled meanwhile
            call(action)


signals = Signals()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: None)  # the byte is enough
listener = Listener()
while not listener.signals or clients:
    turn()
