"""WRONG ON PURPOSE: started again, it cannot listen on its own port for a minute."""

import socket
import sys
import threading
import time
from zlib import crc32

HELLO = b"HELLO 1\n"
body = open(sys.argv[1], "rb").read()
FILE = b"FILE %d %08x\n%b" % (len(body), crc32(body), body)
TIMEOUT = float(sys.argv[sys.argv.index("--timeout") + 1]) if "--timeout" in sys.argv else 10
PORT = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 0


def serve(client):
    try:
        with client, client.makefile("rb") as lines:
            client.settimeout(TIMEOUT)
            client.sendall(HELLO)
            if lines.readline(len(HELLO)) == HELLO:
                client.sendall(FILE)
                client.shutdown(socket.SHUT_WR)
                while lines.read(1):
                    pass
    except OSError:
        pass  # this client is gone; the others have their own threads


listener = socket.socket()
listener.bind(("127.0.0.1", PORT))  # the fault: without SO_REUSEADDR
listener.listen(1000)
print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    try:
        client, address = listener.accept()
        threading.Thread(target=serve, args=(client,), daemon=True).start()
    except OSError:
        time.sleep(0.1)  # out of descriptors: look again in a moment
