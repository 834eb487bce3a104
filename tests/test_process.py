"""The first and the last moment of a process: Ctrl+C before there is a loop, signals after it."""

import ast
import gc
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from edges import process
from tests.support.programs import LIMIT, ROOT, Server
from tests.support.stage import directed

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BACKGROUND = (signal.SIGTTOU, signal.SIGTTIN)


@pytest.fixture(autouse=True)
def handlers(monkeypatch):
    """Put back what stood there, and let the test begin as Python does."""
    monkeypatch.setattr(process, "ours", False)  # `begin` sets it for the whole process
    before = {number: signal.getsignal(number) for number in STOPS + BACKGROUND}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.fault("D17")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (signal.default_int_handler, signal.SIG_DFL),
        (signal.SIG_IGN, signal.SIG_IGN),
        (signal.SIG_DFL, signal.SIG_DFL),
    ],
)
def test_at_first_ctrl_c_ends_the_process_unless_it_is_ignored(before, after):
    signal.signal(signal.SIGINT, before)
    process.begin()
    assert signal.getsignal(signal.SIGINT) is after
    assert process.ours


@pytest.mark.fault("E13")
def test_using_the_terminal_from_the_background_stops_no_program():
    for number in BACKGROUND:
        signal.signal(number, signal.SIG_DFL)
    process.begin()
    assert [signal.getsignal(number) for number in BACKGROUND] == 2 * [signal.SIG_IGN]


def test_the_end_is_the_status_and_no_signal_is_handled_otherwise_than_before(monkeypatch):
    """What could change the status is ignored by then: Signals has seen to it."""
    monkeypatch.setattr(gc, "freeze", lambda: None)  # the next test tells
    before = [signal.getsignal(number) for number in STOPS]
    with pytest.raises(SystemExit) as raised:
        process.end(7)
    assert raised.value.code == 7
    assert [signal.getsignal(number) for number in STOPS] == before


@pytest.mark.parametrize("looked_at", [False, True])
def test_the_end_leaves_out_the_search_for_cycles_but_in_development_mode(monkeypatch, looked_at):
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    monkeypatch.setattr(sys, "flags", SimpleNamespace(dev_mode=looked_at))
    with pytest.raises(SystemExit):
        process.end(0)
    assert frozen == ([] if looked_at else [True])


@pytest.mark.fault("E19")
@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ((3, 10, 13, "final", 0), "eighty needs Python 3.11 or newer; this is Python 3.10.13"),
        ((3, 11, 0, "final", 0), None),
        ((4, 0, 0, "final", 0), None),
    ],
)
def test_the_version_decides_and_the_sentence_is_the_status(monkeypatch, version, sentence):
    monkeypatch.setattr(sys, "version_info", version)
    if sentence is None:
        process.require_python()
    else:
        with pytest.raises(SystemExit) as raised:
            process.require_python()
        assert raised.value.code == sentence


def run_program(name, before, *arguments, flags=()):
    """Run a program to its end, after other code; return how it ended."""
    with directed("import atexit, gc, os, signal, sys", before) as env:
        return subprocess.run(
            [sys.executable, *flags, *(["-m", name] if "lab." in name else [name]), *arguments],
            cwd=ROOT,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )


@pytest.mark.fault("D15")
@pytest.mark.parametrize("words", [("server.py", "/"), ("client.py", "localhost", "/")])
@pytest.mark.parametrize("number", STOPS)
def test_a_signal_while_the_interpreter_leaves_changes_no_status(words, number):
    name, *arguments = words
    late = f"atexit.register(lambda: os.kill(os.getpid(), {int(number)}))"
    assert run_program(name, late, *arguments).returncode == 1  # "/" is no file


@pytest.mark.parametrize("words", [("server.py", "/"), ("client.py", "localhost", "/")])
@pytest.mark.parametrize(("flags", "looked_at"), [((), False), (("-X", "dev"), True)])
def test_only_in_development_mode_the_end_looks_for_what_was_left(words, flags, looked_at):
    name, *arguments = words
    late = 'atexit.register(lambda: os.write(1, b"%d" % gc.get_freeze_count()))'
    ended = run_program(name, late, *arguments, flags=flags)
    assert (int(ended.stdout) == 0) == looked_at
    assert ended.returncode == 1  # "/" is no file


