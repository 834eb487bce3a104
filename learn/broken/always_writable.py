"""WRONG ON PURPOSE: this server asks "may I write?" while it has nothing to write."""

import selectors
import socket
import time
from selectors import EVENT_READ, EVENT_WRITE

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", 7080))
selector.register(listener, EVENT_READ)
print("listening on 127.0.0.1:7080", flush=True)
while True:
    for key, _events in selector.select():
        if key.fileobj is listener:
            client, address = listener.accept()
            client.setblocking(False)
            selector.register(client, EVENT_READ | EVENT_WRITE)  # the fault
            turns, start, busy = 0, time.monotonic(), time.process_time()
    turns += 1
    if time.monotonic() > start + 1:
        print(f"{turns} turns in one second, {time.process_time() - busy:.2f} s of it at work")
        break
