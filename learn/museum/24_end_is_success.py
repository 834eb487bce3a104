"""WRONG ON PURPOSE: this client takes the end of the stream for the end of the file."""

import re
import socket
import sys

HELLO = b"HELLO 1\n"
MESSAGE = re.compile(rb"HELLO 1\nFILE ([0-9]+) ([0-9a-f]{8})\n")
server, output = sys.argv[1:3]
PORT = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 7080

received = b""
with socket.create_connection((server, PORT), 10) as sock:
    sock.sendall(HELLO)
    while data := sock.recv(4096):
        received += data

header = MESSAGE.match(received)
body = received[header.end() :] if header else b""
if not header:  # the fault: the length and the checksum are there, and nobody looks
    sys.exit("this is no file: nothing is saved")
with open(output, "wb") as copy:
    copy.write(body)
