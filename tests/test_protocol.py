"""protocol.py, judged byte by byte by tests/support/oracle.py, which shares no method with it."""

import ast
import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import protocol
from protocol import Damaged, PeerError, ProtocolError
from tests.support import oracle
from tests.support.oracle import BEGUN, NEVER

LINES = {"HELLO": protocol.HELLO, "FILE": protocol.FILE, "ERROR": protocol.ERROR}
EXPECTED = [("HELLO",), ("FILE",), ("ERROR",), ("HELLO", "ERROR"), ("FILE", "ERROR")]
EVERY_BYTE = [bytes([byte]) for byte in range(256)]
FILE_LINES = [b"FILE %d 0af9%04x\n" % (length, length * 809) for length in range(81)]
ERROR_LINES = [b"ERROR x\n", b"ERROR " + 71 * b" " + b"\n", b"ERROR " + 72 * b"~" + b"\n"]


def verdict(data: bytes, *kinds: str) -> int:
    """Return what `first_line` finds, in the oracle's terms."""
    try:
        found = protocol.first_line(data, *(LINES[kind] for kind in kinds))
    except ProtocolError:
        return NEVER
    if found is None:
        return BEGUN
    line, match = found
    assert match[0] == data[: match.end()] and match[0].split()[0] == line.name.encode()
    return match.end()


def assert_every_byte_is_judged(line: bytes, *kinds: str) -> None:
    """Put each of the 256 bytes at each place of `line`, and behind it."""
    for place in range(len(line) + 1):
        for byte in EVERY_BYTE:
            data = line[:place] + byte
            assert verdict(data, *kinds) == oracle.verdict(data, *kinds), data


# --- lines: found, possible, impossible


@pytest.mark.req("S-4", "S-5", "S-16")
def test_the_whole_tree_of_hellos_is_judged_at_every_byte():
    undecided, whole = [b""], []
    for data in undecided:  # grows as it is walked
        for longer in (data + byte for byte in EVERY_BYTE):
            if longer in oracle.HELLO_BEGINNINGS:
                assert verdict(longer, "HELLO") == BEGUN
                undecided.append(longer)
            elif longer in oracle.HELLOS:
                assert verdict(longer, "HELLO") == len(longer)
                whole.append(longer)
            else:
                assert verdict(longer, "HELLO") == NEVER
    assert set(undecided) == oracle.HELLO_BEGINNINGS
    assert set(whole) == oracle.HELLOS
    assert max(map(len, undecided)) < max(map(len, whole)) == protocol.HELLO_LIMIT == 10


@pytest.mark.req("C-6", "C-7")
def test_the_tree_of_file_lines_is_judged_up_to_the_checksum():
    undecided, lengths = [b""], []
    for data in undecided:
        for longer in (data + byte for byte in EVERY_BYTE):
            judged = verdict(longer, "FILE")
            assert judged == oracle.verdict(longer, "FILE"), longer
            if longer in oracle.FILE_BEGINNINGS:
                lengths.append(longer)
            elif judged == BEGUN:
                undecided.append(longer)
    assert sorted(lengths) == sorted(oracle.FILE_BEGINNINGS)


@pytest.mark.req("C-6", "C-7")
def test_every_byte_at_every_place_of_a_file_line():
    for line in (FILE_LINES[0], FILE_LINES[10], FILE_LINES[80]):
        assert_every_byte_is_judged(line, "FILE", "ERROR")


@pytest.mark.req("C-6", "C-7")
def test_every_byte_at_every_place_of_an_error_line():
    for line in (ERROR_LINES[0], ERROR_LINES[-1]):
        assert_every_byte_is_judged(line, "FILE", "ERROR")


@pytest.mark.req("C-6", "C-7")
def test_every_byte_at_every_place_of_the_first_line_from_a_server():
    for line in (b"HELLO 1\n", b"HELLO 999\n", ERROR_LINES[0]):
        assert_every_byte_is_judged(line, "HELLO", "ERROR")


