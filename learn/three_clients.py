"""Three clients of one server, each in another state: see chapter 5 of docs/protocol.md."""

import socket


def connect() -> socket.socket:
    """Return a connection on which the server has said hello."""
    client = socket.create_connection(("127.0.0.1", 7080))
    client.recv(100)
    return client


def fetch(client: socket.socket) -> None:
    """Say hello, and read up to the end of the stream."""
    client.sendall(b"HELLO 1\n")
    while client.recv(100):
        pass


try:
    one = connect()
    fetch(one)  # and stay connected
    two = connect()  # and say nothing
    print("now press Ctrl+C in the first terminal")
    while True:  # again and again, so that you may take your time
        with connect() as three:
            fetch(three)
except OSError:
    print("the server has gone")
