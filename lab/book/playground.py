"""The playground: one HTML file with Python, an editor and the code of eighty.

    python3 -m lab.book.playground [FILE.html]

What runs in it is packed from the repository each time: there is no copy that could go stale.
Pyodide (Python as WebAssembly) and CodeMirror (the editor) come from npm, and esbuild joins the
scripts. A page from a file:// address may read no file beside it, so everything is inside.
"""

import base64
import gzip
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from lab.book import npm, play
from lab.book.cut import ROOT

HERE = Path(__file__).resolve().parent
PARTS = HERE / "playground"
EDITABLE = (
    "server.py", "connection.py", "reactor.py", "listener.py", "protocol.py", "server.hello.py",
    "client.py", "client.hello.py", "signals.py",
)  # fmt: skip
PACKED = (
    "edges/**/*.py", "lab/__init__.py", "lab/simulation/*.py", "lab/svg.py", "lab/tracing/*.py",
    "lab/tracing/viewer/*", "lab/book/__init__.py", "lab/book/play.py",
)  # fmt: skip
NEEDED = (
    "pyodide/pyodide.mjs", "pyodide/pyodide.asm.mjs", "pyodide/pyodide.asm.wasm",
    "pyodide/python_stdlib.zip", "pyodide/pyodide-lock.json", "codemirror/package.json",
    "esbuild/bin/esbuild",
)  # fmt: skip
ABSENT = "The playground is not in this copy of the book: {why}."


def exercises() -> list[dict[str, Any]]:
    """Return the exercises."""
    found: list[dict[str, Any]] = tomllib.loads(text_of(HERE / "exercises.toml"))["exercise"]
    return found


def text_of(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


def files() -> dict[str, str]:
    """Return the files that the page needs, by their names."""
    paths = [ROOT / name for name in EDITABLE]
    paths += [path for pattern in PACKED for path in sorted(ROOT.glob(pattern)) if path.is_file()]
    return {path.relative_to(ROOT).as_posix(): text_of(path) for path in paths}


def data() -> dict[str, Any]:
    """Return what the page's script reads."""
    lock = json.loads(text_of(package("pyodide/pyodide-lock.json")))
    return {
        "files": files(),
        "editable": EDITABLE,
        "exercises": exercises(),
        "scenes": {name: scene.words for name, scene in play.SCENES.items()},
        "boot": text_of(PARTS / "boot.py"),
        "lock": json.dumps(lock | {"packages": {}}),
    }


def package(name: str) -> Path:
    """Return the path of a file from npm that is known to be there."""
    path = npm.find(name)
    assert path is not None
    return path


def bundled(name: str, *options: str) -> bytes:
    """Return a script of the page, joined with what it imports."""
    words: list[str | Path] = [
        "node", package("esbuild/bin/esbuild"), PARTS / name, "--bundle", "--minify",
        "--log-level=error", "--legal-comments=none", *options,
    ]  # fmt: skip
    place = {"NODE_PATH": str(npm.FOLDER / "node_modules")}
    done = subprocess.run(words, capture_output=True, check=False, env=npm.environment() | place)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def worker() -> bytes:
    """Return the script of the worker: no module, for those may not come from a file:// page."""
    return bundled(
        "worker.js",
        "--format=iife",
        '--define:import.meta.url="https://in.this.page/"',
        "--external:node:*",
        "--external:ws",
        f"--alias:pyodide-module={package('pyodide/pyodide.asm.mjs')}",
        f"--alias:pyodide-loader={package('pyodide/pyodide.mjs')}",
    )


def packed(content: bytes) -> str:
    """Return bytes as text that a page can hold."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def inert(text: str) -> str:
    """Return a script without anything that would end its script element."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def page() -> str:
    """Return the whole page."""
    parts = {
        "style": text_of(PARTS / "page.css"),
        "data": json.dumps(data()).replace("<", "\\u003c"),
        "worker": packed(worker()),
        "wasm": packed(package("pyodide/pyodide.asm.wasm").read_bytes()),
        "library": packed(package("pyodide/python_stdlib.zip").read_bytes()),
        "script": inert(bundled("main.js", "--format=iife").decode()),
    }
    return re.sub("@@([a-z]+)@@", lambda match: parts[match[1]], text_of(PARTS / "page.html"))


def missing() -> str:
    """Return why there can be no playground; empty: there can."""
    absent = [name for name in NEEDED if npm.find(name) is None]
    return f"npm has not brought {absent[0].partition('/')[0]}" if absent else ""


def absent_page(why: str) -> str:
    """Return the page that is there instead."""
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>No playground</title>'
    return f"{head}<p>{ABSENT.format(why=why)}</p></html>\n"


def main() -> int:
    """Write the page; return the exit status."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "build/playground.html")
    if problem := npm.install() or missing():
        print(f"the playground needs what npm brings: {problem}", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    text = page()
    target.write_text(text, encoding="utf-8")
    place = str(target.resolve()).replace(" ", "%20")
    print(f"made file://{place}: {len(text) / 1e6:.1f} MB, needs no network")
    return 0


if __name__ == "__main__":
    sys.exit(main())
