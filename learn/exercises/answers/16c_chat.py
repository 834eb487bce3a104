"""A chat on eighty's reactor, unchanged: what one client says, all the others hear."""

import argparse
import socket
import sys
from functools import partial

sys.path.insert(0, ".")  # where reactor.py is
from reactor import READ, WRITE, Reactor

LINE = 1000  # bytes that a line may have
UNREAD = 1 << 20  # bytes that may wait for a client that does not read


class Guest:
    def __init__(self, sock):
        self.sock = sock
        self.received = b""  # the beginning of a line
        self.unsent = b""
        self.interest = 0
        sock.setblocking(False)
        guests.append(self)
        reactor.watch(self, READ)

    def on_readable(self):
        data = self.sock.recv(65536)
        whole, end, self.received = (self.received + data).rpartition(b"\n")
        for other in guests.copy():
            if end and other is not self:
                reactor.call(other, partial(other.tell, whole + end))  # its errors are its own
        if not data or len(self.received) > LINE:
            self.leave()

    def tell(self, text):
        self.unsent += text
        self.on_writable()
        if len(self.unsent) > UNREAD:  # to wait for it would be to let it stop all the others
            self.leave()

    def on_writable(self):
        try:
            self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except BlockingIOError:
            pass  # the kernel has no room now
        reactor.watch(self, READ | (WRITE if self.unsent else 0))

    def on_error(self, error):
        if not isinstance(error, BlockingIOError):  # not ready after all
            self.leave()

    def leave(self):
        reactor.watch(self, 0)
        self.sock.close()
        if self in guests:
            guests.remove(self)


class Door:
    def __init__(self, port):
        self.sock = socket.create_server(("127.0.0.1", port), backlog=1000)
        self.sock.setblocking(False)
        self.interest = 0
        self.open()
        print("listening on %s:%d" % self.sock.getsockname(), flush=True)

    def open(self):
        reactor.watch(self, READ)

    def on_readable(self):
        sock, _address = self.sock.accept()
        Guest(sock)

    def on_error(self, error):  # the client is gone, or no descriptor is free: look again later
        reactor.watch(self, 0)
        reactor.call_later(0.1, self, self.open)


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=7080)
options = parser.parse_args()
guests = []
reactor = Reactor()
door = Door(options.port)
reactor.run(until=lambda: False)
