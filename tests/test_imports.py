"""The shape of the runtime: which module may import which, and what may be nowhere in the source.

server  client ----> edges ----> protocol, reactor, signals
   |       |           ^
   |       |           +---- edges/observers ----> connection, protocol, reactor
   +-------+-------> listener ----> connection ----> reactor
   +-------+-------> protocol <---- server.hello, client.hello
   +-------+-------> signals
"""

import ast
import graphlib
import io
import subprocess
import sys
import tokenize
from functools import cache
from pathlib import Path

import pytest

from tests.support.peers import delivering
from tests.support.programs import conversation

ROOT = Path(__file__).resolve().parent.parent
CORE = [
    "reactor", "signals", "connection", "listener", "protocol", "server.hello", "client.hello",
    "server", "client",
]  # fmt: skip
EDGES = [f"edges.{path.stem}" for path in sorted(ROOT.glob("edges/*.py"))]
OBSERVERS = [f"edges.observers.{path.stem}" for path in sorted(ROOT.glob("edges/observers/*.py"))]
RUNTIME = [*CORE, *EDGES, *OBSERVERS]
TOOLS = [f"lab.tracing.{path.stem}" for path in sorted(ROOT.glob("lab/tracing/*.py"))]

# Our modules that each may import. All may import the standard library, but see below.
MAY_KNOW = {
    "reactor": set(),
    "protocol": set(),
    "signals": set(),
    "connection": {"reactor"},
    "listener": {"connection", "reactor"},
    "server.hello": {"protocol"},
    "client.hello": {"protocol"},
    "server": {"connection", "edges", "listener", "protocol", "reactor", "signals"},
    "client": {"connection", "edges", "protocol", "reactor", "signals"},
    **{edge: {"edges", "protocol", "reactor", "signals"} for edge in EDGES},
    **{one: {"connection", "edges", "observers", "protocol", "reactor"} for one in OBSERVERS},
    "edges.program": {"edges", "observers", "reactor", "signals"},  # it asks for them, if asked to
}
OURS = {"docs", "edges", "lab", "learn", "tests", *MAY_KNOW}

LONGEST = 275  # code lines of a file
WHOLE_CORE = 1065  # code lines of CORE, 970 today: a limit with no slack would reward dense lines


def file_of(module):
    name = module
    for folder in ("edges.observers.", "edges.", "lab.tracing."):
        if name.startswith(folder):
            name = folder.replace(".", "/") + name.removeprefix(folder)
    return ROOT / f"{name}.py"


def source(module):
    return file_of(module).read_text()


@cache
def all_nodes(module):
    return list(ast.walk(ast.parse(source(module))))


def nodes(module, *kinds):
    """Return all nodes of these kinds in a module."""
    return [node for node in all_nodes(module) if isinstance(node, kinds)]


@cache
def imports(module):
    """Return the modules that a module imports when it runs, and not for its types only."""
    tree = ast.parse(source(module))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = {f"{node.module}.{name.name}" for name in node.names} & set(RUNTIME)
            found |= parts or {node.module}
    return found


def ours(module):
    return {name for name in imports(module) if name.split(".")[0] in OURS}


def room(module):
    """Return where a module is: its folder, or its own name at the top."""
    if module in OBSERVERS:
        return "observers"
    return "edges" if module in EDGES or module == "edges" else module


def where(module, *found):
    return [f"{file_of(module).name}:{node.lineno}: {ast.unparse(node)}" for node in found]


def code_lines(text):
    """Return the number of lines that are neither empty, comment nor docstring."""
    documents = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            documents |= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in nothing and token.string:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - documents)


# --- which module imports which


def test_every_file_of_the_runtime_has_its_room_here():
    found = {path.stem for path in ROOT.glob("*.py")}
    assert found == set(CORE)


def test_a_module_knows_only_the_modules_that_it_may_know():
    for module in RUNTIME:
        rooms = {room(name) for name in ours(module)}
        assert rooms <= MAY_KNOW[module], module


def test_no_two_modules_know_each_other():
    order = graphlib.TopologicalSorter({module: ours(module) for module in RUNTIME})
    assert set(order.static_order()) >= set(RUNTIME)


def test_the_runtime_needs_the_standard_library_and_nothing_else():
    for module in RUNTIME:
        roots = {name.split(".")[0] for name in imports(module) - ours(module)}
        assert roots <= sys.stdlib_module_names, module


