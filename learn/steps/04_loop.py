# My server, chapter 4: the first loop
import argparse
import socket
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
received = {}  # what each client has said so far


def accept(listener):
    client, address = listener.accept()
    client.send(HELLO)  # ch. 7: what if the kernel takes only a part?
    received[client] = b""
    selector.register(client, EVENT_READ, hear)  # when it is readable: call hear


def hear(client):
    data = client.recv(256)  # ch. 11: what if the client has vanished?
    received[client] += data
    if received[client].startswith(HELLO):  # ch. 6: what if it says something else?
        client.send(message)
        client.shutdown(socket.SHUT_WR)  # ch. 10: we have nothing more to say
        selector.modify(client, EVENT_READ, discard)  # from now on: call discard
    elif not data:
        end(client)


def discard(client):
    if not client.recv(256):  # the client has nothing more to say, either
        end(client)


def end(client):
    selector.unregister(client)
    del received[client]
    client.close()


listener = socket.create_server(("127.0.0.1", options.port))
selector.register(listener, EVENT_READ, accept)
print("listening on %s:%d" % listener.getsockname(), flush=True)
while True:  # the event loop: all of it
    for key, events in selector.select():  # ch. 9: what if a client never speaks?
        key.data(key.fileobj)
