"""Waiting without a loop: by poll(2), and by select(2) where poll(2) refuses, as on macOS."""

import os
import select
from contextlib import ExitStack

import pytest

from edges.waiting import READABLE, REFUSED, TOO_HIGH, WRITABLE, ready


@pytest.fixture
def ends():
    with ExitStack() as stack:
        numbers = os.pipe()
        for number in numbers:
            stack.callback(os.close, number)
        yield numbers


class Refusing:
    """A poll(2) that supports no devices: it answers POLLNVAL, at once."""

    def __init__(self):
        self.numbers = []

    def register(self, number, _events):
        self.numbers.append(number)

    def poll(self, _milliseconds):
        return [(number, REFUSED) for number in self.numbers]


def as_usual(_monkeypatch):
    pass


def refusing(monkeypatch):
    monkeypatch.setattr(select, "poll", Refusing)


def without_poll(monkeypatch):
    monkeypatch.delattr(select, "poll")


@pytest.fixture(params=[as_usual, refusing, without_poll])
def system(request, monkeypatch):
    request.param(monkeypatch)


def test_what_can_be_read_or_written_is_reported(system, ends):
    reader, writer = ends
    assert ready({reader: READABLE, writer: WRITABLE}, None) == {writer: WRITABLE}
    os.write(writer, b"x")
    assert ready({reader: READABLE}, None) == {reader: READABLE}


def test_if_nothing_happens_in_time_nothing_is_reported(system, ends):
    assert ready({ends[0]: READABLE}, 0) == {}
    assert ready({ends[0]: READABLE}, 0.001) == {}


def test_the_end_of_a_stream_can_be_read(system):
    reader, writer = os.pipe()
    os.close(writer)
    assert set(ready({reader: READABLE}, None)) == {reader}
    os.close(reader)


def test_where_poll_refuses_one_descriptor_the_others_are_still_reported(monkeypatch):
    real = select.poll

    class NoTerminals:
        """As on macOS: the other descriptors are looked at, the terminal is refused at once."""

        def __init__(self):
            self.real, self.refused = real(), []

        def register(self, number, events):
            if os.isatty(number):
                self.refused.append((number, REFUSED))
            else:
                self.real.register(number, events)

        def poll(self, milliseconds):
            return self.refused + self.real.poll(0 if self.refused else milliseconds)

    monkeypatch.setattr(select, "poll", NoTerminals)
    master, slave = os.openpty()
    reader, writer = os.pipe()
    wanted = {slave: READABLE, reader: READABLE}
    os.write(master, b"\n")
    assert ready(wanted, None) == {slave: READABLE}
    os.write(writer, b"x")
    assert ready(wanted, None) == {reader: READABLE}
    for number in (master, slave, reader, writer):
        os.close(number)


def test_a_descriptor_too_high_for_select_stays_refused(monkeypatch):
    refusing(monkeypatch)
    assert ready({TOO_HIGH: READABLE}, None) == {TOO_HIGH: REFUSED}


def test_the_numbers_are_those_of_poll():
    assert (READABLE, WRITABLE, REFUSED) == (select.POLLIN, select.POLLOUT, select.POLLNVAL)
