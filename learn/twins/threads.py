"""The same server with a thread for each client: it reads from top to bottom, without states.

What a loop costs in states, threads cost in memory. And whatever must happen at the same time needs
another thread: the deadline of a client is a timer, which is a thread too.
"""

import argparse
import socket
import sys
import threading
import time
from pathlib import Path
from zlib import crc32

HELLO = b"HELLO 1\n"

parser = argparse.ArgumentParser()
parser.add_argument("file", type=Path)
parser.add_argument("--port", type=int, default=7080)
parser.add_argument("--timeout", type=float, default=10)
options, _others = parser.parse_known_args()
body = options.file.read_bytes()
FILE = b"FILE %d %08x\n%b" % (len(body), crc32(body), body)


def serve(client: socket.socket) -> None:
    """Speak the protocol with one client; where it says recv, this thread sleeps."""
    deadline = threading.Timer(options.timeout, client.shutdown, [socket.SHUT_RDWR])
    deadline.start()
    try:
        with client:
            client.sendall(HELLO)
            heard = b""
            while heard != HELLO and HELLO.startswith(heard):
                heard += client.recv(len(HELLO) - len(heard)) or b"the end"
            if heard == HELLO:
                client.sendall(FILE)
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536) and deadline.is_alive():
                    pass
    except OSError:
        pass  # this client has gone; the others have threads of their own
    finally:
        deadline.cancel()


listener = socket.create_server(("127.0.0.1", options.port), backlog=1000)
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    try:
        client, _address = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
    except OSError:
        time.sleep(0.1)  # no descriptor is free: the clients wait in the backlog
    except KeyboardInterrupt:
        sys.exit(0)
