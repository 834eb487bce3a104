"""client.py as its users meet it: options, messages, exit statuses, and every odd server.

The program is a process, the server is played by the test (support/stage.py, support/peers.py).
What it saves and how is in test_client_saving.py, how it is interrupted in test_client_signals.py.
"""

import os
import re
import signal
import socket
import threading
import time
import zlib

import pytest

from tests.support import peers, stage
from tests.support.peers import hanging, listening, refusing
from tests.support.programs import HELLO, STRICT, Client, file_message
from tests.support.stage import (
    BODY,
    OLD,
    STREAM,
    assert_failed,
    assert_one_line,
    assert_saved,
    assert_saved_with_warning,
    client_of,
    directed,
    dripping,
    meet,
    play,
    resolver,
    run,
    saying,
    saying_and_resetting,
    saying_and_staying,
    sweep,
)

SAID_SAVED = "replaced copy: 14 bytes, checksum verified"
FILE = file_message(BODY)
FILE_LINE = FILE[: -len(BODY)]


# -- options ---------------------------------------------------------------------------------------


def test_help_names_every_option_and_succeeds():
    outcome = run("--help")
    assert outcome.status == 0
    help_text = outcome.out.decode() + outcome.err
    for word in (
        "SERVER",
        "OUTPUT_FILE",
        "--port",
        "--timeout",
        "-q",
        "-v",
        "--version",
    ):
        assert word in help_text


def test_version_is_one_line_and_a_success():
    outcome = run("--version")
    assert outcome.status == 0
    assert_one_line(outcome.out.decode() + outcome.err, r"\d+\.\d+")


def test_without_arguments_it_is_localhost_port_7080_and_sample_txt_here(tmp_path):
    with listening() as door:
        source = f"""
import socket
real = socket.getaddrinfo
def getaddrinfo(host, port, *args, **kwargs):
    assert (host, port) == ("localhost", 7080)
    return real("127.0.0.1", {door.port}, *args, **kwargs)
socket.getaddrinfo = getaddrinfo
"""
        with directed(source) as env, Client(cwd=tmp_path, env=env) as client:
            meet(door, client).send(STREAM).finish().farewell()
            assert client.wait() == 0
    assert stage.content(tmp_path) == {"sample.txt": BODY}


BAD_PORTS = [
    "0",
    "-1",
    "65536",
    "70000",
    "",
    " 80",
    "80 ",
    "+80",
    "8_0",
    "0x50",
    "80.0",
    "８０",
    "٨٠",
    "http",
]
BAD_TIMEOUTS = [
    "0",
    "-1",
    "0.0",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "86400.1",
    "86401",
    "",
    "1_0",
    "５",
    "ten",
]


@pytest.mark.fault("E3", "C6")
def test_a_bad_command_line_is_refused_in_one_line_before_anything_is_done():
    bad = [[f"--port={port}"] for port in BAD_PORTS]
    bad += [[f"--timeout={seconds}"] for seconds in BAD_TIMEOUTS]
    bad += [["-q", "-v"], ["--no-such-option"], ["localhost", "copy", "one more"], ["--port"]]

    sweep(lambda options, start: assert_failed(run(*options, start=start), 2), bad)


def test_options_may_stand_before_between_and_behind_the_words():
    with refusing() as port:
        option = (f"--port={port}", "-q")
        for words in [
            (*option, "127.0.0.1", "copy"),
            ("127.0.0.1", *option, "copy"),
            ("127.0.0.1", "copy", *option),
            ("-q", "127.0.0.1", "--port", port, "copy"),
        ]:
            assert_failed(run(*words), 3, "refused")


@pytest.mark.fault("C6")
def test_the_longest_and_a_short_timeout_are_taken():
    for seconds in ("86400", "86400.0", "9.5"):
        assert_saved(play(saying(STREAM), "--timeout", seconds))


# -- what it says ----------------------------------------------------------------------------------


