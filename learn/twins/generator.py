"""The same server as generators on our reactor, unchanged: a yield wherever it would block."""

import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from learn.twins.task import Steps, Task
from protocol import file_message, hello
from reactor import READ, WRITE, Reactor

TIMEOUT = float(sys.argv[sys.argv.index("--timeout") + 1]) if "--timeout" in sys.argv else 10
PORT = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 7080
HELLO, FILE = hello(), file_message(Path(sys.argv[1]).read_bytes())


def serve(sock: socket.socket) -> Steps:
    """Speak the protocol with one client; at each yield the loop runs somebody else."""
    yield from say(sock, HELLO)
    heard = b""
    while heard != HELLO and HELLO.startswith(heard):
        yield READ
        heard += sock.recv(len(HELLO) - len(heard)) or b"the end"
    if heard == HELLO:
        yield from say(sock, FILE)
        sock.shutdown(socket.SHUT_WR)
        yield READ
        while sock.recv(4096):
            yield READ


def say(sock: socket.socket, data: bytes) -> Steps:
    """Send all of it, as fast as the client takes it."""
    while data := data[sock.send(data) :]:
        yield WRITE


def accept(listener: socket.socket) -> Steps:
    """Make a task for each client, with a limit."""
    while True:
        yield READ
        try:
            sock, _address = listener.accept()
        except OSError:  # no descriptor is free: look again in a moment
            reactor.call_later(0.1, door, door.go_on)
            yield 0
        else:
            sock.setblocking(False)
            Task(reactor, sock, serve(sock), TIMEOUT)


reactor = Reactor()
with socket.create_server(("127.0.0.1", PORT), backlog=1000) as listener:
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    listener.setblocking(False)
    door = Task(reactor, listener, accept(listener))
    reactor.run(until=lambda: False)
