"""The frame of the tools that print: learn.grade, learn.museum, learn.watch, lab.torture.

Owns what their standard streams and their parent may do to them. Standard output may be full,
closed, or a pipe whose reader (`head`) has seen enough. The parent may have blocked or ignored the
signals that end a program. The programs that run on the reactor have edges/program.py for this.
"""

import argparse
import errno
import io
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NoReturn, TypeVar

from edges import standard_streams
from edges.failure import reason
from signals import STOPS, change_mask

T = TypeVar("T")

LONGEST = 1000  # characters of a message


def run(name: str, main: Callable[[list[str]], int]) -> NoReturn:
    """Run `main` with the command line, and exit with its status.

    The status is 1 if it cannot print, and 130 if Ctrl+C or another signal ended it: a
    KeyboardInterrupt.
    """
    open_streams()
    try:
        try:
            receive_signals()
            status = main(sys.argv[1:])
        finally:
            sys.stdout.flush()  # after --help as well, which leaves by SystemExit
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        status = 130
    except OSError as error:
        status = 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the exit
        if error.errno != errno.EPIPE:
            with suppress(OSError):
                print(f"{name}: {reason(error)}", file=sys.stderr)
    sys.exit(status)


def receive_signals() -> None:
    """Let Ctrl+C and SIGTERM raise KeyboardInterrupt, whatever the parent has done with them.

    A shell starts `command &` with SIGINT ignored, and a server that we start would inherit that:
    with a handler here it starts with the default action. SIGHUP, the end of the terminal, does the
    same unless it is ignored (nohup): the servers that we started would not notice it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, stop)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop)
    change_mask("SIG_UNBLOCK", STOPS)


def stop(number: int, frame: object) -> NoReturn:
    """Do what Ctrl+C does: a handler for other signals."""
    raise KeyboardInterrupt


@contextmanager
def temporary_file(body: bytes) -> Iterator[str]:
    """Yield the name of a temporary file that holds `body`."""
    with unbroken(lambda: tempfile.NamedTemporaryFile(suffix=".txt")) as file:
        file.write(body)
        file.flush()
        yield file.name


def temporary_folder() -> AbstractContextManager[str]:
    """Return a context that yields the name of an empty temporary folder."""
    return unbroken(tempfile.TemporaryDirectory)


@contextmanager
def unbroken(make: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
    """Make and enter a context, with no KeyboardInterrupt before its end is certain.

    A KeyboardInterrupt may come between any two steps of Python, so also when a file is made and
    nothing yet knows that it must be removed. Here the signals wait until something does.
    """
    with ExitStack() as stack:
        try:
            change_mask("SIG_BLOCK", STOPS)
            made = stack.enter_context(make())
        finally:
            change_mask("SIG_UNBLOCK", STOPS)
        yield made


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that refuses in one line, and takes `--name=--` for a mistake."""

    def parse_args(self, words: list[str]) -> argparse.Namespace:  # type: ignore[override]
        """Return the options; SystemExit 2 on a usage error, 0 after --help."""
        end = words.index("--") if "--" in words else len(words)
        for word in words[:end]:
            if word.startswith("--") and word.endswith("=--"):  # argparse makes a list of it
                self.error(f"argument {word[:-3]}: -- is no value")
        if "--" in words[end + 1 :]:  # argparse would leave it out
            self.error("-- is no value")
        return super().parse_args(words)

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong, and exit with status 2."""
        say(f"{self.prog}: {message} (see --help)")
        raise SystemExit(2)


def say(message: object) -> None:
    """Print one line on stderr: what came from a command line may hold anything."""
    text = str(message)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} [...] {text[-LONGEST // 2 :]}"
    shown = (letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    print("".join(shown), file=sys.stderr)


def open_streams() -> None:
    """Let what is printed to a closed stream disappear, and every letter be printed elsewhere.

    Python makes a closed stream None: it has no flush() and no isatty(), and print() writes to
    stdout what is meant for stderr. A letter that the locale's encoding lacks is printed as an
    escape: names and words come from other programs, and may hold any.
    """
    standard_streams.open_closed()
    for printed in (sys.stdout, sys.stderr):
        if isinstance(printed, io.TextIOWrapper):
            printed.reconfigure(errors="backslashreplace")
    for stream, mode in {"stdin": "r", "stdout": "w", "stderr": "w"}.items():
        if getattr(sys, stream) is None:
            null = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  # to the end
            setattr(sys, stream, null)
