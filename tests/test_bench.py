"""The bench: its load finds what is wrong, its figures come from its samples and nothing else."""

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.bench import (
    document,
    figures,
    install,
    machines,
    plots,
    processes,
    progress,
    rounds,
    scenes,
    sentences,
    starts,
    strace,
    subjects,
    svg,
    targets,
)
from lab.bench.processes import Failed
from lab.bench.results import load, ratios, save
from lab.progress import Line
from tests.support import terminals
from tests.support.peers import delivering
from tests.support.programs import HELLO, LIMIT, ROOT, conversation, read_to_end
from tests.test_makefile import make

SAMPLE = ROOT / "sample.txt"
TEST_LIMIT = 60.0  # seconds, of tests/conftest.py


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of what the bench needs, with the C programs built into it; nothing without Linux."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        return None
    root = tmp_path_factory.mktemp("bench") / "eighty"
    for name in ("lab", "edges"):
        shutil.copytree(ROOT / name, root / name)
    for path in (*ROOT.glob("*.py"), SAMPLE):
        shutil.copy(path, root)
    (root / "build").mkdir()
    for name in ("peers/epoll_server", "load", "hold"):
        source, program = root / f"lab/bench/{name}.c", root / "build" / Path(name).name
        words = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source]
        subprocess.run([compiler, *words], check=True)
    return root


@pytest.fixture
def stage(copy, not_here):
    if copy is None:
        not_here("the bench needs Linux and a C compiler")
    return copy


