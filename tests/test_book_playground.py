"""The playground in Chromium, from a file:// address: each exercise, and a reader's mistakes.

Needs build/book/playground.html and the group `browser`: `make test-book`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from lab.book import npm, play, playground
from tests.support.browser import LIMIT, ROOT, new_context

pytestmark = pytest.mark.book
PAGE = ROOT / "build/book/playground.html"
EXERCISES = {each["name"]: each for each in playground.exercises()}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """The playground, loaded once: it asks for nothing but itself."""
    wrong: list[str] = []
    context = new_context(browser, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((PAGE.as_uri(), "blob:", "about:", "data:"))
            or wrong.append(f"request: {request.url}")
        ),
    )
    page.goto(PAGE.as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    context.close()
    assert wrong == []


def open_exercise(page: Page, name: str) -> None:
    page.evaluate("location.hash = ''")
    expect(page.locator("#exercise")).to_have_value("")
    page.evaluate("name => { location.hash = `exercise=${name}`; }", name)
    expect(page.locator("#exercise")).to_have_value(name)
    expect(page.locator("#verdict")).to_have_text("")


def run(page: Page) -> str:
    """Press Run; return what came of it: held, broken or stopped."""
    page.locator("#run:enabled").click()
    return page.wait_for_selector("body[data-ran]").get_attribute("data-ran")


def write(page: Page, old: str, new: str) -> None:
    """Replace a line of the file that is shown, as a reader does: with the keyboard."""
    line = page.locator(".cm-line", has_text=old).first
    line.click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(new)


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_wrong_is_found_and_the_answer_passes(page, name):
    open_exercise(page, name)
    assert run(page) == "broken"
    assert page.locator("#verdict").inner_text() != ""
    page.locator("#answer").click()
    assert run(page) == "held"
    expect(page.locator("#verdict")).to_contain_text("Every rule held")


def test_the_run_is_shown_at_the_event_where_it_broke(page):
    open_exercise(page, "interest")
    run(page)
    words = page.locator("#verdict").inner_text()
    event = words.partition("event ")[2].partition(".")[0]
    expect(page.frame_locator("#stage").locator("#slider")).to_have_value(event)


def test_a_run_is_not_judged_in_another_exercise(page):
    open_exercise(page, "interest")
    page.locator("#run:enabled").wait_for()
    page.evaluate(
        "() => { document.getElementById('run').click(); location.hash = 'exercise=goodbye'; }"
    )
    page.wait_for_selector("body[data-ran]")
    expect(page.locator("#exercise")).to_have_value("goodbye")
    expect(page.locator("#verdict")).to_have_text("")
    expect(page.locator("#stage")).to_be_hidden()


def test_an_exception_is_shown_as_python_shows_it(page):
    open_exercise(page, "interest")
    write(page, "self.number = number", "self.number = numer")
    run(page)
    number = (ROOT / "server.py").read_text().splitlines().index("        self.number = number") + 1
    expect(page.locator("#error")).to_contain_text(f'File "server.py", line {number}, in __init__')
    expect(page.locator("#error")).to_contain_text("NameError: name 'numer' is not defined")
    page.locator("#reset").click()


def test_code_that_python_cannot_read_is_shown_with_its_line(page):
    open_exercise(page, "interest")
    write(page, "self.number = number", "self.number = (")
    assert run(page) == "broken"
    expect(page.locator("#error")).to_contain_text('File "server.py", line ')
    expect(page.locator("#error")).to_contain_text("SyntaxError")
    page.locator("#reset").click()


def test_a_link_carries_the_edit(page):
    open_exercise(page, "interest")
    write(page, "self.number = number", "self.number = 17")
    page.locator("#share").click()
    expect(page).to_have_url(re.compile("#edit="))
    address = page.url
    fresh = page.context.new_page()
    fresh.goto(address)
    expect(fresh.locator("#editor")).to_contain_text("class")
    open_file = "document.querySelector('#file').value"
    assert fresh.evaluate(open_file) == "server.py"
    assert "self.number = 17" in fresh.evaluate("window.edits()['server.py']")
    fresh.close()
    page.locator("#reset").click()


def test_one_step_back_leads_to_the_edit_that_a_link_was_made_of(page):
    open_exercise(page, "interest")
    write(page, "self.number = number", "self.number = 17")
    page.locator("#share").click()
    expect(page).to_have_url(re.compile("#edit="))
    edited = page.locator(".cm-line", has_text="self.number = 17")
    open_exercise(page, "interest")
    expect(edited).to_have_count(0)
    page.go_back()
    page.go_back()
    expect(edited).to_be_visible()
    page.locator("#reset").click()


HOLD = """() => {
    const {text} = Response.prototype;
    const gate = new Promise((open) => { window.release = open; });
    Response.prototype.text = async function () {
        Response.prototype.text = text;
        const found = await text.call(this);
        await gate;
        return found;
    };
}"""
GO = """(hash) => {
    const gone = new Promise((go) => addEventListener("hashchange", () => go(), {once: true}));
    location.hash = hash;
    return gone;
}"""


def test_a_link_that_is_left_before_it_is_unpacked_changes_nothing(page):
    open_exercise(page, "interest")
    write(page, "self.number = number", "self.number = 17")
    page.locator("#share").click()
    expect(page).to_have_url(re.compile("#edit="))
    address = page.url.partition("#")[2]
    open_exercise(page, "interest")
    page.evaluate(HOLD)
    page.evaluate(GO, address)
    page.evaluate(GO, "exercise=interest")
    page.evaluate("release()")
    assert "self.number = 17" not in page.evaluate("edits()['server.py']")


def test_a_damaged_link_is_reported_and_python_does_not_hide_it(page):
    fresh = page.context.new_page()
    fresh.goto(f"{PAGE.as_uri()}#edit=nonsense")
    fresh.wait_for_selector("body[data-ready]")
    expect(fresh.locator("#verdict")).to_have_text("This link is damaged: it holds no edit.")
    fresh.close()


# The page's own limit never comes: on a busy machine it might come before the hand.
NO_LIMIT = """() => {
    window.later = setTimeout;
    window.setTimeout = (act, ms) => ms < 10_000 ? later(act, ms) : 0;
}"""


def test_a_loop_without_end_is_stopped_by_hand(page):
    open_exercise(page, "interest")
    write(page, "self.number = number", "while True: pass")
    page.evaluate(NO_LIMIT)
    page.locator("#run:enabled").click()
    page.locator("#stop").click()
    page.evaluate("() => { window.setTimeout = later; }")
    expect(page.locator("#verdict")).to_have_text("Stopped.")
    page.locator("#reset").click()
    page.wait_for_selector("body[data-ready]")
    assert run(page) == "broken"


def test_a_loop_without_end_is_stopped_by_the_limit(page):
    open_exercise(page, "interest")
    write(page, "self.number = number", "while True: pass")
    assert run(page) == "stopped"
    expect(page.locator("#verdict")).to_contain_text("no end after 10 s")
    page.locator("#reset").click()
    page.wait_for_selector("body[data-ready]")


def test_on_a_phone_nothing_is_wider_than_the_window(page):
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 1280, "height": 900})


def test_each_exercise_names_one_place_of_the_core():
    for each in EXERCISES.values():
        assert (ROOT / each["file"]).read_text().count(each["find"]) == 1, each["name"]
        assert each["scene"] in play.SCENES


@pytest.mark.parametrize("scene", play.SCENES)
def test_every_scene_holds_for_eighty_itself(scene):
    assert play.play(scene, 1)["verdict"].count("Every rule held") == 1


def test_the_page_is_made_of_the_files_of_today():
    text = PAGE.read_text()
    start = text.index('id="data">') + len('id="data">')
    data = json.loads(text[start : text.index("</script>", start)])
    assert data["files"] == playground.files()


def test_without_npm_one_line_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(npm, "FOLDER", tmp_path)
    assert playground.missing() == "npm has not brought pyodide"
    assert "npm has not brought pyodide" in playground.absent_page(playground.missing())


def test_the_command_writes_one_file(tmp_path):
    path = tmp_path / "one.html"
    words = [sys.executable, "-m", "lab.book.playground", path]
    how: dict[str, Any] = {"capture_output": True, "text": True, "timeout": LIMIT}
    done = subprocess.run(words, cwd=ROOT, check=True, **how)
    assert done.stdout.endswith("needs no network\n")
    assert 6e6 < path.stat().st_size < 11e6