@pytest.mark.fault("D15")
@pytest.mark.parametrize(
    "words",
    [
        ("server.py", "/"),
        ("client.py", "::1", "/"),
        ("lab.demo",),
        ("lab.swarm",),
        ("lab.scale",),
    ],
)
def test_ctrl_c_while_the_modules_are_imported_shows_no_traceback(words):
    """The import of `protocol`, which all of them need, is when it comes."""
    name, *arguments = words
    early = """
class Early:
    def find_spec(self, name, path=None, target=None):
        if name == "protocol":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Early())
"""
    ended = run_program(name, early, *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("name", ["server.py", "client.py"])
def test_a_program_may_be_reached_by_a_link(name, tmp_path):
    os.symlink(ROOT / name, tmp_path / "link")
    ended = subprocess.run(
        [sys.executable, tmp_path / "link", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.fault("E18")
@pytest.mark.parametrize("name", ["server.py", "client.py"])
@pytest.mark.parametrize("how", ["-P", "-I", "PYTHONSAFEPATH"])
def test_a_python_that_trusts_no_folder_still_finds_the_programs_own_modules(name, how, tmp_path):
    flags, env = ([how], {}) if how.startswith("-") else ([], {how: "1"})
    ended = subprocess.run(
        [sys.executable, *flags, ROOT / name, "--version"],
        cwd=tmp_path,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("eighty ")


PROGRAMS = ["server.py", "client.py"]
BEFORE_THE_CHECK = [*PROGRAMS, "edges/__init__.py", "edges/process.py", "learn/__init__.py"]
STARTED = [*([name] for name in PROGRAMS), ["-m", "lab.demo"], ["-m", "learn.grade"]]
OLD_PYTHONS = [(3, 8), (3, 9), (3, 10)]


@pytest.mark.fault("E19")
@pytest.mark.parametrize("version", OLD_PYTHONS, ids=str)
@pytest.mark.parametrize("name", BEFORE_THE_CHECK)
def test_what_an_old_python_reads_before_the_check_is_in_its_grammar(name, version):
    ast.parse((ROOT / name).read_text(), feature_version=version)


@pytest.mark.fault("E19")
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_old_python_gets_one_sentence(name):
    """An old Python that is only said to be one."""
    early = "sys.version_info = (3, 10, 13, 'final', 0)"
    ended = run_program(name, early, "--version")
    sentence = "eighty needs Python 3.11 or newer; this is Python 3.10.13\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", sentence)


def real_python(version):
    """Return the path of a Python of this version; None: there is none here."""
    name = "python{}.{}".format(*version)
    places = glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version[0]}.{version[1]}.*/bin"))
    for path in filter(None, [*(f"{place}/{name}" for place in places), shutil.which(name)]):
        trial = subprocess.run([path, "-c", ""], capture_output=True, check=False)
        if trial.returncode == 0:
            return path
    return None


@pytest.mark.fault("E19")
@pytest.mark.parametrize("version", OLD_PYTHONS, ids=str)
def test_a_real_old_python_gets_one_sentence(version, not_here):
    python = real_python(version)
    if python is None:
        not_here("Python {}.{}".format(*version))
    for words in STARTED:
        ended = subprocess.run(
            [python, "-B", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stdout) == (1, "")
        assert re.fullmatch("eighty needs Python 3.11 or newer; this is .*\n", ended.stderr)


COLOURS = '''
"""argparse as Python 3.14 has it: help in colours, unless an attribute says no."""
import importlib.util, sys, sysconfig
path = sysconfig.get_path("stdlib") + "/argparse.py"
spec = importlib.util.spec_from_file_location("argparse", path)
exec(spec.loader.get_code("argparse"))

ArgumentParser.color = True
plain_help = ArgumentParser.format_help

def format_help(self):
    text = plain_help(self)
    return text.replace("usage: ", "\\x1b[1;34musage: \\x1b[0m") if self.color else text

ArgumentParser.format_help = format_help
'''


@pytest.mark.fault("E20")
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_help_is_readable_where_argparse_likes_colours(name, tmp_path):
    (tmp_path / "argparse.py").write_text(COLOURS)
    ended = subprocess.run(
        [sys.executable, ROOT / name, "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "FORCE_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"usage: {name} [-h]")
    assert "?" not in ended.stdout


NO_LIMIT = """
import resource
def getrlimit(_):
    raise PermissionError(1, "Operation not permitted")
resource.getrlimit = getrlimit
"""


@pytest.mark.fault("E8")
@pytest.mark.parametrize("options", [[], ["--max-clients", "10"]])
def test_a_limit_that_may_not_be_asked_for_is_not_needed(options):
    with directed(NO_LIMIT) as env, Server(*options, env=env) as server:
        server.connect().close()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0


@pytest.mark.fault("E10")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_null_device_that_is_missing_is_named(name):
    """It is needed where a standard stream is closed."""
    early = """
real_open = os.open
def open_(path, *more, **how):
    if path == os.devnull:
        raise FileNotFoundError(2, "No such file or directory", path)
    return real_open(path, *more, **how)
os.open = open_
os.close(0)
"""
    ended = run_program(name, early, "/")
    line = f"{name}: cannot go on: /dev/null: no such file or directory\n"
    assert (ended.returncode, ended.stderr) == (1, line)
