"""Closing what must be closed."""

import errno
import os

import pytest

from edges.closing import close_quietly


def test_an_error_of_a_close_changes_nothing_and_no_other_error_is_kept_back():
    def close(number):
        os.close(number)
        raise OSError(errno.EIO, "I/O error")

    reader, writer = os.pipe()
    close_quietly(close, reader)
    close_quietly(os.close, writer)
    for number in (reader, writer):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.close(number)
    with pytest.raises(TypeError):
        close_quietly(os.close)
