"""The question after Ctrl+C: only a yes is a yes, and nothing that happens at stdin can hang it.

Real pipes, files and terminals as stdin, real signals, and a person: a thread that reads the
question from stderr before it does anything.
"""

import errno
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace

import pytest

from edges import answers, posix
from edges import terminal as terminals
from edges.console import PATIENCE, Console
from edges.prompt import QUESTION, TIMES, Question
from signals import Signals
from tests.support.terminals import shown, shown_to_the_end

LONG = 20.0  # seconds: longer than any delay that is the machine's own


def ask(console, signals: Signals, stdin):
    return Question(console, signals, stdin).ask()


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


def piped(stack, data):
    """Return a stdin that has `data` and then ends."""
    reader, writer = pipe(stack)
    writer.write(data)
    writer.close()
    return reader


@contextmanager
def person(stderr: Stderr, *deeds):
    """Each time the question is there, do the next of `deeds`; be done before the block ends."""

    def act():
        for deed in deeds:
            stderr.until(QUESTION)
            deed()

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


@contextmanager
def at(keyboard, deed):
    """When the question is on a terminal, do `deed`; be done before the block ends."""

    def act():
        seen(keyboard)
        deed()

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


def sends(number):
    return lambda: os.kill(os.getpid(), number)


# ---------------------------------------------------------------- what is a yes


@pytest.mark.parametrize("answer", ["y", "Y", "yes", "YES", "yEs", "  y\t", " Yes "])
def test_yes_in_any_case_is_a_yes(stack, signals: Signals, stderr: Stderr, answer):
    assert ask(stderr.console, signals, piped(stack, answer.encode() + b"\n").fileno())
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.parametrize("answer", ["n", "N", "no", "NO ", "", "   "])
def test_no_or_an_empty_line_is_a_no(stack, signals: Signals, stderr: Stderr, answer):
    assert not ask(stderr.console, signals, piped(stack, answer.encode() + b"\ny\n").fileno())
    assert stderr.all() == QUESTION + "\n"


ODD = [b"maybe", b"yy", b"yes please", b"y n", b"y\0", b"\xff\xfe", "ÿ".encode()]


@pytest.mark.fault("D11")
@pytest.mark.parametrize("answer", ODD)
def test_anything_else_is_asked_again_and_the_next_answer_counts(
    stack, signals: Signals, stderr: Stderr, answer
):
    assert ask(stderr.console, signals, piped(stack, answer + b"\nyes\n").fileno())
    assert stderr.all() == 2 * (QUESTION + "\n")


@pytest.mark.fault("D11")
def test_it_is_asked_again_at_most_three_times(stack, signals: Signals, stderr: Stderr):
    stdin = piped(stack, b"1\n2\n3\n4\ny\n")
    assert not ask(stderr.console, signals, stdin.fileno())
    assert stderr.all() == TIMES * (QUESTION + "\n") and TIMES == 4
    assert stdin.read() == b"y\n", "more was read than was asked for"


def test_the_next_question_finds_the_next_answer(stack, signals: Signals, stderr: Stderr):
    stdin = piped(stack, b"y\nmaybe\ny\nn\n").fileno()
    assert [ask(stderr.console, signals, stdin) for _ in range(4)] == [True, True, False, False]


@pytest.mark.fault("D26")
@pytest.mark.parametrize("byte", [b"\0", b" ", b"y"])
def test_a_line_that_does_not_end_within_a_few_kilobytes_is_a_no(
    stack, signals: Signals, stderr: Stderr, tmp_path, byte
):
    (tmp_path / "endless").write_bytes(5000 * byte + b"\ny\n")
    stdin = stack.enter_context(open(tmp_path / "endless", "rb", 0))
    assert not ask(stderr.console, signals, stdin.fileno())
    assert stdin.tell() == answers.LONGEST
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.fault("D26")
@pytest.mark.parametrize("length", [answers.LONGEST - 1, answers.LONGEST])
def test_the_longest_line_is_an_answer_like_any_other(
    stack, signals: Signals, stderr: Stderr, length
):
    line = (length - 1) * b"x" + b"\n"
    assert ask(stderr.console, signals, piped(stack, line + b"y\n").fileno())
    assert stderr.all() == 2 * (QUESTION + "\n")


