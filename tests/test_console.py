"""What people see: whole lines in order, a gap where lines are missing, and never a wait.

Real pipes, terminals and sockets whose reader has stopped or is gone; a scripted outlet where every
way of being taken in pieces is tried.
"""

import errno
import os
import re
import select
import socket
import time
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edges import console as console_module
from edges import outlet, posix
from edges.console import LIMIT, PATIENCE, Console
from reactor import WRITE, Reactor

PATIENT = 5.0  # seconds in which anything that can happen has happened
CLOSED = 1_000_000  # a descriptor that nobody has
LONG = 20.0  # seconds: longer than any delay that is the machine's own


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def patient(monkeypatch):
    """A console that would wait so long for a reader that a test can tell, on any machine."""
    monkeypatch.setattr(Console.wait, "__defaults__", (2 * LONG,))


# ---------------------------------------------------------------- where stderr may lead to


def pipe(stack):
    reader, writer = os.pipe()
    ends = os.fdopen(reader, "rb", 0), os.fdopen(writer, "wb", 0)
    return [stack.enter_context(end) for end in ends]


def terminal(stack):
    return [stack.enter_context(os.fdopen(end, "rb+", 0)) for end in os.openpty()]


def stream(stack):
    return [stack.enter_context(end) for end in socket.socketpair()]


KINDS = {"pipe": pipe, "terminal": terminal, "socket": stream}