@st.composite
def nearly_legal(draw: st.DrawFn) -> bytes:
    """Draw a legal line with a change or two, and bytes behind it, cut anywhere."""
    hello = st.integers(1, 999).map(b"HELLO %d\n".__mod__)
    line = draw(st.one_of(hello, st.sampled_from(FILE_LINES), st.sampled_from(ERROR_LINES)))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(line)))
        with_, without = draw(st.binary(max_size=2)), draw(st.integers(0, 2))
        line = line[:place] + with_ + line[place + without :]
    line += draw(st.binary(max_size=5))
    return line[: draw(st.integers(0, len(line)))]


@pytest.mark.req("W-1", "C-6", "C-7", "S-4", "S-5")
@pytest.mark.parametrize("kinds", EXPECTED, ids=" or ".join)
@given(data=st.one_of(st.binary(), nearly_legal()))
def test_any_bytes_are_judged_as_the_oracle_judges_them(kinds, data):
    assert verdict(data, *kinds) == oracle.verdict(data, *kinds)


@pytest.mark.req("W-2")
@given(data=nearly_legal())
def test_a_refusal_is_final_and_a_line_stays_what_it_is(data):
    verdicts = [verdict(data[:end], "FILE", "ERROR") for end in range(len(data) + 1)]
    decided = [judged for judged in verdicts if judged != BEGUN]
    assert verdicts == (len(verdicts) - len(decided)) * [BEGUN] + decided
    assert len(set(decided)) <= 1


@pytest.mark.parametrize("kinds", EXPECTED, ids=" or ".join)
def test_a_refusal_says_what_was_expected_and_what_came(kinds):
    with pytest.raises(ProtocolError) as refusal:
        protocol.first_line(b"GET / HTTP/1.0\r\n", *(LINES[kind] for kind in kinds))
    assert str(refusal.value) == f"expected {' or '.join(kinds)}, got 'GET / HTTP/1.0\\r\\n'"


def test_a_new_kind_of_line_needs_a_name_a_pattern_and_a_sample_of_each_shape():
    line = protocol.Line("PING", rb"PING [0-9]{1,2}\n", b"PING 0\n", b"PING 00\n")
    found = protocol.first_line(b"PING 42\nmore", line)
    assert found and found[0] is line and found[1].end() == 8
    assert protocol.first_line(b"PING 42", line) is None
    with pytest.raises(ProtocolError, match=r"^expected PING, got 'PONG'$"):
        protocol.first_line(b"PONG", line)


# --- our own messages


def test_our_hello_is_of_version_1():
    assert protocol.hello() == b"HELLO 1\n"


@pytest.mark.parametrize("version", [0, 2, 10, 999])
def test_only_version_1_is_accepted(version):
    match = re.fullmatch(rb"HELLO (\d+)\n", b"HELLO %d\n" % version)
    assert match
    with pytest.raises(ProtocolError, match=f"^expected version 1, got {version}$"):
        protocol.require_version(match)


def test_version_1_is_accepted():
    match = re.fullmatch(rb"HELLO (\d+)\n", b"HELLO 1\n")
    assert match
    protocol.require_version(match)


@pytest.mark.req("S-11")
@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", b"FILE 0 00000000\n"),
        (b"123456789", b"FILE 9 cbf43926\n"),
        (b"Hello, world!\n", b"FILE 14 7b55a718\n"),
    ],
)
def test_a_file_message_is_its_line_and_the_body(body, line):
    assert protocol.file_message(body) == line + body


@pytest.mark.req("S-10", "S-11")
@given(body=st.binary(max_size=80))
@example(body=b"\n")
@example(body=9 * b"\n")
@example(body=79 * b"\n")
@example(body=80 * b"\n")
def test_a_file_message_announces_length_and_checksum(body):
    message = protocol.file_message(body)
    assert oracle.verdict(message, "FILE") == len(message) - len(body)
    assert message == b"FILE %d %08x\n" % (len(body), oracle.crc32(body)) + body


