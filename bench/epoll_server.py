"""The floor for Python: the same wire protocol straight on `select.epoll`, as little as will do.

No state machine worth the name, no deadlines, no limits, no messages: what the interpreter and the
system calls cost, and so what everything else in server.py has to be measured against.

    python bench/epoll_server.py FILE       prints "listening on 127.0.0.1:PORT"
"""

import select
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import protocol  # this project's own grammar


def main() -> None:
    """Serve the file named on the command line until killed."""
    hello, message = protocol.hello(), protocol.file_message(Path(sys.argv[1]).read_bytes())
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    listener.setblocking(False)
    print("listening on {}:{}".format(*listener.getsockname()), flush=True)
    serve(listener, hello, message)


def serve(listener: socket.socket, hello: bytes, message: bytes) -> None:
    """Run the loop: `greeted` holds who has yet to say hello, `served` who has yet to hang up."""
    greeted: dict[int, socket.socket] = {}
    served: dict[int, socket.socket] = {}
    poller = select.epoll()
    poller.register(listener.fileno(), select.EPOLLIN)
    while True:
        for number, _ in poller.poll():
            if number in greeted:
                client = greeted.pop(number)
                if client.recv(64) == hello and client.send(message) == len(message):
                    client.shutdown(socket.SHUT_WR)
                    served[number] = client
                    continue
            elif number in served:
                client = served[number]
                if client.recv(64):
                    continue
                del served[number]
            else:
                accept(listener, poller, greeted, hello)
                continue
            poller.unregister(number)
            client.close()


def accept(
    listener: socket.socket, poller: select.epoll, greeted: dict[int, socket.socket], hello: bytes
) -> None:
    """Greet everybody who waits in the backlog, at most 64."""
    for _ in range(64):
        try:
            client, _address = listener.accept()
        except BlockingIOError:
            return
        client.setblocking(False)
        client.send(hello)
        greeted[client.fileno()] = client
        poller.register(client.fileno(), select.EPOLLIN)


if __name__ == "__main__":
    main()
