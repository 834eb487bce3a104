"""What Windows does differently: run inside the Windows Python, by `make test-windows`.

It runs with a console as stdin. pytest puts NUL there, so a test opens the console by its name.
"""

import ctypes
import errno
import msvcrt
import os
import selectors
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edges import system, waiting, windows

RETURN = 13  # the key, and its character


@pytest.fixture
def console() -> Iterator[int]:
    number = os.open("CONIN$", os.O_RDWR)
    yield number
    os.close(number)


@pytest.fixture
def null() -> Iterator[int]:
    number = os.open("NUL", os.O_RDWR)
    yield number
    os.close(number)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    numbers = os.pipe()
    yield numbers
    for number in numbers:
        os.close(number)


def test_the_names_of_this_system_are_those_of_windows() -> None:
    assert system.Outlet is windows.Outlet
    assert system.terminal is windows


# Sockets


def test_a_socket_too_many_is_refused_and_the_others_are_still_watched() -> None:
    most = windows.open_files()
    with closing(windows.best_selector()) as selector:
        for number in range(most):
            selector.register(number, selectors.EVENT_READ)
        with pytest.raises(OSError) as caught:
            selector.register(most, selectors.EVENT_READ)
        assert caught.value.errno == errno.EMFILE
        selector.unregister(0)
        selector.register(most, selectors.EVENT_READ)
        assert len(selector.get_map()) == most


# Names and words


LONG = 256 * "a"
DEEP = 200 * "x\\"  # folders, none of which is there


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("NUL", "a device"),
        ("nul.txt", "a device"),
        ("C:/folder/com1", "a device"),
        ("\\\\.\\pipe\\x", "a device"),
        ("a.txt:b", "a colon"),
        ("a.txt.", "a dot or space"),
        ("a.txt ", "a dot or space"),
        ("a.txt", ""),
        ("C:a.txt", ""),
        (".", ""),
        ("a<b", "any of"),
        ("what?", "any of"),
        ("a" * 255, ""),
        ("a" * 256, "at most 255 characters"),
        ("\\\\?\\C:\\" + "a" * 256, "at most 255 characters"),
        ("\U0001f600" * 128, "at most 255 characters"),
        (DEEP + "a", "the path is longer than 259 characters"),
    ],
)
def test_a_name_that_no_file_can_have_is_found(path: str, why: str) -> None:
    found = windows.bad_name(path)
    assert why in found and bool(why) == bool(found)


def test_a_long_path_that_the_system_can_use_is_fine(tmp_path: Path) -> None:
    """Windows itself does only where the registry allows it; Wine always."""
    folder = tmp_path / (200 * "x")
    folder.mkdir()
    path = folder / (100 * "y")
    for make in (lambda: None, path.touch):
        make()
        assert windows.bad_name(str(path)) == ""
    assert os.listdir(folder) == [path.name]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError("ours"), ""),
        (OSError(errno.EINVAL, "x"), "Invalid argument"),
        (PermissionError(errno.EACCES, "x", "a"), "access denied: a folder, "),
        (ConnectionError(errno.EACCES, "x"), "Permission denied"),
        (FileNotFoundError(errno.ENOENT, "x", "a"), "No such file or directory"),
        (FileNotFoundError(errno.ENOENT, "x", LONG), "the path is longer than 259 characters"),
        (OSError(10061, "x"), "Connection refused"),
    ],
)
def test_errors_have_our_words(error: OSError, line: str) -> None:
    found = windows.words(error)
    assert found.lower().startswith(line.lower()) and bool(line) == bool(found)


def test_two_descriptors_of_one_file_may_share_their_offset(null: int) -> None:
    assert windows.share_offset(null, null)


# Messages


def test_an_outlet_writes_at_once_and_leaves_the_descriptor_open(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    outlet = windows.Outlet(writer)
    assert outlet.has_room(0) and not outlet.may_wait
    assert outlet.put(b"a line\n") == 7
    outlet.close()
    os.write(writer, b"x")
    assert os.read(reader, 100) == b"a line\nx"


# Standard input


def next_byte(source: windows.Source) -> bytes:
    """Wait for it."""
    try:
        return source.read()
    except BlockingIOError:
        waiting.ready({source.fileno(): waiting.READABLE}, None)
        return source.read()


def test_a_byte_is_waited_for_and_so_is_the_end() -> None:
    reader, writer = os.pipe()
    with closing(windows.Source(reader)) as source:
        assert source.fileno() == -1
        with pytest.raises(BlockingIOError):
            source.read()
        assert source.fileno() >= 0
        os.write(writer, b"yes")
        assert [next_byte(source) for _ in "yes"] == [b"y", b"e", b"s"]
        os.close(writer)
        assert next_byte(source) == b""
    os.close(reader)


def test_what_cannot_be_read_has_ended() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with closing(windows.Source(reader)) as source:
        assert next_byte(source) == b""
    os.close(writer)


def test_a_byte_that_is_still_read_can_be_forgotten() -> None:
    reader, writer = os.pipe()
    with closing(windows.Source(reader)) as source:
        with pytest.raises(BlockingIOError):
            source.read()
    os.close(writer)  # ends the thread
    os.close(reader)


# The console


def test_only_a_console_is_one(console: int, null: int, pipe: tuple[int, int]) -> None:
    closed = os.dup(null)
    os.close(closed)
    for is_one in (windows.is_console, windows.echoes, lambda number: windows.is_same(number, 0)):
        assert is_one(console)
        assert not any(is_one(number) for number in (null, *pipe, closed))


def test_a_console_has_no_jobs_and_reads_lines(console: int) -> None:
    assert not windows.in_background(console)
    with windows.reading_lines(console) as usable:
        assert usable


def test_the_console_is_opened_for_writing_and_closed_again(console: int) -> None:
    with windows.opened(console) as number:
        assert windows.is_console(number)
        assert os.write(number, b"\r") == 1
    assert not windows.is_console(number)


def press_return(console: int) -> None:
    """Write the key into the console's input (INPUT_RECORD, KEY_EVENT_RECORD)."""
    key = (ctypes.c_uint16 * 10)(1, 0, 1, 0, 1, RETURN, 0, RETURN, 0, 0)
    handle, written = ctypes.c_void_p(msvcrt.get_osfhandle(console)), ctypes.c_ulong()
    kernel = ctypes.windll.kernel32
    assert kernel.WriteConsoleInputW(handle, key, 1, ctypes.byref(written)) and written.value == 1


def test_what_was_typed_ahead_is_forgotten(console: int) -> None:
    press_return(console)
    press_return(console)
    assert msvcrt.kbhit()
    windows.discard_typed_ahead(console)
    assert not msvcrt.kbhit()
    windows.discard_typed_ahead(console)


def test_an_address_in_use_has_plain_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(OSError) as caught, socket.socket() as second:
            second.bind(server.getsockname())
    assert windows.words(caught.value) == "The network address is in use"
