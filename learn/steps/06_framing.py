# My server, chapter 6: it knows a hello when it sees one
import argparse
import socket
import sys
import zlib
from selectors import EVENT_READ, DefaultSelector

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--port", type=int, default=7080)
options, unknown = parser.parse_known_args()
HELLO = b"HELLO 1\n"
with open(options.file, "rb") as file:
    body = file.read()
message = b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)

selector = DefaultSelector()


def say(text):
    print(text, file=sys.stderr, flush=True)  # ch. 12: what if the terminal is stuck?


class Client:
    def __init__(self, sock, address):
        self.sock = sock
        self.name = "%s:%d" % address
        self.state = "HELLO_SENT"
        self.received = b""
        say(f"{self.name} connected")
        self.sock.send(HELLO)  # ch. 7: what if the kernel takes only a part?
        selector.register(sock, EVENT_READ, self)

    def on_readable(self):
        data = self.sock.recv(256)  # ch. 11: what if the client has vanished?
        if self.state == "DONE":
            if not data:
                self.close("done")
            return
        self.received += data
        if self.received.startswith(HELLO):
            self.state = "SENDING"
            self.sock.send(message)
            self.sock.shutdown(socket.SHUT_WR)  # ch. 10: we have nothing more to say
            self.state = "DONE"
        elif not data or not HELLO.startswith(self.received):
            self.refuse(f"expected HELLO 1, got {self.received!r}")

    def refuse(self, reason):
        self.sock.send(b"ERROR %b\n" % reason.encode()[:72])
        self.close("lost", reason)  # ch. 10: does the reason arrive?

    def close(self, word, why=""):
        say(f"{self.name} {word} in {self.state} {why}".rstrip())
        selector.unregister(self.sock)
        self.sock.close()


class Listener:
    def __init__(self):
        self.sock = socket.create_server(("127.0.0.1", options.port))
        selector.register(self.sock, EVENT_READ, self)
        print("listening on %s:%d" % self.sock.getsockname(), flush=True)

    def on_readable(self):
        sock, address = self.sock.accept()
        Client(sock, address)


listener = Listener()
while True:  # the event loop: all of it
    for key, events in selector.select():  # ch. 9: what if a client never speaks?
        key.data.on_readable()
