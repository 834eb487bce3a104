"""What the kernel shows of others' sockets and processes, and does not tell by itself (Linux).

A peer cannot know whether the other end has read something: what `send` returns is only on its way.
The kernel knows. It is asked over netlink, sock_diag(7), about one connection at a time; the table
/proc/net/tcp says the same, but takes a fifth of a second to read where 20,000 connections were
closed in the last minute. Hence these are the waits here that ask again and again; all others wait
for an event.
"""

import fcntl
import ipaddress
import re
import socket
import struct
import termios
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 10.0  # seconds that a wait may last

# linux/netlink.h, linux/sock_diag.h, net/tcp_states.h
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20
NLMSG_ERROR, NLMSG_DONE, NLM_F_REQUEST, NLM_F_DUMP = 2, 3, 0x001, 0x300
SYN_SENT = 2
HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, serial, port
REQUEST = struct.Struct("=BBBBI")  # inet_diag_req_v2: family, protocol, extensions, states; then
IDENTITY = struct.Struct("=2s2s16s16sIII")  # inet_diag_sockid: ports, addresses, interface, cookie
ANSWER = struct.Struct("=BBBB2s2s16s16sIIIIII")  # inet_diag_msg, up to its queues


def await_condition(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition()` holds."""
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"not within {LIMIT} s: {what}"
        time.sleep(0.001)  # a look at /proc costs a tenth of that


def unread(connection: socket.socket) -> int:
    """Return how many bytes the other end has not read yet; 0 if it is gone.

    This includes bytes that it has not acknowledged yet: while a call of its own holds the socket,
    or the machine is busy, arriving bytes are in no queue that we can query.
    """
    try:
        here, there = connection.getsockname(), connection.getpeername()
    except OSError:  # reset
        return 0
    (unacknowledged,) = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))
    if unacknowledged:
        return int(unacknowledged)
    identity = IDENTITY.pack(
        *_ports(there, here), *_addresses(there, here), 0, 2**32 - 1, 2**32 - 1
    )
    answers = _ask(connection.family, 0, identity, NLM_F_REQUEST)
    return ANSWER.unpack_from(answers[0])[12] if answers else 0


def is_connecting(port: int) -> bool:
    """Whether some IPv4 socket waits for the answer of `port`."""
    anybody = IDENTITY.pack(bytes(2), bytes(2), bytes(16), bytes(16), 0, 0, 0)
    answers = _ask(socket.AF_INET, 1 << SYN_SENT, anybody, NLM_F_REQUEST | NLM_F_DUMP)
    return any(ANSWER.unpack_from(answer)[5] == port.to_bytes(2, "big") for answer in answers)


def sleeps_in(pid: int, pattern: str) -> bool:
    """Whether a process sleeps in a function of the kernel whose name `pattern` finds."""
    return re.search(pattern, Path(f"/proc/{pid}/wchan").read_text()) is not None


def _ports(*names: "tuple[str, int]") -> list[bytes]:
    return [name[1].to_bytes(2, "big") for name in names]


def _addresses(*names: "tuple[str, int]") -> list[bytes]:
    return [ipaddress.ip_address(name[0]).packed.ljust(16, b"\0") for name in names]


def _ask(family: int, states: int, identity: bytes, flags: int) -> list[bytes]:
    """Return the answers, without their headers."""
    question = REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, states) + identity
    header = HEADER.pack(HEADER.size + len(question), SOCK_DIAG_BY_FAMILY, flags, 0, 0)
    answers: list[bytes] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as netlink:
        netlink.settimeout(LIMIT)
        netlink.send(header + question)
        while True:
            data = netlink.recv(1 << 16)
            while data:
                length, kind, *_ = HEADER.unpack_from(data)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    return answers
                answers.append(data[HEADER.size : length])
                data = data[length + 3 & ~3 :]
            if flags == NLM_F_REQUEST:
                return answers