@pytest.mark.fault("D26")
def test_a_device_without_end_is_a_no(stack, signals: Signals, stderr: Stderr):
    zeros = stack.enter_context(open("/dev/zero", "rb", 0))
    assert not ask(stderr.console, signals, zeros.fileno())
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.parametrize("spaces", [78, 79, 80, 200, answers.LONGEST - 4])
def test_what_follows_a_long_gap_is_not_overlooked(stack, signals: Signals, stderr: Stderr, spaces):
    stdin = piped(stack, b"y" + spaces * b" " + b"x\n").fileno()
    assert not ask(stderr.console, signals, stdin)
    assert stderr.all() == 2 * (QUESTION + "\n")


# ---------------------------------------------------------------- no answer is a no


@pytest.mark.fault("D10")
def test_the_end_of_the_stream_is_a_no(stack, signals: Signals, stderr: Stderr):
    assert not ask(stderr.console, signals, piped(stack, b"").fileno())
    assert stderr.all() == QUESTION + "\n"


def test_a_last_line_without_its_line_feed_is_an_answer_too(
    stack, signals: Signals, stderr: Stderr
):
    assert ask(stderr.console, signals, piped(stack, b"y").fileno())


@pytest.mark.fault("D10")
def test_a_closed_stdin_is_a_no(signals: Signals, stderr: Stderr):
    assert not ask(stderr.console, signals, 1_000_000)
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.fault("D10", "E11")
@pytest.mark.parametrize("path", [os.devnull, "/"])
def test_a_stdin_with_nothing_to_read_is_a_no(stack, signals: Signals, stderr: Stderr, path):
    number = os.open(path, os.O_RDONLY)
    stack.callback(os.close, number)
    assert not ask(stderr.console, signals, number)
    assert stderr.all() == QUESTION + "\n"


@pytest.mark.fault("D10")
def test_a_stdin_filled_the_wrong_way_round_is_a_no(stack, signals: Signals, stderr: Stderr):
    assert not ask(stderr.console, signals, stack.enter_context(open(os.devnull, "wb")).fileno())


@pytest.mark.fault("E11")
def test_answers_may_come_from_a_file(stack, signals: Signals, stderr: Stderr, tmp_path):
    (tmp_path / "answers").write_bytes(b"y\nn\n")
    stdin = stack.enter_context(open(tmp_path / "answers", "rb", 0))
    assert ask(stderr.console, signals, stdin.fileno())
    assert stdin.read() == b"n\n", "the offset is not shared"


def test_answers_may_come_from_a_socket_or_a_non_blocking_pipe(stack, signals: Signals):
    ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
    reader, writer = pipe(stack)
    os.set_blocking(reader.fileno(), False)
    for stdin, answer in ((ours, theirs.sendall), (reader, writer.write)):
        stderr = Stderr(stack)
        with person(stderr, lambda answer=answer: answer(b"y\n")):
            assert ask(stderr.console, signals, stdin.fileno())


