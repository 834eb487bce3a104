"""Firefox and WebKit, each with what its package brings: no browser and no driver from elsewhere.

Owns starting, driving and ending them. Firefox is driven by Mozilla's own Marionette. WebKit is
driven by Selenium through WebKitWebDriver, and needs a screen: Xvfb. Used by test_page_engines.py;
Chromium is in browser.py.
"""

import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from marionette_driver.marionette import Marionette
from selenium.webdriver import ActionChains, WebKitGTK, WebKitGTKOptions, WebKitGTKService

from tests.support.browser import LIMIT

SCRIPT_LIMIT = 4 * LIMIT  # some scripts of tests go through a whole run
SIZES = "return [innerWidth, innerHeight, outerWidth, outerHeight]"
MINI = "usr/lib/*/webkit2gtk-4.*/MiniBrowser"


class Engine:
    """A browser with one window."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.go("about:blank")  # a change of the fragment alone would not load the page again
        self.go(url)

    def go(self, url: str) -> None:
        raise NotImplementedError

    def run(self, script: str, *arguments: object) -> Any:
        """Return what the body of a function returns, run in the page."""
        raise NotImplementedError

    def press(self, *keys: str) -> None:
        """Press and release keys, as a person does."""
        raise NotImplementedError

    def resize(self, width: int, height: int) -> None:
        """Make the page this large. The window is larger by its frame, and takes its time."""

        def fits() -> bool:
            x, y, outer_x, outer_y = self.run(SIZES)
            if (x, y) != (width, height):
                self.resize_window(width + outer_x - x, height + outer_y - y)
            return (x, y) == (width, height)

        await_true(fits)

    def resize_window(self, width: int, height: int) -> None:
        raise NotImplementedError


class Firefox(Engine):
    """Firefox: `driver` is a Marionette."""

    def go(self, url: str) -> None:
        self.driver.navigate(url)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, arguments)

    def press(self, *keys: str) -> None:
        self.driver.actions.sequence("key", "keys").send_keys(keys).perform()

    def resize_window(self, width: int, height: int) -> None:
        self.driver.set_window_rect(width=width, height=height)


class WebKit(Engine):
    """WebKit: `driver` is a Selenium driver."""

    def go(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def resize_window(self, width: int, height: int) -> None:
        self.driver.set_window_size(width, height)


def need(found: str | None, name: str, package: str) -> str:
    """Return what was found, or skip the test. REQUIRE_ENGINES=1 makes a lack a failure."""
    if found is None:
        missing = f"there is no {name} here (Debian: apt-get install {package})"
        if os.environ.get("REQUIRE_ENGINES"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@contextmanager
def firefox(folder: Path) -> Iterator[Firefox]:
    """Start Firefox with a profile of its own, which asks no service for anything."""
    found = shutil.which("firefox-esr") or shutil.which("firefox")
    path = need(found, "Firefox", "firefox-esr")
    files = {"workspace": str(folder), "gecko_log": str(folder / "firefox.log")}
    with warnings.catch_warnings():
        # Until Firefox listens, each attempt to connect leaves a socket for the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        driver = Marionette(app="fxdesktop", bin=path, port=0, headless=True, **files)
    try:
        driver.start_session()
        driver.timeout.script = SCRIPT_LIMIT
        yield Firefox(driver)
    finally:
        driver.cleanup()


@contextmanager
def webkit(folder: Path) -> Iterator[WebKit]:
    """Start a screen, the driver and the browser."""
    path = need(shutil.which("WebKitWebDriver"), "WebKitWebDriver", "webkit2gtk-driver")
    browser = next(map(str, Path("/").glob(MINI)), None)
    options = WebKitGTKOptions()
    options.binary_location = need(browser, "MiniBrowser", "webkit2gtk-driver")
    options.add_argument("--automation")
    with screen() as display:
        home = {"DISPLAY": display, "HOME": str(folder), "WEBKIT_DISABLE_COMPOSITING_MODE": "1"}
        log = str(folder / "webkit.log")
        service = WebKitGTKService(path, log_output=log, env=os.environ | home)
        with WebKitGTK(options, service) as driver:
            driver.set_script_timeout(SCRIPT_LIMIT)
            yield WebKit(driver)


@contextmanager
def screen() -> Iterator[str]:
    """Start Xvfb. It chooses a display, and writes its number."""
    path = need(shutil.which("Xvfb"), "Xvfb", "xvfb")
    reading, writing = os.pipe()
    words = [path, "-displayfd", str(writing), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"]
    with (
        os.fdopen(reading) as said,
        subprocess.Popen(words, pass_fds=[writing], stderr=subprocess.DEVNULL) as xvfb,
    ):
        os.close(writing)
        try:
            yield f":{said.readline().strip()}"
        finally:
            xvfb.terminate()


def await_true(condition: Callable[[], bool]) -> None:
    """Wait for a page, which tells nobody what it does."""
    until = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < until, f"not so after {LIMIT:.0f} s"
        time.sleep(0.05)
