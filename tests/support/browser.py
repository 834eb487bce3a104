"""A real browser, started once; a page of its own for each test, and what no page may ever do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.tracing.page import page as make_page

if TYPE_CHECKING:  # the group `browser` need not be installed
    from playwright.sync_api import Browser, BrowserContext, Clock, Page

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT = 120.0  # seconds that any single wait may last: a busy machine is no defect

Event = dict[str, Any]


@pytest.fixture(scope="session")
def browser(temporary: Path) -> Iterator["Browser"]:
    """Start the browser before the first test looks at what is left behind."""
    from playwright.sync_api import expect, sync_playwright

    from tests.support import chromium

    path = chromium.find()
    if path is None:
        pytest.fail("there is no Chromium on this machine: make test-browser installs it")
    expect.set_options(timeout=1000 * LIMIT)
    how: dict[str, Any] = {"executable_path": path, "args": chromium.FLAGS, "timeout": 1000 * LIMIT}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**how)
        yield browser
        browser.close()


def new_context(browser: "Browser", **options: Any) -> "BrowserContext":
    """Return a context of its own for a test; each wait in it lasts at most LIMIT."""
    context = browser.new_context(**options)
    context.set_default_timeout(1000 * LIMIT)
    return context


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the trace of a real run: the one that `make trace` shows."""
    path = tmp_path_factory.mktemp("scene") / "trace.jsonl"
    words = [sys.executable, "-m", "lab.demo", "--trace", path]
    subprocess.run(words, cwd=ROOT, check=True, timeout=LIMIT, stdout=subprocess.DEVNULL)
    return path.read_text()


class Viewer:
    """The page in the browser, and what a person can see and do there."""

    def __init__(self, page: "Page", path: Path, trace: str) -> None:
        self.page = page
        self.path = path
        self.events: list[Event] = []
        for line in trace.splitlines():
            try:
                self.events.append(json.loads(line))
            except ValueError:
                break

    def open(self, fragment: str = "") -> None:
        """Load the page again, at this fragment."""
        self.page.goto("about:blank")
        self.page.goto(self.path.as_uri() + fragment)

    def stop_clock(self) -> "Clock":
        """Load the page again with a clock that goes on only by `run_for(milliseconds)`."""
        clock = self.page.clock
        clock.install(time=0)
        clock.pause_at(1)
        self.open()
        return clock

    @property
    def n(self) -> int:
        """The number of the event that is shown."""
        return int(self.page.locator("#slider").input_value())

    @property
    def sentence(self) -> str:
        return self.text("#sentence")

    def await_n(self, n: int) -> None:
        """Wait until event n is shown: the browser reports a new fragment with an event.
        (wait_for_function would evaluate code in the page, which its policy forbids.)"""
        from playwright.sync_api import expect

        expect(self.page.locator("#slider")).to_have_value(str(n))

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def find(self, **wanted: object) -> int:
        """Return the number of the first event, in a turn, that has these values."""
        return next(
            n
            for n, event in enumerate(self.events, 1)
            if event["k"] and all(event.get(key) == value for key, value in wanted.items())
        )

    def ends_of_turns(self) -> list[int]:
        return [n for n, event in enumerate(self.events, 1) if event["ev"] == "turned"]


Show = Callable[..., Viewer]


@pytest.fixture
def show(browser: "Browser", scene: str, tmp_path: Path) -> Iterator[Show]:
    """Show a trace, by default the scene's: with no error, no message, and no request but the
    one for its own file."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def shown(trace: str = scene, fragment: str = "", allow: str = "", **options: Any) -> Viewer:
        def watch(what: str) -> None:
            if not allow or not re.search(allow, what):
                wrong.append(what)

        context = new_context(browser, **{"viewport": {"width": 1280, "height": 720}} | options)
        contexts.append(context)
        path = tmp_path / f"page {len(contexts)}.html"
        path.write_text(make_page(trace), encoding="utf-8")
        page = context.new_page()
        page.on("pageerror", lambda error: watch(f"error: {error}"))
        page.on("console", lambda message: watch(f"console: {message.text}"))
        page.on("dialog", lambda dialog: watch(f"dialog: {dialog.message}"))
        page.on(
            "request",
            lambda request: (
                request.url.partition("#")[0] in (path.as_uri(), "about:blank")
                or watch(f"request: {request.url}")
            ),
        )
        viewer = Viewer(page, path, trace)
        viewer.open(fragment)
        return viewer

    yield shown
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def viewer(show: Show) -> Viewer:
    """The page with the trace of the scene, at its first event."""
    return show()


@pytest.fixture
def client_trace(tmp_path: Path) -> str:
    """Return the trace of a real client that finds no server."""
    path = tmp_path / "client.jsonl"
    words = [sys.executable, "client.py", "--port=1", "--trace", path, "127.0.0.1", os.devnull]
    subprocess.run(words, cwd=ROOT, check=False, timeout=LIMIT, capture_output=True)
    return path.read_text()


def lined(scene: str, **stacks: list[str]) -> str:
    """Return the scene with these stacks, by kind of event."""
    lines = [json.loads(line) for line in scene.splitlines()]
    made = ({**line, "stack": stacks.get(line["ev"], [])} for line in lines)
    return "".join(json.dumps(line) + "\n" for line in made)


def line_of(file: str, text: str) -> int:
    """Return the number of the line of a source file that contains `text`."""
    lines = (ROOT / file).read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)
