"""What `make demo` shows: each piece in the column of its client, in rows that fit a terminal."""

import re

import pytest

import protocol
from lab.pieces import WIDTH, LiveTrace, Table
from tests.support.programs import ROOT, Program

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
MESSAGE = protocol.hello() + protocol.file_message((ROOT / "sample.txt").read_bytes())
PIECES = [MESSAGE[:8], *(MESSAGE[at : at + 17] for at in range(8, len(MESSAGE), 17))]


def rows(text):
    """Return the cells of each row: the time, then the clients' columns."""
    lines = [line for line in text.splitlines() if re.match(r"\d+\.\d ", line)]
    at = [4 + (WIDTH + 1) * column for column in range(4)]
    return [[line[start : start + WIDTH].strip() for start in at] for line in lines]


def column(table, number):
    return [row[number - 1] for row in table if row[number - 1]]


@pytest.fixture(scope="module")
def shown():
    with Program("lab.demo", stdin=None) as demo:
        assert demo.wait() == 0
    return demo.stdout


def test_each_piece_is_in_the_column_of_its_client(shown):
    table = rows(shown)
    pieces = [protocol.escaped(piece) for piece in PIECES]
    for client in (2, 3, 4):
        assert column(table, client) == [*pieces, "saved"]
    hello, *file = pieces
    expected = ["(connects)", hello, "(says nothing)", "(says HELLO 1)", *file, "received"]
    assert column(table, 1) == expected


def test_client_1_speaks_when_the_others_have_their_copies(shown):
    table = rows(shown)
    spoke = [row[0] for row in table].index("(says HELLO 1)")
    assert all("saved" in column(table[: spoke + 1], client) for client in (2, 3, 4))


def test_no_line_is_wider_than_a_terminal_and_a_pipe_gets_no_escape_sequence(shown):
    assert max(map(len, shown.splitlines())) < 80
    assert shown.isprintable() is False  # the line feeds
    assert all(line.isprintable() for line in shown.splitlines())


def test_on_a_terminal_a_row_grows_and_each_client_has_its_colour():
    environment = {"NO_COLOR": "", "TERM": "xterm"}
    with Program("lab.demo", terminal=True, env=environment) as demo:
        assert demo.wait() == 0
    said = demo.stdout
    assert "\x1b[33m(connects)" in said
    plain = ESCAPES.sub("", said)
    final = "\n".join(line.rpartition("\r")[2] for line in plain.replace("\r\n", "\n").split("\n"))
    assert column(rows(final), 4)[-1] == "saved"
    assert max(map(len, final.split("\n"))) < 80


class Written(list):
    def text(self):
        return "".join(self)


def test_a_row_ends_when_a_client_is_sent_its_next_piece():
    written = Written()
    table = Table(written.append, terminal=False)
    table.put(1, "a", 0.0)
    table.put(2, "b", 0.2)
    assert written.text() == ""
    table.put(1, "c", 1.0)
    assert rows(written.text()) == [["a", "b", "", ""]]
    table.put(2, "d")
    table.end_row()
    table.end_row()
    assert written.text().splitlines()[1].startswith("1.0 c")
    assert len(written.text().splitlines()) == 2


def test_a_trace_may_come_in_any_pieces(tmp_path):
    written = Written()
    table = Table(written.append, terminal=False)
    trace = LiveTrace(tmp_path / "fifo", table)
    with open(trace.path, "wb", buffering=0) as writer:
        trace.hear()  # nothing there
        writer.write(b'{"t":5,"ev":"open","on":"c1"}\n{"t":5,"ev":"tx","o')
        trace.hear()
        assert (trace.opened, table.row) == (1, {})
        writer.write(b'n":"c1","hex":"610a"}\n{"t":6,"ev":"tx","on":"c1","hex":""}\n')
        trace.hear()
        assert table.row == {1: "a\\n"}
    trace.hear()
    assert trace.ended
    trace.close()
