"""WRONG ON PURPOSE: this server takes what one recv returns for one message."""

import socket

FILE = b"FILE 23 fc80b9a4\nHello from one thread.\n"

listener = socket.create_server(("127.0.0.1", 7080))
print("listening on 127.0.0.1:7080", flush=True)
while True:
    client, address = listener.accept()
    with client:
        client.sendall(b"HELLO 1\n")
        message = client.recv(100)  # the fault: this may be half a hello, or a hello and more
        if message == b"HELLO 1\n":
            client.sendall(FILE)
        else:
            client.sendall(b"ERROR that is no hello\n")
