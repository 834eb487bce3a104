"""The question after Ctrl+C: only a yes is a yes, and nothing that happens at stdin can hang it.

Real pipes, files and terminals as stdin, real signals, and a person: a thread that reads the
question from stderr before it does anything.
"""

import os
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
import tracemalloc
from contextlib import ExitStack, contextmanager

import pytest

from edges import prompt
from edges.console import PATIENCE, Console
from edges.prompt import QUESTION, TIMES, ask
from reactor import Signals

AT_ONCE = 0.25  # seconds, less than PATIENCE: nobody was waited for


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def signals():
    with Signals() as signals:
        yield signals


class Stderr:
    """What people see, in a pipe: read by the test, or by a person meanwhile."""

    def __init__(self, stack):
        reader, writer = os.pipe()
        self.reader = stack.enter_context(os.fdopen(reader, "rb", 0))
        self.writer = stack.enter_context(os.fdopen(writer, "wb", 0))
        self.console = Console(number=writer)
        stack.callback(self.console.close)

    def until(self, ending):
        text = b""
        while not text.endswith(ending.encode()):
            text += os.read(self.reader.fileno(), 4096)

    def all(self):
        self.console.close()
        self.writer.close()
        return self.reader.read().decode()


@pytest.fixture
def stderr(stack):
    return Stderr(stack)


def pipe(stack):
    reader, writer = os.pipe()
    ends = os.fdopen(reader, "rb", 0), os.fdopen(writer, "wb", 0)
    return [stack.enter_context(end) for end in ends]


def terminal(stack):
    return [stack.enter_context(os.fdopen(end, "rb+", 0)) for end in os.openpty()]


def piped(stack, octets):
    """Return a stdin that has `octets` and then ends."""
    reader, writer = pipe(stack)
    writer.write(octets)
    writer.close()
    return reader


@contextmanager
def person(stderr, *deeds):
    """Each time the question is there, do the next of `deeds`; be done before the block ends."""

    def act():
        for deed in deeds:
            stderr.until(QUESTION)
            deed()

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


def sends(number):
    return lambda: os.kill(os.getpid(), number)


# ---------------------------------------------------------------- what is a yes


@pytest.mark.parametrize("answer", ["y", "Y", "yes", "YES", "yEs", "  y\t", "y\r", " Yes "])
def test_yes_in_any_case_is_a_yes(stack, signals, stderr, answer):
    assert ask(stderr.console, signals, piped(stack, answer.encode() + b"\n").fileno())
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.parametrize("answer", ["n", "N", "no", "NO ", "", "   "])
def test_no_or_an_empty_line_is_a_no(stack, signals, stderr, answer):
    assert not ask(stderr.console, signals, piped(stack, answer.encode() + b"\ny\n").fileno())
    assert stderr.all() == QUESTION + "\n"


ODD = [b"maybe", b"yy", b"yes please", b"y n", b"y\0", b"\xff\xfe", "ÿ".encode()]


@pytest.mark.fault("D11")
@pytest.mark.parametrize("answer", ODD)
def test_anything_else_is_asked_again_and_the_next_answer_counts(stack, signals, stderr, answer):
    assert ask(stderr.console, signals, piped(stack, answer + b"\nyes\n").fileno())
    assert stderr.all() == 2 * (QUESTION + "\n")


@pytest.mark.fault("D11")
def test_it_is_asked_again_at_most_three_times(stack, signals, stderr):
    stdin = piped(stack, b"1\n2\n3\n4\ny\n")
    assert not ask(stderr.console, signals, stdin.fileno())
    assert stderr.all() == TIMES * (QUESTION + "\n") and TIMES == 4
    assert stdin.read() == b"y\n", "more was read than was asked for"


def test_the_next_question_finds_the_next_answer(stack, signals, stderr):
    stdin = piped(stack, b"y\nmaybe\ny\nn\n").fileno()
    assert [ask(stderr.console, signals, stdin) for _ in range(4)] == [True, True, False, False]


@pytest.mark.fault("D11")
def test_a_line_far_too_long_is_asked_about_again_in_bounded_memory(stack, signals, stderr):
    reader, writer = pipe(stack)
    line = b"y" + 300_000 * b" " + b"\ny\n"
    thread = threading.Thread(target=writer.write, args=(line,))
    tracemalloc.start()
    stack.callback(tracemalloc.stop)
    thread.start()
    assert ask(stderr.console, signals, reader.fileno())
    thread.join()
    assert tracemalloc.get_traced_memory()[1] < 50_000
    assert stderr.all() == 2 * (QUESTION + "\n")


@pytest.mark.fault("D9", "D11")
def test_a_line_that_never_ends_is_left_at_a_signal(stack, signals, stderr):
    zeros = stack.enter_context(open("/dev/zero", "rb", 0))
    with person(stderr, sends(signal.SIGTERM)):
        assert not ask(stderr.console, signals, zeros.fileno())


