"""asyncio's readable form: streams, a coroutine per client, `asyncio.timeout` around all of it."""

import asyncio
from asyncio import StreamReader, StreamWriter

from lab.bench.peers.given import BACKLOG, HELLO, HOST, MESSAGE, REFUSAL, TIMEOUT, listening


async def transfer(reader: StreamReader, writer: StreamWriter) -> None:
    """Serve one client."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await converse(reader, writer)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        writer.transport.abort()
    else:
        writer.close()


async def converse(reader: StreamReader, writer: StreamWriter) -> None:
    """Speak the protocol up to the client's end of stream."""
    writer.write(HELLO)
    if await reader.readexactly(len(HELLO)) != HELLO:
        writer.write(REFUSAL)
        return
    writer.write(MESSAGE)
    await writer.drain()
    writer.write_eof()
    while await reader.read(4096):
        pass


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(transfer, HOST, 0, backlog=BACKLOG)
    listening(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
