"""WRONG ON PURPOSE: one function that takes its time stops the loop, and with it everybody."""

import selectors
import socket
import time

FILE = b"FILE 23 fc80b9a4\nHello from one thread.\n"

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 7080))
selector.register(listener, selectors.EVENT_READ)
print("listening on 127.0.0.1:7080", flush=True)
while True:
    for key, _events in selector.select():
        if key.fileobj is listener:
            client, address = listener.accept()
            client.sendall(b"HELLO 1\n")
            selector.register(client, selectors.EVENT_READ)
        else:
            client = key.fileobj
            client.recv(100)
            time.sleep(0.5)  # the fault: a database, a name look-up, a long calculation
            client.sendall(FILE)
            selector.unregister(client)
            client.close()
