"""docs/mutants.md and the judge that compares it with a run; the run itself is `make mutants`."""

from collections import Counter

import pytest

from lab.mutants import (
    CORE,
    PAGE,
    ROOT,
    SAMPLE,
    Mutant,
    described,
    differences,
    listed,
    modules_named,
    passed_over,
    place,
    sample,
    scores,
)

DIFF = """\
--- reactor.py
+++ reactor.py
@@ -1,4 +1,4 @@
 def greet(name):
-    return "hello, " + name
+    return "hello, " - name
"""
GREET = Mutant("reactor.py", "greet", 'return "hello, " + name', 'return "hello, " - name')


def source(file: str) -> str:
    """Return the code of `file` with one space for each stretch of white space."""
    return " ".join((ROOT / file).read_text().split())


def test_every_mutant_of_the_list_is_a_change_of_code_that_is_there():
    mutants = listed(PAGE.read_text())
    assert mutants
    for mutant in mutants:
        assert " ".join(mutant.before.split()) in source(mutant.file), mutant
        assert mutant.before != mutant.after, mutant
        assert f"def {mutant.function.rsplit('.')[-1]}(" in source(mutant.file), mutant


def test_every_row_of_the_table_is_read():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert len(rows) == listed(PAGE.read_text()).total()


def test_rows_of_modules_that_are_not_judged_do_not_count():
    others = Counter(
        {mutant: 1 for mutant in listed(PAGE.read_text()) if mutant.file == GREET.file}
    )
    assert others
    everything = listed(PAGE.read_text())
    assert passed_over(CORE) == set()
    assert passed_over(["reactor", "server.hello"]) >= {"client.hello.py", "edges/epoll.py"}
    only = [module for module in CORE if module != "reactor"]
    assert everything - listed(PAGE.read_text(), passed_over(only)) == others


def test_a_command_line_names_modules_of_the_core_or_means_all(capsys):
    assert modules_named([]) == CORE
    assert modules_named(["listener", "edges.epoll"]) == ["listener", "edges.epoll"]
    with pytest.raises(SystemExit):
        modules_named(["listener", "server"])
    assert "not in the core: server" in capsys.readouterr().err


def names(*files, count=1000):
    return [f"{file}.x_f__mutmut_{number}" for file in files for number in range(count)]


def test_the_sample_has_no_mutant_of_the_core_and_is_the_same_each_time():
    chosen = sample(names("edges.names", "reactor", "edges.epoll", "server"))
    assert len(chosen) == SAMPLE
    assert {name.partition(".x")[0] for name in chosen} == {"edges.names", "server"}
    assert chosen == sample(reversed(names("edges.names", "server")))
    assert sample(names("client", count=3)) != []


def test_mutants_of_a_new_function_replace_only_as_many_of_the_sample_as_they_are():
    old, new = set(names("server")), set(names("edges.new", count=100))
    left = set(sample(old)) - set(sample(old | new))
    assert len(left) == len(new & set(sample(old | new))) < 60


def test_a_change_is_reported_by_its_lines_and_not_by_a_number():
    assert described("reactor.x_greet__mutmut_3", DIFF) == GREET


@pytest.mark.parametrize(
    ("name", "file", "function"),
    [
        ("reactor.xǁReactorǁturn__mutmut_12", "reactor.py", "Reactor.turn"),
        ("protocol.xǁLineǁ__init____mutmut_1", "protocol.py", "Line.__init__"),
        ("server.hello.x_accept__mutmut_1", "server.hello.py", "accept"),
        ("edges.epoll.xǁEpollSelectorǁselect__mutmut_1", "edges/epoll.py", "EpollSelector.select"),
    ],
)
def test_the_names_of_mutmut_lead_to_a_file_and_a_function(name, file, function):
    assert place(name) == (file, function)


@pytest.mark.parametrize("before", ["a + b", "READ | WRITE", "x or y  # `code`"])
def test_a_row_that_is_printed_can_be_put_into_the_table(before):
    mutant = GREET._replace(before=before)
    assert listed(f"{mutant} a reason |\n") == Counter([mutant])


def test_survivors_and_list_must_be_the_same():
    assert differences(Counter([GREET]), Counter([GREET])) == []
    [unlisted] = differences(Counter([GREET, GREET]), Counter([GREET]))
    assert unlisted.startswith("alive, and not in")
    [dead] = differences(Counter(), Counter([GREET]))
    assert dead.startswith("in mutants.md, but killed")


def test_a_mutant_that_is_neither_killed_nor_hangs_nor_ends_the_run_is_alive():
    noticed = ["killed", "timeout", "suspicious", "segfault"]
    words = [*noticed, "survived", "no tests", "not checked"]
    found = {f"reactor.x_f__mutmut_{number}": word for number, word in enumerate(words)}
    assert [line.split() for line in scores(found).splitlines()[1:]] == [
        ["reactor.py", "7", "4", "3", "57.1", "%"],
        ["all", "7", "4", "3", "57.1", "%"],
    ]
