"""server.hello.py: the server's half of the handshake."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edges.dotted import ServerHello, load
from protocol import ProtocolError
from tests.support import oracle
from tests.support.oracle import BEGUN, NEVER

hello: ServerHello = load("server.hello", Path(__file__).parent.parent)

LEGAL = b"HELLO 1\n"

# Bytes, and the place of the first one with which no legal line begins, counted from 1.
NONSENSE = [
    (b"\n", 1),
    (b"hello 1\n", 1),
    (b"GET / HTTP/1.0\r\n", 1),
    (b"\xffELLO 1\n", 1),
    (b"HELLP 1\n", 5),
    (b"HELLO\n", 6),
    (b"HELLO\t1\n", 6),
    (b"HELLO 0\n", 7),
    (b"HELLO 01\n", 7),
    (b"HELLO  1\n", 7),
    (b"HELLO -1\n", 7),
    (b"HELLO +1\n", 7),
    (b"HELLO \xb2\n", 7),  # a superscript two in Latin-1
    (b"HELLO \n", 7),
    (b"HELLO 1\r\n", 8),
    (b"HELLO 1 \n", 8),
    (b"HELLO 1_0\n", 8),
    (b"HELLO 1\0\n", 8),
    (b"HELLO 1000\n", 10),
    (b"HELLO 999\r\n", 10),
]


def fed_by_the_byte(data: bytes) -> bytes | None:
    """Give `accept` all that was received, each time one byte more, until it decides."""
    for end in range(len(data) + 1):
        rest = hello.parse(data[:end])
        if rest is not None:
            return rest + data[end:]
    return None


def outcome(data: bytes) -> object:
    """Return the bytes beyond the hello, None, or the reason of a refusal."""
    try:
        return hello.parse(data)
    except ProtocolError as refusal:
        return str(refusal)


def test_the_server_greets_with_version_1():
    assert hello.greeting() == LEGAL


def test_the_hello_whole_by_the_byte_and_with_more_behind_it():
    assert hello.parse(LEGAL) == b""
    assert fed_by_the_byte(LEGAL) == b""
    assert hello.parse(LEGAL + LEGAL) == LEGAL


@pytest.mark.req("W-2")
@given(beyond=st.binary())
def test_bytes_beyond_the_hello_are_returned_as_they_are(beyond):
    assert hello.parse(LEGAL + beyond) == beyond
    assert fed_by_the_byte(LEGAL + beyond) == beyond


@pytest.mark.req("S-5", "S-16")
def test_the_server_waits_while_the_hello_is_possible():
    for line in oracle.HELLOS:
        for end in range(len(line)):
            assert hello.parse(line[:end]) is None
    assert max(map(len, oracle.HELLOS)) == 10  # so that less is kept


@pytest.mark.req("S-6", "S-7")
@pytest.mark.parametrize("version", [2, 9, 10, 11, 100, 999])
def test_another_version_is_refused_at_its_lf_and_not_before(version):
    line = b"HELLO %d\n" % version
    assert hello.parse(line[:-1]) is None
    with pytest.raises(ProtocolError, match=f"^expected version 1, got {version}$"):
        hello.parse(line)


@pytest.mark.req("S-4")
def test_nonsense_is_refused_at_its_first_impossible_byte():
    for data, place in NONSENSE:
        assert hello.parse(data[: place - 1]) is None
        for received in (data[:place], data):
            with pytest.raises(ProtocolError, match=r"^expected HELLO, got "):
                hello.parse(received)


@pytest.mark.req("S-4", "S-5", "S-6", "S-7", "S-16", "W-1")
@given(data=st.one_of(st.binary(), st.binary().map(b"HELLO 1".__add__)))
def test_any_bytes_lead_to_one_of_three_outcomes(data):
    verdict = oracle.verdict(data, "HELLO")
    if data.startswith(LEGAL):
        assert outcome(data) == data[len(LEGAL) :]
    elif verdict == BEGUN:
        assert outcome(data) is None
        assert len(data) < 10
    else:
        assert verdict == NEVER or data[:verdict] != LEGAL
        assert str(outcome(data)).startswith("expected ")


def test_an_error_line_is_no_hello():
    with pytest.raises(ProtocolError, match=r"^expected HELLO, got 'E'$"):
        hello.parse(b"E")
