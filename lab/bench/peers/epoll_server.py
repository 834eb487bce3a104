"""The floor for Python: the same wire protocol straight on `select.epoll`, as little as will do.

No state machine and no classes: what the interpreter and the system calls cost, and so what
everything else in server.py has to be measured against. Whether a client has yet to be served
follows from what is still in `unsent` for it.
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
heard: dict[int, bytes] = {}  # of those who have yet to say their whole hello
unsent: dict[int, bytes] = {}  # of those who have, and whose kernel had no room
poller = select.epoll()


def accept(listener: ListeningSocket) -> None:
    """Greet everybody who waits in the backlog, at most 64."""
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
    """Do what is next for this client; False: its connection is over."""
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
    """Sleep until somebody is ready or the earliest deadline; do all there is to do."""
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
