"""A server with the classic mistakes, all of them seen in well-known tutorials. Never use it.

It serves every good client correctly, and that is the trap: nothing shows until a client is rude.
If the torture did not turn red on it, the torture would be worthless. The mistakes are numbered.

    python -m lab.torture --fast -- python lab/torture/naive_server.py {file} {options}
"""

import selectors
import socket
import sys
import zlib

HELLO = b"HELLO 1\n"
BOTH = selectors.EVENT_READ | selectors.EVENT_WRITE


class Naive:
    """The loop, the listener and the connections, all in one."""

    def __init__(self, body: bytes) -> None:
        self.message = b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.received: dict[socket.socket, bytes] = {}

    def run(self) -> None:
        """Serve for ever."""
        print(f"listening on 127.0.0.1:{self.listener.getsockname()[1]}", flush=True)
        while True:
            for key, events in self.selector.select():  # 1: no deadline, so silence lasts for ever
                if key.fileobj is self.listener:
                    self.accept()
                elif events & selectors.EVENT_READ:
                    self.read(key.data)

    def accept(self) -> None:
        """Take one client."""
        try:
            sock, _ = self.listener.accept()
        except OSError as error:
            print("accept failed:", error, file=sys.stderr)
            return  # 2: the next select returns at once; it spins, and floods its log
        self.received[sock] = b""
        sock.send(HELLO)  # 3: hope that it takes everything, and that the client is still there
        self.selector.register(sock, BOTH, sock)  # 4: always writable, so select() never sleeps

    def read(self, sock: socket.socket) -> None:
        """Read the client's hello, send the file."""
        data = sock.recv(4096)  # 5: a reset is an exception, and it ends the whole server
        self.received[sock] += data  # 6: without a limit
        print("got", self.received[sock].decode(), file=sys.stderr)  # 7: unescaped; not UTF-8: dies
        if self.received[sock].startswith(HELLO):  # 8: anything else makes it wait for ever
            sock.sendall(self.message)
            self.close(sock)  # 9: with bytes unread, so the kernel sends a reset after the file
        elif not data:
            self.close(sock)

    def close(self, sock: socket.socket) -> None:
        """Forget one client."""
        self.selector.unregister(sock)
        del self.received[sock]
        sock.close()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:  # 10: no signal is handled: Ctrl+C cuts every transfer
        Naive(file.read()).run()
