"""The page: one HTML file that shows a trace, step by step.

Owns the joining of the parts in viewer/ with a trace, the signs and colours, and the source files
that the trace names. Knows no event: what a trace means is in viewer/read.js and the files after
it, and in docs/trace.md. Called by `python3 -m lab.tracing view`.

The page holds all it needs, and its Content-Security-Policy lets the browser load nothing. The
policy names the script and the style by their hashes: no other script runs, wherever it came from.

The trace is data. It is in an element that no browser executes, and that ends at the first
`</script>`; so every `<` is written as JSON's escape for it, which means the same. The text that is
inserted is not searched again: a trace that contains a placeholder is shown as it is.
"""

import base64
import hashlib
import json
import re
from pathlib import Path

from lab.tracing import palette, signs

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = Path(__file__).resolve().parent / "viewer"
SCRIPTS = (  # in this order
    "read", "fold", "words", "draw", "layout", "overview", "code", "list", "stage", "move", "ask",
    "steps",
)  # fmt: skip
ALWAYS = ("reactor.py", "connection.py", "listener.py", "server.py", "client.py")
MAY = (
    *ALWAYS,
    "signals.py",
    "protocol.py",
    "edges/*.py",
    "edges/observers/*.py",
    "learn/steps/*.py",
)
NAMED = re.compile(r'"([\w/.-]{1,100}\.py):\d+ ')  # a frame of a stack


def page(text: str) -> str:
    """Return the HTML page for the JSON Lines trace in `text`."""
    return joined(text, sources(text), "", "")


def live_page(script: str) -> str:
    """Return the page of lab/watch.py, whose `script` gets the trace later. Only this page may
    connect to a server, and only to the one that it came from."""
    return joined("", texts(set(runtime())), script, "; connect-src 'self'")


def joined(text: str, files: dict[str, str], more: str, connect: str) -> str:
    """Return the page made of these parts; `connect` is added to its policy."""
    style = palette.variables() + part("page.css")
    script = "".join(part(f"{name}.js") for name in SCRIPTS) + more
    parts = {
        "style": style,
        "script": script,
        "style_hash": hash_source(style),
        "script_hash": hash_source(script),
        "connect": connect,
        "sources": inert(json.dumps(files)),
        "signs": inert(json.dumps(drawings())),
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


def drawings() -> dict[str, dict[str, str]]:
    """Return the signs and the states: what they mean, and which state has which colour."""
    legend = {**signs.LEGEND, **signs.MORE}
    states = palette.STATES
    meanings = {"legend": legend, "events": signs.EVENTS, "doing": signs.DOING}
    return {"glyphs": signs.GLYPHS, "states": states, **meanings}


def sources(text: str) -> dict[str, str]:
    """Return the source files that a trace names, and the core for any other trace, by their names.

    A trace may name anything; only files of the runtime are read.
    """
    return texts(set(NAMED.findall(text)).union(ALWAYS))


def texts(named: set[str]) -> dict[str, str]:
    """Return the files of the runtime that are `named`."""
    known = runtime()
    return {name: path.read_text(encoding="utf-8") for name, path in known.items() if name in named}


def runtime() -> dict[str, Path]:
    """Return the files that a trace may name."""
    return {
        path.relative_to(ROOT).as_posix(): path
        for pattern in MAY
        for path in sorted(ROOT.glob(pattern))
    }
