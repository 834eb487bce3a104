"""The client's copy: it appears under its name whole, or not at all.

Owns everything between the name a user gives and the bytes on the disk. Called by client.py:

    with saving.opened(path) as copy:     a bad folder fails here, before any server is asked
        ...                               connect, receive, verify
        copy.write(body)                  the bytes are safe, under a temporary name
        copy.publish()                    the commit: rename gives them their name

POSIX promises for rename(2) that a program that opens the name at any time finds the old file or
the new one, never a mixture. It works within one file system only, so the temporary file is in the
same folder. The order matters: write, fsync, rename, fsync of the folder. After a power cut, a
rename that came before the fsync could be on the disk without the bytes. Leaving the `with` block
unpublished, for any reason, removes the temporary file; the old file was never touched.

Only a regular file can be replaced. Renaming over /dev/null would break the machine. So a FIFO, a
device, standard output and every other open file that is given as a descriptor (/dev/fd/7) are
streams: the verified bytes are written to them.

Not every file system can do every step. Some steps only improve the result, and are optional: a
descriptor for the folder, the mode, fsync where it is not supported (see writing.py). Without one
of them the copy is still exact.

Accepted limits. The new file takes the place of the old one: other hard links keep the old bytes,
and of owner, access lists and mode only the permission bits are kept. A file that is a mount point
cannot be replaced (EBUSY). SIGKILL, or an unlink that is refused, leaves a `.eighty-*` file behind.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Self

import protocol
from edges import destination, writing
from edges.closing import close_quietly
from edges.failure import Failure, reason
from edges.system import NO_WAIT

# We name the folder and do not read it, so the permission to search it is enough (Linux).
FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)

HOLDS_FOLDERS = os.open in os.supports_dir_fd  # Windows does not

# The permissions that let other people read or write a file.
OTHERS = 0o066


class Replacement:
    """A regular file, new or old, replaced whole: temporary file, fsync, rename."""

    verb = "saved"  # what `publish` did: "replaced" if the old file had different bytes

    def __init__(self, path: str, target: str, mode: int | None) -> None:
        """Take `path` as the user gave it, `target` with its links followed, and the mode of the
        old file, None if there is none."""
        self.name = _shown(path)
        self._mode = mode
        self._directory, self._final = destination.folder_of(target), os.path.basename(target)
        # Not derived from the target: its name may already have 255 bytes, the most possible.
        self._temporary = f".eighty-{os.urandom(8).hex()}"
        self._folder: int | None = None
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Make the temporary file; its mode is 0666 less the umask, or that of the old file."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_WAIT  # never an existing file or link
        with _told("cannot write in", _shown(self._directory)), ExitStack() as undo:
            self._open_folder(undo)
            path = self._path(self._temporary)
            self._descriptor = os.open(path, flags, 0o666, dir_fd=self._folder)
            undo.callback(self._remove)
            if self._mode is not None:
                self._keep_mode(self._mode)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing behind."""
        self._undo.close()

    def _open_folder(self, undo: ExitStack) -> None:
        """Hold the folder by a descriptor, so that it is found even if it is renamed.

        Optional: without the descriptor, the path of the folder is used. (Where there is no O_PATH,
        a folder that may be written but not read cannot be opened. Windows can open no folder at
        all; there, the call would open a file that a wrong path names as the folder.)
        """
        if not HOLDS_FOLDERS:
            return
        with suppress(OSError):
            self._folder = os.open(self._directory, FOLDER)
            undo.callback(close_quietly, os.close, self._folder)

    def _path(self, name: str) -> str:
        """Return the path of `name` in the folder, relative to its descriptor if we have one."""
        return name if self._folder is not None else os.path.join(self._directory, name)

    def _keep_mode(self, mode: int) -> None:
        """Give the new file the mode of the old one.

        Some file systems refuse that (FAT, CIFS, WSL's /mnt/c). It matters only if other people
        could then read or write more than before.
        """
        given = stat.S_IMODE(os.fstat(self._descriptor).st_mode)
        if given == mode:
            return
        try:
            os.chmod(self._descriptor, mode)
        except OSError as error:
            if given & ~mode & OTHERS:
                why = f"cannot keep the mode {mode:04o} of {self.name}: {reason(error)}"
                raise Failure(f"{why}; give another OUTPUT_FILE") from error

    def _remove(self) -> None:
        """Remove the temporary file, unless it was published."""
        close_quietly(self._close)
        with suppress(OSError):  # published: the temporary name is gone
            os.unlink(self._path(self._temporary), dir_fd=self._folder)

    def _close(self) -> None:
        """Close the temporary file, once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def write(self, body: bytes) -> None:
        """Force `body` to the disk, still under the temporary name. Raises Failure.

        The close counts, too: NFS may refuse bytes only then. And some systems cannot rename an
        open file (Windows, some network file systems).
        """
        self._body = body
        with _told("cannot save", self.name):
            writing.write(self._descriptor, body)
            with suppress(InterruptedError):  # closed all the same
                self._close()

    def publish(self) -> None:
        """Give what was written its name, in one step that cannot be half done. Raises Failure."""
        old, new = self._path(self._temporary), self._path(self._final)
        with _told("cannot save", self.name):
            if self._old_differs():
                self.verb = "replaced"
            os.replace(old, new, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        with suppress(OSError):  # optional: the copy is there, and not all file systems sync it
            writing.sync_folder(self._directory, self._folder)

    def _old_differs(self) -> bool:
        """Tell whether there is an old file with different bytes, or one that cannot be read."""
        flags = os.O_RDONLY | NO_WAIT
        try:
            descriptor = os.open(self._path(self._final), flags, dir_fd=self._folder)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        try:
            return os.read(descriptor, len(self._body) + 1) != self._body
        except OSError:
            return True
        finally:
            close_quietly(os.close, descriptor)


class Stream:
    """Standard output, an open file, a FIFO or a device: written to as it is, never replaced."""

    verb = "saved"

    def __init__(self, path: str, number: int | None = None) -> None:
        """Take the `path` that the user gave, and our own descriptor that it leads to, if any."""
        self.name = _shown(path)
        self._path = path
        self._number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: nothing is kept open."""

    def write(self, body: bytes) -> None:
        """Write `body`. Raises Failure.

        Our own descriptors are used as they are. Opening them again would begin a file at offset 0,
        over what is there, fail for a socket, and wait for ever where the reader of a pipe has
        gone. No file is created. The open of a FIFO waits for its reader. A signal ends the wait,
        because its handler raises; but not if it comes just before open(2) begins to wait.
        """
        with _told("cannot save", self.name):
            if self._number is not None:
                writing.write(self._number, body)
                return
            descriptor = os.open(self._path, os.O_WRONLY | os.O_TRUNC)
            try:
                writing.write(descriptor, body)
            finally:
                close_quietly(os.close, descriptor)

    def publish(self) -> None:
        """Do nothing: what was written to a stream is already out."""


def opened(path: str) -> Replacement | Stream:
    """Return the copy that is to be saved at `path`: a context manager, to be entered at once.

    Raises Failure where no copy can be saved: a directory, a loop of links, an old file that may
    not be written, an impossible name.
    """
    with _told("cannot save", _shown(path)):
        if (number := destination.descriptor_of(path)) is not None:
            return Stream(path, number)
        old = destination.status(path)
        target = destination.followed(path)
        if old is None:
            return Replacement(path, target, None)
        destination.require_writable(path, old)
        if destination.is_open_file(target) or not stat.S_ISREG(old.st_mode):
            return Stream(path)
        # Permission bits only: no set-user-ID for bytes that are new and have a new owner.
        return Replacement(path, target, stat.S_IMODE(old.st_mode) & 0o777)


def _shown(path: str) -> str:
    return protocol.shown(os.fsencode(path), limit=None)


@contextmanager
def _told(what: str, name: str) -> Iterator[None]:
    """Turn an error of the system into one line for the user: `what` with `name`, and why."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise Failure(f"{what} {name}: {reason(error)}; give another OUTPUT_FILE") from error
