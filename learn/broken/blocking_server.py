"""WRONG ON PURPOSE: while this server waits for one client, everybody else waits too."""

import socket

FILE = b"FILE 23 fc80b9a4\nHello from one thread.\n"

listener = socket.create_server(("127.0.0.1", 7080))
print("listening on 127.0.0.1:7080", flush=True)
while True:
    client, address = listener.accept()  # sleeps until someone connects
    with client, client.makefile("rb") as lines:
        client.sendall(b"HELLO 1\n")
        lines.readline()  # the fault: sleeps until this one client speaks
        client.sendall(FILE)
