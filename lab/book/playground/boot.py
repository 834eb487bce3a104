"""The first Python that runs in the page: write the reader's files, import everything afresh, run.

Knows no part of eighty but lab.book.play, which it imports for each run.
"""

import errno
import importlib
import importlib.util
import json
import linecache
import re
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any


def no_limit(which: int) -> tuple[int, int]:
    """Raise what resource.getrlimit raises where there is no such thing."""
    raise OSError(errno.ENOSYS, "no limits here")


def stand_in() -> None:
    """Let edges/ be imported: the simulation calls nothing of these modules of Unix."""
    for name in ("fcntl", "resource", "termios", "tty"):
        if name not in sys.modules and importlib.util.find_spec(name) is None:
            sys.modules[name] = ModuleType(name)
    limits: Any = sys.modules.get("resource")
    if limits is not None and not hasattr(limits, "getrlimit"):
        limits.RLIMIT_NOFILE, limits.RLIM_INFINITY, limits.getrlimit = 7, -1, no_limit


def unpack(root: str, files: dict[str, str]) -> None:
    """Write files below `root`, which may then be imported from."""
    for name, text in files.items():
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    stand_in()
    sys.dont_write_bytecode = True  # two edits of one second would look alike
    if root not in sys.path:
        sys.path.insert(0, root)


def forget(root: str) -> None:
    """Forget all modules from below `root`."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(root + "/"):
            del sys.modules[name]
    importlib.invalidate_caches()
    linecache.clearcache()


def run(root: str, edited: str, scene: str, seed: int) -> str:
    """Run a scene with these files (JSON: name to text); return what came of it, as JSON."""
    forget(root)
    unpack(root, json.loads(edited))
    try:
        play = importlib.import_module("lab.book.play")
        found = play.play(scene, seed)
    except BaseException as error:  # noqa: BLE001  # whatever the reader's code raises
        found = {"verdict": "Python stopped", "broken": True, "error": shown(root, error)}
    return json.dumps(found)


def shown(root: str, error: BaseException) -> str:
    """Return a traceback as Python prints it, without the frames of this file."""
    frames = traceback.TracebackException.from_exception(error)
    ours = re.compile(r"boot\.py$|^<frozen |importlib/__init__\.py$|^<exec>$")
    kept = [each for each in frames.stack if not ours.search(each.filename)]
    frames.stack = traceback.StackSummary.from_list(kept)
    return "".join(frames.format()).replace(f"{root}/", "")
