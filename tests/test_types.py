"""What a type checker finds: a name that is misspelt in an observer, an option or a handshake.

In code that is annotated, in a test that is not, and in the hello modules themselves.
"""

import importlib.util
import os
import shutil
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

# The same in a test: pyproject.toml has the settings of mypy for tests.
TEST = """
from client import hello as client_hello
from edges.command_line import ClientOptions, ServerOptions
from edges.observers.events import Received, Snet
from reactor import Reactor
from server import Server, hello

def test_it():
    options = ServerOptions()
    server = Server(Reactor(), None, options)
    assert server.acceptd == options.drian == ClientOptions().timout
    assert hello.greet() + client_hello.answer()
    assert Received(None, data=b"").bytes
"""
IN_TEST = ["Snet", "acceptd", "drian", "timout", "greet", "answer", "bytes"]

# A definition in a hello module, and a misspelt one.
DEFINED = {
    "the server's": ("server", "def greeting()", "def greet()"),
    "the client's": ("client", "def parse(received: bytes)", "def parse(received: str)"),
}


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """Return what runs mypy; one cache for all runs, without which each takes seconds longer."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed (the group lint)")
    cache = tmp_path_factory.mktemp("cache")

    def check(folder, *words):
        """Return what mypy says of `words`, which are options and files of `folder`."""
        ended = subprocess.run(
            [sys.executable, "-m", "mypy", "--cache-dir", cache, *words],
            cwd=folder,
            env={**os.environ, "MYPYPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ended.returncode in (0, 1), ended.stdout + ended.stderr
        return ended.stdout

    return check


@pytest.fixture(scope="module")
def errors(checked, tmp_path_factory):
    """Return the lines in which mypy finds an error, by file; one run for all, for it is slow."""
    folder = tmp_path_factory.mktemp("types")
    texts = {"right": RIGHT}
    for number, (good, bad) in enumerate(MISSPELT.values()):
        assert RIGHT.count(good) == 1
        texts[f"wrong{number}"] = RIGHT.replace(good, bad)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    said = checked(folder, "--strict", *(f"{name}.py" for name in texts))
    found = {name: [] for name in texts}
    for line in said.splitlines():
        path, *rest = line.split(":", 2)
        if Path(path).stem in found and ": error:" in line:
            found[Path(path).stem].append((int(rest[0]), rest[1]))
    return found


def test_what_is_spelt_right_is_no_error(errors):
    assert errors["right"] == []


@pytest.mark.parametrize("number", range(len(MISSPELT)), ids=list(MISSPELT))
def test_what_is_misspelt_is_an_error_in_its_line(errors, number):
    good, _ = list(MISSPELT.values())[number]
    [place] = [n for n, line in enumerate(RIGHT.splitlines(), start=1) if good in line]
    assert errors[f"wrong{number}"][0][0] == place


def test_what_is_misspelt_in_a_test_is_an_error_too(checked, tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_it.py").write_text(TEST)
    said = checked(tmp_path, "--config-file", ROOT / "pyproject.toml", "tests/test_it.py")
    errors = [line for line in said.splitlines() if ": error:" in line]
    assert len(errors) == len(IN_TEST), said
    assert all(any(f'"{name}"' in line for line in errors) for name in IN_TEST), said


@pytest.mark.parametrize("misspelt", [None, *DEFINED])
def test_what_is_misspelt_in_a_hello_module_is_an_error_as_well(checked, tmp_path, misspelt):
    for name in ("server.hello.py", "client.hello.py", "tests/support/hellos.py"):
        shutil.copy(ROOT / name, tmp_path)
    if misspelt is not None:
        end, good, bad = DEFINED[misspelt]
        path = tmp_path / f"{end}.hello.py"
        text = path.read_text()
        assert text.count(good) == 1
        path.write_text(text.replace(good, bad))
    said = checked(tmp_path, "server.hello.py", "client.hello.py", "hellos.py")
    assert ("hellos.py:" in said) == (misspelt is not None), said
