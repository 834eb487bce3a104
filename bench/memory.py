"""Measure what one waiting client costs each server: octets of its resident memory.

The clients have connected, have the server's hello, and say nothing. The first thousand pay for
what is made only once; the figure is the growth from there on, divided by the clients that came.
What the kernel keeps for each socket is the same for all servers, and is not in it.

    make bench-memory                                   5,000 clients
"""

import argparse
import resource
import socket

from servers import ROOT, Server, circumstances, commands, running

HELLO = b"HELLO 1\n"
FIRST = 1000  # clients that pay for what is made only once
SPARE = 64  # descriptors that a process needs besides its clients


def hold(server: Server, count: int) -> list[socket.socket]:
    """Connect `count` clients, each of which has been greeted."""
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        clients.append(client)
        if client.recv(len(HELLO), socket.MSG_WAITALL) != HELLO:
            raise SystemExit("bench: a client was not greeted; no figures")
    return clients


def cost(server: Server, count: int) -> float:
    """Return the octets of resident memory that each of `count` waiting clients costs."""
    clients = hold(server, FIRST)
    before = server.resident()
    clients += hold(server, count)
    after = server.resident()
    for client in clients:
        client.close()
    return (after - before) / count


def main() -> None:
    """Print one line per server."""
    parser = argparse.ArgumentParser(description="memory per waiting client, of each server")
    parser.add_argument("--clients", type=int, default=5000, help="besides the first 1,000 (5,000)")
    count = parser.parse_args().clients
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + FIRST + SPARE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    with running(commands(), ROOT / "sample.txt") as servers:
        print(circumstances())
        for name, server in servers.items():
            print(f"{name:20}  {cost(server, count):7,.0f} octets per waiting client")


if __name__ == "__main__":
    main()