def test_imports_stand_at_the_top_where_they_are_seen():
    """Except the observers: a run that does not ask for them must not wait for their import."""
    inside = {
        (module, ast.unparse(node))
        for module in RUNTIME
        for function in nodes(module, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert inside == {
        ("edges.program", "from edges.observers.attach import attached"),
    }


def test_a_client_imports_little(tmp_path):
    """What takes long, and is in most programs for convenience: see docs/performance.md."""
    code = "import sys; import client; client.main(sys.argv[1:]); print(*sys.modules)"
    with delivering(conversation(b"Hello, world!\n")) as port:
        command = [sys.executable, "-S", "-c", code, "-q", "--port", str(port), "127.0.0.1"]
        found = subprocess.run(
            [*command, tmp_path / "copy"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert (tmp_path / "copy").exists()
    heavy = {
        "edges.addresses", "edges.observers", "hashlib", "json", "lzma", "pathlib", "secrets",
        "shutil", "tempfile", "traceback",
    }  # fmt: skip
    assert heavy & set(found.stdout.split()) == set()


def test_the_protocol_is_bytes_only():
    for module in ("protocol", "server.hello", "client.hello"):
        assert imports(module) - ours(module) <= {"enum", "re", "zlib"}


@pytest.mark.fault("B25")
def test_nobody_starts_processes_and_one_edge_starts_a_thread():
    starters = {"subprocess", "multiprocessing", "concurrent", "threading", "_thread", "asyncio"}
    found = {module: imports(module) & starters for module in RUNTIME}
    assert {module: names for module, names in found.items() if names} == {
        "edges.aside": {"_thread"}
    }
    assert not [module for module in RUNTIME if "os.fork" in source(module)]


# --- what may be nowhere


@pytest.mark.fault("B18")
def test_every_exception_is_caught_in_two_places_only():
    """The loop's call, and the thread that hands its exception to the loop. Others may see one
    pass, and tidy up; they end with `raise`."""
    wide = {"Exception", "BaseException"}
    found = []
    for module in RUNTIME:
        for handler in nodes(module, ast.ExceptHandler):
            caught = {ast.unparse(n) for n in ast.walk(handler.type)} if handler.type else wide
            if wide & caught and ast.unparse(handler.body[-1]) != "raise":
                found.append((module, handler.type and ast.unparse(handler.type)))
        for call in nodes(module, ast.Call):
            if ast.unparse(call.func).endswith("suppress"):
                assert not wide & {ast.unparse(argument) for argument in call.args}
    assert sorted(found) == [("edges.aside", "BaseException"), ("reactor", "Exception")]


@pytest.mark.fault("C1")
def test_the_wall_clock_is_never_looked_at():
    for module in RUNTIME:
        assert "datetime" not in imports(module)
        assert where(module, *(n for n in nodes(module, ast.Attribute) if n.attr == "time")) == []
        assert "from time import" not in source(module)


@pytest.mark.fault("I-9")
def test_no_check_is_an_assertion():
    for module in RUNTIME:
        assert where(module, *nodes(module, ast.Assert)) == []


@pytest.mark.fault("E9", "E10")
def test_nothing_is_printed_past_the_console():
    words = {"print", "input", "sys.stdout", "sys.stderr", "sys.stdin"}
    for module in RUNTIME:
        used = nodes(module, ast.Name, ast.Attribute)
        assert where(module, *(node for node in used if ast.unparse(node) in words)) == []
        assert "logging" not in imports(module)


@pytest.mark.fault("D5", "D16", "D17")
def test_signal_handlers_do_nothing():
    """`nothing`, or put back what there was; only interruptible.py has one that raises."""
    handlers = {
        (module, ast.unparse(call.args[1]))
        for module in RUNTIME
        for call in nodes(module, ast.Call)
        if ast.unparse(call.func) == "signal.signal"
    }
    assert handlers == {
        ("signals", "nothing"), ("signals", "handler"),
        ("edges.process", "signal.SIG_DFL"), ("edges.process", "signal.SIG_IGN"),
    }  # fmt: skip
    [nothing] = [node for node in nodes("signals", ast.FunctionDef) if node.name == "nothing"]
    assert len(nothing.body) == 1 and ast.get_docstring(nothing)
    handed = [
        ast.unparse(call.args[0])
        for module in RUNTIME
        for call in nodes(module, ast.Call)
        if ast.unparse(call.func).endswith(".handle_with")
    ]
    assert set(handed) == {"nothing", "raise_interrupted", "signal.SIG_IGN"}


@pytest.mark.fault("E1")
def test_a_port_is_never_shared_by_chance():
    assert not [module for module in RUNTIME if "socket.SO_REUSEPORT" in source(module)]


# --- the tools that read a trace


def test_the_tools_know_bytes_and_no_loop():
    for module in TOOLS:
        edges = {"edges"} if module == "lab.tracing.__main__" else set()
        rooms = {name if name.startswith("lab.") else name.split(".")[0] for name in ours(module)}
        assert rooms <= {"lab.svg", "lab.tracing", *TOOLS, "protocol"} | edges


def test_the_tools_are_written_like_the_runtime():
    for module in TOOLS:
        roots = {name.split(".")[0] for name in imports(module) - ours(module)}
        assert roots <= sys.stdlib_module_names, module
        assert where(module, *nodes(module, ast.Assert)) == []
        assert code_lines(source(module)) <= LONGEST, module


# --- how much there is to read


def test_no_file_is_longer_than_one_sitting():
    lengths = {module: code_lines(source(module)) for module in RUNTIME}
    assert {module: length for module, length in lengths.items() if length > LONGEST} == {}


def test_the_core_is_an_evenings_reading():
    lines = {module: code_lines(source(module)) for module in CORE}
    total = sum(lines.values())
    assert total <= WHOLE_CORE, f"{total} code lines, {total - WHOLE_CORE} too many: {lines}"


def test_lines_are_counted_without_documentation():
    text = (
        '"""A\nB"""\n\n# C\nx = (  # D\n    1,\n)\n\ndef f():\n    """E."""\n    return """\n"""\n'
    )
    assert code_lines(text) == 6


# --- the other folders

FOLDERS = {  # what each may import, of our own; every folder says so where it opens
    "edges": {"connection", "edges", "protocol", "reactor", "signals"},
    "lab": {"edges", "lab", "learn.grade", "learn.museum", "tests.support", *CORE},
    "learn": {"edges", "lab", "learn", "tests.support", *CORE},
    "tests/support": {"edges", "lab", "learn", "tests.support", *CORE},
    "docs": set(),
}


def imported(path):
    """Return our modules that a file imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name for name in found if name.split(".")[0] in OURS}


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_imports_only_what_it_may(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        for name in imported(path):
            parts = name.split(".")
            heads = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
            assert heads & FOLDERS[folder], f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("folder", ["docs", "edges", "lab", "learn", "tests"])
def test_a_folder_opens_with_what_it_is_for(folder):
    opening = [ROOT / folder / name for name in ("README.md", "__init__.py")]
    assert any(len(path.read_text().split()) > 20 for path in opening if path.exists())
