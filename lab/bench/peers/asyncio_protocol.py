"""asyncio's fast form: a Protocol, called back by the loop, with one `call_later` per connection.

The documentation of asyncio and of uvloop recommends this form for speed: no streams, and no task
per connection. With `--uvloop` it runs on uvloop, a reimplementation of asyncio's loop in Cython on
libuv.
"""

import asyncio
from typing import cast

from lab.bench.peers.given import BACKLOG, HELLO, HOST, MESSAGE, REFUSAL, TIMEOUT, UVLOOP, listening


class Transfer(asyncio.Protocol):
    """One client."""

    __slots__ = ("deadline", "loop", "received", "transport")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.deadline = self.loop.call_later(TIMEOUT, self.transport.abort)
        self.transport.write(HELLO)

    def data_received(self, data: bytes) -> None:
        """Answer the client's hello with the file; what follows it is discarded."""
        if len(self.received) == len(HELLO):
            return
        self.received = (self.received + data)[: len(HELLO)]
        if not HELLO.startswith(self.received):
            self.transport.write(REFUSAL)
            self.transport.close()
        elif self.received == HELLO:
            self.transport.write(MESSAGE)
            self.transport.write_eof()

    def connection_lost(self, _error: Exception | None) -> None:
        """Cancel the timer; the transport has closed by itself at the client's end of stream."""
        self.deadline.cancel()


async def main() -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Transfer(loop), HOST, 0, backlog=BACKLOG)
    listening(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    if UVLOOP:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
