"""The browser that the tests of the viewer drive: found where there is one, else installed.

    python -m tests.support.chromium    install it, unless it is there

In this order: one on the PATH; on Debian and Ubuntu, as root, the package; else the build that
playwright downloads. If nothing helps, one line says so and the status is 1: a test that needs a
browser and has none fails, it does not skip.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Nothing but what the test asks for: no sandbox (root has none), no services in the background.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find() -> str | None:
    """Return the path of a browser that can be driven."""
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    return on_path or downloaded()


def downloaded() -> str | None:
    """Return the path of the build that playwright has downloaded, if it has."""
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Try each way there is, until there is a browser."""
    for command in ways():
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        if find():
            return


def ways() -> list[list[str]]:
    """Return the commands, one of which may bring a browser."""
    found = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quietly = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        found = [["apt-get", "update", "-qq"], quietly, *found]
    return found


def main() -> int:
    """Make sure that there is a browser; return the exit status."""
    if not find():
        install()
    if not find():
        print("no Chromium here, and it could not be installed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
