"""WRONG ON PURPOSE: a client that it closed in the first list is still in the second."""

import socket
import sys
from select import select
from zlib import crc32

HELLO = b"HELLO 1\n"
body = open(sys.argv[1], "rb").read()
FILE = b"FILE %d %08x\n%b" % (len(body), crc32(body), body)
received = {}  # client: what it has said
unsent = {}  # client: what it has still to hear


def read(client):
    data = client.recv(4096)
    if not data and unsent[client]:
        return  # a client that has half-closed still gets its file
    heard = (received[client] + data)[: len(HELLO)]
    if not data or not HELLO.startswith(heard):
        raise EOFError("the client has closed its side, or this is no hello")
    unsent[client] += FILE if received[client] != heard == HELLO else b""
    received[client] = heard


def write(client):
    unsent[client] = unsent[client][client.send(unsent[client]) :]
    if received[client] == HELLO and not unsent[client]:
        client.shutdown(socket.SHUT_WR)


def attempt(action, client):
    try:
        action(client)
    except (EOFError, OSError):
        del received[client], unsent[client]
        client.close()


listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    waiting = [client for client in unsent if unsent[client]]
    readable, writable, _ = select([listener, *received], waiting, [])
    for sock in readable:
        if sock is listener:
            client, _address = listener.accept()
            client.setblocking(False)
            received[client], unsent[client] = b"", HELLO
        else:
            attempt(read, sock)
    for sock in writable:
        attempt(write, sock)  # the fault: KeyError, if the first list has closed it
