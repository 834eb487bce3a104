"""The book as `make book` has built it: in a browser, from a file:// address.

Needs build/book and the group `browser`: `make test-book`.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from lab.book import cut, dead
from tests.support.browser import ROOT, new_context

pytestmark = pytest.mark.book
BOOK = ROOT / "build/book"
CHAPTER = "docs/05-where-is-a-clients-progress-kept.html"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that may ask for nothing but files of the book, and must not complain."""
    wrong: list[str] = []
    context = new_context(browser, viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on("console", lambda message: wrong.append(f"console: {message.text}"))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((BOOK.as_uri(), "about:", "blob:", "data:"))
            or wrong.append(f"request: {request.url}")
        ),
    )
    yield page
    context.close()
    assert wrong == []


def open_page(page: Page, name: str) -> None:
    page.goto(f"{BOOK.as_uri()}/{name}")


def chapters() -> list[str]:
    return [f"{each.name}.html" for each in cut.pages() if each.document == cut.CHAPTERS]


def test_no_link_is_dead_and_nothing_is_loaded_from_elsewhere():
    assert dead.check(BOOK) == []


def test_next_leads_through_all_chapters(page):
    names = chapters()
    open_page(page, names[0])
    for name in names[1:]:
        page.locator("a.next-page").click()
        expect(page).to_have_url(f"{BOOK.as_uri()}/{name}")
    page.locator("a.prev-page").click()
    expect(page).to_have_url(f"{BOOK.as_uri()}/{names[-2]}")


def test_the_search_finds_text_and_code(page):
    open_page(page, "search.html?q=DeadlineQueue")
    expect(page.locator("#search-results a[href*='source/reactor.py']").first).to_be_visible()


def test_a_link_into_code_shows_the_line(page):
    number = (ROOT / "reactor.py").read_text().splitlines().index("class Reactor:") + 1
    open_page(page, f"source/reactor.py.html#L{number}")
    line = page.locator(f"#L{number}")
    expect(line).to_be_in_viewport()
    expect(line).to_contain_text("class Reactor:")


def find_stage() -> str:
    """Return the first page that shows the recorded run."""
    return next(name for name in chapters() if 'class="stage"' in (BOOK / name).read_text())


def test_the_recorded_run_is_shown_at_its_event_and_can_be_stepped(page):
    open_page(page, find_stage())
    frame = page.locator(".stage iframe").first
    frame.scroll_into_view_if_needed()
    event = frame.get_attribute("src").partition("#e=")[2]
    shown = page.frame_locator(".stage iframe").first
    expect(shown.locator("#slider")).to_have_value(event)
    shown.locator("#next").click()
    expect(shown.locator("#slider")).to_have_value(str(int(event) + 1))


def test_diagrams_are_drawn(page):
    open_page(page, "protocol.html")
    expect(page.locator("pre.mermaid svg")).to_have_count(3)


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_the_window(page, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    for name in ("index.html", *chapters(), "docs/scoreboard.html", "source/reactor.py.html"):
        open_page(page, name)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_printed_it_holds_text_without_frames(page):
    page.emulate_media(media="print")
    open_page(page, find_stage())
    expect(page.locator(".stage").first).to_be_hidden()
    expect(page.locator("h1")).to_be_visible()


def test_a_dead_link_and_a_request_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html">b</a><a href="#x">x</a><a id="y" href="#y">y</a>'
    )
    (tmp_path / "c.html").write_text('<script src="https://example.org/x.js"></script>')
    faults = dead.check(tmp_path)
    assert [fault.partition(": ")[2] for fault in faults] == [
        "b.html: there is no such file",
        "#x: there is no such anchor",
        "would ask another host: https://example.org/x.js",
    ]


def test_headings_have_the_anchors_of_a_code_host():
    assert cut.slugs(["4. What is an `event` loop?", "Try", "Try"]) == [
        "4-what-is-an-event-loop",
        "try",
        "try-1",
    ]


def test_parts_are_those_of_the_list_of_contents():
    text = "# B\n\n| | **Part one: a** | |\n| 0 | [Why?](#0-why) | 5 |\n\n## 0. Why?\n\n## More\n"
    assert [page.part for page in cut.chapters(text)] == ["", "Part one: a", ""]


def test_parts_and_chapters_are_cut_and_fences_are_not():
    text = "# Book\n\n```\n## no\n```\n\n# Part one\n\n## 1. First?\n\n### Sub\n"
    pages = cut.chapters(text)
    assert [(each.name, each.part) for each in pages] == [
        ("docs/protocol", ""),
        ("docs/01-first", "Part one"),
    ]
    assert pages[1].text == "# 1. First?\n\n## Sub\n"
