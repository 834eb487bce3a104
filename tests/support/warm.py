"""A warm start of a program for sweeps over hundreds of cases: all is real but Python's start.

Nine tenths of a short run are the start of the interpreter and the imports. Here a process
does that once, and each run is a fork of it that calls the program's main, with its own arguments,
folder, stdout and stderr. What is about starting or ending itself is for tests/support/programs.py.

    with Warm() as warm, warm.start("127.0.0.1", "copy", "--port", port, cwd=folder) as client:
        ...
        assert client.wait() == 0
"""

import array
import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Self

ROOT = Path(os.environ.get("EIGHTY_ROOT", Path(__file__).resolve().parent.parent.parent))


class Warm:
    """A process with the imports done that starts one client (or server) after the other."""

    def __init__(self, env: dict[str, str] | None = None, program: str = "client") -> None:
        self.program = program
        self.env = {**os.environ, **(env or {})}

    def __enter__(self) -> Self:
        from tests.support.programs import PYTHON, STRICT

        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(10)
        with theirs:
            argv = [PYTHON, *STRICT, __file__, self.program]
            self.process = subprocess.Popen(
                argv, stdin=theirs.fileno(), cwd=ROOT, env=self.env, start_new_session=True
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()  # the end of its stdin is its end
        assert self.process.wait(10) == 0

    def start(
        self, *arguments: object, cwd: Path, env: dict[str, str] | None = None
    ) -> "WarmProgram":
        """Start one. Two at a time need two of us."""
        request = [[str(argument) for argument in arguments], str(cwd), env or {}]
        return WarmProgram(self.channel, json.dumps(request).encode())


class WarmProgram:
    """What tests/support/programs.py calls a Program, as far as a sweep needs it."""

    def __init__(self, channel: socket.socket, request: bytes) -> None:
        self.channel = channel
        self.status: int | None = None
        self.files = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]  # stdout and stderr
        self.said = [b"", b""]
        descriptors = array.array("i", [file.fileno() for file in self.files])
        channel.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
        self.pid = json.loads(channel.recv(100))

    def wait(self) -> int:
        """Wait for its end; return the exit status."""
        if self.status is None:
            self.status = json.loads(self.channel.recv(100))
        return self.status

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

        if self.status is None and error is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.wait()
        said = self.stdout_bytes + self.stderr.encode()
        for file in self.files:
            file.close()
        if error is not None:
            error.add_note(f"status {self.status}, and it said:\n{said!r}")
        else:
            assert OURS.search(self.stderr) is None, self.stderr


def serve() -> None:
    """Be the process with the imports done: fork for each request, answer its pid and status."""
    sys.path[0] = str(ROOT)
    program = importlib.import_module(sys.argv[1])
    with socket.socket(fileno=os.dup(0)) as channel:
        while True:
            request, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 2)
            if not request:
                return
            child = os.fork()
            if not child:
                arguments, folder, env = json.loads(request)
                os.environ.update(env)
                os.chdir(folder)
                become(program.main, arguments, descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            channel.send(json.dumps(child).encode())
            _, status = os.waitpid(child, 0)
            channel.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def become(
    main: Callable[[list[str]], int], arguments: list[str], descriptors: list[int]
) -> NoReturn:
    """Be the program with descriptors and arguments of its own, and end as it does."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, number)
    os.closerange(3, max(descriptors) + 3)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as both programs do when they are started
    status: object = 1
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 (Python itself would end so)
        traceback.print_exc()
    finally:
        os._exit(int(str(status)))


if __name__ == "__main__":
    serve()
