"""Symptoms that no attack of the grade can show: each function here produces one.

A function gets the file of a program, sound or not, and returns whether the symptom showed, and one
sentence on what happened. The programs run as they are; nothing is imported from them.
"""

import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from lab import limits
from lab.tool import temporary_file, temporary_folder
from lab.torture import meters, wire
from lab.torture.good_clients import GoodClients
from lab.torture.peer import Peer
from lab.torture.server_process import NotStarted, ServerProcess

LIMIT = 30.0  # seconds for anything that must happen: far more than it takes on a busy machine
SOON = 1.0  # seconds in which a server must answer that cannot be seen to be stuck
CALM = 0.1  # seconds without a change after which a process counts as asleep
LARGE = b"eight million bytes\n" * 400_000
MANY = 1100  # clients: more descriptors than select can watch
CROWD = 4000  # clients that come and go
TWO_BYTES = "é".encode()


class Shown(NamedTuple):
    """Whether the symptom showed, and what happened."""

    symptom: bool
    seen: str


@contextmanager
def running(program: Path, body: bytes = wire.SAMPLE, port: int = 0) -> Iterator[ServerProcess]:
    """Run the server `program`, which delivers `body`, while the `with` lasts."""
    with temporary_file(body) as file:
        options = ["--port", str(port), "--timeout", "3600"]
        with ServerProcess([sys.executable, str(program), file, *options]) as server:
            yield server


@contextmanager
def asked(server: ServerProcess) -> Iterator[Peer]:
    """Give a client that has been greeted and has said its hello."""
    with closing(Peer(server.address)) as peer:
        peer.read(len(wire.HELLO), time.monotonic() + LIMIT)
        peer.send(wire.HELLO)
        yield peer


def greeted(peer: Peer, seconds: float = LIMIT) -> bool:
    """Tell whether the server greets `peer` in time, and does not end."""
    return peer.read(len(wire.HELLO), time.monotonic() + seconds) == wire.HELLO


def greeted_before_it_sleeps(server: ServerProcess, peer: Peer) -> bool:
    """Tell whether `peer` has been greeted when the server sleeps and nothing more will come.

    A server that waits for a processor does not count as asleep, so a busy machine changes nothing.
    """
    if not meters.available():
        return greeted(peer, SOON)
    meters.wait_for_calm(server.known_pid, CALM, LIMIT)
    return greeted(peer, CALM)


def large_file(program: Path) -> Shown:
    """Fetch a file that is larger than the kernel's buffers."""
    with running(program, LARGE) as server, asked(server) as peer:
        wanted = len(wire.whole_stream(LARGE))
        ending = peer.read_to_end(time.monotonic() + LIMIT, enough=wanted)
    got = len(ending.data)
    return Shown(got < wanted, f"{got:,} of {wanted:,} bytes came, then {ending.how}")


def reader_that_does_not_read(program: Path) -> Shown:
    """Ask for a large file and do not read it; then another client connects."""
    with running(program, LARGE) as server, asked(server) as lazy:
        lazy.hears_something(time.monotonic() + LIMIT)  # the server is sending by now
        with closing(Peer(server.address)) as other:
            served = greeted_before_it_sleeps(server, other)
    if served:
        return Shown(False, "the second client was greeted, whatever the first one does")
    return Shown(True, "the second client was not greeted: the server sleeps")


def timers_of_the_gone(program: Path) -> Shown:
    """Let thousands of clients come and go, and look at the memory of the server."""
    with running(program) as server:
        good = GoodClients(server.address, wire.whole_stream(wire.SAMPLE))
        good.serve(200)  # after these, Python's own memory grows no more
        before = meters.memory(server.known_pid)
        good.serve(CROWD)
        grown = meters.memory(server.known_pid) - before
        good.close()
    return Shown(grown > 1 << 20, f"{CROWD} clients came and left; memory: +{grown >> 10} KiB")


def number_used_again(program: Path) -> Shown:
    """Let one client leave and two others come while the server is not looking."""
    with running(program) as server:
        with asked(server) as leaving:
            leaving.read_to_end(time.monotonic() + LIMIT)
            meters.wait_for_calm(server.known_pid, CALM, LIMIT)
            server.stop_running()
        with closing(Peer(server.address)) as one, closing(Peer(server.address)) as other:
            server.go_on()
            peers = (one, other)
            dropped = [greeted_before_it_sleeps(server, each) for each in peers].count(False)
    return Shown(dropped > 0, f"{dropped} of 2 new clients dropped, although they did no wrong")


