"""What Windows does differently: the counterpart of posix.py, outlet.py and terminal.py.

Owns the few places where Windows needs other calls. Chosen by system.py; never imported elsewhere.

 1. A file is opened as text unless O_BINARY is given: CR LF would become LF, and Ctrl+Z would end
    it. A copy must have every byte.
 2. select(2) takes sockets alone, and at most 512. A console or a pipe cannot be waited for, so a
    thread reads from stdin. Nothing can be done for writing: while the user selects text in a
    console, every write to it waits, and the loop with it.
 3. The words of Windows' errors are long sentences in the language of the user. Ours are short, and
    the same everywhere.
"""

import ctypes
import errno
import msvcrt
import ntpath
import os
import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from edges.aside import Aside
from edges.closing import close_quietly
from edges.waiting import READABLE, ready
from reactor import Reactor

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

NO_WAIT = os.O_BINARY | os.O_NOINHERIT  # there is no FIFO to wait for, but there is a text mode
MOST_SOCKETS = 512  # that select takes: FD_SETSIZE, as Python for Windows is built
LONGEST = 259  # characters of a path, unless the registry and the program allow more
LONGEST_NAME = 255  # UTF-16 units of a name in it

RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    port + number for port in ("COM", "LPT") for number in "123456789\u00b9\u00b2\u00b3"
}

FORBIDDEN = frozenset('<>"|?*')
TOO_LONG = f"the path is longer than {LONGEST} characters"
NO_SUCH_PATH = 3  # ERROR_PATH_NOT_FOUND; if only the file is missing: ERROR_FILE_NOT_FOUND

sync_file = os.fsync


def open_files() -> int:
    """Return how many sockets the program may have."""
    return MOST_SOCKETS


class Selector(selectors.SelectSelector):
    """The standard selector, but a socket too many fails at once, not in the next select."""

    def register(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Watch `fileobj`. Raises OSError if that is one too many."""
        if len(self.get_map()) >= MOST_SOCKETS:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().register(fileobj, events, data)


best_selector = Selector


def share_offset(_one: int, _other: int) -> bool:
    """Say yes: Windows cannot say whether two descriptors of one file share their offset."""
    return True


def bad_name(path: str) -> str:
    """Return why no copy can have this name, "" if it can.

    CON, nul.txt and C:\\folder\\COM1 are devices, \\\\.\\ is their folder, and a.txt:b is a stream
    inside a file. "a.txt." and "a.txt " would be saved as a.txt, over a file of that name. The
    name of the temporary file is shorter, so one that is too long would be found only at the end.
    """
    plain = path.replace("/", "\\").removeprefix("\\\\?\\")
    name = ntpath.basename(plain)
    stem = name.partition(":")[0].partition(".")[0].rstrip(" ")
    if plain.startswith("\\\\.\\") or stem.upper() in RESERVED:
        return "Windows reserves this name for a device"
    if ":" in name:
        return "a file name cannot contain a colon"
    if name.strip(".") and name[-1] in ". ":
        return "Windows drops a dot or space at the end of a name"
    if not FORBIDDEN.isdisjoint(name):
        return f"a file name cannot contain any of {' '.join(sorted(FORBIDDEN))}"
    if len(name.encode("utf-16-le", "surrogatepass")) > 2 * LONGEST_NAME:
        return f"a name has at most {LONGEST_NAME} characters"
    return TOO_LONG if is_too_long(path) else ""


def is_too_long(path: str) -> bool:
    """Tell whether the system refuses this path for its length; not every Windows does."""
    if len(os.path.abspath(path)) <= LONGEST:
        return False
    try:
        os.stat(path)
    except FileNotFoundError as error:
        return error.winerror == NO_SUCH_PATH
    return False


def words(error: OSError) -> str:
    """Return a few plain words for an error of the system, or "" if it has none of its own."""
    number = error.errno
    if number is None:
        return ""
    if number == errno.EACCES and not isinstance(error, ConnectionError):
        return "access denied: a folder, a read-only file, or one that another program has open?"
    if number == errno.ENOENT and len(os.path.abspath(str(error.filename))) > LONGEST:
        return TOO_LONG
    return (socket.errorTab.get(number) or os.strerror(number)).rstrip(".")


class Outlet:
    """A descriptor for messages, used as it is. A write may wait: see above."""

    may_wait = False

    def __init__(self, number: int) -> None:
        self.sock = number

    def put(self, data: bytes) -> int:
        return os.write(self.sock, data)

    def has_room(self, seconds: float) -> bool:
        """Say yes: there is nothing to ask."""
        return True

    def close(self) -> None:
        """Leave it open: it was open before, and Python closes it at the end."""


class Source:
    """Descriptor `number` for reading, one byte at a time; a thread waits for each."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.reactor = Reactor()  # it never runs: edges/answers.py waits for the thread
        self.byte: Aside[bytes] | None = None
        self.read_bytes: list[bytes] = []

    def fileno(self) -> int:
        """Return what can be waited for while a byte is read."""
        return self.byte.sock.fileno() if self.byte else -1

    def read(self) -> bytes:
        """Return the next byte, b"" at the end. Raises BlockingIOError while there is none."""
        if self.byte is None:
            work = partial(os.read, self.number, 1)
            self.byte = Aside(self.reactor, "stdin", work, self.read_bytes.append, self.failed)
        if not ready({self.fileno(): READABLE}, 0):
            raise BlockingIOError
        self.byte.on_readable()
        self.byte = None
        return self.read_bytes.pop()

    def failed(self, _error: BaseException) -> None:
        """Treat a failed read as the end of the stream."""
        self.read_bytes.append(b"")

    def close(self) -> None:
        """Forget a byte that is still being read: closing the descriptor would wait for it."""
        if self.byte is not None:
            self.byte.close()
        self.reactor.close()


# The terminal: the counterparts of terminal.py.


def is_console(number: int) -> bool:
    """Tell whether this is a console, and not NUL, which Windows takes for a terminal too."""
    try:
        handle = msvcrt.get_osfhandle(number)
    except OSError:  # closed
        return False
    mode = ctypes.c_ulong()
    return bool(ctypes.windll.kernel32.GetConsoleMode(handle, ctypes.byref(mode)))


def in_background(_number: int) -> bool:
    """Say no: consoles have no jobs."""
    return False


def is_same(output: int, _terminal: int) -> bool:
    """Tell whether what is written to `output` appears at the console."""
    return is_console(output)


@contextmanager
def opened(_terminal: int) -> Iterator[int]:
    """Open a descriptor that writes to the console. Raises OSError if there is none."""
    number = os.open("CONOUT$", os.O_RDWR)
    try:
        yield number
    finally:
        close_quietly(os.close, number)


def discard_typed_ahead(_terminal: int) -> None:
    """Forget what was typed and not read yet."""
    while msvcrt.kbhit():
        msvcrt.getwch()


def echoes(number: int) -> bool:
    """Tell whether this is a console, which shows what is typed, Enter included."""
    return is_console(number)


@contextmanager
def reading_lines(_terminal: int) -> Iterator[bool]:
    """Do nothing: a console reads lines, and Enter ends them."""
    yield True
