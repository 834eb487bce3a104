# My client, chapter 14: it has a loop, too
import argparse
import errno
import os
import re
import socket
import sys
import time
import zlib
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

parser = argparse.ArgumentParser()
parser.add_argument("server")
parser.add_argument("output")
parser.add_argument("--port", type=int, default=7080)
parser.add_argument("--timeout", type=float, default=10)
options = parser.parse_args()
selector = DefaultSelector()
deadline = time.monotonic() + options.timeout  # for everything

# Each kind of line: its pattern, and samples; a sample completes any beginning of such a line.
HELLO = (rb"HELLO ([1-9][0-9]{0,2})\n", [b"HELLO 111\n"])
FILE = (
    rb"FILE (0|[1-9]|[1-7][0-9]|80) ([0-9a-f]{8})\n",
    [b"FILE 0 00000000\n", b"FILE 10 00000000\n"],
)
ERROR = (rb"ERROR ([ -~]{1,72})\n", [b"ERROR " + b"." * 72 + b"\n"])


class Failure(Exception):
    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def first_line(received, *kinds):
    for pattern, _ in kinds:
        if found := re.match(pattern, received):
            return found
    for pattern, samples in kinds:
        if any(re.fullmatch(pattern, received + sample[len(received) :]) for sample in samples):
            return None  # not whole yet
    raise Failure(4, f"the server broke the protocol: {received[:40]!r}")


class Download:
    def __init__(self, addresses):
        self.addresses = addresses
        self.why = "no address"
        self.received = b""
        self.connect()

    def connect(self):
        """Begin to connect to the next address; it gets its share of the time that is left."""
        if not self.addresses:
            raise Failure(3, f"cannot connect: {self.why}")
        share = (deadline - time.monotonic()) / len(self.addresses)
        family, address = self.addresses.pop(0)
        self.state = "CONNECTING"
        self.late = time.monotonic() + share
        self.sock = socket.socket(family)
        self.sock.setblocking(False)
        error = self.sock.connect_ex(address)
        if error in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            selector.register(self.sock, EVENT_WRITE, self.on_connected)
        else:
            self.give_up(os.strerror(error))

    def on_connected(self):
        """Connecting has succeeded or failed."""
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error or self.sock.getsockname() == self.sock.getpeername():
            selector.unregister(self.sock)
            self.give_up(os.strerror(error or errno.ECONNREFUSED))
        else:
            self.state = "HELLO_EXPECTED"
            self.late = deadline
            self.sock.send(b"HELLO 1\n")
            selector.modify(self.sock, EVENT_READ, self.on_readable)

    def give_up(self, why):
        self.why = why
        self.sock.close()
        self.connect()

    def on_readable(self):
        try:
            data = self.sock.recv(256)
        except BlockingIOError:
            pass
        except OSError as error:
            self.end(error.strerror)
        else:
            self.received += data
            self.judge()
            if not data:
                self.end("the stream ended")

    def judge(self):
        if self.state == "HELLO_EXPECTED" and (found := self.line(HELLO)):
            if found[1] != b"1":
                raise Failure(4, f"the server speaks version {found[1].decode()}")
            self.received = self.received[found.end() :]
            self.state = "RECEIVING"
        if self.state == "RECEIVING" and (found := self.line(FILE)):
            end = found.end() + int(found[1])
            self.body = self.received[found.end() : end]
            if len(self.received) >= end:
                self.verify(found[2])
                self.received = self.received[end:]
                self.state = "DONE"
        if self.state == "DONE" and self.received:
            raise Failure(4, "the server broke the protocol: bytes after the file")

    def line(self, kind):
        found = first_line(self.received, kind, ERROR)
        if found and found[0].startswith(b"ERROR"):
            raise Failure(4, f"the server says: {found[1].decode()}")
        return found

    def verify(self, checksum):
        if b"%08x" % zlib.crc32(self.body) != checksum:
            raise Failure(5, "damaged: another checksum")
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            raise Failure(4, "not a valid file: no UTF-8") from None
        if "\0" in text or "\r" in text or (text and not text.endswith("\n")):
            raise Failure(4, "not a valid file")

    def on_late(self):
        if self.state == "CONNECTING":
            selector.unregister(self.sock)
            self.give_up("timed out")
        elif self.state == "DONE":
            self.end("the server did not end its stream")
        else:
            raise Failure(3, f"timed out in {self.state}")

    def end(self, why):
        if self.state != "DONE":
            raise Failure(5, f"{why} in {self.state}")
        self.state = "ENDED"  # whole and verified: whatever comes now cannot spoil it


def download():
    found = socket.getaddrinfo(options.server, options.port, type=socket.SOCK_STREAM)
    one = Download([(family, address) for family, _, _, _, address in found])
    while one.state != "ENDED":
        ready = selector.select(max(0, one.late - time.monotonic()))
        for key, _ in ready:
            key.data()
        if not ready and time.monotonic() >= one.late:
            one.on_late()
    one.sock.close()
    return one.body


temporary = options.output + ".part"
try:
    with open(temporary, "wb") as file:
        file.write(download())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, options.output)  # the copy appears whole, or not at all
    print(f"saved {options.output}", file=sys.stderr)
except (Failure, OSError) as error:
    if os.path.exists(temporary):
        os.remove(temporary)
    print(error, file=sys.stderr)
    sys.exit(getattr(error, "status", 3 if isinstance(error, socket.gaierror) else 1))
