"""WRONG ON PURPOSE: this server closes while octets are still on their way, in both directions."""

import socket

LETTER = b"a letter of a million octets".ljust(999_999, b".") + b"\n"

listener = socket.create_server(("127.0.0.1", 7080))
print("listening on 127.0.0.1:7080", flush=True)
while True:
    client, address = listener.accept()
    client.sendall(LETTER)  # returns when the kernel has the octets; that is not "delivered"
    client.close()  # the fault: what the client says is answered with a reset