def test_the_conversation_and_the_result_are_reported_on_stderr_and_stdout_stays_empty():
    outcome = play(saying(STREAM), quiet=False)
    assert outcome.status == 0
    assert outcome.out == b""
    for line in ("S: HELLO 1", "C: HELLO 1", f"S: {FILE_LINE.decode().strip()}", SAID_SAVED):
        assert line in outcome.err
    assert outcome.err.endswith(SAID_SAVED + "\n")


def test_quiet_says_nothing_of_a_success_and_verbose_says_more():
    assert play(saying(STREAM)).err == ""
    normal, verbose = (play(saying(STREAM), *v, quiet=False).err.splitlines() for v in ([], ["-v"]))
    assert len(verbose) > len(normal)
    assert set(normal) <= set(verbose)


def test_a_failure_is_reported_in_one_line_after_the_conversation():
    outcome = play(saying(STREAM[:-1]), quiet=False)
    assert outcome.status == 5
    assert "saved" not in re.sub("nothing saved", "", outcome.err)
    assert outcome.err.splitlines()[-1].startswith("client.py: ")


@pytest.mark.posix_only("without standard streams, Wine itself does not start")
@pytest.mark.fault("E10")
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_not_keep_it_from_saving(closed):
    outcome = play(saying(STREAM), quiet=False, shell=f'exec "$@" {closed}')
    assert (outcome.status, outcome.folder) == (0, {"copy": BODY})
    assert "2>" in closed or outcome.err.endswith(SAID_SAVED + "\n")


@pytest.mark.posix_only("Wine hands on pipes only")
@pytest.mark.fault("E10")
def test_a_full_or_broken_stderr_does_not_keep_it_from_saving():
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, open(writer, "wb") as broken:
        for stderr in (full.fileno(), broken.fileno()):
            with stage.private_folder() as folder, listening() as door:
                with client_of(door, "-v", target="copy", folder=folder, stderr=stderr) as client:
                    meet(door, client).send(STREAM).finish().farewell()
                    assert client.wait() == 0
                assert stage.content(folder) == {"copy": BODY}


@pytest.mark.posix_only("a write to a full pipe waits")
@pytest.mark.fault("E9")
def test_a_stderr_that_nobody_reads_does_not_keep_it_from_saving():
    reader, writer = os.pipe()
    try:
        stage.fill(writer)
        os.set_blocking(writer, True)
        with stage.private_folder() as folder, listening() as door:
            with client_of(door, "-v", target="copy", folder=folder, stderr=writer) as client:
                meet(door, client).send(STREAM).finish().farewell()
                assert client.wait() == 0
            assert stage.content(folder) == {"copy": BODY}
    finally:
        os.close(reader)
        os.close(writer)


# -- a server that keeps to the rules --------------------------------------------------------------


@pytest.mark.req("C-4", "C-3", "C-13")
def test_it_says_one_hello_and_nothing_else():
    heard = []
    assert_saved(play(lambda peer: heard.append(peer.send(STREAM).finish().farewell())))
    assert heard == [HELLO]


@pytest.mark.fault("F4")
def test_every_length_at_the_limits_arrives_whole():
    eighty = "ä\n€\n\n".encode() + b"x" * 71 + b"\n"
    assert len(eighty) == 80

    def check(body, start):
        stream = HELLO + file_message(body)
        assert_saved(play(saying(stream), start=start), body)
        assert_saved(play(dripping(stream), start=start), body)

    sweep(check, [b"", b"\n", b"x" * 78 + b"\n", eighty])


@pytest.mark.req("W-2", "C-10")
@pytest.mark.fault("B7")
def test_every_cut_into_two_segments_gives_the_same_result():
    def check(cut, start):
        assert_saved(play(saying(STREAM[:cut], STREAM[cut:]), start=start))

    sweep(check, range(1, len(STREAM)))


@pytest.mark.req("W-2")
@pytest.mark.fault("B7")
def test_byte_by_byte_gives_the_same_result():
    assert_saved(play(dripping(STREAM)))


