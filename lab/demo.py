"""`make demo` and `make trace`: one server and four clients in one terminal; ends by itself.

Client 1 connects first and then says nothing; the others come at the same time, and the server
sends in slow motion, so that one sees it turn from one to the next. Nobody waits for client 1,
which gets its file at the end. Every copy is compared with the original, octet for octet: status 0
says that all are exact, and that every program ended with status 0.

`--trace FILE` plays another scene, which is short enough to be stepped through, and lets the server
record it: see scene.py.
"""

if __name__ == "__main__":  # Ctrl+C may come at once, while the rest is still being imported
    from edges import process

    process.begin()

import argparse
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import protocol
from edges import standard_streams
from lab.actors import ORIGINAL, PATIENCE, Failed, Person, Program, listen, put, say, serve
from lab.scene import record

SLOW_MOTION = ["--chunk=16", "--pause=0.1"]  # bytes per send, seconds between sends


def play(stack: ExitStack, folder: Path) -> None:
    """Play the scene; raise Failed if anything is not as it must be."""
    server, port = serve(stack, SLOW_MOTION)
    silent = stack.enter_context(closing(Person("client 1", port)))
    clients = []
    for number in (2, 3, 4):
        copy = folder / f"copy {number}.txt"
        client = Program(f"client {number}", "client.py", f"--port={port}", "127.0.0.1", copy)
        clients.append(stack.enter_context(closing(client)))
    listen(server, silent, *clients, until=lambda: all(client.ended for client in clients))
    silent.speak(protocol.hello(), "hello at last")
    listen(server, silent, until=lambda: silent.ended)
    silent.close()
    server.process.send_signal(signal.SIGTERM)
    listen(server, until=lambda: server.ended)
    compare(silent, folder)
    for program in (*clients, server):
        if program.process.wait(PATIENCE):
            raise Failed(f"{program.name} ended with status {program.process.returncode}")


def compare(silent: Person, folder: Path) -> None:
    """Raise Failed unless all four copies are exact."""
    original = ORIGINAL.read_bytes()
    if silent.received != protocol.hello() + protocol.file_message(original):
        raise Failed(f"client 1 got {silent.received!r}")
    for number in (2, 3, 4):
        copy = folder / f"copy {number}.txt"
        if not copy.exists() or copy.read_bytes() != original:
            raise Failed(f"the copy of client {number} is missing or wrong")
    say("demo", f"4 copies, {len(original)} octets each, all exact; nobody waited for client 1")


def stop(number: int, _frame: object) -> None:
    """End on a signal as on an error: by way of every clean-up."""
    raise SystemExit(128 + number)


def main() -> int:
    """Play the scene in a folder of its own, and return the exit status."""
    standard_streams.open_closed()
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--trace", metavar="FILE", type=Path, help="record what the server does")
    trace = parser.parse_args().trace
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            record(stack, trace.absolute()) if trace else play(stack, Path(folder))
    except (Failed, OSError, subprocess.TimeoutExpired) as problem:
        put(2, f"demo: FAILED: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
