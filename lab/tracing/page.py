"""The page: one HTML file that shows a trace, step by step.

Owns the joining of the parts in viewer/ with a trace and with the source of the handlers. Knows
no event: what a trace means is in viewer/read.js and the files after it, and in docs/trace.md.
Called by `python3 -m lab.tracing view`.

The page holds all it needs, and its Content-Security-Policy lets the browser load nothing. The
policy names the script and the style by their hashes: no other script runs, wherever it came from.

The trace is data. It stands in an element that no browser executes, and that ends at the first
`</script>`; hence every `<` is written as JSON's own escape, and the same text comes out. What is
inserted is not looked through again: a trace that contains a placeholder is shown as it is.
"""

import ast
import base64
import hashlib
import json
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = Path(__file__).resolve().parent / "viewer"
SCRIPTS = ("read", "fold", "words", "lanes", "panels", "ask", "steps")  # in this order
RUNTIME = ("reactor.py", "connection.py", "listener.py", "server.py", "client.py", "edges/*.py")


def page(text: str) -> str:
    """Return the HTML page for the JSON Lines trace in `text`."""
    style = part("page.css")
    script = "".join(part(f"{name}.js") for name in SCRIPTS)
    parts = {
        "style": style,
        "script": script,
        "style_hash": hash_source(style),
        "script_hash": hash_source(script),
        "sources": inert(json.dumps(sources())),
        "trace": inert(text),
    }
    return re.sub("@@([a-z_]+)@@", lambda match: parts[match[1]], part("page.html"))


def part(name: str) -> str:
    """Return one file of the viewer."""
    return (PARTS / name).read_text(encoding="utf-8")


def inert(text: str) -> str:
    """Return JSON with no `<`, so that no tag can be seen in it."""
    return text.replace("<", "\\u003c")


def hash_source(text: str) -> str:
    """Return what a policy calls an inline element with this `text` (Content Security Policy 3)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def sources() -> dict[str, dict[str, str | int]]:
    """Return the source of each method that may be what runs, by its qualified name.

    The loop calls methods of objects that it can tell of an error: those whose class has on_error.
    They may be inherited, so a base class counts as well. Between two calls runs the loop itself.
    """
    parsed = [(path, *parse(path)) for pattern in RUNTIME for path in sorted(ROOT.glob(pattern))]
    called = {"Reactor"}.union(*(fallible(classes) for _, _, classes in parsed))
    return {
        f"{owner.name}.{method.name}": {
            "file": path.relative_to(ROOT).as_posix(),
            "line": method.lineno,
            "text": textwrap.dedent("\n".join(lines[method.lineno - 1 : method.end_lineno])),
        }
        for path, lines, classes in parsed
        for owner in classes
        if owner.name in called
        for method in methods(owner)
    }


def parse(path: Path) -> tuple[list[str], list[ast.ClassDef]]:
    """Return the lines and the classes of one file."""
    text = path.read_text(encoding="utf-8")
    return text.splitlines(), [
        node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)
    ]


def fallible(classes: list[ast.ClassDef]) -> set[str]:
    """Return the names of the classes that have an on_error, and of their bases."""
    found = [
        [owner.name, *map(ast.unparse, owner.bases)]
        for owner in classes
        if any(method.name == "on_error" for method in methods(owner))
    ]
    return {name for names in found if "Protocol" not in names for name in names}


def methods(owner: ast.ClassDef) -> list[ast.FunctionDef]:
    """Return the methods of a class."""
    return [node for node in owner.body if isinstance(node, ast.FunctionDef)]
