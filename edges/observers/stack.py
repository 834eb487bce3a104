"""Where a program is: the call stack of the core and the edges, for the trace.

Owns which frames a reader of the trace sees: those of the project's own files, from the program's
first call to the innermost. The frames up to edges/program.py are the same for every event, so they
are left out, and so are those of the observers themselves.

    ["server.py:LINE serve", "server.py:LINE Server.serve", "reactor.py:LINE Reactor.run",
    "reactor.py:LINE Reactor.turn", "reactor.py:LINE Reactor.call", ...]
"""

import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
FOLDERS = {  # those whose files are shown, with the path from ROOT
    os.path.normcase(ROOT): "",
    os.path.normcase(os.path.join(ROOT, "edges")): "edges/",
}
FRAME = "edges/program.py"


class Stacks:
    """Finds the stack, and remembers the name of each file: an event has some ten frames."""

    def __init__(self) -> None:
        self.files: dict[CodeType, str] = {}

    def here(self, callee: Callable[..., object] | None) -> list[str]:
        """Return the stack, outermost first, as "FILE:LINE FUNCTION".

        `callee` is the function that an event is about, and that is called from the last line; it
        comes last, at its `def` line, where a debugger stops when it steps in.
        """
        found = []
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # the documented way
        while frame is not None and (file := self.file(frame.f_code)) != FRAME:
            if file:
                found.append(f"{file}:{frame.f_lineno} {frame.f_code.co_qualname}")
            frame = frame.f_back
        found.reverse()
        if code := _code(callee):
            found.append(f"{self.file(code)}:{code.co_firstlineno} {code.co_qualname}")
        return found

    def file(self, code: CodeType) -> str:
        """Return the path from the project's folder to the file of `code`; "": not to be shown."""
        if code not in self.files:
            # Not relpath: on Windows there is no way from one drive to another.
            folder, name = os.path.split(os.path.realpath(code.co_filename))
            path = FOLDERS.get(os.path.normcase(folder))
            self.files[code] = "" if path is None else path + name
        return self.files[code]


def _code(function: object) -> CodeType | None:
    """Return the code of a function, also if it is inside a partial or a wrapper."""
    function = getattr(function, "func", function)
    function = getattr(function, "__wrapped__", function)
    return getattr(function, "__code__", None)
