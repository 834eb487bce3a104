"""The first and the last moment of a program, when no loop handles its signals.

Imported first of all, so that little can happen before it. Called by server.py, client.py and the
demonstrations where they are run as programs; a module that only imports them must not call it.
"""

import gc
import signal
import sys
from typing import NoReturn


def begin() -> None:
    """Make the signals of this process those of a program.

    Ctrl+C ends it as it ends any other: by the signal, without a traceback. It may come while the
    other modules are imported. A Ctrl+C that is ignored stays ignored.

    A program in the background may use its terminal without being stopped: a message must not stop
    a server, not even after `stty tostop` (SIGTTOU). What is typed there then belongs to another
    program; reading it fails (EIO) and does not stop us either (SIGTTIN).
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)


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
