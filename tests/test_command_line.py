"""Command lines: what is taken, what is refused, and that refusing is one line and status 2."""

import argparse
import resource
import string
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edges import command_line
from edges.command_line import (
    ClientOptions,
    Options,
    Parser,
    ServerOptions,
    client_port,
    count,
    duration,
    flag,
    name,
    port,
    seconds,
    value,
)

ROOT = Path(__file__).resolve().parent.parent


class Lines:
    """A console: what goes to stderr, and what to stdout."""

    def __init__(self):
        self.said = []
        self.announced = []
        self.line = self.said.append
        self.announce = self.announced.append


@pytest.fixture
def console():
    return Lines()


def server_options(console, words):
    return Parser(console, "server.py", ServerOptions).read(words)


def client_options(console, words):
    return Parser(console, "client.py", ClientOptions).read(words)


BOTH = pytest.mark.parametrize("options", [server_options, client_options])


# --- values

NO_NUMBERS = [
    "", " ", "x", "-1", "+1", "1_0", " 1", "1 ", "1\n", "8 0", "0x10", "1e", "１", "٣", "²", "nan",
    "inf", "-inf", "infinity", "1,5", "1e+2", "1E2", ".", "e1", "--", "None",
]  # fmt: skip

TABLE: dict[Any, tuple[dict, list[str]]] = {
    port: (
        {"0": 0, "1": 1, "7080": 7080, "65535": 65535, "00080": 80},
        [*NO_NUMBERS, "65536", "70000", "99999", "100000", "000080", "1.0", "1e2", "1" * 5000],
    ),
    client_port: (
        {"1": 1, "65535": 65535, "00001": 1},
        [*NO_NUMBERS, "0", "00000", "65536", "1.0"],
    ),
    count: (
        {"1": 1, "16": 16, "01": 1, "9" * 18: 10**18 - 1},
        [*NO_NUMBERS, "0", "000", "1.0", "1e2", "1" * 19, "1" * 5000],
    ),
    seconds: (
        {
            "0": 0.0, "0.0": 0.0, "1": 1.0, "1.": 1.0, ".5": 0.5, "2.25": 2.25, "1e2": 100.0,
            "1e-3": 0.001, "86400": 86400.0, "86400.0": 86400.0, "00.10": 0.1, "1e-999": 0.0,
        },
        [*NO_NUMBERS, "86400.1", "86401", "1e5", "1e999", "9" * 400],
    ),
    duration: (
        {"0.001": 0.001, "1": 1.0, "86400": 86400.0, "1e-300": 1e-300},
        [*NO_NUMBERS, "0", "0.0", "00", "1e-999", "86400.1", "1e999"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("read", [seconds, duration, count, port])
def test_a_number_of_any_length_is_judged_at_once(read):
    """Comparing each digit with each would take minutes, and this test would be ended."""
    with pytest.raises(argparse.ArgumentTypeError):
        read(200_000 * "1" + "x")


@pytest.mark.fault("C6", "E3", "E4")
@pytest.mark.parametrize("read", TABLE, ids=lambda read: read.__name__)
def test_a_good_value_is_taken_for_what_it_says(read):
    good, _ = TABLE[read]
    assert {text: read(text) for text in good} == good


@pytest.mark.fault("C6", "E3", "G7")
@pytest.mark.parametrize("read", TABLE, ids=lambda read: read.__name__)
def test_a_bad_value_is_refused_and_shown_in_ascii(read):
    for text in TABLE[read][1]:
        with pytest.raises(argparse.ArgumentTypeError) as raised:
            read(text)
        message = str(raised.value)
        assert message.startswith("expected "), text
        assert message.isascii() and message.isprintable(), text


@pytest.mark.parametrize("read", TABLE, ids=lambda read: read.__name__)
@given(text=st.text(st.sampled_from(string.digits + "+-._e xnif１²\n"), max_size=8))
def test_any_text_is_a_number_within_the_limits_or_refused(read, text):
    try:
        value = read(text)
    except argparse.ArgumentTypeError:
        return
    assert value == float(text)
    assert 0 <= value <= {port: 65535, client_port: 65535, count: 10**18}.get(read, 86400)
    assert value > 0 or read in (port, seconds)


def test_a_value_that_needs_much_paper_is_refused_at_once():
    for read in TABLE:
        with pytest.raises(argparse.ArgumentTypeError):
            read("1" * 1_000_000)


# --- the programs


def test_the_defaults_of_the_server(console):
    assert server_options(console, []).values().items() >= {
        "input_file": str(ROOT / "sample.txt"), "host": None, "port": 7080, "timeout": 10.0,
        "drain": 5.0, "max_clients": None, "chunk": None, "pause": None, "quiet": False,
        "verbose": False, "trace": None, "slow": None,
    }.items()  # fmt: skip


def test_the_defaults_of_the_client(console):
    assert client_options(console, []).values() == {
        "server": "localhost", "output_file": "sample.txt", "port": 7080, "timeout": 10.0,
        "quiet": False, "verbose": False, "trace": None, "slow": None,
    }  # fmt: skip


def test_every_option_of_the_server_is_taken(console):
    words = (
        "in.txt --host ::1 --port 0 --timeout 1.5 --drain 0 --max-clients 3 --chunk 2 --pause .1 "
        "-v --trace run.jsonl --slow .5"
    )
    assert server_options(console, words.split()).values().items() >= {
        "input_file": "in.txt", "host": "::1", "port": 0, "timeout": 1.5, "drain": 0.0,
        "max_clients": 3, "chunk": 2, "pause": 0.1, "quiet": False, "verbose": True,
        "trace": "run.jsonl", "slow": 0.5,
    }.items()  # fmt: skip


def test_without_arguments_of_its_own_it_is_those_of_the_process(console, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["client.py", "there", "copy", "-q"])
    options = client_options(console, None)
    assert (options.server, options.output_file, options.quiet) == ("there", "copy", True)


@pytest.mark.parametrize(
    ("words", "server", "copy"),
    [
        ("there copy --port 1", "there", "copy"),
        ("--port 1 there copy", "there", "copy"),
        ("there --port 1 copy", "there", "copy"),
        ("there --port=1", "there", "sample.txt"),
        ("--port 1 -- there copy", "there", "copy"),
        ("--port 1 there -- copy", "there", "copy"),
        ("--port 1 there -- -q", "there", "-q"),
        ("--port 1 -- --port -q", "--port", "-q"),
        ("--port 1 there -- --", "there", "--"),
        ("--port 1 --", "localhost", "sample.txt"),
        ("--port 1 there -", "there", "-"),
    ],
)
def test_names_and_options_come_in_any_order(console, words, server, copy):
    options = client_options(console, words.split())
    assert (options.server, options.output_file, options.port) == (server, copy, 1)


SERVER_REFUSES = [
    "a b", "a -- b", "--port", "--port 65536", "--port -1", "--timeout 0", "--timeout inf",
    "--drain -1", "--max-clients 0", "--chunk 0", "--chunk 1 --pause x", "--pause 1", "-q -v",
    "--what", "--time 1", "--port=", "-x",
]  # fmt: skip
CLIENT_REFUSES = [
    "a b c", "a b -- c", "--port 0", "--timeout nan", "-v -q", "--drain 1", "--host x", "--quie",
]  # fmt: skip
REFUSED = [(server_options, words) for words in SERVER_REFUSES]
REFUSED += [(client_options, words) for words in CLIENT_REFUSES]


@pytest.mark.fault("C6", "E3")
@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_a_usage_error_is_one_line_that_says_where_to_find_help(console, options, words):
    with pytest.raises(SystemExit) as raised:
        options(console, words.split())
    assert raised.value.code == 2
    [line] = console.said
    program = "client.py" if options is client_options else "server.py"
    assert line.startswith(f"{program}: ")
    assert line.endswith(f" (see {program} --help)")
    assert "\n" not in line
    assert console.announced == []


@BOTH
def test_a_usage_error_is_one_line_whatever_was_typed(console, options):
    for words in (["a", "b", "c\nd"], ["--po\nrt"], ["--port", "1\n2"], ["a", "b", "--", "c\n"]):
        with pytest.raises(SystemExit):
            options(console, words)
    assert not any("\n" in line for line in console.said)
    assert r"c\nd" in console.said[0]


def test_an_output_is_compared_by_its_name_or_by_the_descriptor_it_names(console):
    for copy, compared in (("copy", "copy"), ("-", 1), ("/dev/fd/7", 7)):
        assert client_options(console, ["there", copy]).files() == {"OUTPUT_FILE": compared}


@BOTH
def test_version_and_help_go_to_stdout_and_are_a_success(console, options):
    for word in ("--version", "-h", "--help"):
        with pytest.raises(SystemExit) as raised:
            options(console, [word])
        assert raised.value.code == 0
    version, *helps = console.announced
    assert version == f"eighty {command_line.RELEASE}"
    assert all("--timeout S" in text and "--port N" in text for text in helps)
    assert not any(text.endswith("\n") for text in helps)
    assert console.said == []


@BOTH
def test_the_terminal_is_not_asked_how_wide_the_help_may_be(console, options, monkeypatch):
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        with pytest.raises(SystemExit):
            options(console, ["--help"])
    one, other = console.announced
    assert one == other
    assert max(map(len, one.splitlines())) <= command_line.WIDTH


@pytest.mark.fault("E8")
@pytest.mark.parametrize(
    ("soft", "clients"),
    [
        (1024, 992),
        (34, 2),
        (33, 1),
        (32, 1),
        (1, 1),
        (0, 1),
        (resource.RLIM_INFINITY, sys.maxsize - command_line.SPARE),
    ],
)
def test_clients_fit_under_the_limit_of_open_files(monkeypatch, soft, clients):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert command_line.most_clients() == clients


def test_the_help_says_how_a_service_is_stopped():
    assert "stop a service with SIGTERM" in command_line.ServerOptions.about


@pytest.mark.fault("E8")
@pytest.mark.parametrize("error", [OSError(1, "Operation not permitted"), ValueError()])
def test_a_limit_that_may_not_be_asked_for_is_the_usual_one(monkeypatch, error):
    def getrlimit(_):
        raise error

    monkeypatch.setattr(resource, "getrlimit", getrlimit)
    assert command_line.most_clients() == 992


@pytest.mark.fault("E8")
def test_more_clients_than_the_selector_can_watch_are_a_usage_error(monkeypatch):
    monkeypatch.setattr(command_line, "MOST_SOCKETS", 512)  # as on Windows
    assert command_line.ServerOptions(max_clients=480).conflict() is None
    assert "at most 480" in command_line.ServerOptions(max_clients=481).conflict()


# --- options as a class


class Some(Options):
    """One option of its own."""

    lamps = value(count, 3, "how many")


def test_an_option_is_its_default_or_what_was_given_and_never_how_it_is_read():
    assert (Some().lamps, Some(lamps=5).lamps, Some(lamps=None).lamps) == (3, 5, None)
    assert Some(quiet=True).values() == {
        "quiet": True, "verbose": False, "trace": None, "slow": None, "lamps": 3,
    }  # fmt: skip


def test_an_option_that_there_is_not_is_an_error():
    with pytest.raises(TypeError, match="Some has no option lamp"):
        Some(lamp=1)


def test_an_option_says_how_it_is_read_what_it_is_for_and_what_it_is_without_a_word():
    class More(Options):
        place = name("here", "where")
        loud = flag("-l", "say more")
        lamps = value(count, 3, "how many")
        song = value(str, None, "to sing", "TITLE")

    kinds = {option: kind for option, kind in More.kinds().items() if option in vars(More)}
    assert {option: vars(kind) for option, kind in kinds.items()} == {
        option: dict(zip(("default", "help", "short", "read", "metavar"), words, strict=True))
        for option, words in {
            "place": ("here", "where", "", None, ""),
            "loud": (False, "say more", "-l", None, ""),
            "lamps": (3, "how many", "", count, "N"),
            "song": (None, "to sing", "", str, "TITLE"),
        }.items()
    }


def test_a_subclass_adds_to_the_options_and_shares_none_of_its_own(console):
    parser = Parser(console, "some.py", Some)
    assert parser.read(["--lamps", "7", "--slow", "1"]).lamps == 7
    assert "lamps" not in Options.kinds()
    assert "lamps" not in ServerOptions.kinds()
