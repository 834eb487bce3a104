"""The repaired twin of learn/broken/close_early.py: chapter 10 of docs/protocol.md."""

import socket

LETTER = b"a letter of a million octets".ljust(999_999, b".") + b"\n"

listener = socket.create_server(("127.0.0.1", 7080))
print("listening on 127.0.0.1:7080", flush=True)
while True:
    client, address = listener.accept()
    client.sendall(LETTER)
    client.shutdown(socket.SHUT_WR)  # our direction ends here, behind the last octet
    while client.recv(65536):  # theirs: take it and throw it away, until they end it
        pass
    client.close()  # now nothing can come any more
