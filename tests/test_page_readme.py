"""The first picture of the README in a browser: which one is shown where, and that it moves."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import new_context
from tests.support.programs import ROOT

pytestmark = pytest.mark.browser

[PICTURE] = re.findall(r"<picture>.*?</picture>", (ROOT / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize(
    ("width", "motion", "shown"),
    [
        (1280, "no-preference", "lanes-moving.svg"),
        (1280, "reduce", "lanes.svg"),
        (390, "no-preference", "lanes-narrow.svg"),
        (390, "reduce", "lanes-narrow.svg"),
    ],
)
def test_which_picture_is_shown(browser: Browser, tmp_path: Path, width, motion, shown):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "readme.html").write_text(f"<!DOCTYPE html>{PICTURE}")
    size = {"width": width, "height": 800}
    context = new_context(browser, viewport=size, reduced_motion=motion)
    page = context.new_page()
    page.goto((tmp_path / "readme.html").as_uri())
    image = page.locator("img")
    source = image.evaluate("async img => { await img.decode(); return img.currentSrc; }")
    assert source.rpartition("/")[2] == shown
    assert image.evaluate("img => img.naturalWidth") > 300
    context.close()


@pytest.mark.parametrize(("motion", "moving"), [("no-preference", 1), ("reduce", 0)])
def test_the_cursor_moves_unless_the_reader_wants_no_motion(browser: Browser, motion, moving):
    context = new_context(browser, reduced_motion=motion)
    page = context.new_page()
    page.goto((ROOT / "docs/lanes-moving.svg").as_uri())
    assert page.evaluate("document.getAnimations().length") == moving
    context.close()