@contextmanager
def nothing_opened_anew(monkeypatch):
    """As without /proc, or for the terminal of another user."""

    def refuse(*_):
        raise PermissionError(errno.EACCES, "not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        yield


@pytest.fixture(params=[*KINDS, "pipe, shared", "terminal, shared"])
def ends(request, stack, monkeypatch):
    """Return a reader, a writer, and a console that writes to it, for each kind of stderr."""
    kind, *shared = request.param.split(", ")
    reader, writer = KINDS[kind](stack)
    with nothing_opened_anew(monkeypatch) if shared else ExitStack():
        console = Console(number=writer.fileno())
    yield reader, writer, console
    reader.close()  # else closing would wait for it
    console.close()


def read_all(reader, console, ending):
    """Read like a reader that has come back, until `ending`; return the text."""
    data = b""
    os.set_blocking(reader.fileno(), False)
    poll = select.poll()
    poll.register(reader.fileno(), select.POLLIN)
    while not data.endswith(ending):
        assert poll.poll(1000 * PATIENT), f"{data[-100:]!r} does not end in {ending!r}"
        data += os.read(reader.fileno(), 65536).replace(b"\r", b"")  # a terminal adds them
        console.flush()
    return data.decode("ascii")


def gaps(text):
    """Return the numbers of lines that are missing; every other line must be whole, in order."""
    expected = 0
    missing = []
    for line in text.splitlines():
        if dropped := re.fullmatch(r"\((\d+) lines dropped\)", line):
            missing.append(int(dropped[1]))
            expected += missing[-1]
        else:
            assert line == message(expected)
            expected += 1
    return missing


def message(number):
    return f"c{number} S: {number % 37 * '.'}"


def freeze(console):
    """Write until there is no room, and none comes: a terminal passes some on for a while."""
    while not console.rest or console.outlet.has_room(0.05):
        console.line(LIMIT * "x")
        console.flush()


# ---------------------------------------------------------------- lines and turns


class Recorded:
    """An outlet that notes each write and takes it whole."""

    sock = 99
    may_wait = True

    def __init__(self):
        self.writes = []

    def put(self, data):
        self.writes.append(data)
        return len(data)

    def close(self):
        pass


@pytest.fixture
def recorded():
    console = Console(number=CLOSED)
    outlet: Any = Recorded()
    console.outlet = outlet
    return console


def test_the_lines_of_a_turn_leave_in_one_write(recorded):
    for text in ("one", "two", "three"):
        recorded.line(text)
    assert recorded.outlet.writes == []
    recorded.flush()
    assert recorded.outlet.writes == [b"one\ntwo\nthree\n"]


def test_a_turn_without_lines_writes_nothing(recorded):
    recorded.flush()
    recorded.wait()
    assert recorded.outlet.writes == []


@pytest.mark.fault("I-1", "I-2")
def test_no_control_character_passes_but_the_line_feed(recorded):
    recorded.line("".join(map(chr, range(0x120))) + "\u2028\U0001f600\udcff")
    recorded.flush()
    data = b"".join(recorded.outlet.writes)
    assert set(data) <= {10, *range(32, 127)}
    assert bytes(range(32, 127)) in data
    assert b"\\x9b" in data and b"\\u2028" in data and b"\\udcff" in data


# ---------------------------------------------------------------- a reader that has stopped


@pytest.mark.fault("E9")
def test_a_reader_that_has_stopped_holds_nobody_up_and_finds_one_gap(ends):
    reader, _writer, console = ends
    began = time.monotonic()
    for number in range(10_000):
        console.line(message(number))
        if number % 3 == 0:
            console.flush()
    assert time.monotonic() - began < LONG
    assert 0 < len(console.rest) < LIMIT + 200
    assert console.dropped

    console.line("last before the gap's end")  # dropped as well
    console.flush()
    dropped = console.dropped
    text = read_all(reader, console, b"lines dropped)\n")
    assert gaps(text) == [dropped]
    assert len(text) > LIMIT  # so much was kept, though a terminal may have taken some of it since
    console.line("the end")
    console.flush()
    assert read_all(reader, console, b"\n") == "the end\n"


@pytest.mark.fault("E9")
def test_a_reader_that_is_too_slow_finds_one_gap_too_not_many(stack):
    reader, writer = pipe(stack)
    console = Console(number=writer.fileno())
    stack.callback(console.close)
    text = b""
    for number in range(6000):
        if number % 100 == 0 and console.dropped:
            text += os.read(reader.fileno(), 4096)
        console.line(message(number))
        console.flush()
    text += read_all(reader, console, b"lines dropped)\n").encode()
    assert len(gaps(text.decode())) == 1


@pytest.mark.fault("E9")
def test_the_mode_of_the_users_descriptor_is_left_alone(ends):
    _reader, writer, console = ends
    console.line(LIMIT * "x")
    console.flush()
    assert os.get_blocking(writer.fileno())


@pytest.mark.fault("E9")
@pytest.mark.parametrize("text", ["x" * 127, "", "x"], ids=["long", "empty", "short"])
def test_a_shared_terminal_that_is_frozen_does_not_make_us_wait(stack, monkeypatch, text):
    """Its room is given away in steps; what is written once poll(2) has reported room must fit."""
    reader, writer = terminal(stack)
    with nothing_opened_anew(monkeypatch):
        console = Console(number=writer.fileno())
    stack.callback(console.close)
    stack.callback(reader.close)
    assert os.get_blocking(console.sock)
    for _ in range(60_000 // (len(text) + 1)):
        console.line(text)
        console.flush()
    assert console.rest or console.dropped


@pytest.mark.fault("E9")
@pytest.mark.parametrize(("kind", "step"), [("pipe", select.PIPE_BUF), ("terminal", 1)])
def test_a_shared_description_is_written_in_steps_for_which_there_is_room(
    stack, monkeypatch, kind, step
):
    """poll(2) promises room for so much and no more: a longer write may wait (POSIX, poll)."""
    _reader, writer = KINDS[kind](stack)
    with nothing_opened_anew(monkeypatch):
        console = Console(number=writer.fileno())
    stack.callback(console.close)
    write, steps = os.write, []

    def noted(number, data):
        steps.append(len(data))
        return write(number, data)

    monkeypatch.setattr(os, "write", noted)
    console.line(2 * step * "x")
    console.flush()
    assert steps == [step, step, 1]
    assert console.rest == b""


@pytest.mark.fault("E9")
@pytest.mark.parametrize("kind", KINDS)
def test_a_selector_that_refuses_the_terminal_does_not_end_the_loop(stack, kind):
    """kqueue of macOS, for /dev/tty: EINVAL. Then the next line tries again."""

    class Refusing(NoReactor):
        def watch(self, handler, interest):
            if interest:
                raise OSError(errno.EINVAL, "kqueue does not support it")

    reader, writer = KINDS[kind](stack)
    console = Console(Refusing(), writer.fileno())
    stack.callback(console.close)
    freeze(console)
    assert not console.outlet.may_wait
    while console.rest:
        os.read(reader.fileno(), LIMIT)
        console.flush()
    console.line("the end")
    console.flush()
    assert read_all(reader, console, b"the end\n")


@pytest.mark.fault("E9")
def test_if_the_system_cannot_wait_the_write_shows_what_is_wrong(stack, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr(outlet, "ready", fail)
    _reader, writer = pipe(stack)
    console = Console(number=writer.fileno())
    assert console.outlet.has_room(0)
    console.close()


def test_what_is_reported_is_a_line_and_the_last_two_are_remembered(recorded):
    for text in ("one", "two", "three"):
        recorded.report(text)
        recorded.line("between")
    recorded.flush()
    assert recorded.outlet.writes == [b"one\nbetween\ntwo\nbetween\nthree\nbetween\n"]
    assert recorded.reported == ["two", "three"]


@pytest.mark.fault("E9")
def test_when_the_reader_comes_back_the_loop_goes_on_by_itself(stack):
    reactor = stack.enter_context(closing_reactor())
    reader, writer = pipe(stack)
    console = Console(reactor, writer.fileno())
    stack.callback(console.close)
    console.line(2 * LIMIT * "x")
    console.line("the end")
    console.flush()
    assert console.interest == WRITE
    assert read_turn_by_turn(reader, reactor, console) == 2 * LIMIT * b"x" + b"\nthe end\n"


@pytest.mark.fault("E9")
def test_a_gap_is_reported_once_there_is_room_though_no_further_line_comes(stack):
    reactor = stack.enter_context(closing_reactor())
    reader, writer = pipe(stack)
    console = Console(reactor, writer.fileno())
    stack.callback(console.close)
    for _ in range(3):
        console.line(2 * LIMIT * "x")
        console.flush()
    assert console.dropped == 2
    data = read_turn_by_turn(reader, reactor, console)
    assert data == 2 * LIMIT * b"x" + b"\n(2 lines dropped)\n"


def read_turn_by_turn(reader, reactor, console):
    """Return all that the loop writes by itself, for as long as it waits for room."""
    data = b""
    while console.interest:
        data += os.read(reader.fileno(), LIMIT)
        reactor.turn()
    return data + os.read(reader.fileno(), LIMIT)


@contextmanager
def closing_reactor():
    """A reactor that never sleeps for long, and what its console is left with."""
    reactor = Reactor()
    handler = Console(number=CLOSED)  # any handler will do
    alarm = reactor.call_later(PATIENT, handler, lambda: pytest.fail("the loop slept"))
    yield reactor
    reactor.cancel(alarm)
    reactor.close()


def test_room_is_waited_for_only_while_something_stays(stack):
    reactor = stack.enter_context(closing_reactor())
    _reader, writer = pipe(stack)
    console = Console(reactor, writer.fileno())
    stack.callback(console.close)
    console.line("short")
    console.flush()
    assert console.interest == 0 and console.rest == b""


class Scripted(Recorded):
    """An outlet that takes what the script says: some bytes, none, or fails; then everything."""

    def __init__(self, script):
        super().__init__()
        self.script = script

    def put(self, data):
        taken = self.script.pop(0) if self.script else len(data)
        if isinstance(taken, OSError):
            raise taken
        return super().put(data[:taken])


TAKES = st.integers(1, 90) | st.just(BlockingIOError(errno.EAGAIN, ""))
TURNS = st.lists(st.integers(0, 5), min_size=1, max_size=40)  # lines of each


def speak(takes, turns):
    """Let a console print `turns[n]` lines in turn n and close it; return it and its output."""
    console = Console(number=CLOSED)
    outlet: Any = Scripted(takes)
    console.outlet = outlet
    numbers = iter(range(1000))
    for lines in [*turns, 1, 1]:
        for _ in range(lines):
            console.line(message(next(numbers)))
        console.flush()
    outlet.script.clear()
    console.wait()
    return console, next(numbers), b"".join(outlet.writes).decode()


@pytest.mark.fault("E9")
@given(st.lists(TAKES, max_size=40), TURNS)
def test_however_it_is_taken_what_comes_out_is_whole_lines_and_the_numbers_of_missing_ones(
    takes, turns
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console_module, "LIMIT", 60)
        console, lines, text = speak(takes, turns)
    assert (console.rest, console.dropped) == (b"", 0)
    missing = gaps(text)
    assert text.count("\n") - len(missing) + sum(missing) == lines


@pytest.mark.fault("E9", "E10")
@given(st.lists(TAKES | st.just(OSError(errno.ENOSPC, "")), max_size=40), TURNS)
def test_whatever_breaks_on_the_way_no_line_is_missing_without_being_counted(takes, turns):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console_module, "LIMIT", 60)
        console, lines, text = speak(takes, turns)
    assert (console.rest, console.dropped) == (b"", 0)
    missing = [int(number) for number in re.findall(r"\((\d+) lines dropped\)\n", text)]
    assert text.count("\n") - len(missing) + sum(missing) >= lines


# ---------------------------------------------------------------- a reader that is gone


def closed_pipe(stack):
    reader, writer = pipe(stack)
    reader.close()
    return writer.fileno()


def hung_up_terminal(stack):
    reader, writer = terminal(stack)
    reader.close()
    return writer.fileno()


def socket_whose_peer_is_gone(stack):
    reader, writer = stream(stack)
    reader.close()
    return writer.fileno()


def wrong_way_round(stack):
    return stack.enter_context(open(os.devnull)).fileno()


def full_device(stack):
    return stack.enter_context(open("/dev/full", "wb", buffering=0)).fileno()


def directory(stack):
    number = os.open("/", os.O_RDONLY)
    stack.callback(os.close, number)
    return number


def closed(_stack):
    return CLOSED


BROKEN = [
    closed_pipe,
    hung_up_terminal,
    socket_whose_peer_is_gone,
    wrong_way_round,
    full_device,
    directory,
    closed,
]


@pytest.mark.fault("E10")
@pytest.mark.parametrize("number", BROKEN)
def test_with_a_broken_stderr_lines_are_counted_and_nothing_is_waited_for(stack, number, patient):
    reactor = stack.enter_context(closing_reactor())
    console = Console(reactor, number(stack))
    began = time.monotonic()
    for turn in range(1, 6):
        console.line("lost")
        console.line("lost")
        console.flush()
        assert (console.dropped, console.rest, console.interest) == (2 * turn, b"", 0)
    assert not console.prompt("lost ")
    console.close()
    assert console.dropped == 11
    assert time.monotonic() - began < LONG


@pytest.mark.skipif("nottys" in os.environ.get("BSD", ""), reason="no report of room here")
@pytest.mark.fault("E10")
@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_that_goes_while_we_wait_for_room_does_not_keep_the_loop_awake(stack, kind):
    reactor = stack.enter_context(closing_reactor())
    reader, writer = KINDS[kind](stack)
    console = Console(reactor, writer.fileno())
    stack.callback(console.close)
    for _ in range(100):
        console.line(LIMIT // 10 * "x")
        console.flush()
    freeze(console)
    assert console.interest == WRITE
    reader.close()
    reactor.turn()
    assert (console.interest, console.rest) == (0, b"")
    assert 50 < console.dropped <= 100  # the kernel had taken the others


def test_a_reader_who_comes_back_learns_how_much_is_missing(stack, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    first = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    writer = stack.enter_context(open(tmp_path / "fifo", "wb", buffering=0))
    console = Console(number=writer.fileno())
    stack.callback(console.close)
    os.close(first)
    for number in range(7):
        console.line(message(number))
        console.flush()
    again = stack.enter_context(
        os.fdopen(os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK), "rb", 0)
    )
    console.line(message(7))
    console.flush()
    assert os.read(again.fileno(), 100).decode() == f"(7 lines dropped)\n{message(7)}\n"


# ---------------------------------------------------------------- files


@pytest.mark.fault("E11")
def test_a_file_is_written_at_its_shared_offset_and_never_put_into_a_selector(stack, tmp_path):
    reactor = stack.enter_context(closing_reactor())
    log = stack.enter_context(open(tmp_path / "log", "wb", buffering=0))
    console = Console(reactor, log.fileno())
    log.write(b"before\n")
    console.line(1000 * "x")
    console.flush()
    log.write(b"behind\n")
    console.close()
    assert (tmp_path / "log").read_bytes() == b"before\n" + 1000 * b"x" + b"\nbehind\n"


def test_the_null_device_takes_everything(stack):
    null = stack.enter_context(open(os.devnull, "wb", buffering=0))
    console = Console(number=null.fileno())
    console.line(3 * LIMIT * "x")
    console.flush()
    assert (console.rest, console.dropped) == (b"", 0)
    console.close()


@pytest.mark.fault("E11")
def test_what_a_file_did_not_take_is_tried_again_without_a_selector(recorded):
    class Reluctant(Recorded):
        may_wait = False

        def put(self, data):
            self.writes.append(data[:2])
            return 2

    recorded.reactor = NoReactor()
    recorded.outlet = Reluctant()
    recorded.line("abc")
    recorded.flush()
    recorded.flush()
    assert recorded.outlet.writes == [b"ab", b"c\n"]


class NoReactor:
    def watch(self, handler, interest):
        assert interest == 0, "a file was put into a selector"


@pytest.mark.fault("A5", "E9")
@pytest.mark.parametrize("kind", KINDS)
def test_at_the_limit_of_open_files_the_descriptor_itself_serves_and_is_not_closed(
    stack, monkeypatch, kind
):
    def no_more(number, access):
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(posix, "private", no_more)
    reader, writer = KINDS[kind](stack)
    console = Console(number=writer.fileno())
    console.line("one")
    console.flush()
    assert read_all(reader, console, b"\n") == "one\n"
    freeze(console)
    assert console.rest
    reader.close()
    console.close()
    assert os.fstat(writer.fileno())


# ---------------------------------------------------------------- outside the loop


@pytest.mark.fault("E9")
def test_waiting_for_a_frozen_reader_takes_a_moment_and_no_more(ends):
    _reader, _writer, console = ends
    freeze(console)
    began = time.monotonic()
    console.wait()
    assert PATIENCE <= time.monotonic() - began < LONG


def test_waiting_for_a_reader_that_reads_takes_no_time(ends, patient):
    reader, _writer, console = ends
    began = time.monotonic()
    console.line("one")
    console.wait()
    assert time.monotonic() - began < LONG
    assert read_all(reader, console, b"\n") == "one\n"


def test_a_reader_that_makes_room_in_time_gets_everything(recorded):
    console = recorded
    room = iter([0, 3, 0, 100])
    console.outlet.put = lambda data: min(next(room), len(data))
    console.outlet.has_room = lambda seconds: True
    console.line("one line")
    console.wait()
    assert (console.rest, console.dropped) == (b"", 0)


def test_a_prompt_leaves_the_line_open_and_comes_behind_the_lines(ends):
    reader, _writer, console = ends
    console.line("0 done, 0 lost, 0 cut")
    assert console.prompt("Continue? ")
    assert read_all(reader, console, b"? ") == "0 done, 0 lost, 0 cut\nContinue? "


@pytest.mark.fault("E9")
def test_a_prompt_is_not_dropped_even_if_there_is_no_room(ends):
    reader, _writer, console = ends
    for number in range(10_000):
        console.line(message(number))
        console.flush()
    dropped = console.dropped
    assert console.prompt("Continue? "), "a frozen reader may come back"
    text = read_all(reader, console, b"? ")
    assert gaps(text.removesuffix("Continue? ")) == [dropped]


def test_closing_writes_what_is_queued_and_releases_everything(stack):
    reader, writer = pipe(stack)
    console = Console(number=writer.fileno())
    writer.close()
    console.line("the end")
    console.close()
    assert os.read(reader.fileno(), 100) == b"the end\n"
    assert os.read(reader.fileno(), 100) == b"", "somebody still holds the pipe"


def test_closing_while_the_reader_is_frozen_leaves_the_loop(stack):
    reactor = stack.enter_context(closing_reactor())
    _reader, writer = pipe(stack)
    console = Console(reactor, writer.fileno())
    freeze(console)
    assert console.interest == WRITE
    console.close()
    assert console.interest == 0


def test_closing_twice_and_speaking_after_it_are_harmless(ends):
    _reader, _writer, console = ends
    console.close()
    console.close()
    console.line("into the void")
    console.flush()
    assert console.dropped == 1


def test_our_own_bug_costs_messages_only(recorded):
    reactor = Reactor()
    recorded.reactor = reactor
    recorded.line("one")
    recorded.outlet.put = lambda data: 1 // 0
    recorded.admit()
    reactor.call(recorded, recorded.on_writable)
    assert (recorded.rest, recorded.dropped, recorded.interest) == (b"", 1, 0)
    reactor.close()


# ---------------------------------------------------------------- stdout


@contextmanager
def stdout_is(number):
    """Let descriptor 1 lead where `number` leads, for a while."""
    kept = os.dup(1)
    os.dup2(number, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


@pytest.mark.parametrize("kind", KINDS)
def test_an_announcement_goes_to_stdout_at_once(stack, kind, recorded):
    reader, writer = KINDS[kind](stack)
    with stdout_is(writer.fileno()):
        recorded.line("on stderr, before it")
        recorded.announce("listening on [::]:7080")
    assert recorded.outlet.writes == [b"on stderr, before it\n"]
    assert read_all(reader, recorded, b"\n") == "listening on [::]:7080\n"


@pytest.mark.fault("E9")
@pytest.mark.parametrize("kind", KINDS)
def test_a_frozen_stdout_holds_an_announcement_up_for_a_moment_only(stack, kind, recorded):
    reader, writer = KINDS[kind](stack)
    frozen = Console(number=writer.fileno())
    freeze(frozen)
    began = time.monotonic()
    with stdout_is(writer.fileno()):
        recorded.announce("listening on [::]:7080")
    assert PATIENCE <= time.monotonic() - began < LONG
    reader.close()
    frozen.close()


@pytest.mark.fault("E10")
@pytest.mark.parametrize("number", BROKEN[:-1])
def test_a_broken_stdout_is_no_reason_to_fail_or_to_wait(stack, number, recorded, patient):
    began = time.monotonic()
    with stdout_is(number(stack)):
        recorded.announce("listening on [::]:7080")
    assert time.monotonic() - began < LONG