@pytest.mark.req("C-20", "C-13")
def test_the_copy_appears_only_at_the_end_of_the_stream():
    with stage.private_folder() as folder, listening() as door:
        with client_of(door, "-q", target="copy", folder=folder) as client:
            peer = meet(door, client).send(STREAM)
            assert peer.hear(len(HELLO)) == HELLO
            peer.await_read()
            assert (folder / "copy").read_bytes() == OLD
            peer.finish().farewell()
            assert client.wait() == 0
        assert stage.content(folder) == {"copy": BODY}


@pytest.mark.fault("B23")
def test_an_urgent_byte_is_no_part_of_the_stream():
    assert_saved(play(lambda peer: peer.send(HELLO).urgent(b"!").send(FILE).finish().farewell()))


@pytest.mark.posix_only("SIGSTOP does not stop a Windows program")
@pytest.mark.fault("C3", "C10")
def test_bytes_that_came_while_it_was_stopped_are_not_late():
    with stage.private_folder() as folder, listening() as door:
        with client_of(door, "--timeout", "0.5", target="copy", folder=folder) as client:
            peer = meet(door, client).send(HELLO, b"F").await_read()
            client.send_signal(signal.SIGSTOP)
            peer.send(FILE[1:]).finish()
            threading.Event().wait(0.6)  # its deadline passes
            client.send_signal(signal.SIGCONT)
            peer.farewell()
            assert client.wait() == 0
        assert stage.content(folder) == {"copy": BODY}


# -- another service, another version --------------------------------------------------------------


BANNERS = {
    "HTTP": b"HTTP/1.0 400 Bad Request\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SMTP": b"220 mail.example ESMTP\r\n",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "telnet": b"\xff\xfd\x18\xff\xfd\x20",
    "another word": b"HOLLA 1\n",
    "lower case": b"hello 1\n",
    "FILE before HELLO": FILE,
    "empty line": b"\n",
    "NUL": b"\x00",
    "terminal": b"\x1b]0;title\x07\x1b[2J\x9b2J",
    "every byte": bytes(range(256)),
}


@pytest.mark.req("C-6", "W-4")
@pytest.mark.fault("G6", "I-1", "I-2")
def test_another_service_is_refused_at_once_and_shown_escaped():
    def check(banner, start):
        outcome = play(saying_and_staying(banner), "--timeout", 86400, start=start)
        assert_failed(outcome, 4, r"expected HELLO.*got")
        assert repr(banner[:8])[2:-1] in outcome.err

    sweep(check, BANNERS.values())


HELLO_TRAPS = [
    b"HELLO 2\n", b"HELLO 999\n", b"HELLO 10\n",  # another version
    b"HELLO 1\r\n", b"HELLO 1 \n", b"HELLO  1\n", b"HELLO\t1\n", b"HELLO\n", b"HELLO \n",
    b"HELLO 01\n", b"HELLO 0\n", b"HELLO 1000\n", b"HELLO +1\n", b"HELLO -1\n", b"HELLO 1_0\n",
    b"HELLO 1.0\n", "HELLO １\n".encode(), "HELLO ١\n".encode(), b"HELLO 1\x00\n",
    b"\xef\xbb\xbfHELLO 1\n",
]  # fmt: skip


@pytest.mark.req("C-8", "C-6", "W-1")
@pytest.mark.fault("G6")
def test_any_other_hello_is_refused_and_nothing_is_saved():
    def check(trap, start):
        assert_failed(play(saying_and_staying(trap), start=start), 4, "expected")

    sweep(check, HELLO_TRAPS)


@pytest.mark.req("C-8")
def test_another_version_is_named():
    assert_failed(play(saying_and_staying(b"HELLO 2\n" + FILE)), 4, r"version.* 2\b")


@pytest.mark.req("C-9", "C-7")
def test_another_version_is_not_refused_before_its_line_ends():
    """HELLO 12 may become HELLO 123: both are another version, but the stream ends first."""
    for beginning in (b"HELLO 1", b"HELLO 2", b"HELLO 12", b"HELLO 123"):
        assert_failed(play(saying(beginning)), 5)


