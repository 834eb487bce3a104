"""The same server as an asyncio Protocol: a state and callbacks, the form most like ours."""

import asyncio
import signal
import sys
from pathlib import Path
from zlib import crc32

HELLO = b"HELLO 1\n"
TIMEOUT = float(sys.argv[sys.argv.index("--timeout") + 1]) if "--timeout" in sys.argv else 10
PORT = int(sys.argv[sys.argv.index("--port") + 1]) if "--port" in sys.argv else 7080
body = Path(sys.argv[1]).read_bytes()
FILE = b"FILE %d %08x\n%b" % (len(body), crc32(body), body)
transfers: set["Transfer"] = set()


class Transfer(asyncio.Protocol):
    """One client; its transport keeps what is unsent, and half-closes after the last byte."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.heard = transport, b""
        self.deadline = asyncio.get_running_loop().call_later(TIMEOUT, transport.abort)
        self.closed = asyncio.get_running_loop().create_future()
        transfers.add(self)
        transport.write(HELLO)

    def data_received(self, data: bytes) -> None:
        before, self.heard = self.heard, (self.heard + data)[: len(HELLO)]
        if self.heard == HELLO != before:
            self.transport.write(FILE)
            self.transport.write_eof()
        elif not HELLO.startswith(self.heard):
            self.transport.abort()

    def eof_received(self) -> bool:
        return False  # close, as soon as everything is sent

    def connection_lost(self, error: Exception | None) -> None:
        self.deadline.cancel()
        transfers.discard(self)
        self.closed.set_result(None)


async def main() -> None:
    """Serve until Ctrl+C or SIGTERM, then let the connected clients finish."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: sys.exit(130) if asked.is_set() else asked.set())
    server = await loop.create_server(Transfer, "127.0.0.1", PORT, backlog=1000)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asked.wait()
    server.close()
    while transfers:
        await next(iter(transfers)).closed


asyncio.run(main())
