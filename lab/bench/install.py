"""Install the packages of the group `bench` one by one, and report those that cannot be installed.

    python -m lab.bench.install

Called when pip could not install them all at once: one that fails must not prevent the others.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent.parent / "pyproject.toml"


def main() -> None:
    """Install the packages that can be installed."""
    packages = tomllib.loads(PYPROJECT.read_text())["dependency-groups"]["bench"]
    for package in packages:
        command = [sys.executable, "-m", "pip", "install", "-qq", package]
        if subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode:
            print(f"NOT INSTALLED: {package} cannot be installed here", file=sys.stderr)


if __name__ == "__main__":
    main()
