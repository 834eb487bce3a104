"""WRONG ON PURPOSE: it closes a descriptor that poll still watches; the next client gets it."""

import socket
import sys
from select import POLLIN, POLLNVAL, POLLOUT, poll
from zlib import crc32

HELLO = b"HELLO 1\n"
body = open(sys.argv[1], "rb").read()
FILE = b"FILE %d %08x\n%b" % (len(body), crc32(body), body)
clients, received, unsent = {}, {}, {}  # all three by file descriptor


def accept():
    client, _address = listener.accept()
    client.setblocking(False)
    number = client.fileno()
    clients[number], received[number], unsent[number] = client, b"", HELLO
    poller.register(number, POLLOUT)


def read(number):
    data = clients[number].recv(4096)
    heard = (received[number] + data)[: len(HELLO)]
    if not data or not HELLO.startswith(heard):
        raise EOFError("the client has closed its side, or this is no hello")
    unsent[number] = FILE if received[number] != heard == HELLO else b""
    received[number] = heard


def write(number):
    unsent[number] = unsent[number][clients[number].send(unsent[number]) :]
    if received[number] == HELLO and not unsent[number]:
        clients[number].shutdown(socket.SHUT_WR)


listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
poller = poll()
poller.register(listener, POLLIN)
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    for number, events in poller.poll():
        if number == listener.fileno():
            accept()
            continue
        if events & POLLNVAL:  # this descriptor has been closed, so tidy up
            poller.unregister(number)
            clients.pop(number).close()
            continue
        try:
            write(number) if unsent[number] else read(number)
            poller.modify(number, POLLOUT if unsent[number] else POLLIN)
        except (EOFError, OSError):
            clients[number].close()  # the fault: it leaves the poller one turn too late
