"""Two outputs that are one file, under any name: a usage error, before anything is written."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from edges import outputs
from tests.support.peers import delivering
from tests.support.programs import HELLO, Client, Server, file_message

BODY = b"Hello, world!\n"
USAGE = 2


# Names


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with an old file, a link, a hard link and a folder under two names."""
    (tmp_path / "old").write_bytes(b"old\n")
    (tmp_path / "link").symlink_to("old")
    (tmp_path / "dangling").symlink_to("new")
    (tmp_path / "hard").hardlink_to(tmp_path / "old")
    (tmp_path / "room").mkdir()
    (tmp_path / "door").symlink_to("room")
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.fault("E17")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("old", "old"),
        ("old", "./old"),
        ("old", "link"),
        ("old", "hard"),
        ("link", "hard"),
        ("new", "new"),
        ("new", "room/../new"),
        ("new", "dangling"),
        ("room/new", "door/new"),
        ("door/new", "ABSOLUTE"),
        ("old", "/proc/self/cwd/old"),
    ],
)
def test_one_file_is_found_under_any_two_names(folder, one, other):
    other = str(folder / "room" / "new") if other == "ABSOLUTE" else other
    for two in ((one, other), (other, one)):
        files = dict(zip(("--trace", "OUTPUT_FILE"), two, strict=True))
        assert outputs.clash(files) == "--trace and OUTPUT_FILE are the same file"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("old", "new"),
        ("new", "New"),
        ("room/new", "new"),
        ("fifo", "fifo"),
        ("/dev/null", "/dev/null"),
        ("missing/new", "missing/new"),  # opening it will say what is wrong
        ("a\0b", "a\0b"),
        ("old", None),
        (None, None),
    ],
)
def test_different_files_and_what_is_no_regular_file_may_be_used_together(folder, one, other):
    assert outputs.clash({"--trace": one, "OUTPUT_FILE": other}) == ""


@pytest.fixture
def without_inodes(folder, monkeypatch):
    """A drive on which each file and folder has the inode 0."""
    real = os.stat

    def stat(place, **how):
        status = list(real(place, **how))
        status[1] = 0
        return os.stat_result(status)

    monkeypatch.setattr(os, "stat", stat)
    (folder / "room" / "old").write_bytes(b"another\n")


@pytest.mark.usefixtures("without_inodes")
@pytest.mark.fault("E17", "E22")
def test_without_inodes_the_path_tells_files_apart():
    for one, other in (("old", "room/old"), ("new", "room/new"), ("old", "hard")):
        assert outputs.clash({"--trace": one, "OUTPUT_FILE": other}) == ""
    for one, other in (
        ("old", "./old"),
        ("old", "link"),
        ("new", "dangling"),
        ("door/new", "room/new"),
    ):
        assert outputs.clash({"--trace": one, "OUTPUT_FILE": other})
    with open("old", "rb") as file:  # a descriptor has no path
        assert outputs.clash({"--trace": "old", "OUTPUT_FILE": file.fileno()}) == ""


def test_standard_output_and_standard_error_may_be_one_file(folder, monkeypatch):
    with open("log", "wb") as log:
        number = log.fileno()
        monkeypatch.setattr(outputs, "STREAMS", {"standard output": number, "two": number})
        assert outputs.clash({"--trace": "old"}) == ""
        assert outputs.clash({"--trace": "log"}) == "--trace and standard output are the same file"


@pytest.mark.fault("E17")
@pytest.mark.parametrize(
    ("mode", "copied", "together"),
    [("wb", True, True), ("wb", False, False), ("ab", False, True), ("ab", True, True)],
    ids=[">log 2>&1", ">log 2>log", ">>log 2>>log", ">>log 2>&1"],
)
def test_standard_streams_may_be_one_file_if_they_do_not_write_over_each_other(
    folder, monkeypatch, mode, copied, together
):
    with open("log", mode) as one, open(os.dup(one.fileno()) if copied else "log", mode) as two:
        streams = {"standard output": one.fileno(), "standard error": two.fileno()}
        monkeypatch.setattr(outputs, "STREAMS", streams)
        assert (outputs.clash({}) == "") is together
        assert os.get_blocking(one.fileno()) and os.get_blocking(two.fileno())


def test_a_closed_stream_is_no_file(folder, monkeypatch):
    monkeypatch.setattr(outputs, "STREAMS", {"standard output": 1_000_000})
    assert outputs.clash({"--trace": "old", "OUTPUT_FILE": 1_000_000}) == ""


# Both programs


