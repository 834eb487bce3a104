"""The floor for Python: the same protocol directly on `select.epoll`, with as little as possible.

There is no state machine and no class. So this server costs only what the interpreter and the
system calls cost; everything else in server.py is compared with it. What is left in `unsent` for a
client shows whether it still has to be served.
"""

import select
import socket
import time
from collections import OrderedDict
from select import EPOLLIN, EPOLLOUT
from socket import MSG_MORE, SocketType

from edges.addresses import ListeningSocket  # this project's own: it accepts without looking up
from lab.bench.peers.given import BACKLOG, HELLO, HOST, MESSAGE, REFUSAL, TIMEOUT, listening

clients: OrderedDict[int, tuple[SocketType, float]] = OrderedDict()  # earliest deadline first
heard: dict[int, bytes] = {}  # of clients whose hello is not whole yet
unsent: dict[int, bytes] = {}  # of clients that have said hello, and whose kernel had no room
poller = select.epoll()


def accept(listener: ListeningSocket) -> None:
    """Greet the clients in the backlog, at most 64 of them."""
    for _ in range(64):
        try:
            client, _address = listener.accept()
        except BlockingIOError:
            return
        number = client.fileno()
        client.setblocking(False)
        clients[number] = client, time.monotonic() + TIMEOUT
        heard[number] = b""
        poller.register(number, EPOLLIN)
        try:
            client.send(HELLO)  # a fresh socket has room for it
        except OSError:
            end(number)  # but its peer may be gone


def serve(number: int) -> bool:
    """Do the next thing for this client; return False if its connection has ended."""
    client, _deadline = clients[number]
    if number in unsent:
        return send(client, number, unsent.pop(number))
    data = client.recv(64)
    if number not in heard:
        return bool(data)  # discarded up to the end of stream
    heard[number] += data
    if heard[number].startswith(HELLO):
        del heard[number]
        return send(client, number, MESSAGE)
    if data and HELLO.startswith(heard[number]):
        return True  # so far
    client.send(REFUSAL)
    return False


def send(client: SocketType, number: int, data: bytes) -> bool:
    """Send, then end our direction; what the kernel does not take waits until it has room."""
    taken = client.send(data, MSG_MORE)  # the shutdown that follows travels in the same segment
    if taken < len(data):
        unsent[number] = data[taken:]
        poller.modify(number, EPOLLOUT)
        return True
    client.shutdown(socket.SHUT_WR)
    if data is not MESSAGE:
        poller.modify(number, EPOLLIN)
    return True


def end(number: int) -> None:
    """Forget this client, then close its socket."""
    client, _deadline = clients.pop(number)
    heard.pop(number, None)
    unsent.pop(number, None)
    poller.unregister(number)
    client.close()


def turn(listener: ListeningSocket, asleep: float) -> None:
    """Sleep until a socket is ready or the earliest deadline has come; handle both."""
    earliest = next(iter(clients.values()))[1] if clients else None
    for number, _events in poller.poll(earliest and max(0.0, earliest - asleep)):
        if number == listener.fileno():
            accept(listener)
            continue
        try:
            goes_on = serve(number)
        except OSError:
            goes_on = False
        if not goes_on:
            end(number)
    while clients and next(iter(clients.values()))[1] <= asleep:
        end(next(iter(clients)))


def main() -> None:
    """Serve until killed."""
    listener = ListeningSocket(socket.create_server((HOST, 0), backlog=BACKLOG))
    poller.register(listener.fileno(), EPOLLIN)
    listening(listener.getsockname()[1])
    while True:
        turn(listener, time.monotonic())


if __name__ == "__main__":
    main()
