"""Good clients by the thousand: correct ones, in one loop, each copy compared byte for byte.

A good client connects, waits for the server's hello, answers with its own, reads to the orderly end
of the stream, closes. It is served if what it read is the expected stream, exactly. A crowd is
driven in one of three ways:

    serve(count)                    they come and go, some at a time
    hold(count) ... finish()        all come and are greeted, none answers; then all do
    knock(count) ... finish()       all connect, which needs only the kernel; later they go on

They share one epoll loop, level-triggered, with one registration per client: so fast that the
server takes most of the time. (Where there is no epoll, poll will do.)
"""

import errno
import select
import socket
import time
from collections.abc import Callable

from lab.torture.wire import HELLO

Address = tuple[str, int]
PATIENCE = 5.0  # seconds of complete silence after which clients that still wait count as lost
PACE = 200  # transfers per second: a slower crowd is given up, since no server is that slow


class Client:
    """One good client: its socket and all it has read."""

    __slots__ = ("received", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received = b""


class Poll:
    """The few methods of select.epoll that are needed here, for systems that have only poll."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self.register = self._poll.register
        self.unregister = self._poll.unregister

    def poll(self, seconds: float) -> list[tuple[int, int]]:
        """Return the descriptors that are ready, at once or within `seconds`."""
        return self._poll.poll(seconds * 1000)

    def close(self) -> None:
        """Do nothing: poll has no state in the kernel."""


class GoodClients:
    """A crowd of good clients of the server at `address`; each expects exactly `stream`.

    `served` counts exact copies, `failures` says what happened to the others, `first_byte` is the
    moment (monotonic) when the first byte came in the last `serve`, `hold` or `finish`.
    """

    def __init__(self, address: Address, stream: bytes, patience: float = PATIENCE) -> None:
        self.address = address
        self.patience = patience
        self.stream = stream
        self.served = 0
        self.failures: list[str] = []
        self.first_byte: float | None = None
        self._family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._epoll = select.epoll() if hasattr(select, "epoll") else Poll()
        self._clients: dict[int, Client] = {}
        self._ungreeted = 0
        self._kept: list[Client] = []
        self._when_greeted: Callable[[Client], None] = self._answer

    def close(self) -> None:
        """Close all sockets that are still open; calling it again is harmless."""
        for client in self._clients.values():
            client.sock.close()
        self._clients.clear()
        self._epoll.close()

    def serve(self, count: int, *, at_once: int = 32) -> None:
        """Let `count` clients come and go, at most `at_once` at a time."""
        self.first_byte, self._when_greeted = None, self._answer
        end = time.monotonic() + 2 * self.patience + count / PACE
        while count or self._clients:
            count -= self._open(min(count, at_once - len(self._clients)))
            if not self._turn(end):
                break  # the clients that have not come yet would fail as well

    def knock(self, count: int) -> None:
        """Connect `count` clients; the kernel's backlog is enough, the server need not run."""
        self._open(count)

    def hold(self, count: int, *, at_once: int = 256) -> None:
        """Let `count` clients come, be greeted and stay; at most `at_once` wait to be greeted."""
        self.first_byte, self._when_greeted = None, self._kept.append
        end = time.monotonic() + 2 * self.patience + count / PACE
        while count or self._ungreeted:
            count -= self._open(min(count, at_once - self._ungreeted))
            if not self._turn(end):
                break

    def finish(self) -> None:
        """Let all connected clients answer and fetch their copies."""
        self.first_byte, self._when_greeted = None, self._answer
        kept, self._kept = self._kept, []
        for client in kept:
            if client.sock.fileno() in self._clients:  # not given up meanwhile
                self._answer(client)
        end = time.monotonic() + 2 * self.patience + len(self._clients) / PACE
        while self._clients:
            self._turn(end)

    def hear_something(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds until any client hears something; tell whether one did."""
        return bool(self._epoll.poll(timeout))

    def _open(self, count: int) -> int:
        for _ in range(count):
            sock = socket.socket(self._family, socket.SOCK_STREAM)
            sock.setblocking(False)
            if (code := sock.connect_ex(self.address)) not in (0, errno.EINPROGRESS):
                self.failures.append(f"connect: {errno.errorcode.get(code, code)}")
                sock.close()
                continue
            self._clients[sock.fileno()] = Client(sock)
            self._ungreeted += 1
            self._epoll.register(sock.fileno(), select.POLLIN)  # the same bit as EPOLLIN
        return count

    def _turn(self, end: float) -> bool:
        """Handle the clients that are ready; if it takes too long, give up and return False."""
        if not self._clients:
            return True
        ready = self._epoll.poll(self.patience)
        if not ready or time.monotonic() > end:
            self._give_up()
            return False
        if self.first_byte is None:
            self.first_byte = time.monotonic()
        for number, _ in ready:
            self._on_readable(self._clients[number])
        return True

    def _on_readable(self, client: Client) -> None:
        try:
            data = client.sock.recv(4096)
        except BlockingIOError:
            return  # readiness is a hint
        except OSError as error:
            self._fail(client, errno.errorcode.get(error.errno or 0, str(error)))
            return
        if not data:
            self._on_end(client)
            return
        before, client.received = len(client.received), client.received + data
        if len(client.received) > len(self.stream):  # it may go on for ever
            self._fail(client, "still sending")
            return
        if before < len(HELLO) <= len(client.received):
            self._ungreeted -= 1
            self._when_greeted(client)

    def _on_end(self, client: Client) -> None:
        if client.received == self.stream:
            self.served += 1
            self._forget(client)
        else:
            self._fail(client, "end of stream")

    def _answer(self, client: Client) -> None:
        try:
            client.sock.send(HELLO)
        except OSError as error:
            self._fail(client, errno.errorcode.get(error.errno or 0, str(error)))

    def _fail(self, client: Client, why: str) -> None:
        got, wanted = len(client.received), len(self.stream)
        self.failures.append(f"{why} after {got} bytes of {wanted}")
        self._forget(client)

    def _forget(self, client: Client) -> None:
        self._ungreeted -= len(client.received) < len(HELLO)
        # Unregistered first: while another thread starts a process, the fork shares the socket, and
        # epoll would go on to report its number, which by then is another client's.
        self._epoll.unregister(client.sock.fileno())
        del self._clients[client.sock.fileno()]
        client.sock.close()

    def _give_up(self) -> None:
        for client in list(self._clients.values()):
            self._fail(client, "still waiting")
