"""The recorded scene of `make trace`: one thread and four clients, in nine turns.

    c1  says hello at once; the kernel takes a part of the file, so it waits to write
    c2  says hello in two pieces, and so is served in three turns
    c3  speaks another protocol, and is refused
    c4  says nothing, and is late

Owns the order of events. The server is stopped for a moment wherever two of them must arrive
together, so the turns are the same on any machine.
"""

import signal
import time
from contextlib import ExitStack, closing
from pathlib import Path

import protocol
from lab.actors import ORIGINAL, PATIENCE, Failed, Person, Program, frozen, listen, say, serve

OPTIONS = ("--quiet", "--chunk=50", "--timeout=3")  # 85 bytes of file message: two sends
HELLO = protocol.hello()
FILE = protocol.file_message(ORIGINAL.read_bytes())


def record(stack: ExitStack, trace: Path) -> None:
    """Play the scene, recorded in `trace`; raise Failed if anything is not as it must be."""
    server, port = serve(stack, [*OPTIONS, f"--trace={trace}"])
    with frozen(server):
        four = [stack.enter_context(closing(Person(f"c{n}", port))) for n in (1, 2, 3, 4)]
    listen(server, *four, until=lambda: all(person.received for person in four))
    speak(server, *four)
    think()
    server.process.send_signal(signal.SIGTERM)
    listen(server, until=lambda: server.ended)
    judge(four)
    if server.process.wait(PATIENCE):
        raise Failed(f"the server ended with status {server.process.returncode}")


def speak(server: Program, prompt: Person, split: Person, stranger: Person, silent: Person) -> None:
    """Let the four clients do what they came for."""
    everybody = (server, prompt, split, stranger, silent)
    think()
    with frozen(server):
        prompt.speak(HELLO, "HELLO 1")
        split.speak(HELLO[:3], "HEL")
    listen(*everybody, until=lambda: prompt.ended)
    think()
    with frozen(server):
        split.speak(HELLO[3:], "LO 1")
        stranger.speak(b"GET /\n", "GET /")
    listen(*everybody, until=lambda: split.ended and stranger.ended)
    think()
    with frozen(server):
        prompt.close()
        split.close()
    listen(server, silent, until=lambda: silent.ended)


def think() -> None:
    """Wait a moment, so that the trace shows a loop that sleeps. Nothing depends on it."""
    time.sleep(0.2)


def judge(four: list[Person]) -> None:
    """Raise Failed unless each of the four clients got what it must get."""
    expected = (
        FILE,
        FILE,
        b"ERROR expected HELLO, got 'GET /\\n'\n",
        b"ERROR no hello within 3 s\n",
    )
    for person, rest in zip(four, expected, strict=True):
        if person.received != HELLO + rest:
            raise Failed(f"{person.name} got {person.received!r}")
    say("scene", "c1 and c2 have the file, c3 was refused, c4 was late")
