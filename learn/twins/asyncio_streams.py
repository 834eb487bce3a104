"""The same server on asyncio's streams: a coroutine for each client, and one thread for them all.

It reads like the one with threads, with `await` at each place where the other one sleeps.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from zlib import crc32

HELLO = b"HELLO 1\n"

parser = argparse.ArgumentParser()
parser.add_argument("file", type=Path)
parser.add_argument("--port", type=int, default=7080)
parser.add_argument("--timeout", type=float, default=10)
parser.add_argument("--drain", type=float, default=5)
options, _others = parser.parse_known_args()
body = options.file.read_bytes()
FILE = b"FILE %d %08x\n%b" % (len(body), crc32(body), body)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak the protocol with one client; at each await the loop runs somebody else."""
    try:
        async with asyncio.timeout(options.timeout):
            writer.write(HELLO)
            heard = b""
            while heard != HELLO and HELLO.startswith(heard):
                heard += await reader.read(len(HELLO) - len(heard)) or b"the end"
            if heard == HELLO:
                writer.write(FILE)
                writer.write_eof()
                while await reader.read(4096):
                    pass
    except (OSError, TimeoutError, asyncio.CancelledError):
        pass  # this client has gone, or its time is over, or the server's
    finally:
        writer.transport.abort()


async def main() -> int:
    """Serve until Ctrl+C or SIGTERM, then let the connected clients finish."""
    server = await asyncio.start_server(serve, "127.0.0.1", options.port, backlog=1000)
    print(f"listening on 127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: sys.exit(130) if asked.is_set() else asked.set())
    await asked.wait()
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return len((await asyncio.wait(others, timeout=options.drain))[1]) if others else 0


sys.exit(min(asyncio.run(main()), 1))
