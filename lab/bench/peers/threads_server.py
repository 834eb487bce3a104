"""A thread per client: the standard library's socketserver, with sockets that block.

A blocking call has no deadline of its own, so each one gets the time that is left as its timeout.
"""

import socket
import socketserver
import time

from lab.bench.peers.given import BACKLOG, HELLO, HOST, MESSAGE, REFUSAL, TIMEOUT, listening


class Transfer(socketserver.BaseRequestHandler):
    """One client, in a thread of its own."""

    request: socket.socket

    def setup(self) -> None:
        self.deadline = time.monotonic() + TIMEOUT

    def handle(self) -> None:
        try:
            self.converse()
        except OSError:
            return  # the time is over (TimeoutError), or the client is gone

    def converse(self) -> None:
        """Speak the protocol up to the client's end of stream."""
        self.in_time().sendall(HELLO)
        received = b""
        while len(received) < len(HELLO) and (data := self.in_time().recv(64)):
            received += data
        if not received.startswith(HELLO):
            self.in_time().sendall(REFUSAL)
            return
        self.in_time().sendall(MESSAGE, socket.MSG_MORE)  # the end travels in the same segment
        self.request.shutdown(socket.SHUT_WR)
        while self.in_time().recv(4096):
            pass

    def in_time(self) -> socket.socket:
        """Return the socket, its next call limited to the time that is left."""
        self.request.settimeout(max(1e-6, self.deadline - time.monotonic()))  # 0 would not block
        return self.request


class Server(socketserver.ThreadingTCPServer):
    """The listening socket."""

    request_queue_size = BACKLOG
    daemon_threads = True


def main() -> None:
    """Serve until killed."""
    with Server((HOST, 0), Transfer) as server:
        listening(server.server_address[1])
        server.serve_forever()


if __name__ == "__main__":
    main()
