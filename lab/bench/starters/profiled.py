"""Start server.py and sample where its user time goes, function by function.

    python lab/bench/starters/profiled.py OUTPUT server.py [options]

A timer that runs only while the process computes in user mode (ITIMER_VIRTUAL) goes off at every
tick of the kernel, and the Python function that runs at that moment gets a point. Time in C code,
say in `socket.send` before it enters the kernel, counts for the function that called it. The calls
themselves cost nothing more, unlike with cProfile, which would make small functions look expensive.
Sampling begins at SIGUSR1, once the server is warm. OUTPUT is written at SIGTERM.
"""

import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

TICK = 0.001  # seconds; the kernel rounds it up to its own

samples: Counter[str] = Counter()


def sample(_number: int, frame: FrameType | None) -> None:
    """Give the running function its point."""
    if frame is not None:
        code = frame.f_code
        samples[f"{Path(code.co_filename).name} {code.co_qualname}"] += 1


def begin(_number: int, _frame: FrameType | None) -> None:
    """Start sampling."""
    signal.setitimer(signal.ITIMER_VIRTUAL, TICK, TICK)


def main() -> None:
    """Run the program under the timer, and write the result."""
    output = Path(sys.argv[1])
    del sys.argv[:2]
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
    signal.signal(signal.SIGVTALRM, sample)
    signal.signal(signal.SIGUSR1, begin)
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        output.write_text(json.dumps(samples))


if __name__ == "__main__":
    main()
