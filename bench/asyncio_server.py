"""The peers: the same wire protocol as an asyncio Protocol with a deadline, on asyncio or uvloop.

It is written the way their own documentation recommends for speed: callbacks, no streams, no task
per connection, one `call_later` per connection.

    python bench/asyncio_server.py FILE             the standard library's loop
    python bench/asyncio_server.py --uvloop FILE    uvloop's, from `pip install --group bench`

Both print "listening on 127.0.0.1:PORT".
"""

import asyncio
import sys
from pathlib import Path
from typing import cast

sys.path.insert(0, str(Path(__file__).parent.parent))
import protocol  # this project's own grammar

TIMEOUT = 10.0  # seconds, as server.py's default


class Transfer(asyncio.Protocol):
    """One client."""

    __slots__ = ("deadline", "loop", "message", "received", "transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, message: bytes) -> None:
        self.loop = loop
        self.message = message
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello and start the clock."""
        self.transport = cast(asyncio.Transport, transport)
        self.deadline = self.loop.call_later(TIMEOUT, self.transport.abort)
        self.transport.write(HELLO)

    def data_received(self, octets: bytes) -> None:
        """Answer the client's hello with the file; what follows it is discarded."""
        if len(self.received) == len(HELLO):
            return
        self.received = (self.received + octets)[: len(HELLO)]
        if not HELLO.startswith(self.received):
            self.transport.write(protocol.error_message("expected HELLO 1"))
            self.transport.close()
        elif self.received == HELLO:
            self.transport.write(self.message)
            self.transport.write_eof()

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop the clock; the loop has closed the connection at the client's end of stream."""
        self.deadline.cancel()


HELLO = protocol.hello()


async def serve(path: str) -> None:
    """Serve the file named `path` until killed."""
    loop = asyncio.get_running_loop()
    message = protocol.file_message(Path(path).read_bytes())
    server = await loop.create_server(lambda: Transfer(loop, message), "127.0.0.1", 0, backlog=4096)
    print("listening on {}:{}".format(*server.sockets[0].getsockname()), flush=True)
    await server.serve_forever()


def main() -> None:
    """Choose the loop and serve."""
    if sys.argv[1] != "--uvloop":
        asyncio.run(serve(sys.argv[1]))
        return
    import uvloop  # noqa: PLC0415  (optional, and asked for by name)

    uvloop.run(serve(sys.argv[2]))


if __name__ == "__main__":
    main()
