"""Names and addresses: look a name up, listen, show an address to people.

Owns what lies between the host and port a user gives and the sockets of the loop. Called by
server.py before it listens, by client.py before it connects, and by both to show an address.

A name may have several addresses, of two families, and a machine may lack one of the families:

    --host      listens at                          seen as
    (none)      ::  IPV6_V6ONLY=0                    [::]:7080       both families by one socket
                0.0.0.0, where there is no IPv6     0.0.0.0:7080
    localhost   ::1  IPV6_V6ONLY=1 and 127.0.0.1    [::1]:7080      two sockets, one port
    127.0.0.1   127.0.0.1                           127.0.0.1:7080

IPV6_V6ONLY stands on every socket of a named host, because on Linux :: would otherwise take the
port in IPv4 too. `socket.create_server` sets it, and SO_REUSEADDR, with which a restarted server
need not wait for connections in TIME_WAIT (POSIX only: on Windows it would let another program
steal the port). Never SO_REUSEPORT: two servers would share the clients by chance.
"""

import errno
import os
import select
import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, NamedTuple

import protocol
from edges.failure import Failure, reason
from signals import Signals

Sockaddr = tuple[Any, ...]  # a socket address in the form of its family
Address = tuple[int, Sockaddr]  # a family, and such an address

# Clients that come while accepting pauses wait here, and nobody is refused. Linux cuts it to
# net.core.somaxconn, which is this number by default.
BACKLOG = 4096

# How often the kernel may choose a port for a name with several addresses: its choice for the
# first is nearly always free at the others too.
PORT_CHOICES = 8

# Errors of an address that this machine does not have; another address of the name may do.
LACKING = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}

ADVICE = {
    errno.EADDRINUSE: "; give another --port",
    errno.EACCES: "; give a --port from 1024 on",
    errno.EADDRNOTAVAIL: "; give a --host of this machine",
}


class Lacking(Failure):
    """This machine lacks the address, or its whole family."""


class Place(NamedTuple):
    """Where to listen: an address family, an address, and whether IPv4 comes in by it too."""

    family: int
    sockaddr: Sockaddr
    dual: bool


def look_up(host: str, port: int, status: int, signals: Signals) -> list[Address]:
    """Return the addresses of `host`, each once, in the order in which to try them.

    Raises Failure with the exit `status` if there are none; Interrupted if a signal comes first.
    """
    try:
        return _numeric(host, port) or _looked_up_aside(host, port, signals)
    # UnicodeError: a label is empty or too long. ValueError: a NUL. RuntimeError: no thread left.
    except (OSError, ValueError, RuntimeError) as error:
        name = protocol.shown(os.fsencode(host), limit=None)
        why = "no legal name" if isinstance(error, UnicodeError) else reason(error)
        raise Failure(f"cannot resolve {name}: {why}; check the name", status) from error


def _numeric(host: str, port: int) -> list[Address]:
    """Return the address that `host` is in numbers; none if the resolver must be asked."""
    for family, more in ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0))):
        with suppress(OSError, ValueError):
            octets = socket.inet_pton(family, host)
            return [(family, (socket.inet_ntop(family, octets), port, *more))]
    return []


def _looked_up_aside(host: str, port: int, signals: Signals) -> list[Address]:
    """Ask the resolver in a thread of its own, and wait for that or for a signal.

    getaddrinfo is the one call that no selector can wait for. It takes the seconds it likes, and a
    signal does not end it, for the C library goes on after EINTR. The thread closes a socket when
    it has the answer, and signals come by a socket as well: so both can be waited for at once. The
    thread is a daemon: an exit leaves it behind. It is the only thread of the programs, and it
    touches nothing but these two lists and its socket.
    """
    found: list[list[Address]] = []
    errors: list[Exception] = []
    ours, theirs = socket.socketpair()

    def ask() -> None:
        with theirs:
            try:
                answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                found.append(list(dict.fromkeys((one[0], one[4]) for one in answers)))
            except (OSError, ValueError) as error:
                errors.append(error)

    with ours, theirs:
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        _wait_for_end(ours, signals)
        thread.join()
    if errors:
        raise errors[0]
    return found[0]