def a_thousand_clients(program: Path) -> Shown:
    """Connect more clients than select can watch."""
    with running(program) as server, descriptors(2 * MANY):
        server.limit_descriptors(2 * MANY)
        came = _come(server)
        if came == MANY or not server.ended(LIMIT):
            return Shown(False, f"{came} clients at once were greeted")
        said = server.last_words().decode(errors="replace").splitlines()[-1:]
    return Shown(True, f"the server ended when client {came} came: {''.join(said)}")


def _come(server: ServerProcess) -> int:
    """Connect MANY clients, or fewer if one of them is not greeted; return how many came."""
    peers: list[Peer] = []
    try:
        while len(peers) < MANY:
            peers.append(Peer(server.address))
            if not greeted(peers[-1]):
                break
        return len(peers)
    except OSError:
        return len(peers) + 1
    finally:
        for peer in peers:
            peer.close()


@contextmanager
def descriptors(number: int) -> Iterator[None]:
    """Allow this process `number` descriptors while the `with` lasts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits.allow_files(number)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def restart(program: Path) -> Shown:
    """Serve one client, end the server, and start it again on the same port."""
    with running(program) as server:
        with asked(server) as peer:
            peer.read_to_end(time.monotonic() + LIMIT)
            before = meters.descriptors(server.known_pid)
        meters.until(lambda: meters.descriptors(server.known_pid) < before, LIMIT)
        port = server.address[1]
    try:
        with running(program, port=port):
            return Shown(False, "it listens again on the same port")
    except NotStarted as error:
        return Shown(True, str(error).rpartition("`")[0].rpartition("`")[2] or str(error))


def half_a_file(program: Path) -> Shown:
    """Let a client fetch from a server that dies in the middle."""
    stream = wire.whole_stream(wire.SAMPLE)
    status, saved = fetched(program, [stream[:-30]])
    return _of_copy(status, saved)


def cut_in_a_letter(program: Path) -> Shown:
    """Let a client fetch a file that comes in two pieces, cut inside a letter."""
    body = b"caf" + TWO_BYTES + b"\n"
    stream = wire.whole_stream(body)
    cut = stream.index(TWO_BYTES) + 1
    status, saved = fetched(program, [stream[:cut], stream[cut:]])
    return _of_copy(status, saved, body)


def file_in_two_pieces(program: Path) -> Shown:
    """Let a client fetch a file whose body comes a moment after its header."""
    stream = wire.whole_stream(wire.SAMPLE)
    cut = len(stream) - len(wire.SAMPLE)
    status, saved = fetched(program, [stream[:cut], stream[cut:]])
    return _of_copy(status, saved, wire.SAMPLE)


def _of_copy(status: int, saved: bytes | None, wanted: bytes | None = None) -> Shown:
    """Return what the client did; `wanted` is what it should have saved, None for nothing."""
    copy = "nothing saved" if saved is None else f"{len(saved)} bytes saved"
    of = "" if wanted is None else f" of {len(wanted)}"
    right = saved == wanted and (status == 0) == (wanted is not None)
    return Shown(not right, f"{copy}{of}, exit status {status}")


def fetched(program: Path, pieces: Sequence[bytes]) -> tuple[int, bytes | None]:
    """Run the client `program` against a server that sends these pieces; return status and copy.

    A piece is sent when the client has read the one before and sleeps again.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener, temporary_folder() as home:
        copy = Path(home) / "copy.txt"
        port = str(listener.getsockname()[1])
        command = [sys.executable, str(program), "127.0.0.1", str(copy), "--port", port]
        client = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        thread = threading.Thread(target=_deliver, args=(listener, pieces, client.pid))
        thread.start()
        status = client.wait(LIMIT)
        thread.join()
        return status, copy.read_bytes() if copy.exists() else None


def _deliver(listener: socket.socket, pieces: Sequence[bytes], pid: int) -> None:
    """Accept one client and send it the pieces."""
    client, _address = listener.accept()
    with client:
        try:
            for piece in pieces:
                client.sendall(piece)
                meters.wait_for_calm(pid, CALM, LIMIT)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        except OSError:
            pass  # it has left already, which is its own affair


SHOWS: dict[str, Callable[[Path], Shown]] = {
    show.__name__: show
    for show in (
        large_file,
        reader_that_does_not_read,
        timers_of_the_gone,
        number_used_again,
        a_thousand_clients,
        restart,
        half_a_file,
        cut_in_a_letter,
        file_in_two_pieces,
    )
}