def test_bytes_that_another_reader_was_faster_to_take_are_waited_for_again(
    stack, signals: Signals, stderr: Stderr, monkeypatch
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


@pytest.mark.fault("D25")
@pytest.mark.parametrize("begun", [b"", b"y", b"maybe\n"])
def test_where_stdin_is_no_terminal_no_answer_in_time_is_a_no(
    stack, signals: Signals, stderr: Stderr, monkeypatch, begun
):
    monkeypatch.setattr(answers, "PATIENCE", 0.05)
    reader, writer = pipe(stack)
    writer.write(begun)
    assert not ask(stderr.console, signals, reader.fileno())
    assert stderr.all() == (2 if b"\n" in begun else 1) * (QUESTION + "\n")


@pytest.mark.fault("D25")
def test_bytes_that_drip_do_not_win_time(stack, signals: Signals, stderr: Stderr, monkeypatch):
    monkeypatch.setattr(answers, "PATIENCE", 0.2)
    reader, writer = pipe(stack)
    answered = threading.Event()

    def drip():
        while not answered.wait(0.02):
            writer.write(b"y")

    thread = threading.Thread(target=drip)
    thread.start()
    assert not ask(stderr.console, signals, reader.fileno())
    answered.set()
    thread.join()


@pytest.mark.fault("D25")
def test_a_frozen_stderr_does_not_win_time_either(
    stack, signals: Signals, stderr: Stderr, monkeypatch
):
    monkeypatch.setattr(answers, "PATIENCE", 0.05)
    stderr.console.line(100_000 * "x")
    stderr.console.flush()
    began = time.monotonic()
    assert not ask(stderr.console, signals, pipe(stack)[0].fileno())
    assert time.monotonic() - began < LONG
    stderr.reader.close()


@pytest.mark.fault("D25")
def test_a_person_at_a_terminal_has_all_the_time(
    stack, signals: Signals, stderr: Stderr, monkeypatch
):
    monkeypatch.setattr(answers, "PATIENCE", 0.0)
    keyboard, stdin = terminal(stack)
    with at(keyboard, lambda: keyboard.write(b"y\n")):
        assert ask(stderr.console, signals, stdin.fileno())


@pytest.mark.parametrize(
    ("devices", "groups", "same"),
    [
        ((5, 5), (0, 0), True),
        ((5, 6), (7, 7), True),
        ((5, 6), (7, 0), False),
        ((5, 6), (0, 7), False),
    ],
)
def test_a_screen_is_known_by_its_device_or_as_the_terminal_that_controls_us(
    monkeypatch, devices, groups, same
):
    system = SimpleNamespace(
        isatty=lambda _: True, fstat=lambda number: SimpleNamespace(st_rdev=devices[number - 1])
    )
    monkeypatch.setattr(terminals, "os", system)
    monkeypatch.setattr(terminals, "foreground", lambda number: groups[number - 1])
    assert terminals.is_same(1, 2) is same


def test_a_question_on_the_terminal_of_stdin_is_for_a_person(monkeypatch):
    console = SimpleNamespace(sock=1)
    question = Question(console, None, 2)
    asked = []
    monkeypatch.setattr(terminals, "discard_typed_ahead", lambda _: None)
    monkeypatch.setattr(terminals, "is_same", lambda *numbers: numbers == (1, 2))
    monkeypatch.setattr(question, "ask_on", lambda *where, **how: asked.append((where, how)))
    question.ask_person()
    assert asked == [((console,), {"person": True})]


@pytest.mark.fault("D10")
@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM])
def test_a_stdin_that_cannot_be_opened_or_waited_for_is_a_no(
    stack, signals: Signals, stderr: Stderr, monkeypatch, number
):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    if number == errno.EMFILE:
        monkeypatch.setattr(posix, "private", fail)
    else:
        monkeypatch.setattr(answers, "ready", fail)
    assert not ask(stderr.console, signals, pipe(stack)[0].fileno())


@pytest.mark.fault("D10")
def test_where_the_question_cannot_be_shown_the_answer_is_no(
    stack, signals: Signals, stderr: Stderr, monkeypatch
):
    def fail(*_):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(terminals, "opened", fail)
    _keyboard, stdin = terminal(stack)
    assert not ask(stderr.console, signals, stdin.fileno())


# ---------------------------------------------------------------- CR

CR = [
    b"y\ry\rn\r",
    b"y\r\ny\r\nn\r\n",
    b"y\ny\r\nn\n",
    b"y\r\nmaybe\r\ny\rn\r\n",
    b"y\r\ny\n\n",
    b"y\ry\r\r",
]


@pytest.mark.fault("D27")
@pytest.mark.parametrize("typed", CR)
def test_cr_ends_a_line_and_an_lf_after_it_is_no_line(
    stack, signals: Signals, stderr: Stderr, typed
):
    stdin = piped(stack, typed + b"y\n")
    question = Question(stderr.console, signals, stdin.fileno())
    assert [question.ask() for _ in range(3)] == [True, True, False]
    assert stdin.read() in (b"y\n", b"\ny\n")


@pytest.mark.fault("D27")
def test_after_a_cr_nothing_more_is_waited_for(stack, signals: Signals, stderr: Stderr):
    reader, writer = pipe(stack)
    with person(stderr, lambda: writer.write(b"y\r")):
        assert ask(stderr.console, signals, reader.fileno())


def set_mode(number, change):
    mode = termios.tcgetattr(number)
    change(mode)
    termios.tcsetattr(number, termios.TCSANOW, mode)
    return termios.tcgetattr(number)


def cr_stays_cr(mode):
    mode[terminals.INPUT] &= ~termios.ICRNL


def cr_is_ignored(mode):
    mode[terminals.INPUT] |= termios.IGNCR


