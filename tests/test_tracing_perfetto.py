"""The export is what the Chrome Trace Event Format asks for. (That Perfetto itself reads it: see
tests/test_page_perfetto.py.)"""

import json
from collections import Counter

import pytest

from lab.tracing import perfetto
from tests.support.traces import GOOD, three_clients


def exported(story):
    return json.loads(perfetto.export(story.trace()))["traceEvents"]


def of(records, phase):
    return [record for record in records if record["ph"] == phase]


@pytest.mark.parametrize("name", GOOD)
def test_each_record_has_what_the_format_asks_for(name):
    for record in exported(GOOD[name]()):
        assert {"ph", "name", "ts", "pid", "tid"} <= record.keys()
        assert (record["ph"] == "X") == ("dur" in record)
        assert (record["ph"] in "be") == ("id" in record)


@pytest.mark.parametrize("name", GOOD)
def test_slices_of_the_loop_nest(name):
    slices = [(r["ts"], r["ts"] + r["dur"]) for r in of(exported(GOOD[name]()), "X")]
    for first, last in slices:
        for start, end in slices:
            apart = end <= first or last <= start
            inside = (first <= start and end <= last) or (start <= first and last <= end)
            assert apart or inside


@pytest.mark.parametrize("name", GOOD)
def test_each_sleep_and_each_call_is_a_slice(name):
    story = GOOD[name]()
    names = Counter(record["name"] for record in of(exported(story), "X"))
    events = Counter(line.get("cb", line["ev"]) for line in story.lines if line["ev"] != "done")
    assert names.pop("asleep") == events["select"]
    assert names == {name: events[name] for name in names}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_begun_is_ended(name):
    open_ = Counter()
    for record in exported(GOOD[name]()):
        if record["ph"] in "be":
            open_[record["id"], record["name"]] += 1 if record["ph"] == "b" else -1
    assert open_ and not any(open_.values())


def test_states_stand_in_their_connection():
    records = [r for r in exported(three_clients()) if r.get("id", "").startswith("c1 ")]
    assert [(r["ph"], r["name"]) for r in records] == [
        ("b", "c1"), ("b", "HELLO_SENT"), ("e", "HELLO_SENT"), ("b", "SENDING"), ("e", "SENDING"),
        ("b", "DONE"), ("e", "DONE"), ("e", "c1"),
    ]  # fmt: skip


def test_bytes_are_instants():
    instants = [record["name"] for record in of(exported(three_clients()), "i")]
    assert instants[:3] == ["c1 sends 8", "c2 sends 8", "c1 receives 8"]


def test_what_a_crash_cut_off_ends_with_the_trace():
    for cut in range(2, 80):
        story = three_clients()
        story.lines = story.lines[:cut]
        records = exported(story)
        begun = Counter(record["ph"] for record in records)
        assert begun["b"] == begun["e"]
        assert all(record.get("dur", 0) >= 0 for record in records)
