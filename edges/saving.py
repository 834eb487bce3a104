"""The client's copy: it appears under its name whole, or not at all.

Owns everything between the name a user gives and the octets on the disk. Called by client.py:

    with saving.opened(path) as copy:     a bad directory fails here, before any server is bothered
        ...                               connect, receive, verify
        copy.write(octets)                the octets are safe, under a temporary name
        copy.publish()                    the commit: rename gives them their name

POSIX promises of rename(2) that whoever opens the name meanwhile finds the old file or the new one,
never a mixture. For that the temporary file stands in the same directory. The order is the point:
write, fsync, rename, fsync of the directory; a rename before the fsync could survive a power cut
that the octets do not. Leaving the `with` block unpublished, for whatever reason, removes the
temporary file; the old one was never touched.

What is no regular file cannot be replaced, only written to: renaming over /dev/null would break the
machine. So a FIFO, a device, standard output and every other open file that is given as a
descriptor (/dev/fd/7) are streams, written as they are, once the octets are verified.

Accepted limits. The new file takes the place of the old one: other hard links keep the old octets,
and of owner, access lists and mode only the permission bits are kept. A file that is a mount point
cannot be replaced (EBUSY). SIGKILL may leave a `.eighty-*` file behind.
"""

import os
import select
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Self

import protocol
from edges.failure import Failure, reason

# A folder is only to be named, not read, so the permission to search it is enough (Linux).
FOLDER = os.O_DIRECTORY | getattr(os, "O_PATH", os.O_RDONLY)

# Links that Linux follows in one name (path_resolution(7)). A loop was refused by stat before; one
# that somebody makes in this very instant ends here.
LINKS_LIMIT = 40


class Replacement:
    """A regular file, new or old, replaced whole: temporary file, fsync, rename."""

    def __init__(self, path: str, target: str, mode: int | None) -> None:
        """Take `path` as the user gave it, `target` behind its links, and the old file's mode."""
        self.name = _shown(path)
        self._target = target
        self._mode = mode
        # Not derived from the target, whose name may have all the 255 octets that a name can have.
        self._temporary = f".eighty-{os.urandom(8).hex()}"

    def __enter__(self) -> Self:
        """Make the temporary file, ours alone; its mode is 0666 less the umask, or the old one.

        From here on the folder is known by a descriptor: it may be renamed, and is found again.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # never what is there, be it a file or a link
        with _told("cannot write in", _shown(_folder_of(self._target))), ExitStack() as undo:
            self._folder = os.open(_folder_of(self._target), FOLDER)
            undo.callback(_close, self._folder)
            self._descriptor = os.open(self._temporary, flags, 0o666, dir_fd=self._folder)
            undo.callback(_close, self._descriptor)
            undo.callback(self._remove)
            if self._mode is not None:
                os.fchmod(self._descriptor, self._mode)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""
        self._undo.close()

    def _remove(self) -> None:
        with suppress(OSError):  # published: the temporary name is gone
            os.unlink(self._temporary, dir_fd=self._folder)

    def write(self, octets: bytes) -> None:
        """Bring `octets` to the disk, still under the temporary name. Raises Failure."""
        with _told("cannot save", self.name):
            _write(self._descriptor, octets)

    def publish(self) -> None:
        """Give what was written its name, in one step that cannot be half done. Raises Failure."""
        with _told("cannot save", self.name):
            os.replace(
                self._temporary,
                os.path.basename(self._target),
                src_dir_fd=self._folder,
                dst_dir_fd=self._folder,
            )
        with suppress(OSError):  # best effort: the copy is there, and not every file system can
            _sync(self._folder)


class Stream:
    """Standard output, an open file, a FIFO or a device: written to as it is, never replaced."""

    def __init__(self, path: str, number: int | None = None) -> None:
        """Take the `path` that the user gave, and our own descriptor that it leads to, if any."""
        self.name = _shown(path)
        self._path = path
        self._number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: nothing is kept open."""

    def write(self, octets: bytes) -> None:
        """Write `octets`. Raises Failure.

        The open of a FIFO waits for its reader, or for a signal handler that raises; a signal in
        the very instant before open(2) comes too late for that.
        """
        with _told("cannot save", self.name):
            descriptor = self._open()
            try:
                _write(descriptor, octets)
            finally:
                os.close(descriptor)

    def publish(self) -> None:
        """Do nothing: what a stream was given is out."""

    def _open(self) -> int:
        """Return another descriptor, to be closed; never create a file.

        Our own are not opened anew: that would begin a file at offset 0, over what stands there,
        fail for a socket, and wait for ever where the reader of a pipe has gone.
        """
        if self._number is not None:
            return os.dup(self._number)
        return os.open(self._path, os.O_WRONLY | os.O_TRUNC)


