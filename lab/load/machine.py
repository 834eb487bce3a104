"""Where and when something was measured, in one line."""

import os
import platform
import time


def description() -> str:
    """Return date, processor, kernel and Python."""
    return ", ".join(
        (
            time.strftime("%Y-%m-%d"),
            f"{_processor()}, {os.cpu_count()} CPUs",
            f"{platform.system()} {platform.release()}",
            f"{platform.python_implementation()} {platform.python_version()}",
        )
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [
                line.partition(":")[2].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
