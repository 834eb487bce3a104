"""The recorded run of the documents: docs/lanes.jsonl, its picture, and its lines in docs/trace.md.

Called by tests/test_tracing_lanes.py, and by `make docs`:

    python -m lab.documents.lanes --write    record it again if it is stale; draw and quote it again

A trace names lines of the source, so it is stale once they have moved. It is the scene of `make
trace`, with the same events in the same order each time: links to event numbers stay right.
"""

import ast
import io
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from lab.tracing import events, lanes

ROOT = Path(__file__).resolve().parent.parent.parent
TRACE = ROOT / "docs" / "lanes.jsonl"
PICTURE = ROOT / "docs" / "lanes.svg"
PAGE = ROOT / "docs" / "trace.md"
QUOTED = range(34, 46)  # the second turn
MOVING = {  # the pictures of the README
    ROOT / "docs" / "lanes-moving.svg": lanes.moving,
    ROOT / "docs" / "lanes-narrow.svg": lanes.narrow,
}
BLOCK = re.compile(r"^<!-- turn -->\n```json\n(?:.*\n)*?```\n", re.MULTILINE)
FRAME = re.compile(r"([\w/.]+):(\d+) ([\w.<>]+)")  # file, line, function
ENTERED = ("call", "rx", "tx", "state", "half", "open", "close")  # events about a whole function


def stale(text: str) -> list[str]:
    """Return the frames of a trace that are no longer where they were."""
    found = []
    for event in map(json.loads, text.splitlines()[1:-1]):
        stack = event.get("stack") or [""]
        found += [frame for frame in stack if not current(frame)]
        found += [frame for frame in stack[:-1] if not calls(frame)]
        if event["ev"] in ENTERED and not begins(stack[-1]):
            found.append(stack[-1])
    return found


def begins(frame: str) -> bool:
    """Tell whether the line of a frame is the first one of its function."""
    file, line, name = re.split("[: ]", frame, maxsplit=2)
    return any(name == each and int(line) == first for each, first, _ in functions(file))


@cache
def calls(frame: str) -> bool:
    """Tell whether there is a call on the line of a frame, as the frame inside it needs."""
    found = FRAME.fullmatch(frame)
    return found is not None and any(
        isinstance(node, ast.Call) and node.lineno <= int(found[2]) <= (node.end_lineno or 0)
        for node in ast.walk(tree(found[1]))
    )


@cache
def current(frame: str) -> bool:
    """Tell whether the line of a frame is in the function of its name."""
    found = FRAME.fullmatch(frame)
    if not found:
        return False
    return any(
        name == found[3] and first <= int(found[2]) <= last
        for name, first, last in functions(found[1])
    )


@cache
def tree(file: str) -> ast.Module:
    """Return the parsed source of a file."""
    return ast.parse((ROOT / file).read_text())


@cache
def functions(file: str) -> list[tuple[str, int, int]]:
    """Return each function of a file: its qualified name, its first and its last line."""
    found = []

    def visit(node: ast.AST, path: str) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                visit(child, path)
                continue
            if isinstance(child, ast.FunctionDef):
                first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                found.append((path + child.name, first, child.end_lineno or first))
            inside = ".<locals>." if isinstance(child, ast.FunctionDef) else "."
            visit(child, path + child.name + inside)

    visit(tree(file), "")
    return found


def picture(text: str) -> str:
    """Return the picture of a trace."""
    return lanes.picture(events.read(io.BytesIO(text.encode())))


def quoted(text: str) -> str:
    """Return the lines that docs/trace.md quotes, without their stacks."""
    chosen = text.splitlines()[QUOTED.start - 1 : QUOTED.stop - 1]
    lines = (re.sub(r',"stack":\[[^\]]*\]}$', "}", line) for line in chosen)
    return "<!-- turn -->\n```json\n" + "".join(f"{line}\n" for line in lines) + "```\n"


def rewritten(page: str, text: str) -> str:
    """Return docs/trace.md with the lines of this trace."""
    return BLOCK.sub(lambda _: quoted(text), page)


def main(arguments: list[str]) -> None:
    """Write what is stale, or print the usage."""
    if arguments != ["--write"]:
        sys.exit("usage: python -m lab.documents.lanes --write")
    if stale(TRACE.read_text()):
        words = [sys.executable, "-m", "lab.demo", "--trace", str(TRACE)]
        subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        print("recorded docs/lanes.jsonl")
    text = TRACE.read_text()
    trace = events.read(io.BytesIO(text.encode()))
    files = {PICTURE: picture(text), PAGE: rewritten(PAGE.read_text(), text)}
    files |= {path: draw(trace) for path, draw in MOVING.items()}
    for path, made in files.items():
        if path.read_text() != made:
            path.write_text(made)
            print(f"rewrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