def lf_becomes_cr(mode):
    mode[terminals.INPUT] = mode[terminals.INPUT] & ~termios.ICRNL | termios.INLCR


def raw(mode):
    mode[terminals.INPUT] &= ~termios.ICRNL
    mode[terminals.LOCAL] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)


MODES = [cr_stays_cr, cr_is_ignored, lf_becomes_cr, raw]


@pytest.mark.fault("D27")
@pytest.mark.parametrize("change", MODES)
@pytest.mark.parametrize("enter", [b"\r", b"\n"], ids=["CR", "LF"])
def test_enter_ends_a_line_whatever_mode_the_terminal_was_left_in(
    stack, signals: Signals, stderr: Stderr, change, enter
):
    keyboard, stdin = terminal(stack)
    before = set_mode(stdin, change)
    with at(keyboard, lambda: keyboard.write(b"y" + enter)):
        assert ask(stderr.console, signals, stdin.fileno())
    assert termios.tcgetattr(stdin) == before
    assert shown(keyboard.fileno(), stdin.fileno()) == ("\r\n" if change is raw else "y\r\n")


@pytest.mark.fault("D27")
def test_a_terminal_whose_mode_cannot_be_set_has_hung_up_and_nobody_is_asked(
    stack, signals: Signals, stderr: Stderr, monkeypatch
):
    def fail(*_):
        raise termios.error(errno.EIO, "hung up")

    _keyboard, stdin = terminal(stack)
    set_mode(stdin, cr_stays_cr)
    monkeypatch.setattr(termios, "tcsetattr", fail)
    assert not ask(stderr.console, signals, stdin.fileno())
    assert stderr.all() == ""


# ---------------------------------------------------------------- signals


@pytest.mark.fault("D9", "D14", "D18")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_asking_is_a_no_at_once(stack, signals: Signals, stderr: Stderr, number):
    reader, _writer = pipe(stack)
    with person(stderr, sends(number)):
        assert not ask(stderr.console, signals, reader.fileno())
    assert stderr.all() == "\n"  # the person has read the question


@pytest.mark.fault("D9")
def test_a_signal_ends_the_question_also_where_stdin_cannot_be_made_non_blocking(
    stack, signals: Signals, stderr: Stderr
):
    ours, _theirs = (stack.enter_context(end) for end in socket.socketpair())
    with person(stderr, sends(signal.SIGINT)):
        assert not ask(stderr.console, signals, ours.fileno())


@pytest.mark.fault("D9")
def test_a_signal_in_the_middle_of_an_answer_takes_it_back(stack, signals: Signals, stderr: Stderr):
    reader, writer = pipe(stack)

    def begin_and_stop():
        writer.write(b"y")
        sends(signal.SIGINT)()
        writer.write(b"\n")

    with person(stderr, begin_and_stop):
        assert not ask(stderr.console, signals, reader.fileno())


@pytest.mark.fault("D2")
def test_a_signal_that_came_before_the_question_counts(stack, signals: Signals, stderr: Stderr):
    sends(signal.SIGTERM)()
    assert not ask(stderr.console, signals, piped(stack, b"y\n").fileno())


@pytest.mark.fault("D23")
def test_a_signal_of_somebody_else_decides_nothing(stack, signals: Signals, stderr: Stderr):
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
def test_what_was_typed_before_the_question_does_not_decide(
    stack, signals: Signals, stderr: Stderr
):
    keyboard, stdin = terminal(stack)
    keyboard.write(b"y\n")
    with at(keyboard, lambda: keyboard.write(b"n\n")):
        assert not ask(stderr.console, signals, stdin.fileno())
    assert shown(keyboard.fileno(), stdin.fileno()) == "n\r\n", (
        "Enter was echoed; we need not print a line feed"
    )


@pytest.mark.fault("D11")
def test_on_a_terminal_an_answer_behind_an_odd_one_counts(stack, signals: Signals, stderr: Stderr):
    keyboard, stdin = terminal(stack)
    with at(keyboard, lambda: keyboard.write(b"maybe\ny\n")):
        assert ask(stderr.console, signals, stdin.fileno())


