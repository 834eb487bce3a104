"""Firefox and WebKit, each with what its package brings: no driver from elsewhere.

Owns starting, driving and ending them. Firefox takes the commands of WebDriver over a socket of its
own (Marionette). WebKit takes them over HTTP (WebKitWebDriver), and needs a screen: Xvfb. Used by
test_page_engines.py; Chromium is in browser.py.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

LIMIT = 60.0  # seconds for a start, and for each command: the machine may be busy
MINI = "/usr/lib/*/webkit2gtk-4.*/MiniBrowser"
KEYS = {
    "ArrowRight": "\ue014", "ArrowLeft": "\ue012", "End": "\ue010", "Home": "\ue011",
    "Enter": "\ue007", "Escape": "\ue00c",
}  # fmt: skip


class Engine:
    """A browser with one window. A subclass knows where it is, and how a command gets there."""

    @staticmethod
    def find() -> str | None:
        raise NotImplementedError

    def command(self, name: str, path: str, **parameters: Any) -> Any:
        raise NotImplementedError

    def open(self, url: str) -> None:
        self.command("Navigate", "url", url="about:blank")
        self.command("Navigate", "url", url=url)

    def run(self, script: str, *arguments: object) -> Any:
        """Return what the body of a function returns, run in the page."""
        return self.command("ExecuteScript", "execute/sync", script=script, args=list(arguments))

    def press(self, *keys: str) -> None:
        """Press and release keys, as a person does."""
        strokes = [
            {"type": kind, "value": KEYS.get(key, key)}
            for key in keys
            for kind in ("keyDown", "keyUp")
        ]
        board = {"type": "key", "id": "keys", "actions": strokes}
        self.command("PerformActions", "actions", actions=[board])

    def resize(self, width: int, height: int) -> None:
        """Make the page this large; the window is larger by its frame."""
        want = [width, height]
        for _ in range(3):
            inner = self.run("return [innerWidth, innerHeight, outerWidth, outerHeight]")
            if inner[:2] == want:
                return
            size = [want[axis] + inner[axis + 2] - inner[axis] for axis in (0, 1)]
            self.command("SetWindowRect", "window/rect", width=size[0], height=size[1])


class Firefox(Engine):
    """Firefox, by Marionette: each message is its length, a colon, and a list in JSON."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.count = 0
        self.receive()  # it greets first
        self.command("NewSession", "")

    @staticmethod
    def find() -> str | None:
        return shutil.which("firefox-esr") or shutil.which("firefox")

    def command(self, name: str, path: str, **parameters: Any) -> Any:
        self.count += 1
        text = json.dumps([0, self.count, f"WebDriver:{name}", parameters])
        self.socket.sendall(f"{len(text)}:{text}".encode())
        _, _, error, result = self.receive()
        assert error is None, error
        return result.get("value") if isinstance(result, dict) else result

    def receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self.read(1)
        return json.loads(self.read(int(length[:-1])))

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the browser has ended"
            data += more
        return data


class WebKit(Engine):
    """WebKit, by the WebDriver protocol."""

    def __init__(self, port: int) -> None:
        self.port, self.session = port, ""
        browser = {"binary": str(minibrowser()), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"webkitgtk:browserOptions": browser}}
        made = self.request("POST", "/session", {"capabilities": wanted})
        self.session = f"/session/{made['sessionId']}/"

    @staticmethod
    def find() -> str | None:
        found = shutil.which("WebKitWebDriver")
        return found if found and shutil.which("Xvfb") and minibrowser() else None

    def command(self, name: str, path: str, **parameters: Any) -> Any:
        return self.request("POST", self.session + path, parameters)

    def request(self, method: str, path: str, parameters: dict[str, Any] | None = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            connection.request(method, path, json.dumps(parameters or {}))
            answer = connection.getresponse()
            value = json.load(answer)["value"]
        finally:
            connection.close()
        assert answer.status == 200, value
        return value


def minibrowser() -> Path | None:
    return next(iter(sorted(Path("/").glob(MINI[1:]))), None)


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start Firefox. It chooses a port, and writes it into its profile."""
    (folder / "user.js").write_text('user_pref("marionette.port", 0);\n')
    words = [str(Firefox.find()), "--headless", "--marionette", "--no-remote", "--profile", folder]
    with process(words, folder):
        port = folder / "MarionetteActivePort"
        await_true(lambda: port.exists() and port.read_text().isdigit())
        driver = Firefox(int(port.read_text()))
        try:
            yield driver
        finally:
            driver.socket.close()


@contextmanager
def webkit(folder: Path) -> Iterator[WebKit]:
    """Start a screen, the driver and, by its session, the browser."""
    reading, writing = os.pipe()
    screen = [
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        "1600x1200x24",
        "-nolisten",
        "tcp",
    ]
    with process(screen, folder, pass_fds=[writing]), os.fdopen(reading) as said:
        os.close(writing)
        display = said.readline().strip()
        port = free_port()
        words = [str(WebKit.find()), f"--port={port}"]
        home = {
            "DISPLAY": f":{display}",
            "HOME": str(folder),
            "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        }
        with process(words, folder, env=os.environ | home):
            await_true(lambda: accepts(port))
            driver = WebKit(port)
            try:
                yield driver
            finally:
                driver.request("DELETE", driver.session.rstrip("/"))  # this ends the browser


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def await_true(condition: Callable[[], bool]) -> None:
    """Wait for another program, which tells nobody when it is ready."""
    until = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < until, f"not ready after {LIMIT:.0f} s"
        time.sleep(0.05)


@contextmanager
def process(words: list[Any], folder: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with its output in `folder`; at the end, end all processes of its group."""
    with open(folder / f"{Path(words[0]).name}.log", "wb") as log:
        started = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **options,
        )
    try:
        yield started
    finally:
        started.terminate()
        with suppress(subprocess.TimeoutExpired):
            started.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait(10)