def _wait_for_end(sock: socket.socket, signals: Signals) -> None:
    """Sleep until the other end of `sock` is closed; raise Interrupted if a signal comes first."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    poll.register(signals.sock, select.POLLIN)
    while sock.fileno() not in dict(poll.poll()):
        signals.check()


def places(host: str | None, port: int, signals: Signals) -> list[Place]:
    """Return where to listen for `host`; None means all interfaces.

    Raises Failure for a name that has no address; Interrupted if a signal comes while it is looked
    up. Port 0 leaves the choice to `listen`.
    """
    if host is not None:
        return [Place(*address, dual=False) for address in look_up(host, port, 1, signals)]
    dual = socket.has_dualstack_ipv6()
    everywhere = Place(socket.AF_INET6, ("::", port, 0, 0), dual)
    return [everywhere, Place(socket.AF_INET, ("0.0.0.0", port), dual=False)]


def places_of(sockets: Sequence[socket.socket]) -> list[Place]:
    """Return where `sockets` listen, with the real port: the way to listen there again later."""
    return [Place(sock.family, sock.getsockname(), _is_dual(sock)) for sock in sockets]


def _is_dual(sock: socket.socket) -> bool:
    """Tell whether IPv4 comes in by `sock` although it is an IPv6 socket."""
    if sock.family != socket.AF_INET6:
        return False
    return not sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def listen(at: Sequence[Place]) -> list[socket.socket]:
    """Return non-blocking sockets that listen at all places of `at` that this machine has.

    All have one port; if it is to be chosen and one place refuses the choice, another is made.
    Raises Failure if a place cannot be had, or none is left; then no socket stays open.
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
                break  # IPv4 comes in here: its own place would be in use
        if not sockets:
            raise lacking[-1]
        os.close(os.dup(sockets[0].fileno()))  # OSError: not even one client could come
        undo.pop_all()
    return sockets


def _listening(place: Place, port: int) -> socket.socket:
    """Return a non-blocking socket that listens on `port` at `place`.

    Bind and listen fail alike: with SO_REUSEADDR a bind may succeed and only listen find the
    address in use.
    """
    sockaddr = (place.sockaddr[0], port, *place.sockaddr[2:])
    try:
        sock = socket.create_server(
            sockaddr, family=place.family, backlog=BACKLOG, dualstack_ipv6=place.dual
        )
    except OSError as error:
        number = error.errno or 0
        kind = Lacking if number in LACKING else Failure
        why = os.strerror(number).lower() + ADVICE.get(number, "")
        raise kind(f"cannot listen on {shown_address(sockaddr)}: {why}") from error
    return ListeningSocket(sock)


class ListeningSocket(socket.socket):
    """A socket that accepts quickly.

    The standard accept() looks up family and type in enumerations each time, and puts the socket
    that C makes into one that also counts the files made of it: 9 % more for a whole transfer.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take over the descriptor of `sock`; make it non-blocking."""
        kind = int(sock.family), int(sock.type), sock.proto
        super().__init__(*kind, sock.detach())
        self.setblocking(False)
        self.accepted = partial(socket.SocketType, *kind)

    def accept(self) -> tuple[socket.SocketType, Any]:  # type: ignore[override]  # the plainer kind
        """Return a new socket, and the address of its peer."""
        number, address = self._accept()  # type: ignore[attr-defined]  # what accept() itself calls
        return self.accepted(number), address


def shown_address(sockaddr: object) -> str:
    """Return `sockaddr` as HOST:PORT, IPv6 in brackets; "?" for what is no address of the two.

    Never raises: a peer that gave up early may leave an empty address, or none, behind.
    """
    match sockaddr:
        case (str(host), int(port)):
            return f"{host}:{port}"
        case (str(host), int(port), _, int(scope)):
            return f"[{host}%{scope}]:{port}" if scope else f"[{host}]:{port}"
    return "?"