def run(stage: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    """Run a program of the stage to its end; a test that hangs is ended by its own limit."""
    command = [str(word) for word in words]
    return subprocess.run(
        command, cwd=stage, capture_output=True, text=True, timeout=TEST_LIMIT - 5, check=False
    )


def served(port: int) -> bool:
    """Tell whether a server delivers an exact copy."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as client:
        client.sendall(HELLO)
        return read_to_end(client) == conversation(SAMPLE.read_bytes())


@pytest.fixture
def port(stage):
    """The port of a server in C."""
    with subprocess.Popen(
        [stage / "build/epoll_server", SAMPLE], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield server.stdout.readline().rpartition(":")[2].strip()
        finally:
            server.kill()


@pytest.mark.parametrize("more", [[], ["together"]])
def test_the_load_makes_all_transfers_and_tells_how_long_they_took(stage, port, more):
    told = run(stage, "build/load", port, SAMPLE, 50, 8, *more)
    assert told.returncode == 0, told.stderr
    figures = json.loads(told.stdout)
    assert 0 < figures["p50"] <= figures["p90"] <= figures["p99"] <= figures["max"]
    assert figures["max"] <= 1e6 * figures["seconds"]


@pytest.mark.alone
def test_in_waves_nobody_is_served_before_all_are_connected(stage, port):
    alone = json.loads(run(stage, "build/load", port, SAMPLE, 400, 400, "together").stdout)
    assert alone["p50"] > alone["max"] / 10, "somebody was done long before the others"


@pytest.mark.parametrize("more", [[], ["together"]])
def test_the_load_finds_a_copy_that_is_not_the_file(stage, port, tmp_path, more):
    other = tmp_path / "other.txt"
    other.write_text(SAMPLE.read_text().replace("one", "two"))
    wrong = run(stage, "build/load", port, other, 50, 8, *more)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("load: wrong after ")


def test_when_an_address_has_no_port_left_the_next_one_takes_over(stage, port, traceable):
    failing = ["strace", "-o", "/dev/null", "-e", "inject=connect:error=EADDRNOTAVAIL:when=5"]
    told = run(stage, *failing, "build/load", port, SAMPLE, 20, 2)
    assert told.returncode == 0, told.stderr


def test_idle_clients_are_held_until_they_are_reported_to_end(stage, port):
    pipe = subprocess.PIPE
    with subprocess.Popen(["build/hold", port, "20"], cwd=stage, stdin=pipe, stdout=pipe) as hold:
        assert hold.stdout.readline() == b"holding\n"
        assert hold.poll() is None
        assert run(stage, "build/load", port, SAMPLE, 20, 2).returncode == 0
        hold.stdin.close()
        assert hold.wait(LIMIT) == 0


def test_a_restricted_run_prints_its_tables_and_leaves_the_document_alone(stage):
    words = ["--quick", "--rounds=1", "--only=eighty", "--scene=peers", "--scene=memory"]
    told = run(stage, sys.executable, "-m", "lab.bench", *words)
    assert told.returncode == 0, told.stderr
    assert "\n| C |" in told.stdout
    assert "\n| **eighty** |" in told.stdout
    assert len([line for line in told.stderr.splitlines() if "NOT RUN" not in line]) == 2
    folder = stage / "build/performance"
    names = {path.name for path in folder.iterdir()}
    assert names == {"results.json", "peers.svg", "latency.svg", "memory.svg"}
    assert not (stage / "docs").exists()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("--only nobody", "bench: no server 'nobody'; there are C, eighty, "),
        ("--also nothing", "bench: --also wants NAME=COMMAND, and got 'nothing'"),
        ("--also x='", "bench: No closing quotation"),
        ("--rounds 0", "argument --rounds: expected a whole number, 1 or more, got '0'"),
        ("--file /", "argument --file: expected a file of at most 80 bytes, got '/'"),
    ],
)
def test_what_cannot_be_measured_is_reported_in_one_line(stage, words, answer):
    told = run(stage, sys.executable, "-m", "lab.bench", *words.split())
    assert told.returncode in (1, 2)
    assert answer in told.stderr.splitlines()[-1]
    assert "Traceback" not in told.stderr


def test_the_help_says_what_each_option_does():
    words = [sys.executable, "-m", "lab.bench", "--help"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    options = re.findall(r"^  --.*(?:\n {4,}.*)*", told, re.MULTILINE)
    assert len(options) == 6
    for option in options:
        assert re.search(r"(?:  |\n {4,})[a-z].* .", option), option


def test_servers_that_do_not_start_or_listen_are_left_out_and_the_others_go_on(stage):
    words = ["--quick", "--rounds=1", "--only=eighty", "--also=deaf=false", "--also=no=/no/such"]
    told = run(stage, sys.executable, "-m", "lab.bench", *words)
    assert told.returncode == 0, told.stderr
    left_out = "FAILED, and left out: "
    assert f"{left_out}deaf: false did not print `listening on HOST:PORT` but ended" in told.stderr
    assert f"{left_out}no: /no/such: No such file" in told.stderr
    assert "\n| **eighty** |" in told.stdout


def test_ctrl_c_on_the_terminal_does_not_reach_the_servers(stage):
    cores = os.sched_getaffinity(0)
    with processes.Server([str(stage / "build/epoll_server")], SAMPLE, cores) as server:
        assert os.getpgid(server.process.pid) != os.getpgrp()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_says_so_and_takes_its_servers_along_without_a_word(stage, number):
    loud = f"--also=loud={sys.executable} server.py --host 127.0.0.1 --port 0"
    with subprocess.Popen(
        [sys.executable, "-m", "lab.bench", "--rounds=1000", "--only=loud", loud],
        cwd=stage, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
    ) as bench:  # fmt: skip
        while not bench.stderr.readline().startswith("c1 "):
            pass
        os.killpg(bench.pid, number)
        rest = bench.stderr.read()  # to its end: nobody holds it any more
    assert bench.returncode == 1
    lines = [line for line in rest.splitlines() if line and not re.match(r"c\d", line)]
    assert lines == ["bench: interrupted; no figures"]


def test_whole_processes_are_measured_from_their_start(stage):
    told = run(stage, sys.executable, "-m", "lab.bench", "--quick", "--scene=start")
    assert told.returncode == 0, told.stderr
    for name in (starts.NOTHING, starts.IMPORTS, starts.CLIENT, starts.SERVER):
        assert re.search(rf"\n\| \W*{re.escape(name)}\W* \| \d+\.\d \| ", told.stdout), name
    (found,) = load(stage / "build/performance")["scenes"].values()
    assert [len(row["wall"]) for row in found["rows"]] == 4 * [found["rounds"]]
    assert all(cpu > 0 for row in found["rows"] for cpu in row["cpu"])


def test_a_profile_is_a_table_of_functions_or_says_that_there_was_no_time(stage):
    told = run(stage, sys.executable, "-m", "lab.bench", "--quick", "--scene=profile")
    assert told.returncode == 0, told.stderr
    # The kernel samples at its own ticks, and may not have met the server at work at all.
    found = re.search(r"\| function \(\d+ samples\) \||not measured long enough", told.stdout)
    assert found, told.stdout


def test_the_profiler_gives_the_function_that_runs_its_points(stage):
    """A program that computes until the profiler has seen it: no clock, no share of a processor."""
    (stage / "busy.py").write_text(BUSY)
    words = ["lab/bench/starters/profiled.py", "points", "busy.py"]
    assert run(stage, sys.executable, *words).returncode == 0
    points = json.loads((stage / "points").read_text())
    assert max(points, key=points.get) == "busy.py compute"


BUSY = """
import os, signal

ticks = []
sample = signal.getsignal(signal.SIGVTALRM)
signal.signal(signal.SIGVTALRM, lambda *what: (sample(*what), ticks.append(1)))

def compute():
    os.kill(os.getpid(), signal.SIGUSR1)  # it begins
    while len(ticks) < 5:
        pass

compute()
"""


def test_a_process_that_fails_has_no_figures():
    with pytest.raises(Failed, match="it ends with 3: python3 -c"):
        starts.ended("-c", "raise SystemExit(3)")
    with pytest.raises(Failed, match="it ends with -15: python3 -c"):
        starts.ended("-c", "import os; os.kill(os.getpid(), 15)")


def test_a_copy_that_is_not_the_file_has_no_figures(tmp_path):
    other = conversation(b"another\n")
    with delivering(other) as port, pytest.raises(Failed, match="is not the file"):
        starts.fetched(str(port), SAMPLE, tmp_path / "copy")


def test_starts_that_cannot_be_measured_cost_no_other_scene(monkeypatch, capsys):
    def fail(*_):
        raise Failed("because")

    monkeypatch.setattr(starts, "rows", fail)
    found = scenes.start(scenes.Plan(SAMPLE, set(), quick=True))
    assert (found["rows"], found["not run"]) == ([], {"start": "because"})
    assert "FAILED, and left out: start: because" in capsys.readouterr().err


def test_without_a_compiler_one_line_says_so(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "lab/bench", tmp_path / "lab/bench")
    told = make(tmp_path, "CC=no-such-compiler", "build/load")
    assert told.returncode == 2
    line, _of_make_itself = told.stderr.splitlines()
    assert line == "the bench needs a C compiler, and there is no no-such-compiler here"


def test_a_peer_whose_package_is_missing_is_left_out_with_its_reason(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert subjects.missing()["trio"] == "trio is not installed"
    assert "trio" not in subjects.known()
    assert "asyncio Protocol" in subjects.known()


def test_a_package_that_cannot_be_installed_costs_no_other(monkeypatch, capsys):
    tried = []

    def pip(command, **_options):
        tried.append(command[-1])
        return subprocess.CompletedProcess(command, "gevent" in command[-1])

    monkeypatch.setattr(subprocess, "run", pip)
    install.main()
    assert {"trio", "uvloop"} <= {name.partition(">")[0] for name in tried}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("NOT INSTALLED: gevent")


@pytest.mark.parametrize("kind", ["PollSelector", "SelectSelector"])
def test_the_starter_puts_another_selector_under_the_server(tmp_path, kind):
    trace = tmp_path / "trace.jsonl"
    starter = (str(ROOT / "lab/bench/starters/with_selector.py"), kind)
    command = subjects.eighty("-q", "--trace", str(trace), starter=starter)
    with subprocess.Popen([*command, SAMPLE], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline().rpartition(":")[2])
        assert served(port)
        server.terminate()
    assert json.loads(trace.read_text().splitlines()[0])["selector"] == kind


def test_the_profile_names_functions(tmp_path):
    output = tmp_path / "profile.json"
    starter = (str(ROOT / "lab/bench/starters/profiled.py"), str(output))
    command = subjects.eighty("-q", starter=starter)
    with subprocess.Popen([*command, SAMPLE], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline().rpartition(":")[2])
        assert served(port)
        server.send_signal(signal.SIGVTALRM)  # as if the timer had ticked
        server.terminate()
    (name,) = json.loads(output.read_text())
    known = {path.name for path in (*ROOT.glob("*.py"), *ROOT.glob("edges/*.py"))}
    assert name.partition(" ")[0] in {*known, "socket.py"}, "the one sample was taken in the loop"


def test_calls_are_counted_per_transfer():
    lines = ["accept4(3, ...) = 7", "recvfrom(7, ...) = 8", "recvfrom(7, ...) = 0"]
    assert strace.per_transfer(lines, 2) == {"recvfrom": 1.0, "accept4": 0.5}


def test_off_a_terminal_progress_is_a_line_per_scene(capsys):
    shown = progress.Progress()
    for scene in ("one", "two"):
        shown.begin(scene, 1000)
        for _ in range(1000):
            shown.step("something")
    shown.end()
    assert capsys.readouterr().err.count("\n") == 2


def test_on_a_terminal_progress_is_one_line_in_place(monkeypatch):
    keyboard, terminal = os.openpty()
    with os.fdopen(keyboard, "rb", 0), os.fdopen(terminal, "wb", 0):
        monkeypatch.setattr(progress, "Line", partial(Line, terminal))
        shown = progress.Progress()
        shown.begin("peers", 2)
        shown.step("eighty")
        shown.step("C")
        shown.end()
        seen = terminals.shown(keyboard, terminal)
    assert re.fullmatch(
        r"\rbench: +\d s: peers, 1 of 2: eighty +\rbench: +\d s: peers, 2 of 2: C +\r +\r", seen
    ), seen


# What a run could have found, as small as it can be.
FOUND: dict[str, Any] = {
    "circumstances": {
        "date": "2026-01-02", "processor": "P", "cores": "2", "system": "Linux 6", "Python": "3.11",
        "load average": "0.1 0.1 0.1",
    },
    "scenes": {
        "peers": {
            "rounds": 2,
            "not run": {"trio": "trio is not installed"},
            "rows": [
                {
                    "name": name, "at": 0, "user": user, "cpu": cpu, "rate": [9000, 9001],
                    "busy": [0.5, 0.97 if name == "C" else 0.5],
                    "p50": [1, 1], "p90": [2, 2], "p99": [3, 3], "max": [40, 40],
                }
                for name, user, cpu in [
                    ("C", 0.1, [10.0, 20.0]), ("eighty", 0.5, [15.0, 30.0]),
                    ("uvloop Protocol", 0.5, [15.0, 40.0]),
                ]
            ],
        },
        "idle": {
            "rows": [
                {"name": name, "at": at, "cpu": [cpu]}
                for name in ("C", "eighty")
                for at, cpu in [(0, 20.0), (10_000, 22.0)]
            ],
        },
        "memory": {"rows": [{"name": "eighty", "at": 0, "bytes": [640.2]}]},
        "start": {
            "rounds": 2,
            "rows": [
                {"name": name, "at": 0, "wall": wall, "cpu": cpu}
                for name, wall, cpu in [
                    (starts.IMPORTS, [20.0, 40.0], [10.0, 10.0]),
                    (starts.CLIENT, [32.0, 60.0], [14.0, 15.0]),
                ]
            ],
        },
    },
}  # fmt: skip


def test_results_are_read_as_they_were_saved_a_list_of_samples_to_a_line(tmp_path):
    save(FOUND, tmp_path)
    assert load(tmp_path) == FOUND
    assert '   "cpu": [10.0, 20.0],\n' in (tmp_path / "results.json").read_text()


def test_a_ratio_is_taken_within_a_round():
    assert ratios({"cpu": [15.0, 30.0]}, {"cpu": [10.0, 20.0]}) == [1.5, 1.5]


def test_each_machine_keeps_the_summary_of_its_latest_run():
    older = machines.with_others(FOUND, [])
    changed = FOUND | {"circumstances": FOUND["circumstances"] | {"date": "2026-02-03"}}
    assert len(machines.with_others(changed, older["machines"])["machines"]) == 1, "the same one"
    changed["circumstances"]["processor"] = "Q"
    both = machines.with_others(changed, older["machines"])
    assert [(m["processor"], m["date"]) for m in both["machines"]] == [
        ("P", "2026-01-02"), ("Q", "2026-02-03"),
    ]  # fmt: skip
    assert "| Q, 2026-02-03 | C | 15.0 | 1.5 | 13.5 | 1.50 times as much |" in machines.table(both)


def test_the_headline_is_a_range_over_machines_and_scenes():
    found = machines.with_others(FOUND, [])
    other = json.loads(json.dumps(found["machines"][0]).replace('"P"', '"Q"'))
    other["servers"]["C"]["eighty"] = 1.2
    words = " ".join(machines.answer(machines.with_others(FOUND, [other])).split())
    assert "**20 to 22 microseconds**" in words  # in `idle`, and in `peers`
    assert "1.20 to 1.50 times that of the bare epoll server in C" in words
    assert machines.scenes(found).splitlines()[2:] == [
        "| peers | 22.5 | 1.50 |", "| idle | 20.0 | 1.00 |",
    ]  # fmt: skip


def test_the_tables_follow_from_the_samples():
    ours = "| **eighty** | 22.5 | 11.2 | 11.2 | 1.50 (1.50 to 1.50) | 9,000 |"
    assert ours in figures.peers(FOUND)
    assert "| **eighty** | 20.0 | 22.0 | 1.10 |" in figures.TABLES["idle"](FOUND)
    assert f"| `{starts.IMPORTS}` | 30.0 | 1.00 (1.00 to 1.00) | 10.0 |" in figures.start(FOUND)
    ours = f"| **{starts.CLIENT}** | 46.0 | 1.55 (1.52 to 1.58) | 14.5 | 1.45 (1.42 to 1.48) |"
    assert ours in figures.start(FOUND)
    words = " ".join(
        (sentences.circumstances(FOUND) + machines.answer(machines.with_others(FOUND, []))).split()
    )
    assert "Not run: trio (trio is not installed)." in words
    assert "depending on the machine and the scene: 1.50 times that of the bare epoll" in words


def test_where_the_load_has_nothing_to_spare_the_throughput_is_a_lower_bound():
    busy = {"scenes": {"peers": {"rows": [dict(FOUND["scenes"]["peers"]["rows"][0], busy=[0.99])]}}}
    assert "| ≥ 9,000 |" in figures.peers(busy)


def test_each_target_is_judged_by_its_median():
    table = targets.table(FOUND)
    assert "times C | 1.6, then 1.5 | 1.50 (1.50 to 1.50) | **reached**, the second too |" in table
    assert "times uvloop's Protocol | 0.9, then 0.85 | 0.88 (0.81 to 0.94) | **reached** |" in table
    assert "times none | 1.05 | 1.10 | missed |" in table
    assert "per idle client | 700, then 614 | 640 | **reached** |" in table
    assert (
        "`client.py` end to end, times the bare imports | 2, then 1.5 | 1.55 (1.52 to 1.58) |"
        in table
    )
    assert table.count("not measured") == 3


def test_a_scene_that_was_not_played_leaves_its_table_empty():
    older = FOUND | {"scenes": {n: s for n, s in FOUND["scenes"].items() if n != "start"}}
    page = "<!-- bench: start -->\n<!-- end of bench -->\n"
    assert document.rewritten(page, older).count("\n| ") == 2  # head and rule
    assert targets.table(older).count("not measured") == 4


def test_the_profile_says_how_many_microseconds_of_a_transfer_a_function_has():
    samples = {"profile": {"samples": {"reactor.py Reactor.turn": 3, "others": 1}}}
    found = figures.profile({"scenes": FOUND["scenes"] | samples})  # 22.5 us, half of it user time
    assert "| `reactor.py Reactor.turn` | 75 % | 8.4 |" in found
    assert "| `reactor.py Reactor.turn` | 75 % |  |" in figures.profile({"scenes": samples})


def test_what_lies_between_c_and_python_and_eighty_is_said_only_if_all_three_are_there():
    assert sentences.limit(FOUND).startswith("Not all")
    peers = [*FOUND["scenes"]["peers"]["rows"], {"name": subjects.BARE, "cpu": [20.0, 22.0]}]
    words = " ".join(sentences.limit({"scenes": {"peers": {"rows": peers}}}).split())
    assert "needs 6.0 more than C, and eighty needs 1.5 more than the bare loop" in words


def test_a_profile_without_a_sample_says_so():
    assert figures.profile({"scenes": {"profile": {"samples": {}}}}).startswith("It was not meas")


def test_names_that_would_overlap_move_apart_evenly():
    assert svg.apart([10, 100, 60], 16) == [10, 100, 60]
    assert svg.apart([50, 54], 16) == [44, 60]
    assert svg.apart([20, 10, 12], 16) == [30, -2, 14]
    assert svg.apart([43, 53, 60, 0], 16) == [36, 52, 68, 0]


def test_the_plots_are_pictures_for_light_and_dark_with_a_name_for_each_curve():
    drawn = plots.drawn(FOUND)
    assert set(drawn) == {"peers.svg", "latency.svg", "idle.svg", "memory.svg"}
    for text in drawn.values():
        words = [element.text for element in ET.fromstring(text).iter() if element.text]
        assert "eighty" in words
        assert "prefers-color-scheme: dark" in text
    assert "22 µs, 1.50 ×" in drawn["peers.svg"]


def contrast(one, other):
    """The contrast of two colours by the rules for web content (WCAG 2.2): 1 to 21."""
    lights = []
    for colour in (one, other):
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        lights.append(0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
    return max(lights) / min(lights)


def test_every_colour_stands_out_from_a_light_page_and_from_a_dark_one():
    for style, page in zip(svg.STYLE.split("@media"), ("#ffffff", "#0d1117"), strict=True):
        colours = dict(re.findall(r"(?:^|\.| )([a-z-]+) \{[^}]*fill: (#\w+)", style, re.MULTILINE))
        del colours["grid"]  # which is there to be overlooked
        assert {"text", "small", "ours-text"} < set(colours)
        for name, colour in colours.items():
            least = 4.5 if name in ("text", "small", "ours-text") else 3
            assert contrast(colour, page) >= least, (name, page)


def test_a_legend_shows_the_colours_that_it_explains():
    picture = ET.fromstring(plots.drawn(FOUND)["peers.svg"])
    samples = [rect.get("class") for rect in picture.iter() if rect.get("height") == "12"]
    assert samples == [svg.INK, svg.OURS, svg.MUTED, svg.OURS_PALE]


def test_nothing_of_a_plot_lies_outside_of_it():
    for name, text in plots.drawn(load(document.FOLDER)).items():
        picture = ET.fromstring(text)
        width, height = float(picture.get("width")), float(picture.get("height"))
        for element in picture.iter():
            for axis, end in (("x", width), ("cx", width), ("y", height), ("cy", height)):
                assert 0 <= float(element.get(axis) or 0) <= end, (name, element.attrib)


def test_the_document_and_its_plots_are_what_the_results_say():
    results, text = load(document.FOLDER), document.PAGE.read_text()
    assert document.PART.search(text)
    assert document.rewritten(text, results) == text, "make docs"
    drawn = plots.drawn(results)
    for name, plot in drawn.items():
        assert (document.FOLDER / name).read_text() == plot, "make docs"
        assert f"(performance/{name})" in text, "a plot that nobody sees"
    assert {path.name for path in document.FOLDER.iterdir()} == {"results.json", *drawn}


def test_the_text_explains_the_system_calls_of_one_transfer_and_no_others():
    text = document.PAGE.read_text()
    chapter = text[text.index("### One transfer") : text.index("### What Python does")]
    listed = chapter[chapter.index("\n1. ") :]
    seen = strace.per_transfer(load(document.FOLDER)["scenes"]["calls"]["one"], 1)
    assert set(re.findall(r"`([a-z0-9_]+)`", listed)) == set(seen)


def test_every_table_and_sentence_that_can_be_made_is_in_the_document():
    assert set(document.PART.findall(document.PAGE.read_text())) == set(figures.PARTS)


def test_too_few_ticks_say_nothing_about_user_and_system(stage, port):
    seat = rounds.Seat.__new__(rounds.Seat)
    seat.subject, seat.transfers = subjects.Subject("x", ()), 1
    seat.samples = [{"cpu": 1.0}]
    seat.ticks = [rounds.ENOUGH // 2, rounds.ENOUGH // 2 - 1]
    assert seat.row()["user"] is None
    seat.ticks = [rounds.ENOUGH, rounds.ENOUGH]
    assert seat.row()["user"] == 0.5
