"""A warm start of the programs: all is real but the start of Python.

Nine tenths of a short run are the start of the interpreter and the imports. Here a process does
that once, and each run is a fork of it that executes the file of a program as `__main__`, with its
own arguments, folder, environment and standard streams.

    with Warm() as warm, warm.start("127.0.0.1", "copy", "--port", port, cwd=folder) as client:
        ...
        assert client.wait() == 0

tests/support/programs.py starts programs this way as well, except in `make check`.
"""

import array
import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, Self

ROOT = Path(os.environ.get("EIGHTY_ROOT", Path(__file__).resolve().parent.parent.parent))
SCRIPTS = ("server.py", "client.py")
REQUEST = 1 << 20  # bytes, at most: an environment is in it
PATIENCE = 60.0  # seconds for an answer, which takes a millisecond unless the machine is busy


class Warm:
    """A process with the imports done, whose forks become programs.

    It reaps a fork when it is asked for the status, not before. So until then no other process gets
    the same process id, as with a child process.
    """

    def __init__(
        self,
        env: dict[str, str] | None = None,
        script: str = "client.py",
        modules: Sequence[str] = (),
    ) -> None:
        self.script = script  # that `start` starts
        self.scripts = (*SCRIPTS, *modules)  # a module is one that `python -m` runs
        self.env = {**os.environ, **(env or {})}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        from tests.support.programs import PYTHON, STRICT

        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(PATIENCE)
        with theirs:
            self.process = subprocess.Popen(
                [PYTHON, *STRICT, __file__, *self.scripts],
                stdin=theirs.fileno(),
                cwd=ROOT,
                env=self.env,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()  # the end of its stdin is its end
        assert self.process.wait(PATIENCE) == 0

    def start(
        self, *arguments: object, cwd: Path, env: dict[str, str] | None = None
    ) -> "WarmProgram":
        """Start a program for a sweep; its outputs go to files."""
        return WarmProgram(self, [str(argument) for argument in arguments], cwd, env or {})

    def fork(
        self,
        script: str,
        arguments: Sequence[str],
        files: Sequence[int],
        cwd: Path,
        env: dict[str, str],
    ) -> int:
        """Start `script` with these standard streams; return its process id."""
        return int(self.ask("start", script, arguments, str(cwd), env, files=files))

    def status(self, pid: int) -> int:
        """Wait for the end of a fork; return its exit status, or the signal as -number."""
        return int(self.ask("status", pid))

    def await_stop(self, pid: int) -> None:
        """Wait until a fork is stopped."""
        self.ask("stop", pid)

    def ask(self, *request: object, files: Sequence[int] = ()) -> Any:
        """Send a request; return the answer."""
        sent = array.array("i", files)
        with self._lock:
            self.channel.sendmsg(
                [json.dumps(request).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)]
            )
            return json.loads(self.channel.recv(100))


class WarmProgram:
    """What tests/support/programs.py calls a Program, as far as a sweep needs it."""

    def __init__(self, warm: Warm, arguments: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.warm = warm
        self.ended: int | None = None
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]  # stdout and stderr
        self.said = [b"", b""]
        with open(os.devnull) as nothing:
            files = [nothing.fileno(), *(file.fileno() for file in self.files)]
            self.pid = warm.fork(warm.script, arguments, files, cwd, {**warm.env, **env})

    def wait(self) -> int:
        """Wait for its end; return the exit status."""
        if self.ended is None:
            end = os.pidfd_open(self.pid)  # it is not reaped yet
            try:
                assert select.select([end], [], [], PATIENCE)[0], f"runs after {PATIENCE} s"
            finally:
                os.close(end)
            self.ended = self.warm.status(self.pid)
        return self.ended

    @property
    def stdout_bytes(self) -> bytes:
        """All of stdout so far."""
        return self._said(0)

    @property
    def stderr(self) -> str:
        """All of stderr so far."""
        return self._said(1).decode("utf-8", "backslashreplace")

    def _said(self, number: int) -> bytes:
        file = self.files[number]
        if not file.closed:
            self.said[number] = os.pread(file.fileno(), 1 << 20, 0)
        return self.said[number]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from tests.support.programs import OURS

        if self.ended is None and error is not None:
            os.kill(self.pid, signal.SIGKILL)
        self.wait()
        said = self.stdout_bytes + self.stderr.encode()
        for file in self.files:
            file.close()
        if error is not None:
            error.add_note(f"status {self.ended}, and it said:\n{said!r}")
        else:
            assert OURS.search(self.stderr) is None, self.stderr


# -- the process with the imports done ----------------------------------------------------------


def serve() -> None:
    """Do the imports, then what each request asks for, until there is no more."""
    sys.path[0] = str(ROOT)
    found = {name: spec_of(name) for name in sys.argv[1:]}
    codes = {name: spec.loader.get_code(spec.name) for name, spec in found.items()}
    for spec in found.values():
        importlib.import_module(spec.name)
    gc.freeze()  # a collection in a fork would copy all of this memory
    with socket.socket(fileno=os.dup(0)) as channel:
        while True:
            request, files, _, _ = socket.recv_fds(channel, REQUEST, 3)
            if not request:
                return
            what, *details = json.loads(request)
            if what == "status":
                reply(channel, os.waitstatus_to_exitcode(os.waitpid(details[0], 0)[1]))
            elif what == "stop":
                os.waitid(os.P_PID, details[0], os.WSTOPPED | os.WNOWAIT)
                reply(channel, 0)
            elif not os.fork():
                script, arguments, folder, env = details
                prepare([found[script].origin, *arguments], folder, env)
                reply(channel, os.getpid())  # by now signals reach a process of its own
                take(files)
                execute(codes[script], found[script])
            for file in files:
                os.close(file)


def spec_of(script: str) -> Any:
    """Return where Python finds a script, or the `__main__` of a module."""
    module = script.removesuffix(".py") if script.endswith(".py") else f"{script}.__main__"
    return importlib.util.find_spec(module)


def reply(channel: socket.socket, answer: int) -> None:
    channel.send(json.dumps(answer).encode())


def prepare(argv: list[str], folder: str, env: dict[str, str]) -> None:
    """Make this fork look like a process that was just started with these."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a Ctrl+C while Python starts is no traceback
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:] = argv


def take(files: list[int]) -> None:
    """Make `files` the standard streams, and close all others."""
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.closerange(3, max(files) + 3)
    sys.stdin = open(0, closefd=False)
    sys.stdout = open(1, "w", closefd=False)
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)


def execute(code: types.CodeType, spec: Any) -> NoReturn:
    """Execute a program as `__main__`, and end as it does."""
    program = sys.modules["__main__"] = types.ModuleType("__main__")
    program.__file__ = sys.argv[0]
    program.__package__ = spec.parent
    status = 1
    try:
        exec(code, vars(program))
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001 (Python itself would end so)
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    serve()
