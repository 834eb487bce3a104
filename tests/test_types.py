"""What a type checker finds: a name that is misspelt in an observer, an option or a handshake."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

RIGHT = """
from client import hello as client_hello
from edges.command_line import ClientOptions, ServerOptions
from edges.observers.events import Event, Received, Sent
from reactor import Reactor
from server import Server, hello

def observe(event: Event) -> int:
    match event:
        case Received(_, data):
            return len(data or b"")
        case Sent():
            return event.want
    return 0

def look(server: Server, options: ServerOptions, other: ClientOptions) -> float:
    return server.accepted + (options.max_clients or 0) + other.timeout

def say(received: bytes) -> list[bytes | None]:
    return [hello.greeting(), client_hello.reply(), hello.parse(received)]

def wait(reactor: Reactor) -> None:
    queue = reactor.deadline_queue(1.0, Server.cut)
    print(queue.length)
"""

# What is misspelt, in a line of RIGHT, and what comes instead.
MISSPELT = {
    "an event": ("case Sent():", "case Snet():"),
    "a field of an event": ("return event.want", "return event.wants"),
    "an option": ("options.max_clients", "options.max_client"),
    "an option of the other program": ("other.timeout", "other.drain"),
    "an attribute of the server": ("server.accepted", "server.acceptd"),
    "a function of the server's hello": ("hello.greeting()", "hello.greet()"),
    "a function of the client's hello": ("client_hello.reply()", "client_hello.answer()"),
    "the length of a queue, which is set": ("print(queue.length)", "queue.length = 2.0"),
}


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """Return the lines in which mypy finds an error, by file; one run for all, for it is slow."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed (the group lint)")
    folder = tmp_path_factory.mktemp("types")
    texts = {"right": RIGHT}
    for number, (good, bad) in enumerate(MISSPELT.values()):
        assert RIGHT.count(good) == 1
        texts[f"wrong{number}"] = RIGHT.replace(good, bad)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache"]
    ended = subprocess.run(
        [*command, *(f"{folder / name}.py" for name in texts)],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    found = {name: [] for name in texts}
    for line in ended.stdout.splitlines():
        path, *rest = line.split(":", 2)
        if Path(path).stem in found and ": error:" in line:
            found[Path(path).stem].append((int(rest[0]), rest[1]))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return found


def test_what_is_spelt_right_is_no_error(errors):
    assert errors["right"] == []


@pytest.mark.parametrize("number", range(len(MISSPELT)), ids=list(MISSPELT))
def test_what_is_misspelt_is_an_error_in_its_line(errors, number):
    good, _ = list(MISSPELT.values())[number]
    [place] = [n for n, line in enumerate(RIGHT.splitlines(), start=1) if good in line]
    assert errors[f"wrong{number}"][0][0] == place
