"""The picture of a run: everything that happened is in it, in its order, and the same each time."""

import re
from xml.etree import ElementTree

import pytest

from lab.documents import lanes as document
from lab.tracing import lanes, palette
from lab.tracing.layout import GAP, MOST_LANES, MOST_TURNS, Layout
from tests.support.traces import (
    GOOD,
    ServerStory,
    Story,
    download,
    one_transfer,
    three_clients,
    written,
)

SVG = "{http://www.w3.org/2000/svg}"


def drawn(story):
    return ElementTree.fromstring(lanes.picture(story.trace()))


def words(picture):
    return [element.text for element in picture.iter(f"{SVG}text")]


def laid_out(story):
    return Layout(story.trace())


# --- what is in it


AGAIN = "run: make docs"


def test_the_picture_of_the_readme_is_of_a_real_run_and_drawn_by_this_very_code():
    assert document.PICTURE.read_text() == document.picture(document.TRACE.read_text()), AGAIN


def test_the_recorded_run_names_lines_of_todays_source():
    assert document.stale(document.TRACE.read_text()) == [], AGAIN


def test_a_line_that_has_moved_is_seen():
    text = document.TRACE.read_text()
    for at in ("reactor.py", "server.py", "connection.py"):
        moved = re.sub(rf"{at}:(\d+)", lambda m: f"{m[0].split(':')[0]}:{int(m[1]) + 1}", text)
        assert document.stale(moved), at
    assert document.stale('{"ev":"run"}\n{"ev":"turned"}\n{"ev":"end"}\n')


def test_the_document_quotes_the_recorded_run():
    page = document.PAGE.read_text()
    assert document.rewritten(page, document.TRACE.read_text()) == page, AGAIN
    assert document.quoted(document.TRACE.read_text()) in page


@pytest.mark.parametrize("name", GOOD)
def test_each_thing_that_was_done_has_its_mark(name):
    story = GOOD[name]()
    count = {
        "accept": "open", "recv": "rx", "send": "tx", "half": "half", "close": "close",
        "error": "error",
    }  # fmt: skip
    marks = [mark.glyph for mark in laid_out(story).marks]
    events = [line["ev"] for line in story.lines]
    for glyph, ev in count.items():
        assert marks.count(glyph) == events.count(ev), glyph
    fires = [line for line in story.lines if line.get("op") == "fire"]
    assert marks.count("fire") == len(fires)


@pytest.mark.parametrize("name", GOOD)
def test_what_came_later_is_further_right(name):
    layout = laid_out(GOOD[name]())
    places = [mark.x for mark in layout.marks]
    assert places == sorted(set(places))
    edges = [edge for column in layout.columns for edge in (column.x, column.end)]
    assert edges == sorted(edges)


@pytest.mark.parametrize("name", GOOD)
def test_each_mark_is_in_a_call_of_its_lane(name):
    layout = laid_out(GOOD[name]())
    for mark in layout.marks:
        if mark.glyph != "close" or mark.on != "connection":  # a client leaves after its last turn
            assert [b for b in layout.boxes if b.on == mark.on and b.x < mark.x < b.end], mark


def test_states_follow_each_other_without_a_gap():
    bands = [band for band in laid_out(three_clients()).bands if band.on == "c1"]
    assert [band.state for band in bands] == ["HELLO_SENT", "SENDING", "DONE"]
    assert [band.end for band in bands[:-1]] == [band.x for band in bands[1:]]
    assert [band.how for band in bands] == ["", "", "done"]


def test_a_lane_for_each_that_is_called_in_the_order_of_the_first_calls():
    assert laid_out(three_clients()).lanes == ["listener", "c1", "c2", "c3", "signals"]
    assert laid_out(download()).lanes == ["download", "connection"]


def test_while_it_sleeps_one_sees_what_is_watched_and_what_wakes_it():
    column = next(c for c in laid_out(three_clients()).columns if (c.kind, c.k) == ("asleep", 3))
    assert column.watched == {"signals": "r", "listener": "r", "c1": "w", "c2": "r"}
    assert column.ready == {"c1": "w", "c2": "r"}
    assert (column.slept, column.end - column.x) == (1010, GAP)


def test_a_call_in_a_call_hangs_from_it():
    boxes = {(box.on, box.cb): box.caller for box in laid_out(three_clients()).boxes}
    assert boxes["c1", "ServerConnection.start"] == "listener"
    assert boxes["listener", "Listener.on_readable"] == ""


def test_what_a_crash_cut_off_reaches_to_the_edge():
    story = three_clients()
    for cut in range(2, len(story.lines)):
        story.lines = three_clients().lines[:cut]
        layout = laid_out(story)
        assert all(0 < thing.end <= layout.x for thing in [*layout.columns, *layout.boxes])
        drawn(story)


# --- strips: a part of a run


def stripped(story, first, last):
    return ElementTree.fromstring(lanes.strip(story.trace(), first, last))


