"""gevent: a greenlet per client, which reads as if it blocked, under one Timeout."""

import gevent
from gevent.server import StreamServer
from gevent.socket import MSG_MORE, SHUT_WR, socket

from lab.bench.peers.given import BACKLOG, HELLO, HOST, MESSAGE, REFUSAL, TIMEOUT, listening


def transfer(client: socket, _address: object) -> None:
    """Serve one client; the server closes its socket afterwards."""
    with gevent.Timeout(TIMEOUT, False):  # False: leave the block silently when it is over
        try:
            converse(client)
        except OSError:
            return  # the client is gone


def converse(client: socket) -> None:
    """Speak the protocol up to the client's end of stream."""
    client.sendall(HELLO)
    received = b""
    while len(received) < len(HELLO) and (data := client.recv(64)):
        received += data
    if not received.startswith(HELLO):
        client.sendall(REFUSAL)
        return
    client.sendall(MESSAGE, MSG_MORE)  # the end travels in the same segment
    client.shutdown(SHUT_WR)
    while client.recv(4096):
        pass


def main() -> None:
    """Serve until killed."""
    server = StreamServer((HOST, 0), transfer, backlog=BACKLOG)
    server.start()
    listening(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()
