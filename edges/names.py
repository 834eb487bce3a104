"""Names: the addresses of a host, found while the loop goes on.

Owns the look-up, and the line that the user reads if it fails. Called by client.py, whose deadline
covers it, and by addresses.py before the server listens.
"""

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

FAMILIES = (socket.AF_INET, socket.AF_INET6)  # what both programs speak

# Errors of getaddrinfo about the name itself; the others are about the resolver or the network.
UNKNOWN = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


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

    `failed` gets a NotFound instead. A name is looked up while the loop goes on; the Aside that is
    returned can be closed to give up. An address in numbers needs no look-up: `done` is called at
    once.
    """

    def not_found(error: BaseException) -> None:
        failed(_not_found(host, error))

    if numeric := _numeric(host, port):
        done(numeric)
    elif advice := _misspelt(host):
        failed(NotFound(f"cannot resolve {shown_name(host)}: no legal name; {advice}"))
    else:
        try:
            return Aside(reactor, "look-up", partial(_ask, host, port), done, not_found)
        except (OSError, RuntimeError, MemoryError) as error:  # no descriptor, no thread
            not_found(error)
    return None


def looked_up(reactor: Reactor, host: str, port: int) -> list[Address]:
    """Return the addresses of `host`; the loop runs until they are there. Raises NotFound.

    Whatever a handler raises from the loop ends the wait, such as Interrupted at a signal.
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
    """Return the address that `host` is in numbers; none if the resolver must be asked."""
    for family, more in ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0))):
        with suppress(OSError, ValueError):
            packed = socket.inet_pton(family, host)
            return [(family, (socket.inet_ntop(family, packed), port, *more))]
    return []


def _ask(host: str, port: int) -> list[Address]:
    """Ask the resolver. getaddrinfo takes the time it likes, and a signal does not end it: the C
    library goes on after EINTR. So it is called in another thread."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ours = [one for one in answers if one[0] in FAMILIES]
    found: list[Address] = list(dict.fromkeys((one[0], one[4]) for one in ours))
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "it has no address of IPv4 or IPv6")
    return found


def _misspelt(host: str) -> str:
    """Return what to write instead of `host` if it can be no name; "" if the resolver may know it.

    The resolver takes "*" and "" for this machine or for nothing, and asks the network about the
    others.
    """
    if host in ("", "*"):
        return "give the name or address of a server"
    if host.startswith("["):
        return "write an IPv6 address without brackets, and the port after --port"
    if host.count(":") == 1 or "/" in host:
        return "give the name alone, and the port after --port"
    return ""


def _not_found(host: str, error: BaseException) -> NotFound:
    """Return what the user reads about a look-up that failed with `error`, which may be anything:
    the resolver runs code of the system, and imports modules."""
    why, advice = reason(error), "try again, or give its address in numbers"
    if isinstance(error, UnicodeError):  # a label is empty or too long
        why = "no legal name"
    if isinstance(error, ValueError) or getattr(error, "errno", None) in UNKNOWN:  # or a NUL
        advice = "check the name"
    return NotFound(f"cannot resolve {shown_name(host)}: {why}; {advice}")


def shown_name(host: str) -> str:
    """Return a name from the command line, quoted and escaped."""
    return protocol.shown(os.fsencode(host), limit=None)