def test_a_strip_shows_the_lanes_in_which_something_happens():
    story = three_clients()
    first = next(line["n"] for line in story.lines if line["ev"] == "select" and line["k"] == 3)
    last = next(line["n"] for line in story.lines if line["ev"] == "turned" and line["k"] == 3)
    seen = words(stripped(story, first, last))
    assert seen[0] == f"Events {first} to {last}."
    assert {"the loop", "turn 3", "c1", "c2"} <= set(seen)
    assert not {"turn 2", "turn 4", "c3", "listener"} & set(seen)


@pytest.mark.parametrize("name", GOOD)
def test_a_strip_is_a_part_of_the_whole_wherever_it_is_cut(name):
    """Each event's marks and calls, and what is open at the cut, with nothing of the rest."""
    trace = GOOD[name]().trace()
    whole = Layout(trace)
    for first in range(1, len(trace.events)):
        part = Layout(trace, first, first + 9)
        kinds = [mark.glyph for mark in part.marks if mark.glyph != "work"]
        expected = [
            mark.glyph for mark in Layout(trace, 1, first + 9).marks if mark.glyph != "work"
        ]
        assert expected[len(expected) - len(kinds) :] == kinds
        assert {band.on for band in part.bands} <= {band.on for band in whole.bands}
        assert part.x >= part.left


# --- its readers


def test_a_reader_who_cannot_see_it_has_a_description():
    picture = drawn(three_clients())
    assert picture.get("role") == "img"
    named = picture.get("aria-labelledby").split()
    title, description = (next(e for e in picture if e.get("id") == name) for name in named)
    assert title.text == "3 connections, one thread, 9 turns of its loop"
    assert "c1: HELLO_SENT, SENDING, DONE, closed: done." in description.text
    assert "c3: HELLO_SENT, closed: refused." in description.text


def test_states_are_named_and_not_only_coloured():
    assert {"HELLO_SENT", "SENDING", "DONE", "done"} <= set(words(drawn(one_transfer())))


def luminance(colour):
    """WCAG 2.1, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


PAIRS = [
    ("ink", "paper"), ("ink", "stripe"), ("quiet", "paper"), ("quiet", "stripe"), ("turn", "awake"),
    ("ready", "pill"), ("ink", "greeting"), ("ink", "moving"), ("ink", "over"), ("ink", "other"),
    ("ink", "box"),
]  # fmt: skip


@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_words_can_be_read_on_their_ground(colours):
    for front, ground in PAIRS:
        light, dark = sorted((luminance(colours[front]), luminance(colours[ground])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, ground)


def test_light_and_dark_have_the_same_colours_to_give():
    assert palette.LIGHT.keys() == palette.DARK.keys()
    assert palette.STYLE.count("@media(prefers-color-scheme:dark)") == 1


# --- nothing but itself


@pytest.mark.parametrize("name", GOOD)
def test_it_runs_nothing_and_loads_nothing(name):
    text = lanes.picture(GOOD[name]().trace())
    assert text.count("http") == 1, "the name of the SVG namespace"
    assert not re.search(r"<script|href|url\(|@import|<image|<foreignObject|\son\w+=", text)


def test_what_comes_from_outside_is_text():
    story = ServerStory()
    with story.turn(("listener", "r")), story.call("listener", "<b>&\"'.on_readable"):
        story.begin("c1")
    story.lines[-1]["on"] = story.lines[-3]["on"] = '<script>alert("&")</script>'
    for line in story.lines:
        if line.get("on") == "c1":
            line["on"] = "</svg><script>"
    picture = drawn(story)
    assert "</svg><script>" in words(picture)
    assert not list(picture.iter(f"{SVG}script"))


# --- large runs


def test_a_long_run_is_drawn_from_its_beginning_and_says_so():
    story = Story("server")
    for _ in range(MOST_TURNS + 50):
        with story.turn(("signals", "r")), story.call("signals", "Signals.on_readable"):
            pass
    assert len([c for c in laid_out(story).columns if c.kind == "turn"]) == MOST_TURNS
    assert f"250 turns of its loop, the first {MOST_TURNS} shown." in words(drawn(story))[0]


def test_a_crowd_is_drawn_from_the_first_and_it_says_so():
    story = ServerStory()
    for number in range(1, 61):
        story.welcome(f"c{number}")
    picture = drawn(story)
    assert f"{MOST_LANES} lanes of 61 shown" in words(picture)[0]
    assert "c39" in words(picture) and "c40" not in words(picture)


@pytest.mark.parametrize(
    ("microseconds", "spoken"),
    [(0, "0"), (999, "999"), (1000, "1.0 m"), (9949, "9.9 m"), (9950, "10 m"), (999_499, "999 m"),
     (999_500, "1.0 "), (12_340_000, "12.3 ")],
)  # fmt: skip
def test_a_length_of_time_is_said_as_people_say_it(microseconds, spoken):
    expected = f"{spoken} \N{MICRO SIGN}s" if microseconds < 1000 else f"{spoken}s"
    assert lanes.spoken(microseconds) == expected


def test_the_same_trace_gives_the_same_bytes():
    text = written(three_clients().lines)
    assert len({lanes.picture(three_clients().trace()) for _ in range(3)}) == 1
    assert text == three_clients().text()
