"""The scoreboard shows what was recorded, and nothing is missing from it."""

import pytest

from lab.documents import scoreboard
from learn.grade import ROWS
from learn.museum.catalogue import EXHIBITS
from learn.museum.measure import red_rows
from tests.support.sample import sample

COLUMNS = list(scoreboard.columns())
RECORD = scoreboard.record()


def names(group):
    return [one.name for one in COLUMNS if one.group == group]


def test_the_picture_and_the_page_are_those_of_the_records():
    assert scoreboard.PICTURE.read_text(encoding="utf-8") == scoreboard.picture()
    assert scoreboard.PAGE.read_text(encoding="utf-8") == scoreboard.page()


def test_each_server_here_has_its_column():
    assert names("steps")[0] == "2" and "13" in names("steps")
    assert names("twins") == ["protocol", "streams", "generator", "threads"]
    assert names("exhibits") == [str(one.number) for one in EXHIBITS if one.sound != "client.py"]
    assert all((scoreboard.ROOT / one.file).is_file() for one in COLUMNS)


def test_a_cell_is_red_where_the_record_says_so_and_empty_where_an_exhibit_was_built_without_it():
    cells = {(one.group, one.name): one.cells for one in COLUMNS}
    assert cells["exhibits", "5"]["garbage"] == "red"
    assert cells["exhibits", "5"]["silent"] == "ok"
    assert cells["exhibits", "5"]["interrupt"] == "none"
    assert cells["steps", "2"]["silent"] == "red"
    assert set(cells["eighty", "eighty"].values()) == {"ok"}


@pytest.mark.parametrize("name", scoreboard.measured())
def test_twins_and_eighty_stand_today_what_was_recorded(name):
    lucky = scoreboard.record("sometimes")[name]
    rows = [row for row in sample(ROWS, list(RECORD).index(name)) if row not in lucky]
    recorded = [row for row in rows if row not in RECORD[name]]
    assert red_rows(scoreboard.measured()[name], rows, recorded) == recorded


def test_the_servers_that_people_learn_from_have_a_cell_for_each_situation():
    found = scoreboard.tutorials()
    assert len(found) > 15
    assert {len(one.cells) for one in found} == {len(scoreboard.SITUATIONS)}
    assert all(0 < len(one.name) <= scoreboard.LONGEST for one in found)


def test_the_picture_is_as_wide_as_a_telephone_and_has_a_dark_form():
    text = scoreboard.picture()
    assert f'viewBox="0 0 {scoreboard.WIDTH} ' in text
    assert scoreboard.WIDTH <= 390
    assert "prefers-color-scheme: dark" in text


def test_without_an_option_the_page_is_printed_and_nothing_is_written(capsys, monkeypatch):
    monkeypatch.setattr(scoreboard, "PAGE", None)
    monkeypatch.setattr(scoreboard, "PICTURE", None)
    scoreboard.main([])
    assert capsys.readouterr().out == scoreboard.page()
