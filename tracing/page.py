"""The page: one HTML file that shows a trace, step by step.

Owns the joining of the parts in viewer/ with a trace and with the source of the handlers. Knows
no event: what a trace means is in viewer/read.js and the files after it, and in docs/trace.md.
Called by `python3 -m tracing view`.

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
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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
    """Return every method that the loop may call, by qualified name, and the loop's own turn.

    The loop calls methods of those objects that it can tell of an error: whose class has on_error.
    """
    files = [path for pattern in RUNTIME for path in sorted(ROOT.glob(pattern))]
    found: dict[str, dict[str, str | int]] = {}
    for path in files:
        for owner, method, text in methods(path.read_text(encoding="utf-8")):
            name = path.relative_to(ROOT).as_posix()
            found[f"{owner}.{method.name}"] = {"file": name, "line": method.lineno, "text": text}
    return found


def methods(source: str) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Yield class name, method and its text for each class of `source` with an on_error."""
    lines = source.splitlines()
    for owner in ast.parse(source).body:
        if not isinstance(owner, ast.ClassDef):
            continue
        all_of_it = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
        for method in all_of_it:
            text = "\n".join(line[4:] for line in lines[method.lineno - 1 : method.end_lineno])
            yield owner.name, method, text
