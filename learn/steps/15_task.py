# My server, chapter 15: the blocking code of chapter 2, on the loop of eighty
import argparse
import socket
import sys
import zlib

sys.path.insert(0, ".")  # where reactor.py is
from reactor import READ, Reactor

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--port", type=int, default=7080)
options, unknown = parser.parse_known_args()
HELLO = b"HELLO 1\n"
with open(options.file, "rb") as file:
    body = file.read()
message = b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)
reactor = Reactor()


class Task:
    def __init__(self, sock, steps):
        self.sock = sock
        self.steps = steps  # a generator: it yields what it waits for
        self.interest = 0
        reactor.call(self, self.go_on)

    def go_on(self):
        reactor.watch(self, next(self.steps))  # runs it, up to the next yield

    on_readable = go_on

    def on_error(self, error):  # StopIteration: it has come to its end
        reactor.watch(self, 0)
        self.sock.close()


def serve(client):
    client.send(HELLO)
    received = b""
    while not received.startswith(HELLO):
        yield READ  # where the blocking server slept
        data = client.recv(256)
        received += data
        if not data:
            return
    client.send(message)
    client.shutdown(socket.SHUT_WR)
    yield READ
    while client.recv(256):
        yield READ


def accept(listener):
    while True:
        yield READ
        client, address = listener.accept()
        client.setblocking(False)
        Task(client, serve(client))


listener = socket.create_server(("127.0.0.1", options.port))
print("listening on %s:%d" % listener.getsockname(), flush=True)
Task(listener, accept(listener))
reactor.run(until=lambda: False)
