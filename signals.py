"""Signals as bytes on a socket: for the loop they are one more socket to read.

Owns the signals that ask a program to end, from the first statement of its run to the last. Does
not know the loop: a reactor needs only an object with `sock`, `interest` and callbacks.

A handler that only sets a flag does not wake `select`, which goes on sleeping after a signal (PEP
475). And a signal between the check of the flag and the sleep would not be noticed. So the C part
of Python writes the signal's number to a socket at once (`signal.set_wakeup_fd`), and the
handler in Python, which may run in the middle of anything, does nothing. The byte waits in the
socket until the loop reads it. If the socket is full the byte is dropped, but then hundreds of
others are waiting. (libuv and Twisted do the same; it is the self-pipe trick of D. J. Bernstein.)
"""

import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress

# The signals that ask us to end. Windows has SIGBREAK (Ctrl+Break), not SIGHUP.
STOPS = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)


def nothing(*_: object) -> None:
    """Do nothing: the Python half of every signal handler."""


class Interrupted(Exception):
    """The signal `number` asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def interrupt(number: int) -> None:
    """Raise Interrupted: the default action for our signals."""
    raise Interrupted(number)


class Signals:
    """The signals of STOPS, as a handler of the loop: `act(number)` is called for each.

    A context manager for the main thread (ValueError elsewhere). SIGINT and SIGHUP that were
    ignored at the start stay ignored, as `command &` in a script and nohup require. Signals that
    were blocked are unblocked: a process inherits the signals that its parent has blocked.

    At the end everything is restored. With `final` the signals are ignored instead: the exit
    status is decided by then, and a signal that found its default action restored would end the
    process with another status.
    """

    def __init__(self, act: Callable[[int], None] = interrupt, *, final: bool = False) -> None:
        self.act = act
        self.final = final
        self.interest = 0

    def __enter__(self) -> "Signals":
        self.sock, self.writer = socket.socketpair()
        try:
            self.sock.setblocking(False)
            self.writer.setblocking(False)
            self.old_writer = signal.set_wakeup_fd(self.writer.fileno(), warn_on_full_buffer=False)
        except BaseException:  # not the main thread: leave no socket behind
            self.close()
            raise
        ours = [
            number
            for number in STOPS
            if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN
        ]
        self.old_handlers = {number: signal.signal(number, nothing) for number in ours}
        self.old_mask = change_mask("SIG_UNBLOCK", ours)
        return self

    def __exit__(self, *_: object) -> None:
        if self.final:
            self.ignore()
        else:
            for number, handler in self.old_handlers.items():
                signal.signal(number, handler)
            change_mask("SIG_SETMASK", self.old_mask)
        signal.set_wakeup_fd(self.old_writer)
        self.close()

    def close(self) -> None:
        for sock in (self.sock, self.writer):
            with suppress(OSError):  # the descriptor is released all the same: close(2)
                sock.close()

    def ignore(self) -> None:
        """Ignore our signals from now on: the outcome is decided.

        They are blocked while we do it. Otherwise a signal between Python's last check and the new
        action would be reported on stderr, as "ignored due to race condition".
        """
        mask = change_mask("SIG_BLOCK", self.old_handlers)
        self.handle_with(signal.SIG_IGN)
        change_mask("SIG_SETMASK", mask)

    def received(self) -> list[int]:
        """Return the numbers of our signals that have come since the last call."""
        try:
            return [number for number in self.sock.recv(4096) if number in self.old_handlers]
        except BlockingIOError:
            return []

    def on_readable(self) -> None:
        """Act on each signal, in order."""
        for number in self.received():
            self.act(number)

    def on_error(self, error: Exception) -> None:
        """Propagate: Interrupted ends the loop, and a program that cannot be stopped must end."""
        raise error

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if numbers := self.received():
            raise Interrupted(numbers[0])

    def handle_with(self, handler: Callable[..., None] | signal.Handlers) -> None:
        """Install `handler` for all our signals: see edges/interruptible.py."""
        for number in self.old_handlers:
            signal.signal(number, handler)


def change_mask(how: str, numbers: Iterable[int]) -> Iterable[int]:
    """Block or unblock signals in this thread (pthread_sigmask(3)); return what was blocked.

    Does nothing where signals cannot be blocked (Windows).
    """
    if not hasattr(signal, "pthread_sigmask"):
        return ()
    before: Iterable[int] = signal.pthread_sigmask(getattr(signal, how), set(numbers))
    return before
