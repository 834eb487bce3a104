"""Both programs on real sockets: what one end is given comes out at the other, or is refused.

Properties, tried with examples that hypothesis makes up: files, streams of bytes, cuts. What must
come of a stream says tests/support/oracle.py, which shares no code with the programs.
"""

import itertools
import re
import signal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support import oracle, peers, stage
from tests.support.programs import HELLO, PROMPT, Server, file_message
from tests.support.sample import examples
from tests.support.stage import OLD, assert_one_line, assert_saved, play
from tests.support.warm import Warm

TEXT = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=79)


def cut(data: bytes, limit: int) -> bytes:
    """Return UTF-8 `data` up to the last whole character within `limit`."""
    return data[:limit].decode(errors="ignore").encode()


valid_files = TEXT.map(lambda text: cut(text.encode(), 79) + b"\n") | st.just(b"")

# A valid file with one thing wrong with it, or several.
SPOILT = {
    "NUL": lambda body, place: body[:place] + b"\0" + body[place:],
    "CR": lambda body, place: body[:place] + b"\r" + body[place:],
    "CR LF": lambda body, place: body.replace(b"\n", b"\r\n"),
    "not UTF-8": lambda body, place: body[:place] + b"\xff" + body[place:],
    "no LF": lambda body, place: body + b"x",
    "too long": lambda body, place: body * (1 + 80 // len(body)) + body,
}
spoilt_files = st.builds(
    lambda body, how, place: SPOILT[how](body, place % len(body)),
    valid_files.filter(len),
    st.sampled_from(sorted(SPOILT)),
    st.integers(0, 80),
)


def rules_broken(body: bytes) -> "list[str]":
    """Return a word of each rule of a valid file that `body` breaks."""
    rules = []
    if len(body) > 80:
        rules.append("80 bytes")
    try:
        body.decode()
    except UnicodeDecodeError:
        rules.append("UTF-8")
    rules += [name for name, byte in (("NUL", 0), ("CR", 13)) if byte in body]
    return rules if body[-1:] in (b"", b"\n") else [*rules, "LF"]


@pytest.mark.req("S-10", "S-11", "C-10", "C-11")
@pytest.mark.fault("F4", "F6")
def test_any_valid_file_comes_out_as_it_went_in(tmp_path):
    """One server that is interrupted, told to go on and so reads the next file, each time."""
    source = tmp_path / "source.txt"
    source.write_bytes(b"")

    with Server(source, "-q") as server, stage.warm() as warm:

        @settings(max_examples=examples(60))
        @given(valid_files)
        @example(b"x" * 79 + b"\n")
        def arrives(body):
            assert oracle.valid_file(body)
            source.write_bytes(body)
            server.send_signal(signal.SIGINT)
            server.expect(PROMPT)
            server.answer("y\n")
            server.expect_listening()
            arguments = ("--port", server.port, "-q", *server.address[:1], "copy")
            assert_saved(stage.run(*arguments, start=warm.start), body)

        arrives()


@pytest.mark.fault("H12")
def test_the_copy_may_take_the_place_of_the_served_file(tmp_path):
    source = tmp_path / "source.txt"
    source.write_bytes(stage.BODY)
    with Server(source, "-q") as server:
        for _ in range(2):
            assert stage.run("--port", server.port, "-q", "127.0.0.1", source).status == 0
            assert stage.content(tmp_path) == {"source.txt": stage.BODY}


@pytest.mark.req("S-12", "C-12")
@pytest.mark.fault("F5", "G14")
def test_any_file_that_breaks_a_rule_is_refused_at_both_ends_with_the_rule_named(tmp_path):
    source = tmp_path / "source.txt"

    with stage.warm() as client, Warm(script="server.py") as server:

        @settings(max_examples=examples(60))
        @given(spoilt_files)
        def is_refused(body):
            rules = rules_broken(body)
            assert rules
            assert not oracle.valid_file(body)
            source.write_bytes(body)
            outcome = stage.run("--host", "127.0.0.1", "--port", 0, source, start=server.start)
            assert (outcome.status, outcome.out) == (1, b"")
            assert_one_line(outcome.err, "source.txt.*(" + "|".join(rules) + ")")

            outcome = play(stage.saying(HELLO + file_message(body)), start=client.start)
            stage.assert_failed(outcome, 4, "|".join([*rules, "expected FILE"]))

        is_refused()


# -- any bytes ------------------------------------------------------------------------------------

WORDS = [
    *(
        b"HELLO ",
        b"FILE ",
        b"ERROR ",
        b"1",
        b"0",
        b"80",
        b"14",
        b" ",
        b"\n",
        b"\r\n",
        b"\0",
        b"busy",
    ),
    *(HELLO, file_message(b"a\n"), file_message(b""), file_message(b"\r\n"), b"00000000", b"\xff"),
]
some_bytes = st.lists(st.sampled_from(WORDS) | st.binary(max_size=8), max_size=8).map(b"".join)


@st.composite
def changed(draw: st.DrawFn, streams: "st.SearchStrategy[bytes]") -> bytes:
    """Return a stream with some bytes of it changed, left out or put in."""
    stream = bytearray(draw(streams))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(stream)))
        stream[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(stream)


@st.composite
def pieces(draw: st.DrawFn, streams: "st.SearchStrategy[bytes]") -> "list[bytes]":
    """Return a stream cut into at most four pieces."""
    stream = draw(streams)
    cuts = sorted({0, len(stream), *draw(st.lists(st.integers(0, len(stream)), max_size=3))})
    return [stream[a:b] for a, b in itertools.pairwise(cuts)]


server_streams = valid_files.map(lambda body: HELLO + file_message(body))


@pytest.mark.req("C-13", "C-14", "C-23", "W-2")
@pytest.mark.fault("G6", "G7", "G8", "G12")
def test_any_bytes_of_a_server_lead_the_client_to_a_defined_end():
    with stage.warm() as warm:

        @settings(max_examples=examples(100))
        @given(pieces(some_bytes | changed(server_streams)))
        def ends(stream):
            def server(peer):
                try:
                    peer.send(*stream)
                except ConnectionError:
                    pass  # refused before the last piece
                peer.finish().farewell()

            outcome = play(server, start=warm.start)
            data = b"".join(stream)
            status = oracle.client_status(data)
            assert outcome.status == status
            if status == 0:
                assert_saved(outcome, data.split(b"\n", 2)[2])
            else:
                assert outcome.folder == {"copy": OLD}
                assert_one_line(outcome.err)

        ends()


CLOSING = re.compile(r"^c\d+ (done|refused|lost|late|cut|bug)\b.*$", re.MULTILINE)


@pytest.mark.req("S-30", "W-2", "S-13")
@pytest.mark.fault("B6", "B7", "B8", "I-1")
def test_any_bytes_of_a_client_lead_the_server_to_one_closing_word(tmp_path):
    body = b"a file\n"
    source = tmp_path / "source.txt"
    source.write_bytes(body)

    with Server(source) as server:

        @settings(max_examples=examples(200))
        @given(pieces(some_bytes | changed(st.just(HELLO))))
        def ends(stream):
            data = b"".join(stream)
            with peers.connect(server.address) as peer:
                try:
                    peer.send(*stream)
                except ConnectionError:
                    pass  # refused before the last piece
                said = peer.finish().farewell()
            word = oracle.server_word(data)
            closing = server.expect(CLOSING.pattern)
            # A refused client that goes on writing may reset the server's last words away.
            assert closing[1] == word
            if word == "done":
                assert said == HELLO + file_message(body)
            elif said:
                assert re.fullmatch(rb"HELLO 1\n(ERROR [ -~]{1,72}\n)?", said)

        ends()
        assert server.running
        assert server.fetch() == HELLO + file_message(body)
        assert re.fullmatch(r"[ -~\n]*", server.stderr)
