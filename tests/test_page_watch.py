"""The page of `make watch`, in a real browser, beside a real server that records."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import LIMIT, new_context
from tests.support.programs import ROOT, Program, Server

pytestmark = pytest.mark.browser

RUN = '{"n":1,"t":%d,"k":0,"ev":"run","v":1,"role":"server"}\n'
SLEEP = '{"n":2,"t":9,"k":1,"ev":"select","timeout_ms":null,"fds":1}\n'


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with Program("lab.watch", "run.jsonl", cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}) as watch:
        yield watch.expect(r"open (http://\S+)", stdout=True, limit=LIMIT)[1]
        watch.send_signal(signal.SIGINT)
        assert watch.wait(LIMIT) == 0
        assert watch.stderr == ""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, with no error, and no request but its own two."""
    wrong: list[str] = []
    size = {"width": 1280, "height": 720}
    context = new_context(browser, viewport=size, reduced_motion="reduce")
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    allowed = (address, f"{address}events")
    page.on("request", lambda one: None if one.url in allowed else wrong.append(one.url))
    page.goto(address)
    expect(page.locator("#sentence")).to_have_text("Waiting for the run to begin.")
    yield page
    context.close()
    assert wrong == []


def await_events(page: Page, count: int, at: int) -> None:
    """Wait until the page has `count` events, and shows event `at`."""
    expect(page.locator("#slider")).to_have_attribute("max", str(count))
    expect(page.locator("#slider")).to_have_value(str(at))


def count(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def test_the_page_follows_a_server_from_its_first_event_to_its_last(page: Page, tmp_path: Path):
    path = tmp_path / "run.jsonl"
    (tmp_path / "file.txt").write_text("a file\n")
    with Server(tmp_path / "file.txt", "--trace", path) as server:
        server.fall_asleep()
        await_events(page, count(path), count(path))
        before = count(path)
        server.fetch()
        server.fall_asleep()
        assert count(path) > before
        await_events(page, count(path), count(path))
        assert page.locator("#source .now").count() == 1  # the line that runs is in the page
        page.keyboard.press("Home")
        server.fetch()
        server.fall_asleep()
        await_events(page, count(path), 1)  # it has all, and stays where the reader is
        page.keyboard.press("End")
        server.stop()
    await_events(page, count(path), count(path))
    assert "no end" not in page.locator("#run").inner_text()


def test_a_new_run_takes_the_place_of_the_old_one(page: Page, tmp_path: Path):
    path = tmp_path / "run.jsonl"
    path.write_text(RUN % 1 + SLEEP)
    await_events(page, 2, 2)
    path.write_text("")
    expect(page.locator("#sentence")).to_have_text("Waiting for the run to begin.")
    path.write_text(RUN % 2)
    await_events(page, 1, 1)


def test_lines_that_are_no_trace_are_one_sentence(page: Page, tmp_path: Path):
    (tmp_path / "run.jsonl").write_text(RUN % 1 + "<b>\n" + SLEEP)
    expect(page.locator("#sentence")).to_have_text(
        "This is not a trace: line 2 is not a JSON object."
    )


def await_now(page: Page, act: Callable[[], object]) -> None:
    """Do something, and wait until the page has heard that it has all lines."""
    heard = "document.body.dataset.heard"
    page.evaluate(f"() => live.stream.addEventListener('now', () => {{ {heard} = 'now'; }})")
    act()
    expect(page.locator("body")).to_have_attribute("data-heard", "now")


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_after_a_line_that_is_none_of_a_trace_its_sentence_stays(page: Page, tmp_path: Path):
    path = tmp_path / "run.jsonl"
    path.write_text(RUN % 1 + "<b>\n" + SLEEP)
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text("line 2")
    await_now(page, lambda: append(path, SLEEP))
    assert "line 2" in sentence.inner_text()


def test_a_reader_who_opens_a_file_follows_no_more(page: Page, tmp_path: Path):
    path = tmp_path / "run.jsonl"
    path.write_text(RUN % 1)
    await_events(page, 1, 1)
    other = {"name": "other.jsonl", "mimeType": "text/plain"}
    page.locator("#file").set_input_files({**other, "buffer": (RUN % 2 + 2 * SLEEP).encode()})
    await_events(page, 3, 1)
    await_now(page, lambda: append(path, SLEEP))
    assert page.locator("#slider").get_attribute("max") == "3"


def test_another_browser_follows_the_same_run(page: Page, browser: Browser, address, tmp_path):
    (tmp_path / "run.jsonl").write_text(RUN % 1 + SLEEP)
    await_events(page, 2, 2)
    context = new_context(browser)
    other = context.new_page()
    other.goto(address)
    await_events(other, 2, 2)
    context.close()