@pytest.mark.fault("D10")
def test_ctrl_d_is_a_no_and_the_question_is_not_left_open(stack, signals: Signals, stderr: Stderr):
    keyboard, stdin = terminal(stack)
    with at(keyboard, lambda: keyboard.write(b"\x04")):
        assert not ask(stderr.console, signals, stdin.fileno())
    assert shown(keyboard.fileno(), stdin.fileno()) == "\r\n"


@pytest.mark.fault("D18")
def test_a_terminal_that_hangs_up_is_a_no(stack, signals: Signals, stderr: Stderr):
    keyboard, stdin = terminal(stack)
    with at(keyboard, keyboard.close):
        assert not ask(stderr.console, signals, stdin.fileno())


# In a session of its own, whose terminal is descriptor 0; the first argument says what asks there.
SESSION = """
import fcntl, os, sys, termios
from edges import process
from edges.console import Console
from edges.prompt import Question
from signals import Signals
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
process.begin()
def answer():
    with Signals() as signals:
        console = Console()
        answer = Question(console, signals).ask()
        console.close()
        return 10 + answer
if sys.argv[1] == "foreground":
    sys.exit(answer())
if sys.argv[1] == "/dev/tty":
    os.dup2(os.open("/dev/tty", os.O_RDWR), 2)
    sys.exit(answer())
child = os.fork()
if not child:
    os.setpgid(0, 0)
    if sys.argv[1] == "moved":
        os.tcsetpgrp(0, os.getpid())
    os._exit(answer())
if sys.argv[1] == "moved":
    os.read(int(sys.argv[2]), 1)
    os.tcsetpgrp(0, os.getpgrp())
    os.write(2, b"moved")
_, status = os.waitpid(child, os.WUNTRACED)
sys.exit(99 if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status))
"""


@contextmanager
def session(stack, where, *descriptors, mode=lambda mode: None):
    """Run a process that asks on a terminal; yield the keyboard and the process."""
    keyboard, stdin = terminal(stack)
    set_mode(stdin, mode)
    with subprocess.Popen(
        [sys.executable, "-c", SESSION, where, *map(str, descriptors)],
        pass_fds=descriptors,
        stdin=stdin,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        stdin.close()  # so the terminal ends with the process
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


@pytest.mark.fault("D19")
def test_a_job_that_is_moved_to_the_background_while_it_asks_is_not_stopped(stack):
    """Ctrl+Z and `bg`: the next line that is typed is for the shell, and no answer for us."""
    told, tell = pipe(stack)
    with session(stack, "moved", told.fileno()) as (keyboard, process):
        assert seen(keyboard) == QUESTION
        assert process.stderr.read(len(QUESTION) + 1) == QUESTION.encode() + b"\n"
        tell.write(b"x")
        assert process.stderr.read(5) == b"moved"
        keyboard.write(b"y\n")
        assert process.wait() == 10


@pytest.mark.fault("D19", "D27")
def test_the_mode_of_another_job_is_left_alone(
    stack, signals: Signals, stderr: Stderr, monkeypatch
):
    """We were moved to the background meanwhile: the terminal is in the mode of the shell."""
    keyboard, stdin = terminal(stack)
    set_mode(stdin, raw)

    def move_and_answer():
        monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp() + 1)
        keyboard.write(b"y\r")

    with at(keyboard, move_and_answer):
        assert ask(stderr.console, signals, stdin.fileno())
    assert termios.tcgetattr(stdin)[terminals.LOCAL] & termios.ICANON


@pytest.mark.fault("D24")
def test_dev_tty_is_the_terminal_that_controls_us(stack):
    with session(stack, "/dev/tty") as (keyboard, process):
        said = seen(keyboard)
        keyboard.write(b"y\n")
        assert process.wait() == 11
        said += shown_to_the_end(keyboard.fileno())
        assert said == f"{QUESTION}y\r\n", "it was asked twice"


@pytest.mark.fault("D9", "D27")
def test_ctrl_c_at_the_prompt_is_a_no_although_the_terminal_was_raw(stack):
    with session(stack, "foreground", mode=raw) as (keyboard, process):
        assert process.stderr.read(len(QUESTION)) == QUESTION.encode()
        keyboard.write(b"\x03")
        assert process.wait() == 10


