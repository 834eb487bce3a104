"""The programs as users start them: real processes, real descriptors, real signals.

A test says what a person would do: start `server.py`, wait for a line, send a signal, answer the
prompt, look at the exit status. Everything a process says is collected by one thread as it comes,
so that no test can deadlock on a full pipe, and every wait is for an event with a limit: a line, an
exit, a byte; never a sleep.

    with Server("input.txt") as server:            python -X dev -W error server.py ... --port 0
        copy = server.fetch()                      one whole conversation over a raw socket
        server.send_signal(signal.SIGINT)
        server.expect(r"Continue listening")       the next match on stderr, in order
        server.answer("n\\n")
        assert server.wait() == 0

On leaving the `with`, a program that still runs is ended, and whatever happened: a traceback, a
warning or an "Exception ignored" on stderr fails the test. Environment:

    EIGHTY_PYTHON   the interpreter under test (default: the one that runs the tests)
    EIGHTY_ROOT     the folder of server.py and client.py (default: this checkout)
    EIGHTY_SYSTEM   win32 if that interpreter is a Windows one, run by Wine (default: this system)

The rest of the environment is inherited, COVERAGE_PROCESS_START included. In `make test` a program
with the usual flags is started warm (tests/support/warm.py); in `make check` each is started as
users start it.

(Not lab/processes.py, which is tested with this: that one starts any server, knows no terminal, no
stdin and no Wine, and forgives what a test must find.)
"""

import codecs
import contextlib
import io
import os
import re
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.support.warm import Warm

ROOT = Path(os.environ.get("EIGHTY_ROOT", Path(__file__).resolve().parent.parent.parent))
PYTHON = os.environ.get("EIGHTY_PYTHON", sys.executable)
SYSTEM = os.environ.get("EIGHTY_SYSTEM", sys.platform)
STRICT = ("-X", "dev", "-W", "error")  # resource warnings become errors, errors become tracebacks
# Seconds that any single wait may last: far more than needed, far less than for ever. Under Wine, a
# program needs seconds to start.
LIMIT = 40.0 if SYSTEM == "win32" else 10.0

# For a program with too few descriptors, or too small files, to write down what coverage measures.
UNMEASURED = {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}

HELLO = b"HELLO 1\n"
PROMPT = r"Continue listening\? \[y/N\] "
WORDS = "done|refused|lost|late|cut|bug"
BEGINNING = re.compile(r"^c(\d+) S: HELLO 1$", re.MULTILINE)
CLOSING = re.compile(rf"^c(\d+) ({WORDS})\b.*$", re.MULTILINE)
REPORT = r"^(?P<done>\d+) done, (?P<lost>\d+) lost, (?P<cut>\d+) cut$"
LISTENING = r"listening on (?P<host>\S+):(?P<port>\d+)\n"
# What Python says when we have a bug; nothing a user or a peer does may ever bring it out.
OURS = re.compile(
    r"Traceback \(most recent call last\)|Exception ignored|Warning: |Fatal Python error"
)

# A process whose forks become programs without the start of Python; None in `make check`.
WARM: Warm | None = None
RUNNING: "set[Program]" = set()  # for the watchdog in conftest.py: what to kill when a test hangs


def file_message(body: bytes) -> bytes:
    """Return what the wire carries for `body`: computed here, not by the code under test."""
    return b"FILE %d %08x\n" % (len(body), zlib.crc32(body)) + body


def conversation(body: bytes) -> bytes:
    """Return the whole server stream that delivers `body`."""
    return HELLO + file_message(body)


class Output:
    """What came out of one descriptor so far, and how far `expect` has read in it."""

    def __init__(self, fd: int, *, terminal: bool = False) -> None:
        self.fd = fd
        self.data = bytearray()
        self.text = ""
        self.cursor = 0  # in `text`
        self.ended = False
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        # A terminal shows LF as CR LF.
        self._decode = (
            io.IncrementalNewlineDecoder(decoder, True).decode if terminal else decoder.decode
        )

    def add(self, data: bytes) -> None:
        self.data += data
        self.text += self._decode(data, not data)
        self.ended = not data


class Popen(subprocess.Popen[bytes]):
    """A process started as a shell starts it."""

    def await_stop(self) -> None:
        """Wait until it is stopped."""
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)