@pytest.mark.parametrize("spaces", [prompt.LONGEST - 2, prompt.LONGEST - 1, prompt.LONGEST, 200])
def test_what_follows_a_long_gap_is_not_overlooked(stack, signals, stderr, spaces):
    stdin = piped(stack, b"y" + spaces * b" " + b"x\n").fileno()
    assert not ask(stderr.console, signals, stdin)
    assert stderr.all() == 2 * (QUESTION + "\n")


# ---------------------------------------------------------------- no answer is a no


@pytest.mark.fault("D10")
def test_the_end_of_the_stream_is_a_no(stack, signals, stderr):
    assert not ask(stderr.console, signals, piped(stack, b"").fileno())
    assert stderr.all() == QUESTION + "\n"


def test_a_last_line_without_its_line_feed_is_an_answer_too(stack, signals, stderr):
    assert ask(stderr.console, signals, piped(stack, b"y").fileno())


@pytest.mark.fault("D10")
def test_a_closed_stdin_is_a_no(signals, stderr):
    assert not ask(stderr.console, signals, 1_000_000)
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.fault("D10", "E11")
@pytest.mark.parametrize("path", [os.devnull, "/"])
def test_a_stdin_with_nothing_to_read_is_a_no(stack, signals, stderr, path):
    number = os.open(path, os.O_RDONLY)
    stack.callback(os.close, number)
    assert not ask(stderr.console, signals, number)
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.fault("D10")
def test_a_stdin_filled_the_wrong_way_round_is_a_no(stack, signals, stderr):
    assert not ask(stderr.console, signals, stack.enter_context(open(os.devnull, "wb")).fileno())


@pytest.mark.fault("E11")
def test_answers_may_come_from_a_file(stack, signals, stderr, tmp_path):
    (tmp_path / "answers").write_bytes(b"y\nn\n")
    stdin = stack.enter_context(open(tmp_path / "answers", "rb", 0))
    assert ask(stderr.console, signals, stdin.fileno())
    assert stdin.read() == b"n\n", "the offset is not shared"


def test_answers_may_come_from_a_socket_or_a_non_blocking_pipe(stack, signals):
    ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
    reader, writer = pipe(stack)
    os.set_blocking(reader.fileno(), False)
    for stdin, answer in ((ours, theirs.sendall), (reader, writer.write)):
        stderr = Stderr(stack)
        with person(stderr, lambda answer=answer: answer(b"y\n")):
            assert ask(stderr.console, signals, stdin.fileno())


def test_octets_that_another_reader_was_faster_to_take_are_waited_for_again(
    stack, signals, stderr, monkeypatch
):
    reader, writer = pipe(stack)
    writer.write(b"y\n")
    read = os.read
    faster = [b"y", b""]  # the first call finds nothing, as if it had just been taken

    def read_late(number, length):
        if faster.pop(0) if faster else b"":
            raise BlockingIOError
        return read(number, length)

    monkeypatch.setattr(os, "read", read_late)
    assert ask(stderr.console, signals, reader.fileno())


# ---------------------------------------------------------------- signals


@pytest.mark.fault("D9", "D14", "D18")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_asking_is_a_no_at_once(stack, signals, stderr, number):
    reader, _writer = pipe(stack)
    with person(stderr, sends(number)):
        assert not ask(stderr.console, signals, reader.fileno())
    assert stderr.all() == "\n"  # the person has read the question


@pytest.mark.fault("D9")
def test_a_signal_ends_the_question_also_where_stdin_cannot_be_made_non_blocking(
    stack, signals, stderr
):
    ours, _theirs = (stack.enter_context(end) for end in socket.socketpair())
    with person(stderr, sends(signal.SIGINT)):
        assert not ask(stderr.console, signals, ours.fileno())


@pytest.mark.fault("D9")
def test_a_signal_in_the_middle_of_an_answer_takes_it_back(stack, signals, stderr):
    reader, writer = pipe(stack)

    def begin_and_stop():
        writer.write(b"y")
        sends(signal.SIGINT)()
        writer.write(b"\n")

    with person(stderr, begin_and_stop):
        assert not ask(stderr.console, signals, reader.fileno())


@pytest.mark.fault("D2")
def test_a_signal_that_came_before_the_question_counts(stack, signals, stderr):
    sends(signal.SIGTERM)()
    assert not ask(stderr.console, signals, piped(stack, b"y\n").fileno())


@pytest.mark.fault("D23")
def test_a_signal_of_somebody_else_decides_nothing(stack, signals, stderr):
    old = signal.signal(signal.SIGWINCH, lambda *_: None)
    stack.callback(signal.signal, signal.SIGWINCH, old)
    reader, writer = pipe(stack)

    def resize_then_answer():
        sends(signal.SIGWINCH)()
        writer.write(b"y\n")

    with person(stderr, resize_then_answer):
        assert ask(stderr.console, signals, reader.fileno())