# -- the FILE line ---------------------------------------------------------------------------------

CRC = b"%08x" % zlib.crc32(BODY)

NUMBER_TRAPS = [
    b"1_4", b"+14", b" 14", b"14 ", b"\t14", b"-14", b"-0", b"014", b"081", b"00", b"0x0e", b"1e1",
    b"14.0", b"", b"81", b"100", b"999999999", b"9" * 100_000,
    "١٤".encode(), "１４".encode(), "1²".encode(),
]  # fmt: skip
CHECKSUM_TRAPS = [
    CRC.upper(), CRC[:7], CRC + b"0", b"0x" + CRC[:6], b"+" + CRC[:7], CRC[:4] + b"_" + CRC[4:7],
    CRC[:7] + b"g", b"", b" " + CRC, CRC + b" ", CRC + b"\r", CRC + b"\x00",
]  # fmt: skip
LINE_TRAPS = [
    b"FILE\n", b"FILE \n", b"FILE 14\n", b"file 14 " + CRC + b"\n", b"FILE\t14 " + CRC + b"\n",
    b"FILE 14  " + CRC + b"\n", b"FILE 14\t" + CRC + b"\n", b"FILE 14," + CRC + b"\n", b"\n",
    b"FILE 14 " + CRC + b"\r\n", HELLO, b"DATA 14 " + CRC + b"\n", BODY,
]  # fmt: skip


@pytest.mark.req("C-6", "W-1")
@pytest.mark.fault("G7", "G8", "G10")
def test_a_file_line_outside_the_grammar_is_refused():
    assert CRC.upper() != CRC
    traps = [b"FILE %b %b\n" % (number, CRC) for number in NUMBER_TRAPS]
    traps += [b"FILE 14 %b\n" % checksum for checksum in CHECKSUM_TRAPS]
    traps += LINE_TRAPS

    def check(trap, start):
        def server(peer):
            peer.send(HELLO).flood(trap + BODY, most=1)  # once, and no end: the line alone must do
            peer.farewell()

        assert_failed(play(server, start=start), 4, r"expected FILE.*got")

    sweep(check, traps)


@pytest.mark.req("C-6")
@pytest.mark.fault("G6", "G8")
def test_a_wrong_byte_is_refused_where_it_is():
    """At each place of both lines: what comes before is legal, and the stream does not end."""
    lines = HELLO + FILE_LINE
    # A bar can stand nowhere. (In place of the first byte of FILE, "E" would be possible.)
    cuts = [lines[:n] + b"|" for n in range(len(lines))]

    def check(cut, start):
        assert_failed(play(saying_and_staying(cut), start=start), 4, "expected")

    sweep(check, cuts)


@pytest.mark.fault("G9", "G8")
def test_a_line_without_end_is_refused_not_collected():
    def check(case, start):
        beginning, endless = case
        outcome = play(lambda peer: peer.send(beginning).flood(endless), start=start)
        assert_failed(outcome, 4, "expected")
        assert len(outcome.err) < 200

    endless_lines = [
        (b"", b"A" * 4096),
        (b"HELLO ", b"1" * 4096),
        (b"ERROR ", b"A" * 4096),
        (HELLO + b"FILE ", b"7" * 4096),
        (HELLO + b"FILE 14 ", b"0" * 4096),
        (HELLO + b"ERROR ", b"A" * 4096),
    ]
    sweep(check, endless_lines)


# -- the body --------------------------------------------------------------------------------------


@pytest.mark.req("C-7")
@pytest.mark.fault("G11")
def test_a_stream_cut_at_any_byte_saves_nothing():
    def check(length, start):
        assert_failed(play(saying(STREAM[:length]), start=start), 5)

    sweep(check, range(len(STREAM)))