def refused(program, what: str) -> None:
    """Assert that the program ends with status 2 and one line."""
    with program:
        assert program.wait() == USAGE
    if program.err is not None:
        name = Path(program.name).name
        assert program.stderr == f"{name}: {what} are the same file (see {name} --help)\n"


COPIES = {  # how the client is called, with the file `both` open for appending as >
    "- and a trace": (["-", "--trace", "both"], "--trace and OUTPUT_FILE"),
    "a trace to /dev/stdout": (["-", "--trace", "/dev/stdout"], "--trace and OUTPUT_FILE"),
    "stdout by its number": (["/dev/fd/1", "--trace", "both"], "--trace and OUTPUT_FILE"),
    "a copy by name": (["both"], "OUTPUT_FILE and standard output"),
    "a copy by a link": (["link"], "OUTPUT_FILE and standard output"),
    "a trace by a hard link": (["copy", "--trace", "hard"], "--trace and standard output"),
}


@pytest.mark.fault("E17")
@pytest.mark.parametrize(("arguments", "what"), COPIES.values(), ids=COPIES)
def test_a_client_refuses_a_file_that_is_its_standard_output_too(tmp_path, arguments, what):
    (tmp_path / "both").write_bytes(b"before\n")
    (tmp_path / "link").symlink_to("both")
    (tmp_path / "hard").hardlink_to(tmp_path / "both")
    before = sorted(os.listdir(tmp_path))
    with open(tmp_path / "both", "ab") as both:
        client = Client("127.0.0.1", *arguments, "--port", 9, cwd=tmp_path, stdout=both.fileno())
        refused(client, what)
    assert (tmp_path / "both").read_bytes() == b"before\n"
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.fault("E17")
@pytest.mark.parametrize(
    "arguments", [["both"], ["-"], ["/dev/stderr"], ["copy", "--trace", "/dev/stderr"]]
)
def test_a_client_refuses_a_file_that_gets_its_messages(tmp_path, arguments):
    with open(tmp_path / "both", "wb") as both:
        number = both.fileno()
        stdout = number if arguments == ["-"] else None
        client = Client("127.0.0.1", *arguments, cwd=tmp_path, stdout=stdout, stderr=number)
        refused(client, "")
    said = (tmp_path / "both").read_text()
    assert said.startswith("client.py: ") and said.endswith(
        " and standard error are the same file (see client.py --help)\n"
    )
    assert os.listdir(tmp_path) == ["both"]


@pytest.mark.fault("E17")
@pytest.mark.parametrize("trace", ["both", "/dev/stdout", "/proc/self/fd/1", "link"])
def test_a_server_refuses_a_trace_that_is_its_standard_output(tmp_path, trace):
    (tmp_path / "both").write_bytes(b"before\n")
    (tmp_path / "link").symlink_to("both")
    with open(tmp_path / "both", "ab") as both:
        arguments = ("--trace", trace)
        server = Server(*arguments, cwd=tmp_path, stdout=both.fileno(), ready=False)
        refused(server, "--trace and standard output")
    assert (tmp_path / "both").read_bytes() == b"before\n"


@pytest.mark.fault("E17")
def test_a_server_refuses_a_trace_over_the_file_that_it_delivers(tmp_path):
    (tmp_path / "file").write_bytes(BODY)
    (tmp_path / "hard").hardlink_to(tmp_path / "file")
    server = Server("file", "--trace", "hard", cwd=tmp_path, ready=False)
    refused(server, "--trace and INPUT_FILE")
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.fault("E17")
def test_a_server_refuses_two_standard_streams_that_write_over_each_other(tmp_path):
    log = tmp_path / "log"
    with open(log, "wb") as one, open(log, "wb") as two:
        server = Server(stdout=one.fileno(), stderr=two.fileno(), ready=False)
        refused(server, "")
    what = "standard output and standard error"
    assert log.read_text() == f"server.py: {what} are the same file (see server.py --help)\n"


def test_other_outputs_work_together(tmp_path):
    """Among them two that only look alike: a name that is the server's, and the null device."""
    with ExitStack() as stack:
        port = stack.enter_context(delivering(HELLO + file_message(BODY)))
        log = stack.enter_context(open(tmp_path / "log", "wb"))
        for arguments in (["copy", "--trace", "127.0.0.1"], ["/dev/null", "--trace", "/dev/null"]):
            client = Client(
                "127.0.0.1", *arguments, "--port", port, cwd=tmp_path,
                stdout=log.fileno(), stderr=log.fileno(),
            )  # fmt: skip
            with client:
                assert client.wait() == 0
    assert (tmp_path / "copy").read_bytes() == BODY
