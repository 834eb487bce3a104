"""Where and when something was measured, in one line."""

import os
import platform
import resource
import time


class LimitTooLow(Exception):
    """This machine does not allow as many open descriptors as the measurement needs."""


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


def allow_descriptors(number: int) -> None:
    """Let this process, and those it starts, open `number` descriptors; raises LimitTooLow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= number:
        return
    if hard < number:
        raise LimitTooLow(
            f"{number:,} open descriptors are needed at each end, the hard limit is {hard:,}; "
            f"raise it (`ulimit -Hn {number}` as root, or limits.conf), or take fewer clients"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [
                line.partition(":")[2].strip() for line in file if line.startswith("model name")
            ]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