@pytest.mark.posix_only("Wine shows a reset as the end of the stream")
@pytest.mark.fault("G18")
def test_a_reset_at_any_byte_before_the_last_saves_nothing():
    def check(length, start):
        assert_failed(play(saying_and_resetting(STREAM[:length]), start=start), 5)

    sweep(check, range(1, len(STREAM)))


@pytest.mark.req("C-21", "C-20")
@pytest.mark.fault("G12")
def test_a_byte_beyond_the_body_is_refused_in_the_same_packet_and_later():

    def check(beyond, start):
        assert_failed(play(saying_and_staying(STREAM + beyond), start=start), 4, "beyond")
        assert_failed(play(saying_and_staying(STREAM, beyond), start=start), 4, "beyond")

    sweep(check, [b"\n", b"x", b"\x00", BODY, STREAM, b"ERROR late\n"])
    assert_failed(play(lambda peer: peer.send(STREAM).flood(b"x" * 4096)), 4, "beyond")
    assert_failed(play(saying(HELLO + file_message(b"") + b"\n")), 4, "beyond")


@pytest.mark.req("C-11")
@pytest.mark.fault("G13")
def test_every_flipped_bit_of_a_body_is_found():
    body = BODY

    def check(bit, start):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        stream = HELLO + file_message(body)[: -len(body)] + flipped
        assert_failed(play(saying(stream), start=start), 5, "checksum")

    sweep(check, range(8 * len(body)))


@pytest.mark.req("C-11")
@pytest.mark.fault("I-9")
def test_a_wrong_checksum_is_found_with_assertions_switched_off_too():
    outcome = play(saying(STREAM.replace(CRC, b"00000000")), flags=("-O", *STRICT))
    assert_failed(outcome, 5, "checksum")


@pytest.mark.req("C-11")
@pytest.mark.fault("G13")
def test_the_checksum_of_one_file_does_not_pass_for_another():
    wrong = b"%08x" % (zlib.crc32(BODY) ^ 1)
    for checksum in (b"00000000", b"ffffffff", wrong):
        outcome = play(saying(STREAM.replace(CRC, checksum)))
        assert_failed(outcome, 5, CRC.decode())
        assert checksum.decode() in outcome.err


INVALID = {
    b"a\r\n": "CR",
    b"\r": "CR",
    b"a\x00b\n": "NUL",
    b"no final LF": "LF",
    b"one\ntwo": "LF",
    b"\xff\n": "UTF-8",
    b"\xc3\n": "UTF-8",
    b"\xc0\x80\n": "UTF-8",  # NUL in two bytes
    b"\xed\xa0\x80\n": "UTF-8",  # half of a surrogate pair
}


@pytest.mark.req("C-12")
@pytest.mark.fault("G14")
def test_a_body_that_is_no_valid_file_is_refused_though_its_checksum_is_right():
    def check(case, start):
        body, rule = case
        assert_failed(play(saying(HELLO + file_message(body)), start=start), 4, rule)

    sweep(check, INVALID.items())


@pytest.mark.req("C-14")
def test_the_first_violation_in_the_order_of_the_stream_decides():
    wrong_sum = STREAM.replace(CRC, b"00000000")
    assert_failed(play(saying(wrong_sum + b"beyond")), 5, "checksum")
    assert_failed(play(saying_and_resetting(wrong_sum + b"beyond")), 5, "checksum")
    assert_failed(play(saying(HELLO + b"FILE 3 00000000\n" + b"a\r\n")), 5, "checksum")
    assert_failed(play(saying(HELLO + file_message(b"a\r\n") + b"beyond")), 4, "CR")
    assert_failed(play(saying(b"HELLO 2\n" + wrong_sum)), 4, "version")
    assert_failed(play(saying(HELLO + b"FILE 81 00000000\n")), 4, "FILE 8")
    assert_failed(play(saying_and_resetting(b"HELLO 1\r\n")), 4, "expected")


# -- ERROR -----------------------------------------------------------------------------------------