@pytest.mark.fault("D9")
def test_the_terminal_is_left_as_it_was(stack, signals: Signals, stderr: Stderr):
    keyboard, stdin = terminal(stack)
    before = termios.tcgetattr(stdin), os.get_blocking(stdin.fileno())
    with at(keyboard, lambda: keyboard.write(b"y\n")):
        assert ask(stderr.console, signals, stdin.fileno())
    assert (termios.tcgetattr(stdin), os.get_blocking(stdin.fileno())) == before


# ---------------------------------------------------------------- where the question is seen


def closed(_stack, _path):
    return 1_000_000


def broken_pipe(stack, _path):
    reader, writer = pipe(stack)
    reader.close()
    return writer.fileno()


def gone_peer(stack, _path):
    ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
    theirs.close()
    return ours.fileno()


def pipe_whose_reader_shows_nothing(stack, _path):
    return pipe(stack)[1].fileno()


def frozen_pipe(stack, _path):
    writer = pipe(stack)[1]
    os.set_blocking(writer.fileno(), False)
    with suppress(BlockingIOError):
        while os.write(writer.fileno(), bytes(4096)):
            pass
    return writer.fileno()


def socket_whose_peer_shows_nothing(stack, _path):
    ours, _theirs = (stack.enter_context(end) for end in socket.socketpair())
    return ours.fileno()


def regular_file(stack, path):
    return stack.enter_context(open(path / "log", "wb", 0)).fileno()


def null_device(stack, _path):
    return stack.enter_context(open(os.devnull, "wb", 0)).fileno()


def full_device(stack, _path):
    return stack.enter_context(open("/dev/full", "wb", 0)).fileno()


def filled_the_wrong_way_round(stack, _path):
    return stack.enter_context(open(os.devnull, "rb", 0)).fileno()


def hung_up_terminal(stack, _path):
    keyboard, other = terminal(stack)
    keyboard.close()
    return other.fileno()


def another_terminal(stack, _path):
    return terminal(stack)[1].fileno()


UNSEEN = [
    closed,
    broken_pipe,
    gone_peer,
    pipe_whose_reader_shows_nothing,
    frozen_pipe,
    socket_whose_peer_shows_nothing,
    regular_file,
    null_device,
    full_device,
    filled_the_wrong_way_round,
    hung_up_terminal,
    another_terminal,
]


def seen(keyboard):
    """Return what is on the screen of a terminal once the question is there."""
    text = ""
    while not text.endswith(QUESTION):
        text += os.read(keyboard.fileno(), 4096).decode()
    return text


@contextmanager
def typist(keyboard, screen, text=b"y\n"):
    """Wait for the question on a terminal, then type; note in `screen` what was there."""

    def act():
        screen.append(seen(keyboard))
        keyboard.write(text)

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


def opened_for(stack, stdin, access):
    number = os.open(os.ttyname(stdin.fileno()), access | os.O_NOCTTY)
    stack.callback(os.close, number)
    return number


@pytest.mark.fault("D24")
@pytest.mark.parametrize("kind", UNSEEN)
@pytest.mark.parametrize("access", [os.O_RDWR, os.O_RDONLY], ids=["read-write", "read-only"])
def test_where_stderr_cannot_be_seen_the_question_is_on_the_terminal_with_the_report(
    stack, signals: Signals, tmp_path, kind, access
):
    keyboard, stdin = terminal(stack)
    console = Console(number=kind(stack, tmp_path))
    stack.callback(console.close)
    for text in ("of a period long ago", "stopping; open connections: 0", "0 done, 0 lost, 0 cut"):
        console.report(text)
        console.line("c1 done")
    console.flush()
    screen = []
    with typist(keyboard, screen):
        assert Question(console, signals, opened_for(stack, stdin, access)).ask()
    assert screen == [f"stopping; open connections: 0\r\n0 done, 0 lost, 0 cut\r\n{QUESTION}"]
    assert shown(keyboard.fileno(), stdin.fileno()) == "y\r\n"


@pytest.mark.fault("D24")
def test_a_log_has_the_question_too_as_a_line(stack, signals: Signals, tmp_path):
    keyboard, stdin = terminal(stack)
    console = Console(number=regular_file(stack, tmp_path))
    with typist(keyboard, [], b"n\n"):
        assert not ask(console, signals, stdin.fileno())
    console.close()
    assert (tmp_path / "log").read_text() == QUESTION + "\n"


