"""Descriptors 0, 1 and 2 are open before the first socket, and stay as the user had them."""

import errno
import os
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from edges import posix

# Run in a process of its own: the test's standard streams belong to pytest.
FILL = """
import errno, os, socket, sys
report = open(sys.argv[1], "w")
for number in map(int, sys.argv[2:]):
    os.close(number)
from edges import standard_streams
standard_streams.open_closed()
def failure(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "none"
print(socket.socket().fileno() > 2, file=report)
print(failure(os.read, 0, 1), failure(os.write, 1, b"x"), failure(os.write, 2, b"x"), file=report)
"""


@pytest.mark.fault("E10")
@pytest.mark.parametrize("closed", [(), (0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)])
def test_a_closed_standard_stream_is_filled_so_that_using_it_still_fails(closed, tmp_path):
    report = tmp_path / "report"
    arguments = [sys.executable, "-c", FILL, str(report), *map(str, closed)]
    null = subprocess.DEVNULL
    subprocess.run(arguments, stdin=null, stdout=null, stderr=null, check=True)
    number_of_a_socket_is_above_2, *failures = report.read_text().split()
    assert number_of_a_socket_is_above_2 == "True"
    assert failures == ["EBADF" if number in closed else "none" for number in (0, 1, 2)]


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


def kept(stack, *numbers):
    """Close these at the end of the test."""
    for number in numbers:
        stack.callback(os.close, number)
    return numbers


@pytest.mark.linux_only("a private description needs /proc")
@pytest.mark.fault("E9")
@pytest.mark.parametrize("make", [os.pipe, lambda: os.openpty()[::-1]], ids=["pipe", "terminal"])
def test_the_private_description_is_non_blocking_and_the_shared_one_stays_as_it_was(stack, make):
    first, second = kept(stack, *make())
    number, access = (second, os.O_WRONLY) if make is os.pipe else (first, os.O_RDONLY)
    (private,) = kept(stack, posix.private(number, access))
    assert not os.get_blocking(private)
    assert os.get_blocking(number)


def test_a_regular_file_keeps_its_shared_offset(stack, tmp_path):
    (number,) = kept(stack, os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT))
    (private,) = kept(stack, posix.private(number, os.O_WRONLY))
    os.write(number, b"one ")
    os.write(private, b"two ")
    os.write(number, b"three")
    assert (tmp_path / "log").read_bytes() == b"one two three"


def test_a_socket_that_cannot_be_opened_again_is_shared_and_stays_blocking(stack):
    ours, _theirs = (stack.enter_context(end) for end in socket.socketpair())
    (private,) = kept(stack, posix.private(ours.fileno(), os.O_WRONLY))
    assert os.fstat(private).st_ino == os.fstat(ours.fileno()).st_ino
    assert os.get_blocking(private)


@pytest.mark.parametrize(("opened", "wanted"), [(0, os.O_WRONLY), (1, os.O_RDONLY)])
def test_no_right_is_gained_that_the_descriptor_did_not_have(stack, opened, wanted):
    ends = kept(stack, *os.pipe())
    with pytest.raises(OSError) as caught:
        posix.private(ends[opened], wanted)
    assert caught.value.errno == errno.EBADF
    assert caught.value.strerror == os.strerror(errno.EBADF)


def test_a_closed_descriptor_is_an_error_at_once(stack):
    ends = os.pipe()
    for end in ends:
        os.close(end)
    with pytest.raises(OSError) as caught:
        posix.private(ends[1], os.O_WRONLY)
    assert caught.value.errno == errno.EBADF


def test_private_descriptors_are_not_inherited(stack):
    _reader, writer = kept(stack, *os.pipe())
    (private,) = kept(stack, posix.private(writer, os.O_WRONLY))
    assert not os.get_inheritable(private)
