"""Nothing is wrong here on purpose: most exhibits are this server with one fault added."""

import socket
import sys
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from time import monotonic
from zlib import crc32

HELLO = b"HELLO 1\n"
body = open(sys.argv[1], "rb").read()
FILE = b"FILE %d %08x\n%b" % (len(body), crc32(body), body)
TIMEOUT = float(sys.argv[sys.argv.index("--timeout") + 1]) if "--timeout" in sys.argv else 10


class Client:
    def __init__(self, sock):
        self.sock, self.unsent, self.received = sock, HELLO, b""
        sock.setblocking(False)
        selector.register(sock, EVENT_WRITE, self)
        deadlines[self] = monotonic() + TIMEOUT

    def ready(self):
        if not self.unsent:
            data = self.sock.recv(4096)
            heard = (self.received + data)[: len(HELLO)]
            if not data or not HELLO.startswith(heard):
                raise EOFError("the client has closed its side, or this is no hello")
            self.unsent = FILE if self.received != heard == HELLO else b""
            self.received = heard
        if self.unsent:
            self.unsent = self.unsent[self.sock.send(self.unsent) :]
            if self.received and not self.unsent:
                self.sock.shutdown(socket.SHUT_WR)
        selector.modify(self.sock, EVENT_WRITE if self.unsent else EVENT_READ, self)

    def close(self):
        del deadlines[self]
        selector.unregister(self.sock)
        self.sock.close()


selector, deadlines = DefaultSelector(), {}  # client: moment, the earliest one first
listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
selector.register(listener, EVENT_READ)
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    now = monotonic()
    paused = selector.get_key(listener).events != EVENT_READ
    ready = selector.select(0.1 if paused else next(iter(deadlines.values()), now + 3600) - now)
    selector.modify(listener, EVENT_READ)
    for key, _events in ready:
        try:
            key.data.ready() if key.data else Client(listener.accept()[0])
        except (EOFError, OSError):  # a listener is never writable: waiting for that pauses it
            key.data.close() if key.data else selector.modify(listener, EVENT_WRITE)
    for client in [client for client, moment in deadlines.items() if moment <= now]:
        client.close()