@pytest.mark.req("C-5")
@pytest.mark.fault("I-2")
def test_an_error_line_is_shown_with_its_reason():

    def check(reason, start):
        for before in (b"", HELLO):
            line = b"ERROR " + reason + b"\n"
            outcome = play(saying_and_staying(before + line), start=start)
            assert_failed(outcome, 4, "ERROR " + re.escape(repr(reason)[1:]))

    sweep(check, [b"busy", b"x" * 72, b" ", b"~ '\"\\ ~", b"\\x1b[2J"])


@pytest.mark.req("C-6", "W-4")
@pytest.mark.fault("I-1", "I-2")
def test_an_error_line_outside_the_grammar_is_refused_and_shown_escaped():
    reasons = [
        b"",
        b"x" * 73,
        b"a\rb",
        b"\x1b[2J",
        b"\x9b2J",
        "zu groß".encode(),
        b"a\x00",
        b"\x7f",
    ]
    traps = [b"ERROR " + reason + b"\n" for reason in reasons]
    traps += [b"ERROR\n", b"ERROR:busy\n", b"error busy\n", b"ERROR\tbusy\n"]

    def check(trap, start):
        for before in (b"", HELLO):
            assert_failed(play(saying_and_staying(before + trap), start=start), 4, "expected")

    sweep(check, traps)


def test_an_error_line_cut_by_the_end_of_the_stream_is_a_lost_stream():
    line = b"ERROR busy\n"
    cuts = [before + line[:n] for before in (b"", HELLO) for n in (1, 5, 6, 7, len(line) - 1)]
    sweep(lambda cut, start: assert_failed(play(saying(cut), start=start), 5), cuts)


def test_the_reason_counts_whatever_comes_after_the_error_line():
    line = b"ERROR busy\n"
    assert_failed(play(saying(line + b"more\x1b")), 4, "busy")
    assert_failed(play(saying_and_resetting(HELLO + line)), 4, "busy")
    assert_failed(play(saying(line + STREAM)), 4, "busy")


# -- after a verified body -------------------------------------------------------------------------


@pytest.mark.posix_only("Wine shows a reset as the end of the stream")
@pytest.mark.req("C-22")
@pytest.mark.fault("G17")
def test_a_reset_after_the_verified_body_saves_it_with_a_warning():
    def after_all_was_read(peer):
        peer.send(STREAM)
        peer.hear(len(HELLO))
        peer.await_read().reset()

    assert_saved_with_warning(play(after_all_was_read), "reset")


@pytest.mark.posix_only("Wine shows a reset as the end of the stream")
@pytest.mark.req("C-22")
@pytest.mark.fault("G17")
def test_a_reset_that_overtakes_the_answer_does_not_spoil_a_verified_body():
    """The client finds the whole stream and the reset together, before it has said its hello."""
    with stage.private_folder() as folder, listening() as door:
        with client_of(door, "-q", target="copy", folder=folder) as client:
            peer = meet(door, client).send(b"H").await_read()
            client.send_signal(signal.SIGSTOP)
            peer.send(STREAM[1:])
            peer.reset()
            client.send_signal(signal.SIGCONT)
            assert client.wait() == 0
            assert_one_line(client.stderr, "reset")
        assert stage.content(folder) == {"copy": BODY}


@pytest.mark.req("C-19")
@pytest.mark.fault("G16")
def test_a_server_that_never_ends_its_stream_after_the_body_costs_the_deadline_and_a_warning():
    outcome = play(saying_and_staying(STREAM), "--timeout", "0.3")
    assert_saved_with_warning(outcome, "end")


def test_a_server_that_leaves_at_once_after_its_stream_is_no_oddity():
    """It does not wait for the client's end of stream, as ours does."""
    assert_saved(play(lambda peer: peer.send(STREAM).hear(len(HELLO)) and peer.close()))


# -- time ------------------------------------------------------------------------------------------


