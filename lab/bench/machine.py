"""The machine: the cores that a bench uses, and the description that its figures need."""

import datetime
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13")  # of Python: those that .ci/run looks for
PACKAGES = ("uvloop", "Twisted", "gevent", "trio")


def split_cores() -> tuple[set[int], set[int]]:
    """Return the cores of the servers and those of the load: one each, two different ones."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("bench: only one core: servers and load share it", file=sys.stderr)
    return {cores[0]}, {cores[-1]}


def circumstances() -> dict[str, str]:
    """Return the date, the machine and the versions of the software."""
    found = {
        "date": str(datetime.date.today()),
        "processor": processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "C compiler": first_line("cc", "--version"),
        "load average": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Return the processor's own name."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    return model[1] if model else platform.machine()


def first_line(*command: str) -> str:
    """Return the first line that a command prints; "none" where there is no such command."""
    if shutil.which(command[0]) is None:
        return "none"
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout.partition("\n")[0]


def pythons() -> dict[str, str]:
    """Return the command of each Python of VERSIONS that is found: on the PATH, or pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = {}
    for version in VERSIONS:
        kept = sorted(pyenv.glob(f"versions/{version}.*/bin/python3"))
        for candidate in (f"python{version}", sys.executable, *map(str, kept)):
            if is_version(candidate, version):
                found[version] = candidate
                break
    return found


def is_version(candidate: str, version: str) -> bool:
    """Tell whether this command really starts that Python (a shim of pyenv may not)."""
    told = 'import sys; print("%d.%d" % sys.version_info[:2])'
    return shutil.which(candidate) is not None and first_line(candidate, "-c", told) == version
