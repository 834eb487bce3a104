"""The pictures of the README: one in which a cursor moves, and one that a phone can show."""

import io
import re
from xml.etree import ElementTree

import pytest

from lab.tracing import events, lanes
from lab.tracing.layout import Layout
from lab.tracing.motion import TIMES
from tests.support.programs import ROOT
from tests.support.traces import GOOD, Story

SVG = "{http://www.w3.org/2000/svg}"
NAMES = sorted(GOOD)


def width(text):
    return int(ElementTree.fromstring(text).get("width"))


def steps(text):
    """Return the keyframes: pairs of percents and pixels."""
    found = re.findall(r"([\d.]+)%\{transform:translate\((\d+)px\)\}", text)
    return [(float(at), int(x)) for at, x in found]


@pytest.mark.parametrize("name", NAMES)
def test_the_cursor_goes_from_left_to_right_and_out_of_sight(name):
    text = lanes.moving(GOOD[name]().trace())
    found = steps(text)
    assert found == sorted(found)
    assert found[0] == (0.0, 0)
    assert found[-1] == (100.0, width(text))
    assert f"linear {TIMES}}}" in text  # and not for ever


@pytest.mark.parametrize("name", NAMES)
def test_it_stays_where_the_loop_sleeps(name):
    trace = GOOD[name]().trace()
    found = steps(lanes.moving(trace))
    stays = [x for (_, x), (_, before) in zip(found[1:], found, strict=False) if x == before]
    layout = Layout(trace)
    asleep = [column.end - layout.left for column in layout.columns if column.kind == "asleep"]
    assert set(asleep) <= set(stays)


@pytest.mark.parametrize("name", NAMES)
def test_the_moving_picture_is_the_still_one_and_a_cursor(name):
    trace = GOOD[name]().trace()
    still, moving = lanes.picture(trace), lanes.moving(trace)
    without = re.sub(r'<g class="head".*</g>\n', "", moving)
    without = re.sub(r"@media\(prefers-reduced-motion:no-preference\)\{.*(?=</style>)", "", without)
    assert without == still
    assert "animation" not in still


def test_without_motion_the_cursor_is_out_of_sight():
    text = lanes.moving(GOOD[NAMES[0]]().trace())
    before, _, rules = text.partition("@media(prefers-reduced-motion:no-preference){")
    assert "animation" not in before
    assert "animation" in rules
    assert f'<g class="head" transform="translate({width(text)})">' in text


@pytest.mark.parametrize("draw", [lanes.moving, lanes.narrow])
@pytest.mark.parametrize("name", NAMES)
def test_they_run_nothing_and_load_nothing(name, draw):
    text = draw(GOOD[name]().trace())
    assert text.count("http") == 1, "the name of the SVG namespace"
    assert not re.search(r"<script|href|url\(|@import|<image|<foreignObject|\son\w+=", text)


def test_the_narrow_picture_of_the_readme_fits_a_phone():
    trace = events.read(io.BytesIO((ROOT / "docs/lanes.jsonl").read_bytes()))
    text = lanes.narrow(trace)
    assert width(text) <= lanes.PHONE
    assert re.search(r"One thread, turns 2 to \d of its loop", text)


def test_a_run_without_a_turn_has_a_narrow_picture_too():
    assert "One thread" in lanes.narrow(Story("server").trace())


@pytest.mark.parametrize("kind", ["moving", "narrow"])
def test_the_pictures_of_the_readme_are_drawn_by_this_very_code(kind):
    trace = events.read(io.BytesIO((ROOT / "docs/lanes.jsonl").read_bytes()))
    name = f"docs/lanes-{kind}.svg"
    again = f"run: python3 -m lab.tracing lanes --{kind} docs/lanes.jsonl -o {name}"
    assert (ROOT / name).read_text() == getattr(lanes, kind)(trace), again