def test_a_checksum_keeps_its_leading_zeros():
    body = next(b"%d\n" % n for n in range(10000) if oracle.crc32(b"%d\n" % n) < 0x100000)
    assert oracle.verdict(protocol.file_message(body), "FILE") > 0


@pytest.mark.parametrize("length", [1, 71, 72, 73, 500])
def test_an_error_message_is_a_legal_line_whatever_the_length_of_its_reason(length):
    line = protocol.error_message(length * "x")
    assert line == b"ERROR " + min(length, 72) * b"x" + b"\n"
    assert oracle.verdict(line, "ERROR") == len(line)


@given(data=nearly_legal())
def test_what_a_refusal_says_can_be_sent(data):
    try:
        protocol.first_line(data, protocol.HELLO)
    except ProtocolError as refusal:
        assert re.fullmatch("expected HELLO, got [ -~]+", str(refusal))
        line = protocol.error_message(str(refusal))
        assert oracle.verdict(line, "ERROR") == len(line)


@pytest.mark.req("W-3")
@given(body=st.binary(max_size=80).filter(oracle.valid_file), data=st.binary(min_size=1))
def test_no_message_has_a_cr(body, data):
    reason = "got " + protocol.shown(data)
    said = protocol.hello() + protocol.file_message(body) + protocol.error_message(reason)
    assert b"\r" not in said


# --- valid files


def test_a_rule_is_named_and_so_is_the_place():
    for body, rule in [
        (81 * b"\n", "more than 80 bytes"),
        (10**6 * b"\xff", "more than 80 bytes"),
        (b"\xff\n", "not UTF-8 at offset 0"),
        (b"caf\xe9\n", "not UTF-8 at offset 3"),
        (b"ab\xc3", "not UTF-8 at offset 2"),  # a character cut in two
        (b"\xed\xa0\x80\n", "not UTF-8 at offset 0"),  # a surrogate
        (b"\xc0\x80\n", "not UTF-8 at offset 0"),  # NUL in a longer form
        (b"\xf4\x90\x80\x80\n", "not UTF-8 at offset 0"),  # beyond the last character
        (b"a\0b\r\n", "NUL at offset 1"),
        (b"one\r\ntwo\r\n", "CR at offset 3"),
        (b"x", "no LF at the end of line 1"),
        (b"one\ntwo", "no LF at the end of line 2"),
        (b"\n\n ", "no LF at the end of line 3"),
    ]:
        assert protocol.broken_rule(body) == rule


@pytest.mark.parametrize("length", [0, 1, 79, 80])
def test_files_up_to_80_bytes_are_valid(length):
    assert protocol.broken_rule(length * b"\n") is None
    assert protocol.broken_rule((length - 1) * b"x" + b"\n") is None


def test_81_bytes_are_too_many_and_80_are_counted_in_bytes():
    assert protocol.broken_rule(80 * b"x" + b"\n") == "more than 80 bytes"
    assert protocol.broken_rule("€".encode() * 26 + b"x\n") is None
    assert protocol.broken_rule("€".encode() * 27 + b"\n") == "more than 80 bytes"


def test_every_byte_alone_in_a_file():
    for before, after in [(b"", b"\n"), (b"x\n", b"y\n"), (b"", b""), (b"\n", b"")]:
        for byte in EVERY_BYTE:
            body = before + byte + after
            assert (protocol.broken_rule(body) is None) == oracle.valid_file(body), body


pieces_of_files = st.one_of(
    st.sampled_from([b"\n", b"\r", b"\0", b"\xff", b"\xc3", "ü€\U0001f600\n".encode(), 30 * b"x"]),
    st.binary(max_size=30),
)


@given(body=st.lists(pieces_of_files, max_size=5).map(b"".join))
def test_a_rule_is_broken_exactly_when_the_file_is_not_valid(body):
    assert (protocol.broken_rule(body) is None) == oracle.valid_file(body)


# --- file messages received

