"""The scene of `make demo` and `make trace`: with --trace it is recorded, and a stranger comes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sample import sample
from tests.test_makefile import ROOT, make

LIMIT = 50.0


def demo(*words: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "lab.demo", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    path = tmp_path_factory.mktemp("demo") / "trace.jsonl"
    run = demo("--trace", path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1].startswith("scene    | c1 and c2 have the file")
    return [json.loads(line) for line in path.read_text().splitlines()]


def no_reader():
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full():
    return os.open("/dev/full", os.O_WRONLY)


def closed():
    return os.open(os.devnull, os.O_RDONLY)  # the wrong way round: writing fails with EBADF


@pytest.mark.fault("E14")
@pytest.mark.parametrize("output", sample([no_reader, full, closed], 2, 3))
def test_a_demo_that_nobody_can_read_ends_as_well_and_quietly(output):
    number = output()
    try:
        run = subprocess.run(
            [sys.executable, "-m", "lab.demo"],
            cwd=ROOT,
            stdout=number,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            check=False,
        )
    finally:
        os.close(number)
    assert (run.returncode, run.stderr) == (0, b"")


def events_of(trace: list[dict], on: str, ev: str) -> list[dict]:
    return [event for event in trace if event.get("on") == on and event["ev"] == ev]


def test_one_of_each_fate(recorded):
    ends = {e["on"]: e["how"].partition(":")[0] for e in recorded if e["ev"] == "close"}
    assert ends == {"c1": "done", "c2": "done", "c3": "refused", "c4": "late"}
    assert recorded[-1] == recorded[-1] | {"ev": "end", "dropped": 0}


def test_one_arrives_in_pieces_and_two_wait_to_write(recorded):
    assert [e["bytes"] for e in events_of(recorded, "c2", "rx")] == [3, 5, 0]
    for on in ("c1", "c2"):
        assert [e["bytes"] for e in events_of(recorded, on, "tx")] == [8, 50, 35]
        assert [e["now"] for e in events_of(recorded, on, "watch")] == ["r", "w", "r", ""]


def test_what_is_ready_in_each_turn(recorded):
    """What the documents quote: the same on any machine."""
    assert [["".join(pair) for pair in e["ready"]] for e in recorded if e["ev"] == "wake"] == [
        ["listenerr"], ["c1r", "c2r"], ["c1w"], ["c2r", "c3r"], ["c2w"], ["c1r", "c2r"], [], [],
        ["signalsr"],
    ]  # fmt: skip


def test_the_only_wake_ups_without_anybody_are_a_deadlines(recorded):
    empty = [e["k"] for e in recorded if e["ev"] == "wake" and not e["ready"]]
    fired = [e["k"] for e in recorded if e.get("op") == "fire"]
    assert empty == [fired[0] - 1, fired[0]]


def test_a_scene_is_short_enough_to_be_stepped_through(recorded):
    assert 100 < len(recorded) < 150


def test_a_trace_that_cannot_be_written_is_one_line(tmp_path):
    run = demo("--trace", tmp_path / "not there" / "trace.jsonl")
    assert run.returncode == 1
    assert "cannot trace to" in run.stdout
    assert run.stderr == "demo: FAILED: the server does not listen\n"


@pytest.mark.fault("E17")
def test_a_trace_that_is_the_standard_output_is_a_usage_error(tmp_path):
    with open(tmp_path / "trace", "ab") as stdout:
        run = subprocess.run(
            [sys.executable, "-m", "lab.demo", "--trace", stdout.name],
            cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
    assert run.returncode == 2
    assert run.stderr.endswith("error: --trace and standard output are the same file\n")
    assert (tmp_path / "trace").read_bytes() == b""


def test_another_option_is_a_usage_error():
    run = demo("--tracing=x")
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


def test_make_trace_needs_no_virtual_environment_and_takes_no_args():
    dry = make(ROOT, "--dry-run", "trace", "ARGS=-k prompt")
    assert dry.returncode == 0
    assert "venv" not in dry.stdout
    assert "build/trace.html" in dry.stdout


def test_arguments_for_the_tests_do_not_reach_the_demo(tmp_path):
    (tmp_path / "lab").mkdir()
    for name in ("Makefile", "lab/launch.py"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "lab/demo.py").write_text("import sys\nprint(sys.argv[1:])\n")
    assert make(tmp_path, "demo", "ARGS=-k prompt").stdout == "[]\n"


def test_make_trace_makes_a_page_and_says_where(tmp_path: Path):
    for path in (*ROOT.glob("*.py"), *ROOT.glob("edges/**/*.py"), *ROOT.glob("lab/tracing/**/*.*")):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".py", ".js", ".css", ".html"):
            copy.write_bytes(path.read_bytes())
    names = ("demo", "actors", "pieces", "posix", "scene", "svg", "launch")
    for name in ("Makefile", "sample.txt", *(f"lab/{each}.py" for each in names)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    run = make(tmp_path, "trace")
    assert run.returncode == 0, run.stdout + run.stderr
    html = (tmp_path / "build/trace.html").read_text()
    assert (tmp_path / "build/trace.jsonl").read_text().splitlines()[-1] in html
    assert f"made {(tmp_path / 'build/trace.html').as_uri()}: " in run.stdout.splitlines()[-1]
