"""Load a module whose file name has a dot in it.

`import server.hello` would look for a module `hello` inside a package `server`. The two halves of
the handshake are named for what they are, `server.hello.py` and `client.hello.py`, so they are
loaded by path instead: a spec made from the path, a module made from the spec, the code run in it
(the recipe "Importing a source file directly" of the importlib documentation).
"""

import importlib.util
import os
from types import ModuleType


def load(name: str, folder: "str | os.PathLike[str]") -> ModuleType:
    """Return the module in the file `name` + ".py" of `folder`; OSError if it cannot be read."""
    path = os.path.join(folder, f"{name}.py")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
