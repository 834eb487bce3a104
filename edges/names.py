"""Names: look up the addresses of a host while the loop goes on, and show an address to people.

Owns the look-up, and what the user reads about a name or an address. Called by client.py, whose
deadline covers the look-up, by addresses.py before the server listens, and by server.py.
"""

import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import protocol
from edges.aside import Aside
from edges.failure import Failure, reason
from reactor import Reactor

Sockaddr = tuple[Any, ...]  # a socket address in the form of its family
Address = tuple[int, Sockaddr]  # a family, and such an address

FAMILIES = (socket.AF_INET, socket.AF_INET6)  # what both programs support

# Errors of getaddrinfo about the name itself; the others are about the resolver or the network.
UNKNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

# Errors that the form of an address may cause, and not the machine.
UNUSABLE = {errno.EINVAL, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETUNREACH}
MAPPED = bytes(10) + b"\xff\xff"  # the start of an IPv4 address in IPv6 form: ::ffff:127.0.0.1


class NotFound(Failure):
    """A name has no address, or the resolver could not be asked for it."""


def look_up(
    reactor: Reactor,
    host: str,
    port: int,
    done: Callable[[list[Address]], None],
    failed: Callable[[NotFound], None],
) -> Aside[list[Address]] | None:
    """Call `done` with the addresses of `host`, each once, in the order in which to try them.

    If there is none, call `failed` with a NotFound. A name is looked up while the loop goes on.
    To give up, close the Aside that is returned. A numeric address needs no look-up: `done` is
    called at once.
    """

    def not_found(error: BaseException) -> None:
        failed(_not_found(host, error))

    if numeric := _numeric(host, port):
        done(numeric)
    elif advice := _misspelt(host):
        failed(NotFound(f"cannot resolve {shown_name(host)}: not a legal name; {advice}"))
    else:
        try:
            return Aside(reactor, "look-up", partial(_ask, host, port), done, not_found)
        except (OSError, RuntimeError, MemoryError) as error:  # no descriptor, no thread
            not_found(error)
    return None


def looked_up(reactor: Reactor, host: str, port: int) -> list[Address]:
    """Return the addresses of `host`; the loop runs until they are there. Raises NotFound.

    An exception that leaves the loop ends the wait: Interrupted, for example, at a signal.
    """
    answers: list[list[Address] | NotFound] = []
    aside = look_up(reactor, host, port, answers.append, answers.append)
    try:
        reactor.run(until=lambda: answers)
    finally:
        if aside is not None:
            aside.close()
    if isinstance(answers[0], NotFound):
        raise answers[0]
    return answers[0]


def _numeric(host: str, port: int) -> list[Address]:
    """Return `host` if it is a numeric address; an empty list if the resolver must be asked."""
    for family, more in ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0))):
        with suppress(OSError, ValueError):
            packed = socket.inet_pton(family, host)
            return [(family, (socket.inet_ntop(family, packed), port, *more))]
    return []


def _ask(host: str, port: int) -> list[Address]:
    """Ask the resolver. getaddrinfo may take any time, and a signal does not end it: the C library
    goes on after EINTR. So it is called in another thread."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ours = [one for one in answers if one[0] in FAMILIES]
    found: list[Address] = list(dict.fromkeys((one[0], one[4]) for one in ours))
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "it has no IPv4 or IPv6 address")
    return found


def _misspelt(host: str) -> str:
    """Return what to write instead of `host` if it cannot be a name; "" if it may be one.

    Without this check, the resolver would take "*" and "" for this machine or for nothing, and ask
    the network about the others.
    """
    if host in ("", "*"):
        return "give the name or address of a server"
    if host.startswith("["):
        return "write an IPv6 address without brackets, and the port after --port"
    if host.count(":") == 1 or "/" in host:
        return "give the name alone, and the port after --port"
    return ""


def _not_found(host: str, error: BaseException) -> NotFound:
    """Return what the user reads about a look-up that failed with `error`. That may be any
    exception: the resolver runs code of the system, and imports modules."""
    why, advice = reason(error), "try again, or give its address in numbers"
    if isinstance(error, UnicodeError):  # a label is empty or too long
        why = "not a legal name"
    if isinstance(error, ValueError) or getattr(error, "errno", None) in UNKNOWN:  # or a NUL
        advice = "check the name"
    return NotFound(f"cannot resolve {shown_name(host)}: {why}; {advice}")


def shown_name(host: str) -> str:
    """Return a name from the command line, quoted and escaped."""
    return protocol.shown(os.fsencode(host), limit=None)


def shown_address(sockaddr: object) -> str:
    """Return `sockaddr` as HOST:PORT, IPv6 in brackets; "?" for anything else.

    Never raises: a peer that gave up early may leave an empty address, or none.
    """
    match sockaddr:
        case (str(host), int(port)):
            return f"{host}:{port}"
        case (str(host), int(port), _, int(scope)):
            return f"[{host}%{scope}]:{port}" if scope else f"[{host}]:{port}"
    return "?"


def why_not(sockaddr: object, error: OSError) -> str:
    """Return why `sockaddr` cannot be used, and what to write instead where that is known."""
    match sockaddr:
        case (str(host), int(), _, int(scope)) if ":" in host:
            packed = socket.inet_pton(socket.AF_INET6, host)
            if packed[0] == 0xFE and packed[1] & 0xC0 == 0x80 and not scope:
                return f"{reason(error)} (a link-local address needs its interface: {host}%eth0)"
            if packed.startswith(MAPPED) and error.errno in UNUSABLE:
                ipv4 = socket.inet_ntop(socket.AF_INET, packed[len(MAPPED) :])
                return f"{reason(error)} (this is an IPv4 address: write {ipv4})"
    return reason(error)
