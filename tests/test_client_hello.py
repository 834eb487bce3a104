"""client.hello.py: the client's half of the handshake."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edges.dotted import ClientHello, load
from protocol import PeerError, ProtocolError
from tests.support import oracle
from tests.support.oracle import BEGUN, NEVER

hello: ClientHello = load("client.hello", Path(__file__).parent.parent)

LEGAL = b"HELLO 1\n"
SHORTEST, LONGEST = b"ERROR x\n", b"ERROR " + 72 * b"~" + b"\n"

# Bytes, and the place of the first one with which no legal line begins, counted from 1.
NONSENSE = [
    (b"\n", 1),
    (b"FILE 0 00000000\n", 1),
    (b"SSH-2.0-other\r\n", 1),
    (b"EHLO\n", 2),
    (b"HRROR x\n", 2),
    (b"ERROR\n", 6),
    (b"ERROR \n", 7),
    (b"ERROR x\r\n", 8),
    (b"ERROR \x1b[2J\n", 7),
    (b"ERROR x\x7f\n", 8),
    (b"ERROR " + 73 * b"x" + b"\n", 79),
    (b"HELLO 01\n", 7),
    (b"HELLO 1\r\n", 8),
    (b"HELLO 1000\n", 10),
]


def outcome(data: bytes) -> object:
    """Return the bytes beyond the hello, None, or the exception with its text."""
    try:
        return hello.parse(data)
    except (PeerError, ProtocolError) as refusal:
        return type(refusal), str(refusal)


def test_the_client_replies_with_version_1():
    assert hello.reply() == LEGAL


def test_the_hello_whole_by_the_byte_and_with_the_file_behind_it():
    assert hello.parse(LEGAL) == b""
    assert [hello.parse(LEGAL[:end]) for end in range(len(LEGAL))] == len(LEGAL) * [None]
    assert hello.parse(LEGAL + b"FILE 0 00000000\n") == b"FILE 0 00000000\n"


@pytest.mark.req("C-8", "C-9")
@pytest.mark.parametrize("version", [2, 9, 10, 11, 100, 999])
def test_another_version_is_refused_at_its_lf_and_not_before(version):
    line = b"HELLO %d\n" % version
    assert hello.parse(line[:-1]) is None
    with pytest.raises(ProtocolError, match=f"^expected version 1, got {version}$"):
        hello.parse(line)


@pytest.mark.req("C-5")
@pytest.mark.parametrize("line", [SHORTEST, LONGEST, b"ERROR  \n", b"ERROR HELLO 1\n"], ids=len)
@pytest.mark.parametrize("behind", [b"", LEGAL, b"\xff"])
def test_an_error_line_is_the_end_and_its_reason_is_kept(line, behind):
    assert outcome(line + behind) == (PeerError, line[6:-1].decode())


@pytest.mark.req("C-7")
@pytest.mark.parametrize("line", [b"HELLO 999\n", SHORTEST, LONGEST], ids=len)
def test_the_client_waits_while_a_hello_or_an_error_is_possible(line):
    assert [hello.parse(line[:end]) for end in range(len(line))] == len(line) * [None]


@pytest.mark.req("C-6")
def test_nonsense_is_refused_at_its_first_impossible_byte():
    for data, place in NONSENSE:
        assert hello.parse(data[: place - 1]) is None
        for received in (data[:place], data):
            with pytest.raises(ProtocolError, match=r"^expected HELLO or ERROR, got "):
                hello.parse(received)


@pytest.mark.req("C-5", "C-6", "C-7", "C-8", "C-9", "W-1")
@given(data=st.one_of(st.binary(), st.binary().map(b"ERROR ".__add__)))
def test_any_bytes_lead_to_one_of_four_outcomes(data):
    verdict = oracle.verdict(data, "HELLO", "ERROR")
    expected: object
    if verdict == BEGUN:
        assert outcome(data) is None
    elif verdict == NEVER:
        with pytest.raises(ProtocolError):
            hello.parse(data)
    elif data.startswith(b"ERROR"):
        assert outcome(data) == (PeerError, data[6 : verdict - 1].decode())
    else:
        other_version = (ProtocolError, f"expected version 1, got {int(data[6:verdict])}")
        expected = data[verdict:] if data.startswith(LEGAL) else other_version
        assert outcome(data) == expected
