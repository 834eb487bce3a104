"""trio: a task per client in a nursery, under one cancel scope with a deadline."""

import trio

from lab.bench.peers.given import BACKLOG, HELLO, HOST, MESSAGE, REFUSAL, TIMEOUT, listening


async def transfer(stream: trio.SocketStream) -> None:
    """Serve one client; trio closes its stream afterwards."""
    with trio.move_on_after(TIMEOUT):
        try:
            await converse(stream)
        except trio.BrokenResourceError:
            return  # the client is gone


async def converse(stream: trio.SocketStream) -> None:
    """Speak the protocol up to the client's end of stream."""
    await stream.send_all(HELLO)
    received = b""
    while len(received) < len(HELLO) and (data := await stream.receive_some(64)):
        received += data
    if not received.startswith(HELLO):
        await stream.send_all(REFUSAL)
        return
    await stream.send_all(MESSAGE)
    await stream.send_eof()
    async for _ in stream:
        pass


async def main() -> None:
    """Serve until killed."""
    listeners = await trio.open_tcp_listeners(0, host=HOST, backlog=BACKLOG)
    listening(listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(transfer, listeners)


if __name__ == "__main__":
    trio.run(main)