def opened(path: str) -> Replacement | Stream:
    """Return the copy that is to be saved at `path`: a context manager, to be entered at once.

    Raises Failure for what no copy can be saved under: a directory, a loop of links, an old file
    that may not be written, an impossible name.
    """
    with _told("cannot save", _shown(path)):
        if path == "-":
            return Stream(path, 1)
        old = _status(path)
        target = _followed(path)
        if old is None:
            return Replacement(path, target, None)
        is_open_file = _is_open_file(target)
        if is_open_file and _is_our_own(target):
            return Stream(path, int(os.path.basename(target)))
        _require_writable(path, old)
        if is_open_file or not stat.S_ISREG(old.st_mode):
            return Stream(path)
        # Permission bits only: no set-user-ID for octets that are new and have a new owner.
        return Replacement(path, target, stat.S_IMODE(old.st_mode) & 0o777)


def _status(path: str) -> os.stat_result | None:
    """Return the status of what `path` leads to; None if that would be a new file."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        if path.rpartition("/")[2] in ("", "."):  # "", "new/" and "new/." are no names of a file
            raise
        return None


def _require_writable(path: str, old: os.stat_result) -> None:
    """Raise OSError for a directory, and for what we may not write though we could replace it."""
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError("it is a directory")
    if not os.access(path, os.W_OK):
        raise PermissionError("it may not be written")


def _followed(path: str) -> str:
    """Return `path` with the links of its last part followed: rename would replace the link itself.

    Not realpath, which takes "new/.." for "." without asking whether there is a "new".
    """
    target = path
    for _ in range(LINKS_LIMIT):
        if not os.path.islink(target) or _is_open_file(target):
            break
        target = os.path.join(os.path.dirname(target), os.readlink(target))
    return target


def _is_open_file(path: str) -> bool:
    """Tell whether `path` is a link in /proc, which leads to an open file, not to a name.

    Its text is a mere description: "pipe:[7]", or "/tmp/copy (deleted)". /dev/fd is such a folder,
    too. (To compare the file behind `path` with the one behind the text would be a race: another
    copy may take the name between the two looks.)
    """
    return os.path.islink(path) and _real_folder(path).startswith("/proc/")


def _is_our_own(path: str) -> bool:
    """Tell whether the open file `path` is a descriptor of this process, as behind /dev/stdout."""
    return _real_folder(path) in map(os.path.realpath, ("/proc/self/fd", "/proc/thread-self/fd"))


def _folder_of(path: str) -> str:
    return os.path.dirname(path) or "."


def _real_folder(path: str) -> str:
    return os.path.realpath(_folder_of(path))


def _write(descriptor: int, octets: bytes) -> None:
    """Write every octet; to a file, as far as the disk itself."""
    while octets:  # a disk that is nearly full takes some of them first
        try:
            octets = octets[os.write(descriptor, octets) :]
        except BlockingIOError:  # standard output, and somebody made it non-blocking
            select.select([], [descriptor], [])
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.fsync(descriptor)


def _sync(folder: int) -> None:
    """Bring the names in `folder` to the disk: a rename is written there, not in the file."""
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _close(descriptor: int) -> None:
    with suppress(OSError):  # it is released all the same; what fsync said was the last word
        os.close(descriptor)


def _shown(path: str) -> str:
    return protocol.shown(os.fsencode(path), limit=None)


@contextmanager
def _told(what: str, name: str) -> Iterator[None]:
    """Turn an error of the system into one line for the user: `what` with `name`, and why."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Failure(f"{what} {name}: {reason(error)}; give another OUTPUT_FILE") from error
