"""Addresses: listen at the addresses of a host.

Owns how listening sockets are made from --host and --port. Called by server.py before it listens.
Names are looked up by names.py, which also shows an address to people.

A name may have several addresses, of two families, and a machine may lack one of the families:

    --host      listens at                          shown as
    (none), *   ::  IPV6_V6ONLY=0                    [::]:7080       both families on one socket
                0.0.0.0, where there is no IPv6     0.0.0.0:7080
    localhost   ::1  IPV6_V6ONLY=1 and 127.0.0.1    [::1]:7080      two sockets, one port
    127.0.0.1   127.0.0.1                           127.0.0.1:7080

Every socket of a named host has IPV6_V6ONLY set, because on Linux :: would otherwise take the port
in IPv4 too. `socket.create_server` sets that flag. It also sets SO_REUSEADDR, so that a restarted
server need not wait for connections in TIME_WAIT (not on Windows, where another program could then
steal the port). SO_REUSEPORT is never set: the kernel would divide the clients between two servers.
"""

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, NamedTuple

from edges.failure import Failure
from edges.names import Sockaddr, looked_up, shown_address, why_not
from reactor import Reactor

ALL_INTERFACES = (None, "", "*")  # what --host may be; None: it was not given

# Clients that connect while accepting is paused wait here instead of being refused. The kernel
# lowers this to net.core.somaxconn (Linux, 4096 by default) or kern.ipc.somaxconn (macOS, 128).
BACKLOG = 4096

# How often the kernel may choose a port for a name with several addresses. The port that it chooses
# for the first address is nearly always free at the others too.
PORT_CHOICES = 8

# Errors of an address that this machine does not have. Another address of the name may work.
LACKING = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}

ADVICE = {
    errno.EADDRINUSE: "; give another --port",
    errno.EACCES: "; give a --port of 1024 or more",
    errno.EADDRNOTAVAIL: "; give a --host of this machine",
}


class Lacking(Failure):
    """This machine lacks the address, or its whole family."""


class Place(NamedTuple):
    """Where to listen: an address family, an address, and whether it accepts IPv4 as well."""

    family: int
    sockaddr: Sockaddr
    dual: bool


def places(reactor: Reactor, host: str | None, port: int) -> list[Place]:
    """Return where to listen for `host`; None, "" and "*" mean all interfaces.

    Raises NotFound for a name that has no address, and any exception that leaves the loop during
    the look-up. With port 0, `listen` chooses the port.
    """
    if host not in ALL_INTERFACES:
        return [Place(*address, dual=False) for address in looked_up(reactor, host, port)]
    dual = socket.has_dualstack_ipv6()
    everywhere = Place(socket.AF_INET6, ("::", port, 0, 0), dual)
    return [everywhere, Place(socket.AF_INET, ("0.0.0.0", port), dual=False)]


def places_of(sockets: Sequence[socket.socket]) -> list[Place]:
    """Return where `sockets` listen, with the real port, to listen there again later."""
    return [Place(sock.family, sock.getsockname(), _is_dual(sock)) for sock in sockets]


def _is_dual(sock: socket.socket) -> bool:
    """Tell whether `sock` is an IPv6 socket that accepts IPv4, too."""
    if sock.family != socket.AF_INET6:
        return False
    return not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def listen(at: Sequence[Place]) -> list[socket.socket]:
    """Return non-blocking sockets that listen at all places of `at` that this machine has.

    All have one port. If the kernel chooses it and one place refuses it, the kernel chooses again.
    Raises Failure, with no socket left open, if a place that exists cannot be used, or none exists.
    """
    choices = 1 if at[0].sockaddr[1] else PORT_CHOICES
    for _ in range(choices - 1):
        with suppress(Failure):
            return _listen_on_one_port(at)
    return _listen_on_one_port(at)


def _listen_on_one_port(at: Sequence[Place]) -> list[socket.socket]:
    """Listen at each place, on the port that the first of them got."""
    sockets: list[socket.socket] = []
    lacking: list[Lacking] = []
    port = at[0].sockaddr[1]
    with ExitStack() as undo:
        for place in at:
            try:
                sockets.append(undo.enter_context(_listening(place, port)))
            except Lacking as failure:
                lacking.append(failure)
                continue
            port = sockets[0].getsockname()[1]
            if place.dual:
                break  # it accepts IPv4, too, so that place is taken
        if not sockets:
            raise lacking[-1]
        _require_room(sockets[0])
        undo.pop_all()
    return sockets


def _require_room(sock: socket.socket) -> None:
    """Raise OSError if this process has no descriptor left: not even one client could be accepted.

    Any other error of the trial says nothing about clients.
    """
    try:
        socket.close(socket.dup(sock.fileno()))
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise


def _listening(place: Place, port: int) -> socket.socket:
    """Return a non-blocking socket that listens on `port` at `place`.

    Errors of bind and of listen are treated alike: with SO_REUSEADDR a bind may succeed, and only
    listen finds the address in use.
    """
    sockaddr = (place.sockaddr[0], port, *place.sockaddr[2:])
    try:
        sock = socket.create_server(
            sockaddr, family=place.family, backlog=BACKLOG, dualstack_ipv6=place.dual
        )
    except OSError as error:
        number = error.errno or 0
        kind = Lacking if number in LACKING else Failure
        # create_server has put the address into strerror.
        plain = OSError(number, os.strerror(number))
        why = why_not(sockaddr, plain) + ADVICE.get(number, "")
        raise kind(f"cannot listen on {shown_address(sockaddr)}: {why}") from error
    return ListeningSocket(sock)


class ListeningSocket(socket.socket):
    """A socket that accepts quickly.

    The standard accept() looks up family and type in enumerations each time, and wraps the plain C
    socket in an object that counts the files made from it. With it, a transfer costs 9 % more.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take over the descriptor of `sock`; make it non-blocking."""
        kind = int(sock.family), int(sock.type), sock.proto
        super().__init__(*kind, sock.detach())
        self.setblocking(False)
        self.accepted = partial(socket.SocketType, *kind)

    def accept(self) -> tuple[socket.SocketType, Any]:  # type: ignore[override]  # the C socket
        """Return a new socket, and the address of its peer."""
        number, address = self._accept()  # type: ignore[attr-defined]  # what accept() itself calls
        return self.accepted(number), address