# ---------------------------------------------------------------- terminals


@pytest.mark.fault("D11")
def test_what_was_typed_before_the_question_does_not_decide(stack, signals, stderr):
    keyboard, stdin = terminal(stack)
    keyboard.write(b"y\n")
    with person(stderr, lambda: keyboard.write(b"n\n")):
        assert not ask(stderr.console, signals, stdin.fileno())
    assert stderr.all() == "", "Enter was echoed by the terminal; no line of ours is needed"


@pytest.mark.fault("D11")
def test_on_a_terminal_an_answer_behind_an_odd_one_counts(stack, signals, stderr):
    keyboard, stdin = terminal(stack)
    with person(stderr, lambda: keyboard.write(b"maybe\ny\n")):
        assert ask(stderr.console, signals, stdin.fileno())


@pytest.mark.fault("D10")
def test_ctrl_d_is_a_no_and_the_question_is_not_left_open(stack, signals, stderr):
    keyboard, stdin = terminal(stack)
    with person(stderr, lambda: keyboard.write(b"\x04")):
        assert not ask(stderr.console, signals, stdin.fileno())
    assert stderr.all() == "\n"


@pytest.mark.fault("D18")
def test_a_terminal_that_hangs_up_is_a_no(stack, signals, stderr):
    keyboard, stdin = terminal(stack)
    with person(stderr, keyboard.close):
        assert not ask(stderr.console, signals, stdin.fileno())


# In a session of its own, whose terminal descriptor 0 is; the last argument says who asks there.
SESSION = """
import fcntl, os, sys, termios
from edges.console import Console
from edges.prompt import ask
from reactor import Signals
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
def answer():
    with Signals() as signals:
        console = Console()
        answer = ask(console, signals)
        console.close()
        return 10 + answer
if sys.argv[1] == "foreground":
    sys.exit(answer())
child = os.fork()
if not child:
    os.setpgid(0, 0)
    os._exit(answer())
_, status = os.waitpid(child, os.WUNTRACED)
sys.exit(99 if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status))
"""


@contextmanager
def session(stack, where):
    """Run a process that asks on a terminal; yield the keyboard and the process."""
    keyboard, stdin = terminal(stack)
    with subprocess.Popen(
        [sys.executable, "-c", SESSION, where],
        stdin=stdin,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        yield keyboard, process


@pytest.mark.fault("D9")
def test_ctrl_c_at_the_prompt_is_a_no(stack):
    with session(stack, "foreground") as (keyboard, process):
        assert process.stderr.read(len(QUESTION)) == QUESTION.encode()
        keyboard.write(b"\x03")
        assert process.wait() == 10
        assert process.stderr.read() == b"\n"


@pytest.mark.fault("D19")
def test_in_the_background_nothing_is_asked_and_nobody_is_stopped(stack):
    with session(stack, "background") as (_keyboard, process):
        assert process.wait() == 10
        assert process.stderr.read() == b""


@pytest.mark.fault("D9")
def test_the_terminal_is_left_as_it_was(stack, signals, stderr):
    keyboard, stdin = terminal(stack)
    before = termios.tcgetattr(stdin), os.get_blocking(stdin.fileno())
    with person(stderr, lambda: keyboard.write(b"y\n")):
        assert ask(stderr.console, signals, stdin.fileno())
    assert (termios.tcgetattr(stdin), os.get_blocking(stdin.fileno())) == before


# ---------------------------------------------------------------- stderr


@pytest.mark.fault("E9")
def test_a_frozen_stderr_holds_the_question_up_for_a_moment_only(stack, signals, stderr):
    for _ in range(30):
        stderr.console.line(10_000 * "x")
        stderr.console.flush()
    began = time.monotonic()
    assert ask(stderr.console, signals, piped(stack, b"y\n").fileno())
    assert PATIENCE <= time.monotonic() - began < 1.0
    stderr.reader.close()


@pytest.mark.fault("E9")
def test_who_comes_back_to_a_frozen_stderr_is_still_asked(stack, signals, stderr):
    stderr.console.line(100_000 * "x")
    stderr.console.flush()
    reader, writer = pipe(stack)
    began = threading.Event()
    patient = stderr.console.wait

    def wait():
        patient(0)
        began.set()

    stderr.console.wait = wait

    def come_back():
        began.wait()
        stderr.until(QUESTION)
        writer.write(b"y\n")

    thread = threading.Thread(target=come_back)
    thread.start()
    assert ask(stderr.console, signals, reader.fileno())
    thread.join()


@pytest.mark.fault("E10")
def test_a_broken_stderr_keeps_nobody_from_answering(stack, signals, stderr):
    stderr.reader.close()
    began = time.monotonic()
    assert ask(stderr.console, signals, piped(stack, b"y\n").fileno())
    assert time.monotonic() - began < AT_ONCE
