"""docs/trace.md is true: its schema is what real traces follow, and says what the reader says."""

import functools
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from lab.documents.document import ROOT, blocks
from lab.tracing import events
from tests.support.programs import Server, reset, run_client
from tests.support.sample import examples, sample
from tests.support.traces import GOOD, one_transfer, three_clients
from tests.test_trace import recorded
from tests.test_tracing_events import KEY, VALUES

DOCUMENT = "docs/trace.md"
LANES = Path(ROOT, "docs/lanes.jsonl")
JSON = [block.text for block in blocks(DOCUMENT) if block.language == "json"]
# Messages about two keys of one event, which no schema can relate.
SENSE = re.compile("bytes is|in_ms belongs|for nothing at all|a key stands twice")


@functools.cache
def validator():
    [schema] = [text for text in JSON if "$schema" in text]
    loaded = json.loads(schema)
    Draft202012Validator.check_schema(loaded)
    return Draft202012Validator(loaded)


def table():
    """Return the keys of each event, as the table of the document has them."""
    _, _, text = Path(ROOT, DOCUMENT).read_text().partition("| `ev` | keys | when |\n")
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", text, re.MULTILINE)
    return {ev: re.findall(r"`(\w+)`", keys) for ev, keys in rows}


def problems(line):
    return [error.message for error in validator().iter_errors(line)]


def follows(data):
    """Assert that each line of a trace follows the schema, and that the reader takes it."""
    lines = [json.loads(line) for line in data.splitlines()]
    assert len(events.read(io.BytesIO(data)).events) == len(lines) > 3
    for line in lines:
        assert problems(line) == [], line
    return {line["ev"] for line in lines}


# --- the document and the reader


def test_the_table_has_the_events_and_keys_of_the_reader():
    known = {ev: [*keys, *events.OPTIONAL.get(ev, {})] for ev, keys in events.KEYS.items()}
    assert table() == known


def test_the_schema_has_the_events_and_keys_of_the_reader():
    rules = [rule for rule in validator().schema["allOf"] if "properties" in rule["then"]]
    required, properties = {}, {}
    for rule in rules:
        ev = rule["if"]["properties"]["ev"]["const"]
        required[ev] = rule["then"]["required"]
        properties[ev] = set(rule["then"]["properties"])
    assert required == {ev: list(keys) for ev, keys in events.KEYS.items()}
    assert properties == {
        ev: keys.keys() | events.OPTIONAL.get(ev, {}).keys() for ev, keys in events.KEYS.items()
    }


def test_the_example_is_a_part_of_the_run_that_the_picture_shows():
    [example] = [text for text in JSON if "$schema" not in text]
    without_stacks = re.sub(r',"stack":\[[^\]]*\]', "", LANES.read_text())
    assert example in without_stacks
    first, last = (
        json.loads(line)["n"] for line in (example.splitlines()[0], example.splitlines()[-1])
    )
    assert f"These are lines {first} to {last} of" in Path(ROOT, DOCUMENT).read_text()


# --- real traces


def test_the_run_of_the_picture_follows_the_schema():
    follows(LANES.read_bytes())


def test_real_runs_follow_the_schema(tmp_path):
    run, copy, fetched = (tmp_path / name for name in ("run", "copy", "fetched"))
    with Server("-q", "--trace", run, "--timeout", 0.3, "--chunk", 50) as server:
        client = ("--port", server.port, "--trace", fetched, "127.0.0.1", copy)
        assert run_client(*client).status == 0
        with server.connect() as stranger, server.connect() as late, server.connect() as gone:
            stranger.sendall(b"\x1b]0;\xff\n")
            reset(gone)
            assert stranger.recv(100)
            while late.recv(100):
                pass
    assert follows(run.read_bytes()) == events.KEYS.keys()
    assert follows(fetched.read_bytes()) <= events.KEYS.keys()


@pytest.mark.parametrize("seed", sample(range(8), 1, 4))
def test_simulated_runs_follow_the_schema(seed):
    for data in recorded(seed):
        follows(data)


@pytest.mark.parametrize("name", GOOD)
def test_traces_made_by_hand_follow_the_schema(name):
    follows(GOOD[name]().text().encode())


# --- the schema and the reader


def refused(line):
    """Return why the reader refuses a line; "": it does not."""
    try:
        events.parsed(json.dumps(line).encode() + b"\n")
    except ValueError as error:
        return str(error)
    return ""


def whole_floats(value):
    """Tell whether there is a number like 1.0, which is an integer to a schema, and not to us."""
    if isinstance(value, list | dict):
        return any(map(whole_floats, value.values() if isinstance(value, dict) else value))
    return isinstance(value, float) and value == value and abs(value) >= 0 and value % 1 == 0


LINES = [*three_clients().lines, *GOOD["a late client"]().lines, *GOOD["a download"]().lines]


@settings(max_examples=examples(400))
@given(st.sampled_from(LINES), KEY, VALUES)
def test_the_reader_refuses_what_the_schema_refuses(line, key, value):
    line = line | {key: value}
    why = refused(line)
    if why.startswith("not JSON: ") or whole_floats(value) or SENSE.search(why):
        return
    assert bool(problems(line)) == bool(why), (line, why)


@given(st.sampled_from(LINES), st.data())
def test_the_reader_misses_what_the_schema_misses(line, data):
    key = data.draw(st.sampled_from(sorted(line)))
    rest = {name: value for name, value in line.items() if name != key}
    why = refused(rest)
    if not SENSE.search(why):
        assert bool(problems(rest)) == bool(why), (rest, why)


def test_what_is_unknown_is_no_error():
    line = one_transfer().lines[5]
    assert problems(line | {"colour": "red"}) == []
    assert problems(line | {"ev": "flush"}) == []
    assert problems(line | {"n": "6"}) != []
