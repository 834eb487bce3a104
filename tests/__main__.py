"""`make test`: most tests on all cores, and after them, with the machine to themselves, the others.

    python -m tests [ARGUMENTS]       each argument goes to pytest

The others carry the mark `alone`: they measure time or processor time, or need most of the machine.
"""

import os
import subprocess
import sys

AT_ONCE = min(8, 5 * (os.cpu_count() or 1) // 2)  # a test waits for more than half of its time
PARTS = (
    ("--part=together", f"--numprocesses={AT_ONCE}", "--dist=worksteal"),
    ("--part=alone",),
)
PASSED, FAILED, NONE_SELECTED = 0, 1, 5  # statuses of pytest


def main(arguments: list[str]) -> int:
    """Run both parts; return 0 if all tests passed, and some test was selected."""
    statuses = []
    for part in PARTS:
        command = [sys.executable, "-m", "pytest", *part, *arguments]
        statuses.append(subprocess.run(command, check=False).returncode)
        if statuses[-1] not in (PASSED, FAILED, NONE_SELECTED):
            return statuses[-1]  # interrupted, or a usage error
    return FAILED if FAILED in statuses else min(statuses)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