BODY = b"Hello, world!\n"
MESSAGE = b"FILE 14 7b55a718\n" + BODY


def outcome(data: bytes) -> tuple[str, bytes]:
    """Return what `file_received` makes of `data`, in the oracle's terms."""
    try:
        whole = protocol.file_received(data)
    except ProtocolError as refusal:
        return ("invalid" if str(refusal).startswith("not a valid file: ") else "never"), b""
    except PeerError:
        return "error", b""
    except Damaged:
        return "damaged", b""
    return ("open", b"") if whole is None else ("whole", whole[1])


@pytest.mark.req("C-10")
def test_a_file_message_is_whole_at_the_last_byte_of_its_body_and_not_before():
    for end in range(len(MESSAGE)):
        assert protocol.file_received(MESSAGE[:end]) is None
    assert protocol.file_received(MESSAGE) == (BODY, b"")
    assert protocol.file_received(MESSAGE + MESSAGE) == (BODY, MESSAGE)


@pytest.mark.req("C-10")
def test_a_file_of_no_bytes_is_whole_with_its_line():
    assert protocol.file_received(b"FILE 0 00000000") is None
    assert protocol.file_received(b"FILE 0 00000000\n") == (b"", b"")
    assert protocol.file_received(b"FILE 0 00000000\n\n") == (b"", b"\n")


@pytest.mark.req("C-11")
def test_every_flipped_bit_of_a_body_is_noticed():
    for place in range(len(MESSAGE) - len(BODY), len(MESSAGE)):
        for bit in range(8):
            data = bytearray(MESSAGE)
            data[place] ^= 1 << bit
            with pytest.raises(Damaged, match=r"^checksum [0-9a-f]{8}, expected 7b55a718$"):
                protocol.file_received(bytes(data))


@pytest.mark.req("C-12")
def test_a_body_that_is_no_valid_file_is_refused_though_its_checksum_is_right():
    for body in (b"x", b"\r\n", b"\0\n", b"\xff\n"):
        with pytest.raises(ProtocolError, match=r"^not a valid file: "):
            protocol.file_received(protocol.file_message(body))


@pytest.mark.req("C-14")
def test_the_checksum_is_judged_before_the_rules_and_before_bytes_beyond():
    for body in (b"hello\n", b"no LF", b"\0\n"):
        for beyond in (b"", b"\n"):
            wrong = b"FILE %d 00000000\n" % len(body) + body + beyond
            with pytest.raises(Damaged):
                protocol.file_received(wrong)


@pytest.mark.req("C-5")
def test_an_error_line_in_place_of_a_file_is_the_word_of_the_server():
    for behind in (b"", MESSAGE):
        with pytest.raises(PeerError, match=r"^no file today$"):
            protocol.file_received(b"ERROR no file today\n" + behind)


@st.composite
def received_messages(draw: st.DrawFn) -> bytes:
    """Draw a file message, perhaps with a body that is no valid file, with a change or two."""
    body = draw(st.binary(max_size=80) | st.text("ab\n", max_size=20).map(str.encode))
    message = protocol.file_message(body) + draw(st.sampled_from([b"", b"\n", MESSAGE]))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(message) - 1))
        message = message[:place] + draw(st.binary(max_size=2)) + message[place + 1 :]
    return message[: draw(st.integers(0, len(message)))] if draw(st.booleans()) else message


@pytest.mark.req("C-5", "C-6", "C-7", "C-10", "C-11", "C-12", "C-14", "W-1")
@given(data=st.one_of(received_messages(), nearly_legal(), st.binary()))
def test_any_bytes_in_place_of_a_file_message_have_the_outcome_that_the_oracle_gives(data):
    assert outcome(data) == oracle.file_message(data)


@pytest.mark.req("W-2")
@given(data=received_messages())
def test_the_outcome_of_a_file_message_does_not_depend_on_its_segments(data):
    outcomes = [outcome(data[:end])[0] for end in range(len(data) + 1)]
    decided = [each for each in outcomes if each != "open"]
    assert outcomes == (len(outcomes) - len(decided)) * ["open"] + decided
    assert len(set(decided)) <= 1


