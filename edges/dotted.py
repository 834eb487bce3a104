"""Load a module whose file name has a dot in it.

`import server.hello` would look for a module `hello` inside a package `server`. The two halves of
the handshake are named for what they are, `server.hello.py` and `client.hello.py`, so they are
loaded by path: a spec made from the path, a module made from the spec, the code run in it (the
recipe "Importing a source file directly" in the importlib documentation). A type checker cannot
look into such a module; ServerHello and ClientHello say what is in it.
"""

import importlib.util
import os
from typing import Any, Protocol


class ServerHello(Protocol):
    """What server.hello.py has."""

    def greeting(self) -> bytes: ...
    def parse(self, received: bytes) -> bytes | None: ...


class ClientHello(Protocol):
    """What client.hello.py has."""

    def reply(self) -> bytes: ...
    def parse(self, received: bytes) -> bytes | None: ...


def load(name: str, folder: "str | os.PathLike[str]") -> Any:
    """Return the module in the file `name` + ".py" of `folder`; OSError if it cannot be read."""
    path = os.path.join(folder, f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