@pytest.mark.fault("D24")
def test_the_terminal_itself_as_stderr_is_asked_on_once(stack, signals: Signals):
    keyboard, stdin = terminal(stack)
    console = Console(number=stdin.fileno())
    stack.callback(console.close)
    screen = []
    with typist(keyboard, screen):
        assert ask(console, signals, stdin.fileno())
    assert screen == [QUESTION]
    assert shown(keyboard.fileno(), stdin.fileno()) == "y\r\n"


@pytest.mark.fault("D24")
@pytest.mark.parametrize("kind", UNSEEN)
def test_if_the_terminal_cannot_be_written_nobody_is_asked(
    stack, signals: Signals, tmp_path, monkeypatch, kind
):
    def fail(_):
        raise OSError(errno.ENODEV, "of another container")

    keyboard, stdin = terminal(stack)
    number = opened_for(stack, stdin, os.O_RDONLY)
    console = Console(number=kind(stack, tmp_path))
    stack.callback(console.close)
    monkeypatch.setattr(os, "ttyname", fail)
    keyboard.write(b"y\n")
    assert not ask(console, signals, number)


@pytest.mark.fault("D24")
def test_a_terminal_without_a_name_is_written_by_the_descriptor_we_have(
    stack, signals: Signals, tmp_path, monkeypatch
):
    def fail(_):
        raise OSError(errno.ENODEV, "of another container")

    keyboard, stdin = terminal(stack)
    console = Console(number=closed(stack, tmp_path))
    monkeypatch.setattr(os, "ttyname", fail)
    with typist(keyboard, []):
        assert ask(console, signals, stdin.fileno())


@pytest.mark.fault("D10", "D24")
def test_what_stdin_is_is_decided_once(stack, signals: Signals, tmp_path, monkeypatch):
    """A terminal that says only the second time that it is one: found by making ioctl(2) fail."""
    keyboard, stdin = terminal(stack)
    isatty, first = os.isatty, [False]
    monkeypatch.setattr(os, "isatty", lambda number: first.pop() if first else isatty(number))
    keyboard.write(b"y\n")
    assert ask(Console(number=closed(stack, tmp_path)), signals, stdin.fileno())


@pytest.mark.fault("D24")
def test_signals_that_cannot_be_read_are_no_answer_on_the_terminal_either(
    stack, signals: Signals, stderr: Stderr, monkeypatch
):
    """It ended the server with status 0 and without a word, as if somebody had said no."""
    keyboard, stdin = terminal(stack)
    stderr.reader.close()

    def fail():
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(signals, "check", fail)
    with typist(keyboard, []), pytest.raises(OSError, match="Cannot allocate"):
        ask(stderr.console, signals, stdin.fileno())


@pytest.mark.fault("D18", "D24")
def test_a_terminal_that_hangs_up_at_its_own_question_is_a_no(stack, signals: Signals, tmp_path):
    keyboard, stdin = terminal(stack)
    console = Console(number=closed(stack, tmp_path))

    def hang_up():
        seen(keyboard)
        keyboard.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    assert not ask(console, signals, stdin.fileno())
    thread.join()


# ---------------------------------------------------------------- stderr


@pytest.mark.fault("E9")
def test_a_frozen_stderr_holds_the_question_up_for_a_moment_only(
    stack, signals: Signals, stderr: Stderr
):
    for _ in range(30):
        stderr.console.line(10_000 * "x")
        stderr.console.flush()
    began = time.monotonic()
    assert ask(stderr.console, signals, piped(stack, b"y\n").fileno())
    assert PATIENCE <= time.monotonic() - began < LONG
    stderr.reader.close()


@pytest.mark.fault("E9")
def test_a_user_who_comes_back_to_a_frozen_stderr_is_still_asked(
    stack, signals: Signals, stderr: Stderr
):
    stderr.console.line(100_000 * "x")
    stderr.console.flush()
    reader, writer = pipe(stack)
    began = threading.Event()
    patient = stderr.console.wait

    def wait(_limit=0.0):
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
def test_a_broken_stderr_keeps_nobody_from_answering(
    stack, signals: Signals, stderr: Stderr, monkeypatch
):
    monkeypatch.setattr(Console.wait, "__defaults__", (2 * LONG,))
    stderr.reader.close()
    began = time.monotonic()
    assert ask(stderr.console, signals, piped(stack, b"y\n").fileno())
    assert time.monotonic() - began < LONG
