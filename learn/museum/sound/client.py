"""Nothing is wrong here on purpose: a client that checks everything it receives."""

import re
import socket
import sys
from zlib import crc32

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
if not header or len(body) != int(header[1]) or crc32(body) != int(header[2], 16):
    sys.exit("this is not the whole file: nothing is saved")
with open(output, "wb") as copy:
    copy.write(body)