# --- what people see


@pytest.mark.req("W-4")
def test_every_byte_is_shown_in_printable_ascii_and_can_be_told_from_every_other():
    seen = {protocol.shown(byte) for byte in EVERY_BYTE}
    assert len(seen) == 256
    assert all(re.fullmatch("[ -~]+", text) for text in seen)


@pytest.mark.req("W-4")
@given(data=st.binary(max_size=100))
@example(data=b"'\"")
@example(data=b"\x1b]0;title\x07\x9b2J\n")
def test_bytes_are_shown_in_printable_ascii_that_says_what_they_were(data):
    text = protocol.shown(data, None)
    assert re.fullmatch("[ -~]+", text)
    assert text[0] == text[-1] and text[0] in "'\""
    assert ast.literal_eval("b" + text) == data


@pytest.mark.req("W-4")
def test_what_is_shown_is_cut_at_32_bytes():
    for count, cut in [(0, ""), (31, ""), (32, ""), (33, "..."), (10**6, "...")]:
        assert protocol.shown(count * b"A") == repr(min(count, 32) * "A") + cut
        assert len(protocol.shown(count * b"\x1b")) <= 2 + 32 * len("\\x1b") + 3


def test_the_cut_can_be_chosen():
    for limit, text in [(0, "''..."), (2, "'ab'..."), (3, "'abc'"), (None, "'abc'")]:
        assert protocol.shown(b"abc", limit) == text


@given(data=st.binary())
def test_an_escaped_name_is_printable_ascii_and_says_what_the_bytes_were(data):
    text = protocol.escaped(data)
    assert text.isascii() and text.isprintable()
    quote = '"' if b"'" in data and b'"' not in data else "'"
    assert ast.literal_eval(f"b{quote}{text}{quote}") == data


# --- any file, any segmentation


def received(pieces: list[bytes]) -> bytes:
    """Take in a server's stream piece by piece, as a client does; return the body."""
    kept, in_hello = b"", True
    for piece in pieces:
        kept += piece
        if in_hello and (found := protocol.first_line(kept, protocol.HELLO, protocol.ERROR)):
            kept, in_hello = kept[found[1].end() :], False
        if not in_hello and (whole := protocol.file_received(kept)):
            assert whole[1] == b""
            return whole[0]
    raise AssertionError("the file never became whole")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Return `data` in pieces, cut at `places`."""
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(borders)]


@pytest.mark.req("W-2")
@given(body=st.text().map(lambda text: text.encode()[:79]), places=st.lists(st.integers(0, 105)))
def test_any_valid_file_survives_any_segmentation(body, places):
    body = body.decode("utf-8", "ignore").replace("\0", "").replace("\r", "\n").encode() + b"\n"
    assert protocol.broken_rule(body) is None
    stream = protocol.hello() + protocol.file_message(body)
    assert received(cut(stream, places)) == body
    assert received([bytes([byte]) for byte in stream]) == body


def test_the_empty_file_survives_any_segmentation():
    stream = protocol.hello() + protocol.file_message(b"")
    for place in range(len(stream) + 1):
        assert received([stream[:place], stream[place:]]) == b""


# --- states


@pytest.mark.req("S-15", "C-15")
@pytest.mark.parametrize(
    ("states", "transitions"),
    [
        (protocol.ServerState, protocol.SERVER_TRANSITIONS),
        (protocol.ClientState, protocol.CLIENT_TRANSITIONS),
    ],
)
def test_the_transitions_lead_through_all_states_in_order_and_never_back(states, transitions):
    assert list(transitions) == list(pairwise(states))


def test_the_documentation_of_the_module_shows_a_true_message():
    assert protocol.__doc__
    assert protocol.file_message(b"Hello, world!\n").split(b"\n")[0].decode() in protocol.__doc__
