"""The first and the last moment of a program, when no loop handles its signals yet, or any more.

Imported first of all, so that little can happen before it. Called by server.py, client.py and the
demonstrations where they are run as programs; must not be called by who only imports them.
"""

import gc
import signal
import sys
from typing import NoReturn


def begin() -> None:
    """Let Ctrl+C end this process as it ends any other: by the signal, without a traceback.

    It may come while the other modules are imported. A Ctrl+C that is ignored stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(status: int) -> NoReturn:
    """End this process with `status`: it is decided, and no late signal may change it.

    (The interpreter takes some milliseconds to leave, and whoever stops a service may ask twice.)
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # While it leaves, the interpreter looks through all there is for cycles, several times: a tenth
    # of a client's whole life (4 of 41 ms), for memory that goes back to the system anyhow. What is
    # frozen is not looked at. In development mode (-X dev) it looks, and tells what was left open.
    if not sys.flags.dev_mode:
        gc.freeze()
    sys.exit(status)
