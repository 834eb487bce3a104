"""Install the packages from npm that package.json and its lock file, beside this file, name.

    python3 -m lab.book.npm    install them into build/npm, unless they are there

The book needs them for its diagrams and its playground only.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / "build" / "npm"
MERMAID = "mermaid/dist/mermaid.min.js"
LISTS = ("package.json", "package-lock.json")


def find(name: str) -> Path | None:
    """Return the path of one file of a package; None: it is not installed."""
    path = FOLDER / "node_modules" / name
    return path if path.exists() else None


def environment() -> dict[str, str]:
    """Return the environment for the programs of npm."""
    return dict(os.environ)


def is_current() -> bool:
    """Tell whether what is installed is what the lists say."""
    stamp = FOLDER / ".installed"
    return stamp.exists() and stamp.read_text() == "".join(
        (HERE / each).read_text() for each in LISTS
    )


def install() -> str:
    """Install; return what went wrong, in one line."""
    if is_current():
        return ""
    if shutil.which("npm") is None:
        return "there is no npm here"
    FOLDER.mkdir(parents=True, exist_ok=True)
    for each in LISTS:
        shutil.copy(HERE / each, FOLDER / each)
    words = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return f"npm: {lines[0] if lines else done.returncode}"
    (FOLDER / ".installed").write_text("".join((HERE / each).read_text() for each in LISTS))
    return ""


if __name__ == "__main__":
    sys.exit(install() or 0)