@pytest.mark.req("C-16")
@pytest.mark.fault("G15", "B22")
def test_a_silent_server_is_left_at_the_deadline_in_each_state():
    def check(before, start):
        outcome = play(saying_and_staying(before), "--timeout", "0.3", start=start)
        assert_failed(outcome, 3, "timed out")

    sweep(check, [b"", b"HELL", HELLO, HELLO + b"FILE 14", HELLO + FILE_LINE, STREAM[:-1]])


@pytest.mark.req("C-16")
@pytest.mark.fault("G15", "B5")
def test_a_server_that_drips_is_left_at_the_deadline_of_everything():
    """No byte extends the deadline: most of the stream is still unsent when the client leaves."""
    counts = []

    def drip(peer):
        peer.send(HELLO)
        peer.hear(len(HELLO))
        counts.append(peer.drip_slowly(file_message(b"x" * 79 + b"\n"), pace=0.06))

    assert_failed(play(drip, "--timeout", "0.4"), 3, "timed out")
    assert counts[0] < 40


# -- connecting ------------------------------------------------------------------------------------


@pytest.mark.fault("G1")
def test_a_refused_connection_is_reported_with_its_address():
    with refusing() as port:
        assert_failed(
            run("127.0.0.1", "copy", "--port", port, "-q"), 3, f"127.0.0.1:{port}.*refused"
        )


@pytest.mark.fault("G5", "E12")
def test_a_name_that_cannot_be_looked_up_is_reported_escaped():
    names = ["a..b", "x" * 64, ".", "\udcff", "ä" * 64, "", "\U0001f4a9..x"]

    def check(name, start):
        assert_failed(run(name, "copy", "-q", start=start), 3, "resolve")

    sweep(check, names)


@pytest.mark.fault("G5", "I-1")
def test_an_error_of_the_resolver_is_reported_with_the_name_escaped():
    source = """
import socket
def getaddrinfo(*args, **kwargs):
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
socket.getaddrinfo = getaddrinfo
"""
    with directed(source) as env:
        outcome = run("evil\n\x1b[2J", "copy", "-q", env=env)
    assert_failed(outcome, 3, r"evil\\n\\x1b\[2J.*(temporary failure|host not found)")


def reach(*addresses: tuple[str, int], timeout: float = 10, more: str = "") -> stage.Outcome:
    """Run a client for which a name has these addresses."""
    with directed(resolver(*addresses), more) as env:
        return run("name", "copy", "--timeout", timeout, "-q", env=env)


SLOW_LOOK_UP = """
import time
quick = socket.getaddrinfo
socket.getaddrinfo = lambda *_, **__: time.sleep(0.6) or quick()
"""


@pytest.mark.req("C-17")
@pytest.mark.fault("G21")
def test_a_slow_look_up_counts():
    with peers.delivering(STREAM) as port:
        assert_saved(reach(("127.0.0.1", port), timeout=10, more=SLOW_LOOK_UP))
        outcome = reach(("127.0.0.1", port), timeout=0.3, more=SLOW_LOOK_UP)
    assert_failed(outcome, 3, r"timed out after 0\.3 s looking up 'name'; .*--timeout")


@pytest.mark.req("C-1")
@pytest.mark.fault("G2")
def test_each_address_is_tried_until_one_answers():
    with refusing() as closed, peers.delivering(STREAM) as open_port:
        refused, answers = ("127.0.0.1", closed), ("127.0.0.1", open_port)
        for addresses in (
            [answers],
            [refused, answers],
            [refused, refused, ("127.0.0.2", closed), answers],
        ):
            assert_saved(reach(*addresses))


@pytest.mark.req("C-1")
@pytest.mark.fault("G2")
def test_a_name_with_two_families_finds_the_one_that_listens(not_here):
    try:
        with refusing("::1") as closed, peers.delivering(STREAM) as open_port:
            assert_saved(reach(("::1", closed), ("127.0.0.1", open_port)))
        with refusing() as closed, peers.delivering(STREAM, "::1") as open_port:
            assert_saved(reach(("127.0.0.1", closed), ("::1", open_port)))
    except OSError as error:
        not_here(f"IPv6: {error}")


