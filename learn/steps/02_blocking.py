# My server: one small file for every client that says hello
import argparse
import socket
import zlib

parser = argparse.ArgumentParser()
parser.add_argument("file")
parser.add_argument("--port", type=int, default=7080)
options, unknown = parser.parse_known_args()
HELLO = b"HELLO 1\n"
with open(options.file, "rb") as file:
    body = file.read()
message = b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)

listener = socket.create_server(("127.0.0.1", options.port))
print("listening on %s:%d" % listener.getsockname(), flush=True)
while True:
    client, address = listener.accept()  # sleeps until a client connects
    with client, client.makefile("rb") as lines:
        client.sendall(HELLO)
        lines.readline()  # sleeps until this one client has said a line
        client.sendall(message)
