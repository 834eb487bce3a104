"""Colours: where there are any, and that nothing of a peer ever becomes part of one."""

import io
import os
import re
import socket

import pytest

from edges.colours import CYCLE, RESET, painted, supported
from edges.console import Console
from lab.torture.judge import FAIL, Row
from lab.torture.scorecard import print_scorecard
from tests.support.programs import Server

SGR = re.compile(rb"\x1b\[3[1-6]m(c[0-9]+)\x1b\[0m")
COLOURS = {"NO_COLOR": "", "TERM": "xterm"}


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("a file\n")
    return path


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({}, True, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": ""}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_where_there_are_colours(monkeypatch, environment, terminal, expected):
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert supported(terminal) is expected


def name(number):
    return CYCLE[number % len(CYCLE)] + b"c%d" % number + RESET


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"c1 S: HELLO 1\n", name(1) + b" S: HELLO 1\n"),
        (b"c12 done\n", name(12) + b" done\n"),
        (b"slow: c3 in f took 0.2 s\n", b"slow: " + name(3) + b" in f took 0.2 s\n"),
        (
            b"turn 2: slept 0.4 ms; c1 readable: DONE; listener readable: c2 opened, c2 sent 8\n",
            b"turn 2: slept 0.4 ms; %b readable: DONE; listener readable: %b opened, %b sent 8\n"
            % (name(1), name(2), name(2)),
        ),
        (b"c1 C: 'c2 c3; c4 done'\n", name(1) + b" C: 'c2 c3; c4 done'\n"),
        (b"stopping; open connections: 0\n", b"stopping; open connections: 0\n"),
        (b"c1\nc\nc1x done\n", b"c1\nc\nc1x done\n"),
    ],
)
def test_the_name_of_a_connection_is_painted_and_nothing_else(line, expected):
    assert painted(line) == expected


def test_neighbours_have_different_colours_and_each_keeps_its_own():
    assert len({name(number)[:5] for number in range(1, 7)}) == 6
    assert painted(b"c7 done\n")[:5] == painted(b"c1 done\n")[:5]


def test_a_console_paints_after_it_has_escaped():
    reader, writer = os.pipe()
    console = Console(number=writer)
    console.paint = painted
    console.line("c1 C: \x1b[31mred\x1b[0m")
    console.close()
    os.close(writer)
    assert os.read(reader, 1000) == name(1) + b" C: ?[31mred?[0m\n"
    os.close(reader)


@pytest.mark.parametrize("words", [(), ("-q",), ("--slow=9",)])
def test_a_console_without_verbose_has_no_colours(words, text_file):
    with Server(text_file, *words, terminal=True, env=COLOURS) as server:
        server.fetch()
        server.stop()
    assert "\x1b" not in server.stderr


def test_a_terminal_gets_colours_and_a_peer_cannot_add_any(text_file):
    with Server(text_file, "-v", terminal=True, env=COLOURS) as server:
        server.fetch()
        server.fetch(b"\x1b[31mc1 \n")
        server.stop()
        said = server.stderr.encode()
    names = {found[1] for found in SGR.finditer(said)}
    assert names == {b"c1", b"c2"}
    assert b"\x1b" not in SGR.sub(b"", said)
    assert name(1) + b" S: HELLO 1" in said
    assert re.search(rb"turn \d+: slept [\d.]+ ms; \x1b\[33mc1\x1b\[0m readable: received 8", said)


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_a_terminal_that_has_none_gets_none(environment, text_file):
    with Server(text_file, "-v", terminal=True, env={"NO_COLOR": "", **environment}) as server:
        server.fetch()
        server.stop()
    assert "\x1b" not in server.stderr


@pytest.mark.parametrize(("force", "painted_lines"), [("", False), ("1", True)])
def test_a_pipe_gets_colours_only_if_they_are_asked_for(force, painted_lines, text_file):
    with Server(text_file, "-v", env={**COLOURS, "FORCE_COLOR": force}) as server:
        server.fetch()
        server.stop()
    assert ("\x1b" in server.stderr) is painted_lines


def test_a_deadline_is_one_line_of_a_turn(text_file):
    """The wake for it, in which nothing is done, is no line of its own."""
    with Server(text_file, "-v", "--timeout", "0.2") as server:
        with socket.create_connection(server.address) as silent:
            while silent.recv(100):
                pass
        server.stop()
        turns = [line for line in server.lines if line.startswith("turn")]
    late = [line for line in turns if "c1" in line and "listener" not in line]
    assert len(late) == 1, turns
    assert late[0].endswith("; c1 deadline: sent 28, nothing there, closed")
    assert not [line for line in turns if ";" not in line]


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_verdicts_have_colours_on_a_terminal_alone(monkeypatch):
    row = Row("idle", "nothing", FAIL)
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "xterm")
    plain, screen = io.StringIO(), Screen()
    for out in (plain, screen):
        assert not print_scorecard([row], out)
    assert "\x1b" not in plain.getvalue()
    assert screen.getvalue() == plain.getvalue().replace("  FAIL\n", "  \x1b[31mFAIL\x1b[0m\n")