@pytest.mark.fault("G2")
def test_localhost_works_whichever_of_its_families_listens(not_here):
    listened = 0
    for host in ("127.0.0.1", "::1"):
        try:
            names = {a[4][0] for a in socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)}
            with peers.delivering(STREAM, host) as port:
                if host in names:
                    assert_saved(run("localhost", "copy", "--port", port, "-q"))
                    listened += 1
        except OSError as error:
            not_here(f"{host}: {error}")
    assert listened


def test_an_ipv6_address_is_taken_as_it_is(not_here):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        not_here(f"IPv6: {error}")
    assert_saved(play(saying(STREAM), host="::1"))
    with refusing("::1") as port:
        assert_failed(run("::1", "copy", "--port", port, "-q"), 3, rf"\[::1\]:{port}.*refused")


@pytest.mark.fault("G2")
def test_if_no_address_works_each_is_reported_with_its_reason():
    with refusing() as one, refusing() as other:
        outcome = reach(("127.0.0.1", one), ("127.0.0.2", other))
        assert_failed(outcome, 3, rf"127.0.0.1:{one}.*refused.*127.0.0.2:{other}.*refused")


@pytest.mark.fault("G3", "A16")
def test_a_connection_that_hangs_is_left_at_the_deadline():
    with hanging() as port:
        assert_failed(reach(("127.0.0.1", port), timeout=0.3), 3, "timed out")


@pytest.mark.req("C-18", "C-1")
@pytest.mark.fault("G3")
def test_an_address_that_hangs_leaves_an_equal_share_for_the_others():
    with hanging() as black_hole, refusing() as closed, peers.delivering(STREAM) as open_port:
        hangs, refused, answers = (("127.0.0.1", p) for p in (black_hole, closed, open_port))
        assert_saved(reach(hangs, hangs, answers, timeout=0.9))
        assert_saved(reach(hangs, refused, answers, timeout=0.9))
        assert_failed(reach(hangs, refused, timeout=0.6), 3, "timed out.*refused")


@pytest.mark.alone
@pytest.mark.req("C-16", "C-18")
def test_one_deadline_covers_connecting_and_transfer():
    """Half of the time goes by at an address that hangs; a silent server gets the other half."""
    with hanging() as black_hole, listening() as door, stage.private_folder() as folder:
        addresses = ("127.0.0.1", black_hole), ("127.0.0.1", door.port)
        with directed(resolver(*addresses)) as env:
            with Client("name", "copy", "--timeout", "2.4", "-q", cwd=folder, env=env) as client:
                peer = meet(door, client)
                start = time.monotonic()
                peer.farewell()
                assert time.monotonic() - start < 0.9 * 2.4
                assert client.wait() == 3


@pytest.mark.req("C-1")
def test_an_address_that_answers_wrongly_decides_and_no_other_is_tried():
    with peers.delivering(b"HTTP/1.0 400\r\n") as wrong, listening() as door:
        assert_failed(reach(("127.0.0.1", wrong), ("127.0.0.1", door.port)), 4, "expected HELLO")
        assert door.untouched()


SELF_CONNECT = """
import socket
def from_the_same_address(method):
    def connecting(self, address):
        if address[1] in PORTS:
            self.bind(address)
        return method(self, address)
    return connecting
socket.socket.connect = from_the_same_address(socket.socket.connect)
socket.socket.connect_ex = from_the_same_address(socket.socket.connect_ex)
"""


@pytest.mark.posix_only("Wine refuses such a connection by itself")
@pytest.mark.req("C-2")
@pytest.mark.fault("G4")
def test_a_connection_to_itself_counts_as_refused():
    with refusing() as port:
        pass  # free again, so that the client can have it
    more = SELF_CONNECT + f"PORTS = {{{port}}}"
    assert_failed(reach(("127.0.0.1", port), more=more), 3, "itself")
    with peers.delivering(STREAM) as open_port:
        assert_saved(reach(("127.0.0.1", port), ("127.0.0.1", open_port), more=more))
