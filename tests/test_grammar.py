"""The grammar of protocol.md, read by a program that knows RFC 5234, accepts what the code accepts.

Needs the dependency group `spec` (PyPI abnf): `make spec`. Without it this file fails; it does not
skip.
"""

import pytest
from abnf import GrammarError, ParseError, Rule
from hypothesis import given
from hypothesis import strategies as st

import protocol
from lab.documents.specification import SPECIFICATION, grammar
from tests.support import oracle
from tests.support.exchanges import EXCHANGES

pytestmark = pytest.mark.spec


class Grammar(Rule):
    """The rules of appendix A."""


Grammar.load_grammar("\n".join(grammar(SPECIFICATION.read_text(), "A Collected ABNF")) + "\n")

LINES = {"hello": protocol.HELLO, "file-line": protocol.FILE, "error": protocol.ERROR}
LEGAL = [
    *(b"HELLO %d\n" % version for version in (1, 9, 10, 99, 100, 999)),
    *(b"FILE %d 0123cdef\n" % length for length in (0, 9, 10, 79, 80)),
    *(b"ERROR " + length * b"~" + b"\n" for length in (1, 71, 72)),
]


def grammar_accepts(rule: str, data: bytes) -> bool:
    """Tell whether all of `data` are a `rule`; one byte is one code point, so Latin-1."""
    try:
        Grammar(rule).parse_all(data.decode("latin-1"))
    except ParseError:
        return False
    return True


def code_accepts(rule: str, data: bytes) -> bool:
    """Tell whether all of `data` are a whole line for `first_line`."""
    try:
        found = protocol.first_line(data, LINES[rule])
    except protocol.ProtocolError:
        return False
    return found is not None and found[1].end() == len(data)


def assert_both_agree(data: bytes) -> None:
    for rule in LINES:
        assert grammar_accepts(rule, data) == code_accepts(rule, data), (rule, data)


def test_the_grammar_is_complete() -> None:
    text = ["hello", "file", "error", "server-stream", "client-stream", "body", "reason"]
    assert all(Grammar.get(rule) is not None for rule in text)
    with pytest.raises(GrammarError):
        Grammar("no-such-rule").parse_all("x")


def test_the_grammar_accepts_every_kind_of_line_and_in_upper_case_only() -> None:
    for data in LEGAL:
        assert sum(grammar_accepts(rule, data) for rule in LINES) == 1
        assert not any(grammar_accepts(rule, data.swapcase()) for rule in LINES)


def test_every_hello_of_up_to_four_digits() -> None:
    for version in range(10_000):
        data = b"HELLO %d\n" % version
        assert grammar_accepts("hello", data) == (data in oracle.HELLOS)


def test_every_length_of_up_to_three_digits_with_and_without_leading_zeros() -> None:
    lengths = {f"{number:0{digits}}" for number in range(1000) for digits in (1, 2, 3)}
    for length in lengths:
        assert_both_agree(b"FILE %b 00000000\n" % length.encode())


def test_reasons_of_every_length() -> None:
    for length in range(80):
        assert_both_agree(b"ERROR " + length * b"x" + b"\n")


def test_every_byte_at_every_place() -> None:
    for line in (b"HELLO 10\n", b"FILE 80 0123cdef\n", b"ERROR ~ ~\n"):
        for place in range(len(line)):
            for byte in range(256):
                assert_both_agree(line[:place] + bytes([byte]) + line[place + 1 :])


@st.composite
def nearly_legal(draw: st.DrawFn) -> bytes:
    """Draw a legal line with a change or two."""
    line = draw(st.sampled_from(LEGAL))
    for _ in range(draw(st.integers(0, 2))):
        place, gone = draw(st.integers(0, len(line))), draw(st.integers(0, 2))
        line = line[:place] + draw(st.binary(max_size=2)) + line[place + gone :]
    return line


@given(data=st.one_of(nearly_legal(), st.binary()))
def test_the_grammar_accepts_exactly_what_the_code_accepts(data: bytes) -> None:
    assert_both_agree(data)


@given(body=st.binary(max_size=90))
def test_a_file_message_is_a_file_as_long_as_the_body_is_short_enough(body: bytes) -> None:
    message = protocol.file_message(body)
    assert grammar_accepts("file", message) == (len(body) <= 80)
    stream = protocol.hello() + message
    assert grammar_accepts("server-stream", stream) == (len(body) <= 80)


def test_conforming_ends_of_the_exchanges_keep_to_the_grammar() -> None:
    for one in EXCHANGES:
        assert one.word is None or grammar_accepts("server-stream", one.server), one.name
        assert one.status != 0 or grammar_accepts("server-stream", one.server), one.name
        assert one.status != 0 or grammar_accepts("client-stream", one.client), one.name