class Fork:
    """A process started warm: see tests/support/warm.py."""

    def __init__(
        self, warm: Warm, script: str, arguments: list[str], files: Sequence[int], cwd: Path
    ) -> None:
        self.warm = warm
        with open(os.devnull, "r+b", buffering=0) as nothing:
            there = [nothing.fileno() if file == subprocess.DEVNULL else file for file in files]
            self.pid = warm.fork(script, arguments, there, cwd, dict(os.environ))

    def await_stop(self) -> None:
        """Wait until it is stopped."""
        self.warm.await_stop(self.pid)

    def wait(self, limit: float | None = None) -> int:
        """Return the exit status; the process has ended, so there is nothing to wait for."""
        return self.warm.status(self.pid)


Started = Popen | Fork


def is_python_as(env: dict[str, str]) -> bool:
    """Tell whether a Python started now would find the same variables of its own as in `env`."""
    return settings(dict(os.environ)) == settings(env)


def settings(env: dict[str, str]) -> set[tuple[str, str]]:
    return {pair for pair in env.items() if pair[0].startswith("PYTHON")}


class Program:
    """One running program: what it says, its signals, its end.

    `script` is a file of the checkout, or a module (started with -m, in the checkout).
    `stdin`, `stdout`, `stderr`: "pipe" (collected), a descriptor, or None for /dev/null.
    `terminal`: all three are one pseudo-terminal, the controlling one, so that `type("\\x03")` is a
    real Ctrl+C. `shell`: a line of sh that ends in `exec "$@"`, for what only a shell can set up:
    limits, closed descriptors, ignored signals. `prefix`: words in front, e.g. strace.
    """

    def __init__(
        self,
        script: str,
        *arguments: object,
        stdin: int | str | None = "pipe",
        stdout: int | str | None = "pipe",
        stderr: int | str | None = "pipe",
        terminal: bool = False,
        shell: str | None = None,
        prefix: tuple[str, ...] = (),
        python: str | None = None,
        flags: tuple[str, ...] = STRICT,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        words = [str(ROOT / script)] if script.endswith(".py") else ["-m", script]
        argv = [*prefix, python or PYTHON, *flags, *words, *map(str, arguments)]
        self.name = script
        self._changed = threading.Condition()
        self._process: Started | None = None
        self.status: int | None = None
        self.out: Output | None = None
        self.err: Output | None = None
        self._stdin: int | None = None
        self._terminal = terminal
        self._ours: list[int] = []
        self._theirs: list[int] = []  # the child's ends: closed here once it runs
        try:
            if terminal:
                files = self._on_terminal()
                # A session leader without a terminal gets the first one it opens: hence the shell.
                name = os.ttyname(self._theirs[0])
                shell = f"exec <>{name} >&0 2>&0; " + (shell or 'exec "$@"')
            else:
                files = [self._file(number, w) for number, w in enumerate((stdin, stdout, stderr))]
            if shell is not None:
                argv = ["/bin/sh", "-c", shell, "sh", *argv]
            self._stopped, self._stopper = os.pipe()  # a closed stopper ends the collecting thread
            self._ours += [self._stopped, self._stopper]
            usual = argv[: len(STRICT) + 1] == [PYTHON, *STRICT] and not env
            if WARM and usual and script in WARM.scripts and is_python_as(WARM.env):
                self._process = Fork(WARM, script, list(map(str, arguments)), files, cwd or ROOT)
            else:
                self._process = Popen(
                    argv,
                    stdin=files[0],
                    stdout=files[1],
                    stderr=files[2],
                    cwd=cwd or ROOT,
                    env={**os.environ, **(env or {})},
                    start_new_session=True,  # a Ctrl+C for pytest is not one for the program
                )
        except BaseException:
            self._close(*self._ours)
            raise
        finally:
            for fd in self._theirs:
                os.close(fd)
        self.pid = self._process.pid
        RUNNING.add(self)
        if stdin is None:
            self.close_stdin()
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _on_terminal(self) -> list[int]:
        master, slave = os.openpty()
        self._ours.append(master)
        self._theirs.append(slave)
        self.out = self.err = Output(master, terminal=True)
        self._stdin = master
        return 3 * [slave]

    def _file(self, number: int, wish: int | str | None) -> int:
        """Return what the child gets as descriptor `number`."""
        if wish is None and SYSTEM == "win32" != sys.platform:
            wish = "pipe"  # Wine hands on no other kind of file
        if wish is None:
            return subprocess.DEVNULL
        if isinstance(wish, int):
            return wish
        reader, writer = os.pipe()
        mine, its = (writer, reader) if number == 0 else (reader, writer)
        self._ours.append(mine)
        self._theirs.append(its)
        if number == 0:
            self._stdin = mine
        elif number == 1:
            self.out = Output(mine)
        else:
            self.err = Output(mine)
        return its

    def _close(self, *descriptors: int) -> None:
        for fd in descriptors:
            if fd in self._ours:
                self._ours.remove(fd)
                os.close(fd)

    # -- what it says ---------------------------------------------------------------------------

    def _outputs(self) -> list[Output]:
        return [out for out in {self.out, self.err} if out is not None]

    def _collect(self) -> None:
        """Read both outputs to their end, and wake threads that wait; runs in its own thread."""
        with selectors.PollSelector() as selector:
            selector.register(self._stopped, selectors.EVENT_READ)
            for output in self._outputs():
                selector.register(output.fd, selectors.EVENT_READ, output)
            while len(selector.get_map()) > 1:
                for key, _ in selector.select():
                    if key.data is None:
                        return
                    try:
                        data = os.read(key.fd, 65536)
                    except OSError:  # EIO: the last end of a terminal was closed
                        data = b""
                    with self._changed:
                        key.data.add(data)
                        if not data:
                            selector.unregister(key.fd)
                        self._changed.notify_all()

    @property
    def stdout(self) -> str:
        """All of stdout so far."""
        assert self.out is not None
        with self._changed:
            return self.out.text

    @property
    def stdout_bytes(self) -> bytes:
        """All of stdout so far, as it came."""
        assert self.out is not None
        with self._changed:
            return bytes(self.out.data)

    @property
    def stderr(self) -> str:
        """All of stderr so far (on a terminal: all that it shows)."""
        assert self.err is not None
        with self._changed:
            return self.err.text

    @property
    def lines(self) -> list[str]:
        """The lines of stderr so far."""
        return self.stderr.splitlines()

    def expect(self, pattern: str, *, stdout: bool = False, limit: float = LIMIT) -> re.Match[str]:
        """Wait for the next match of `pattern` behind the last expected one; return it."""
        __tracebackhide__ = True
        output = self.out if stdout else self.err
        assert output is not None, "this output is not collected"
        expression = re.compile(pattern, re.MULTILINE)
        end = time.monotonic() + limit
        with self._changed:
            while True:
                match = expression.search(output.text, output.cursor)
                if match:
                    output.cursor = match.end()
                    return match
                left = end - time.monotonic()
                if output.ended or left <= 0:
                    why = "the output ended" if output.ended else f"not within {limit} s"
                    raise AssertionError(
                        f"{pattern!r}: {why}; what came since:\n{output.text[output.cursor :]}"
                    )
                self._changed.wait(left)

    def skip(self) -> None:
        """Let the next `expect` look only at what is still to come on stderr."""
        assert self.err is not None
        with self._changed:
            self.err.cursor = len(self.err.text)

    def until(self, condition: Callable[[str], object], *, limit: float = LIMIT) -> None:
        """Wait until `condition` is true of all that is on stderr; every new byte asks again."""
        __tracebackhide__ = True
        assert self.err is not None, "this output is not collected"
        end = time.monotonic() + limit
        with self._changed:
            while not condition(self.err.text):
                left = end - time.monotonic()
                assert not self.err.ended, f"the output ended:\n{self.err.text}"
                assert left > 0, f"not within {limit} s:\n{self.err.text}"
                self._changed.wait(left)

    # -- what is done to it ---------------------------------------------------------------------

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the program, and only to it."""
        os.kill(self.pid, number)

    def freeze(self) -> None:
        """Stop it where it is, as Ctrl+Z does, and wait until it stands still."""
        assert self._process is not None
        self.send_signal(signal.SIGSTOP)
        self._process.await_stop()

    def thaw(self) -> None:
        """Let it go on."""
        self.send_signal(signal.SIGCONT)

    def answer(self, text: str | bytes) -> None:
        """Write to its stdin (on a terminal: type)."""
        assert self._stdin is not None
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self._stdin, data) :]

    type = answer

    def close_stdin(self) -> None:
        """Let it find the end of its stdin."""
        if self._stdin is not None and not self._terminal:
            self._close(self._stdin)
            self._stdin = None

    def hang_up(self) -> None:
        """Close the terminal's window: the kernel sends SIGHUP; its reads and writes fail."""
        assert self._terminal and self.out is not None
        self._stop_collecting()
        self._close(self.out.fd)

    def _stop_collecting(self) -> None:
        self._close(self._stopper)
        self._reader.join(LIMIT)

    # -- its end --------------------------------------------------------------------------------

    def wait(self, limit: float = LIMIT) -> int:
        """Wait for the end of the program and of all it says; return the exit status."""
        if self.status is not None:
            return self.status
        assert self._process is not None
        end = time.monotonic() + limit
        if not self._exits_within(limit):
            raise AssertionError(f"still running after {limit} s; it said:\n{self._said()}")
        self.status = self._process.wait()
        self._reader.join(max(0.0, end - time.monotonic()) + 1)
        stays_open = self._reader.is_alive()
        self._stop_collecting()
        self._close(*list(self._ours))
        RUNNING.discard(self)
        assert not stays_open, "somebody holds its outputs open after its end"
        return self.status

    def _exits_within(self, limit: float) -> bool:
        assert self._process is not None
        if not hasattr(os, "pidfd_open"):  # not Linux: polled by the standard library
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(limit)
                return True
            return False
        process = os.pidfd_open(self.pid)
        try:
            return bool(select.select([process], [], [], limit)[0])
        finally:
            os.close(process)

    @property
    def running(self) -> bool:
        """Whether it still runs, asked without waiting."""
        return self.status is None and not self._exits_within(0)

    def kill(self) -> None:
        """End it and whatever it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def _said(self) -> str:
        with self._changed:
            return "\n".join(output.text for output in self._outputs())

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._finish()
                self.assert_clean()
                return
            except BaseException as late:
                self.give_up(late)
                raise
        self.give_up(error)

    def give_up(self, error: BaseException) -> None:
        """End the program because a test failed, and tell in `error` what it had said."""
        if self.status is None:
            self.kill()
            self.wait()
        error.add_note(f"{self.name} ended with status {self.status}; it said:\n{self._said()}")

    def _finish(self) -> None:
        """Wait for a program that ends by itself."""
        self.wait()

    def assert_clean(self) -> None:
        """Fail if the program showed a bug of its own."""
        found = OURS.search(self._said())
        assert found is None, f"{found[0]!r} in:\n{self._said()}"


class Server(Program):
    """`server.py` on a port of the kernel's choice; ready when the `with` block begins.

    `host` None: no --host, that is all interfaces. `ready` False: do not wait for the line (for a
    server that cannot start, or whose stdout nobody reads).
    """

    def __init__(
        self,
        *arguments: object,
        host: str | None = "127.0.0.1",
        port: int | None = 0,
        ready: bool = True,
        **how: Any,
    ) -> None:
        options: list[object] = [] if host is None else ["--host", host]
        options += [] if port is None else ["--port", port]
        super().__init__("server.py", *options, *arguments, **how)
        self._ready = ready
        self.host = ""
        self.port = 0
        self.connections = 0  # that `connect` has made

    def __enter__(self) -> "Server":
        if self._ready:
            try:
                self.expect_listening()
            except BaseException as error:
                self.give_up(error)
                raise
        return self

    def expect_listening(self, limit: float = LIMIT) -> None:
        """Wait for the next `listening on` line and note the address."""
        match = self.expect(LISTENING, stdout=True, limit=limit)
        self.host, self.port = match["host"], int(match["port"])

    @property
    def address(self) -> tuple[str, int]:
        """Where a client connects: the shown host, the loopback one for all interfaces."""
        host = self.host.strip("[]")
        return {"::": "::1", "0.0.0.0": "127.0.0.1"}.get(host, host), self.port

    def connect(self, *, receive_buffer: int | None = None, limit: float = LIMIT) -> socket.socket:
        """Return a raw connection; with a tiny window if `receive_buffer` says so."""
        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(limit)
            if receive_buffer is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            connection.connect(self.address)
            self.connections += 1
        except BaseException:
            connection.close()
            raise
        return connection

    def accepted(self) -> "Accepted":
        """Connect, wait until the server has accepted, and learn how it calls the connection.

        It must not accept anybody else meanwhile.
        """
        self.skip()
        connection = self.connect()
        try:
            return Accepted(self, connection, int(self.expect(BEGINNING.pattern)[1]))
        except BaseException:
            connection.close()
            raise

    def fetch(self, hello: bytes = HELLO) -> bytes:
        """Hold one whole conversation; return all that the server said."""
        with self.connect() as connection:
            connection.sendall(hello)
            return read_to_end(connection)

    def closings(self) -> list[tuple[int, str]]:
        """Return the closing lines so far: the number of the connection and the closing word."""
        return [(int(number), word) for number, word in CLOSING.findall(self.stderr)]

    def settle(self) -> None:
        """Wait until every connection that `connect` has made is closed."""
        self.until(lambda text: len(CLOSING.findall(text)) >= self.connections)

    def descriptors(self) -> int:
        """Count its open descriptors (Linux)."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def processor_time(self) -> float:
        """Return the seconds of processor time it has used (Linux)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kernel_count(self, field: str) -> int:
        """Return a number of /proc/PID/status, such as VmRSS in KiB (Linux)."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.findall(rf"^{field}:\s*(\d+)", text, re.MULTILINE)[0])

    def fall_asleep(self) -> None:
        """Wait until the server has nothing more to do (Linux)."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            sleeps = self.kernel_count("voluntary_ctxt_switches")
            select.select([], [], [], 0.02)  # there is no event for "nothing happens any more"
            asleep = "State:\tS" in Path(f"/proc/{self.pid}/status").read_text()
            if asleep and self.kernel_count("voluntary_ctxt_switches") == sleeps:
                return
        raise AssertionError("the loop never sleeps")

    def stop(self, limit: float = LIMIT) -> int:
        """Ask it to end, without a prompt; return its exit status.

        SIGTERM would end a Windows program at once, as TerminateProcess does: there the end of
        stdin answers the question.
        """
        if SYSTEM == "win32":
            self.close_stdin()
        self.send_signal(signal.SIGINT if SYSTEM == "win32" else signal.SIGTERM)
        return self.wait(limit)

    def _finish(self) -> None:
        if self.status is None:
            status = self.stop() if self.running else self.wait()
            assert status == 0, f"the server ended with status {status}"


class Accepted:
    """A raw connection, and its number in the server's lines; a context manager that closes it."""

    def __init__(self, server: Server, connection: socket.socket, number: int) -> None:
        self.server = server
        self.connection = connection
        self.number = number

    def send_seen(self, data: bytes) -> None:
        """Send `data` and wait for the turn that reads them: what follows is another piece.

        For a server with -v.
        """
        self.connection.sendall(data)
        self.server.expect(rf"^turn .*\bc{self.number} readable.*\n")

    def silent(self) -> bool:
        """Tell whether nothing from the server is waiting to be read, its end included."""
        return not select.select([self.connection], [], [], 0)[0]

    def expect_closing(self, word: str) -> None:
        """Wait for the closing line; it must have this word."""
        found = self.server.expect(rf"^c{self.number} ({WORDS})\b.*\n")[1]
        assert found == word, found

    def __enter__(self) -> "Accepted":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def run_server(*arguments: object, limit: float = LIMIT, **how: Any) -> Server:
    """Run a server that is to end by itself; return it ended, with .status, .stdout, .stderr."""
    how.setdefault("stdin", None)
    with Server(*arguments, ready=False, **how) as server:
        server.wait(limit)
    return server


class Client(Program):
    """`client.py`; on leaving the `with` it is waited for."""

    def __init__(self, *arguments: object, **how: Any) -> None:
        how.setdefault("stdin", None)
        super().__init__("client.py", *arguments, **how)

    def __enter__(self) -> "Client":
        return self


def run_client(*arguments: object, limit: float = LIMIT, **how: Any) -> Client:
    """Run a client to its end; return it with .status, .stdout_bytes, .stderr."""
    with Client(*arguments, **how) as client:
        client.wait(limit)
    return client


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port that only our servers can get, in both families, as long as this lasts.

    Bound and not listening, with SO_REUSEADDR as the server has it: then a server may listen there,
    once or again, while the kernel gives the port to nobody else, nor to a client's own end.
    """
    with contextlib.ExitStack() as stack:
        four = stack.enter_context(socket.socket())
        four.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        four.bind(("0.0.0.0", 0))
        port = four.getsockname()[1]
        if socket.has_dualstack_ipv6():
            six = stack.enter_context(socket.socket(socket.AF_INET6))
            six.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            six.bind(("::", port))
        yield port


def customized(folder: Path, code: str) -> dict[str, str]:
    """Return the environment of a program that runs `code` before its own first statement.

    For a world that the kernel cannot be asked for: a name with two addresses, a machine without
    IPv6, two signals in the same instant.
    """
    world = (ROOT / "lab/laptop/bsd/sitecustomize.py").read_text() if SYSTEM == "bsd" else ""
    (folder / "sitecustomize.py").write_text(world + code)
    return {"PYTHONPATH": str(folder)}


def read_to_end(connection: socket.socket) -> bytes:
    """Return all bytes up to the peer's end of stream; a reset is an error here."""
    data = bytearray()
    while got := connection.recv(65536):
        data += got
    return bytes(data)


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """Return the next `count` bytes; fewer only at the end of the stream."""
    data = bytearray()
    while len(data) < count and (got := connection.recv(count - len(data))):
        data += got
    return bytes(data)


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
