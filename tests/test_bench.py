"""The bench: its load finds a wrong copy, its servers deliver right ones, the table comes out."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "sample.txt"


@pytest.fixture
def stage(tmp_path, not_here):
    """A copy of what the bench needs, with the C programs built into it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or compiler is None:
        not_here("the bench needs Linux and a C compiler")
    for name in ("bench", "edges"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for path in (*ROOT.glob("*.py"), SAMPLE):
        shutil.copy(path, tmp_path)
    (tmp_path / "build").mkdir()
    for name in ("epoll_server", "load"):
        source, program = tmp_path / f"bench/{name}.c", tmp_path / "build" / name
        words = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source]
        subprocess.run([compiler, *words], check=True)
    return tmp_path


def run(stage: Path, *words: object) -> "subprocess.CompletedProcess[str]":
    """Run a program of the stage to its end."""
    command = [str(word) for word in words]
    return subprocess.run(
        command, cwd=stage, capture_output=True, text=True, timeout=30, check=False
    )


def test_the_table_has_a_line_for_every_server_that_is_installed(stage):
    table = run(stage, sys.executable, "bench/cpu.py", "--rounds=1", "--transfers=40")
    assert table.returncode == 0, table.stderr
    for name in ("C, epoll", "eighty", "Python, bare epoll", "asyncio"):
        assert f"\n{name} " in table.stdout
    assert ("\nuvloop " in table.stdout) != ("NOT RUN: uvloop" in table.stderr)


def test_memory_per_client_comes_out_for_every_server(stage):
    table = run(stage, sys.executable, "bench/memory.py", "--clients=20")
    assert table.returncode == 0, table.stderr
    assert table.stdout.count("octets per waiting client") >= 4


def test_the_load_finds_a_copy_that_is_not_the_file(stage):
    (stage / "other.txt").write_text(SAMPLE.read_text().replace("one", "two"))
    with subprocess.Popen(
        [stage / "build/epoll_server", SAMPLE], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            port = server.stdout.readline().rpartition(":")[2].strip()
            right = run(stage, "build/load", port, SAMPLE, 50, 8)
            wrong = run(stage, "build/load", port, "other.txt", 50, 8)
        finally:
            server.kill()
    assert right.returncode == 0, right.stderr
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("load: wrong after ")
