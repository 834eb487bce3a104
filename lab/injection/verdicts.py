"""What must be true of a run in which one call, or a few in a row, were made to fail."""

from collections.abc import Iterator

from lab.injection.scenes import BODY, OLD, STREAM, Seen
from lab.injection.strace import Call
from tests.support.programs import OURS

# Calls that a run may make beyond those of the rehearsal: it prints an error, and tries again. And
# without a descriptor for the messages, they are written byte by byte, with two calls each. A busy
# loop makes thousands.
MORE_CALLS = 1000
AGAIN = {"EAGAIN", "EINTR", "EINPROGRESS"}  # try again: the same call may then succeed

# The client's exit status by the role of the failed call, or by role and call. A failure that is
# not listed here must not matter: status 0.
CLIENT_STATUS = {
    ("copy", "unlinkat"): {0},
    ("copy", "fchmod"): {0},  # refused, the new copy is less open than the old one
    ("copy", ""): {1},
    ("thread", ""): {3},
    ("connection", "close"): {0},
    ("connection", "sendto"): {0, 3, 5},  # 3: the server still waits for what was never sent
    ("connection", "recvfrom"): {0, 5},  # 0: with a warning, after the whole verified file
    ("connection", "getpeername"): {3, 5},  # 5: ENOTCONN, it was established and is gone
    ("connection", "epoll_ctl"): {0, 3, 5},
    ("connection", ""): {3},
    ("signals", ""): {0, 1},
    ("loop", ""): {0, 1},
    ("-", ""): {0, 1},
    ("messages", ""): {0, 1},  # 1: when it is standard output and the copy goes there
}

# Failures that matter in one scene only.
SCENE_STATUS = {
    ("client 0600", "fchmod"): {1},  # the new copy would be more open than the old one
    ("client NAME", "socketpair"): {3},
}
# A listening socket is dead after these. Python's accept also asks getsockname.
ACCEPTING, DEAD = {"accept4", "getsockname"}, {"EBADF", "EINVAL", "ENOTSOCK"}
# Not every file system can do it, and the copy is exact without it.
UNSUPPORTED = {("fsync", "EINVAL"), ("fsync", "EOPNOTSUPP")}


def complaints(scene: str, seen: Seen, call: Call, errno: str, usual: int) -> Iterator[str]:
    """Yield all that is wrong with what was seen; `usual`: calls made in the rehearsal."""
    if not seen.injected:
        yield "the call was never reached"
    if seen.status is None:
        yield "it hangs"
    if found := OURS.search(said(seen)):
        yield f"{found[0]!r} on stderr: {seen.said.splitlines()[-1]}"
    if len(seen.calls) > usual + MORE_CALLS:
        yield f"busy: {len(seen.calls)} calls instead of {usual}"
    if scene.startswith("client"):
        yield from of_client(seen, call, errno, SCENE_STATUS.get((scene, call.name)))
    else:
        yield from of_server(seen, call, errno)


def said(seen: Seen) -> str:
    """Return the program's messages, without Python's warnings of sockets that are still open.

    A process that ends leaves its descriptors to the kernel. One that goes on must close them.
    """
    lines = seen.said.splitlines()
    return "\n".join(line for line in lines if not (seen.status and "ResourceWarning" in line))


def of_client(seen: Seen, call: Call, errno: str, known: set[int] | None = None) -> Iterator[str]:
    """Yield what is wrong with a client's run; `known`: the right statuses in this scene."""
    right = CLIENT_STATUS.get((call.role, call.name)) or CLIENT_STATUS.get((call.role, ""), {0})
    right = known or right
    if (call.name, errno) in UNSUPPORTED:
        right = {0}
    if errno == "EINPROGRESS":  # connect never began: later ENOTCONN, as if the peer had left
        right = right | {5}
    if seen.status not in right | ({0} if errno in AGAIN else set()):
        yield f"status {seen.status}, not one of {sorted(right)}"
    if seen.status == 0 and BODY not in (seen.copy, seen.out):
        yield "status 0 without an exact copy"
    if seen.status and (seen.copy not in (b"", OLD) or seen.out not in (b"", BODY)):
        yield "it failed, and the output was touched"
    if seen.status and not seen.said and call.role != "messages":
        yield "it failed without a word"
    if seen.left:
        yield f"left behind: {seen.left}"


def of_server(seen: Seen, call: Call, errno: str) -> Iterator[str]:
    """Yield what is wrong with a server's run."""
    if call.role in ("loop", "signals") and "cannot go on" in seen.said and seen.status == 1:
        return  # without epoll or signals it cannot go on: it ends with a message
    dead = call.name in ACCEPTING and errno in DEAD
    if dead and "cannot accept any more" in seen.said and seen.status == 1:
        return  # without a listening socket it drains, and ends with a message
    exact = seen.streams.count(STREAM)
    if any(not STREAM.startswith(stream) for stream in seen.streams):
        yield "a client got bytes that are not the file's"
    # The client whose call failed may be lost. If the question got no answer, nobody is served.
    if exact < len(seen.streams) - (call.role in ("client", "stdin")):
        yield f"{exact} of {len(seen.streams)} clients served"
    if seen.streams and seen.status != 0:
        yield f"status {seen.status}"
    if not seen.streams and seen.status != 1 and call.role != "stdin":
        yield f"it did not start: status {seen.status}"
    if seen.status and not seen.said:
        yield "it failed without a word"
