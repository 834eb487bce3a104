"""The checker of the documents itself: it finds what is wrong, and leaves nothing behind."""

import random
import re
import socket
from pathlib import Path

import pytest

from lab.documents import reader
from lab.documents.document import (
    Block,
    anchors,
    blocks,
    dead_links,
    difference,
    excerpt,
    rewritten,
)
from lab.documents.reader import Reader, Surprise, compare_grade, pattern
from tests.support.programs import ROOT

SOURCE = '''\
LIMITS: dict = {}
NAME = "x"


class Loop:
    """A class."""

    @property
    def turn(self):
        return 1
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "loop.hello.py").write_text(SOURCE)
    return tmp_path


def page(project: Path, text: str) -> str:
    (project / "docs/page.md").write_text(text)
    return "docs/page.md"


@pytest.fixture
def someone(tmp_path: Path):
    one = Reader(tmp_path, "7099")
    yield one
    one.close()


def block(text: str, language: str = "console", mark: str = "", caption: str = "") -> Block:
    return Block("page.md", 7, 0, language, mark, text, caption)


def test_a_block_knows_its_line_its_mark_and_its_chapter(project):
    text = "# Title\n\n```text\n## no heading\n```\n\n## One\n\n"
    text += "<!-- sketch -->\n```python\na\nb\n```\n"
    first, second = blocks(page(project, text), project)
    assert (first.line, first.chapter, first.mark) == (3, 0, "")
    assert second == Block("docs/page.md", 10, 1, "python", "sketch", "a\nb\n")
    assert str(second) == "docs/page.md:10"


def test_a_mark_and_a_caption_stand_directly_above_a_fence(project):
    text = "<!-- a -->\n\n```text\n```\n<!-- b -->\n*C d*\n```text\n```\n*e*\n```text\n```\n"
    found = [(block.mark, block.caption) for block in blocks(page(project, text), project)]
    assert found == [("", ""), ("b", "C d"), ("", "e")]


@pytest.mark.parametrize(
    ("one", "terminal"),
    [
        (block("", "pycon"), "Python prompt"),
        (block("", caption="Terminal 3: a client"), "Terminal 3"),
        (block("", mark="server"), "Terminal 1"),
        (block("", mark="client"), "Terminal 3"),
        (block(""), "Terminal 2"),
    ],
)
def test_a_block_is_for_one_terminal(one, terminal):
    assert one.terminal == terminal


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("NAME", 'NAME = "x"\n'),
        ("LIMITS", "LIMITS: dict = {}\n"),
        ("Loop.turn", "@property\ndef turn(self):\n    return 1\n"),
        ("", SOURCE),
    ],
)
def test_an_excerpt_is_a_whole_definition_without_its_indent(project, name, source):
    assert excerpt("loop.hello.py", name, root=project) == source


@pytest.mark.parametrize("name", ["Loop.gone", "gone", "NAME.x"])
def test_an_excerpt_of_what_is_not_there_is_an_error(project, name):
    with pytest.raises(LookupError, match=re.escape(f"loop.hello.py defines no {name}")):
        excerpt("loop.hello.py", name, root=project)


def test_rewriting_touches_excerpts_only(project):
    name = page(
        project,
        "<!-- excerpt: loop.hello.py NAME -->\n```python\nold\nlines\n```\n\n```text\nold\n```\n"
        "<!-- excerpt: loop.hello.py Loop.turn -->\n```python\n```\nend\n",
    )
    assert rewritten(name, project) == (
        '<!-- excerpt: loop.hello.py NAME -->\n```python\nNAME = "x"\n```\n\n```text\nold\n```\n'
        "<!-- excerpt: loop.hello.py Loop.turn -->\n"
        "```python\n@property\ndef turn(self):\n    return 1\n```\nend\n"
    )


def test_anchors_are_named_as_the_hosts_name_them(project):
    name = page(
        project, "# What is `recv()`?\n\n## 4. The loop, in 3 parts\n\n```text\n# no\n```\n"
    )
    assert anchors(name, project) == {"what-is-recv", "4-the-loop-in-3-parts"}


def test_dead_links_are_found_and_others_are_not(project):
    (project / "README.md").write_text("# Hello there\n")
    name = page(
        project,
        "# Here\n[a](../README.md) [b](../README.md#hello-there) [c](#here) [d](https://x.y/z)\n"
        "[e](gone.md) [f](../README.md#gone) [g](#gone)\n",
    )
    assert dead_links(name, project) == ["gone.md", "../README.md#gone", "#gone"]


def steps(project):
    (project / "learn/steps").mkdir(parents=True)
    (project / "learn/steps/01_a.py").write_text(
        "# One\na\nb\nc\nclass C:\n    def e(self):\n\n        f\n"
    )
    (project / "learn/steps/02_b.py").write_text(
        "# Two\nA\nb\nc\nclass C:\n    def e(self):\n\n        F\n\n\ndef f():\n    pass\n"
        "\n\nclass D:\n    def g(self):\n        pass\n"
    )


def test_a_difference_shows_the_place_and_what_changes(project):
    steps(project)
    begin = "[...]\n-a\n+A\n[...] in C\n     def e(self):\n"
    end = "-        f\n+        F\n+\n+def f():\n+    pass\n"
    end += "+\n+class D:\n+    def g(self):\n+        pass\n"
    assert difference("01_a", "02_b", project) == begin + end


def test_the_rest_of_a_step_begins_with_a_definition(project):
    steps(project)
    name = page(project, "<!-- rest: 01_a 02_b f -->\n*here*\n```python\nold\n```\n")
    rest = "def f():\n    pass\n\n\nclass D:\n    def g(self):\n        pass\n"
    shown = f"<!-- rest: 01_a 02_b f -->\n*here*\n```python\n{rest}```\n"
    assert rewritten(name, project) == shown


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a [...] c\n", "a b c\n", True),
        ("a [...] c\n", "a\nc\n", False),
        ("a\n[...]\nc\n", "a\nc\n", True),
        ("a\n[...]\nc\n", "a\n1\n2\nc\n", True),
        ("[::]:7080 (1+1)\n", "[::]:7080 (1+1)\n", True),
        ("a\n", "a\nb\n", False),
        ("", "b\n", False),
        ("[...]\n^C[...]\n$ ", "a\nb^CTraceback\n$ ", True),  # in the middle of a line
        ("[...]\n^C[...]\n$ ", "a\nb\nTraceback\n$ ", False),
    ],
)
def test_only_brackets_with_dots_stand_for_anything(shown, printed, same):
    assert bool(re.fullmatch(pattern(shown), printed)) is same


def test_a_command_that_prints_something_else_is_a_surprise(someone, monkeypatch):
    monkeypatch.setattr(reader, "TIME_LIMIT", 0.5)
    someone.do(block("$ echo one\none\n$ echo two >&2\ntwo\n"))
    with pytest.raises(Surprise, match="Terminal 2 showed\necho three\nthree\n"):
        someone.do(block("$ echo three\ntwo\n"))


def test_a_command_that_prints_more_than_is_shown_is_a_surprise(someone, monkeypatch):
    monkeypatch.setattr(reader, "TIME_LIMIT", 0.5)
    with pytest.raises(Surprise, match="showed"):
        someone.do(block("$ echo one; echo two\none\n"))


def test_a_shell_keeps_what_a_person_can_ask_for(someone):
    someone.do(block("$ (exit 3)\n$ echo $?\n3\n"))


def test_the_port_of_the_page_is_another_one_in_the_copy(someone, tmp_path):
    someone.do(block("$ echo port 7080 | cut -c 6-\n7080\n"))
    reader.scratch_copy(tmp_path / "copy", "7099")
    assert not (tmp_path / "copy/.git").exists()
    ours = (ROOT / "protocol.py").read_text()
    assert (tmp_path / "copy/protocol.py").read_text() == ours.replace("7080", "7099")


def test_python_keeps_its_names_from_block_to_block(someone):
    someone.do(block(">>> number = 7080\n", "pycon"))
    someone.do(block(">>> number + 1\n7100\n", "pycon"))


def test_a_wrong_answer_of_python_is_a_surprise(someone, monkeypatch):
    someone.do(block(">>> 1 + 1\n2\n", "pycon"))
    monkeypatch.setattr(reader, "TIME_LIMIT", 0.5)
    with pytest.raises(Surprise, match="Python prompt showed"):
        someone.do(block(">>> 1 + 1\n3\n", "pycon"))


PROGRAM = """\
import time
try:
    print("listening on 7080")
    time.sleep(1000)
except KeyboardInterrupt:
    print(", then stopping")
print(repr(input("Again? [y/N] ")))
time.sleep(1000)
"""


def test_a_server_is_seen_to_listen_stopped_by_its_key_and_answered(someone):
    (someone.directory / "program.py").write_text(PROGRAM.replace("7080", "7099"))
    someone.do(block("$ python3 program.py\nlistening on 7080\n", mark="server"))
    process = someone.terminals["Terminal 1"].process
    someone.do(block("$ echo meanwhile\nmeanwhile\n"))
    someone.do(block("^C, then stopping\nAgain? [y/N] yes\n'yes'\n", mark="server"))
    assert process.poll() is None
    someone.close()
    assert process.poll() is not None


def test_output_that_is_left_out_may_still_be_coming_when_ctrl_c_is_pressed(someone):
    slow = "import time; print(1); time.sleep(0.2); print(2); time.sleep(1000)"
    someone.do(block(f'$ python3 -c "{slow}"\n1\n', mark="server"))
    end = "[...]\n^C[...]\n[...]\nKeyboardInterrupt\n$ echo three\nthree\n"
    someone.do(block(end, mark="server"))


def test_our_own_file_goes_from_step_to_step(someone):
    steps(someone.directory)
    someone.begin("01_a")
    someone.do(block("", "diff", "diff: 01_a 02_b"))
    assert (someone.directory / reader.MINE).read_text().startswith("# Two")
    with pytest.raises(Surprise, match="is step 02_b, not 01_a"):
        someone.do(block("", "diff", "diff: 01_a 02_b"))


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [
        ("$ make grade\n[...]\n10 of 35. Next: chapter 6.\n", ""),
        ("$ make grade\n  ok   stampede    all\n10 of 35. Next: chapter 6.\n", ""),
        ("$ make grade\n  ok   silent      all\n10 of 35. Next: chapter 6.\n", "silent is not ok"),
        ("$ make grade\n  RED  stampede    all\n10 of 35.\n", "stampede is not RED"),
        ("$ make grade\n11 of 35. Next: chapter 6.\n", "is 10 of 35"),
        ("$ make grade CHAPTER=6\n0 of 2. Next: chapter 6.\n", ""),
        ("$ make grade CHAPTER=6\n1 of 2. Next: chapter 6.\n", "is 0 of 2"),
        ("$ make grade SERVER=13\n35 of 35. Next: chapter 14.\n", ""),
        ("$ make grade SERVER=13\n34 of 35. Next: chapter 14.\n", "is 35 of 35"),
        ("$ make grade CLIENT=x\nanything\n", ""),
    ],
)
def test_a_grade_that_is_shown_is_the_one_that_is_recorded(shown, wrong):
    if wrong:
        with pytest.raises(Surprise, match=wrong):
            compare_grade(shown, "04_loop")
    else:
        compare_grade(shown, "04_loop")


def test_after_a_surprise_the_rest_of_its_chapter_is_not_reached(project, monkeypatch):
    monkeypatch.setattr(reader, "TIME_LIMIT", 0.5)
    name = page(
        project,
        "```console\n$ true\n```\n```console\n$ echo\nx\n```\n```pycon\n>>> 1\n1\n```\n"
        "<!-- not run: it would hang -->\n```console\n$ cat\n```\n"
        "## Next\n```pycon\n>>> 1\n1\n```\n",
    )
    assert list(reader.read(name, 0, project)) == [4]
    assert reader.read(name, 1, project) == {}


def test_a_port_of_our_own_can_be_listened_on_and_no_other_reader_gets_it(monkeypatch):
    with reader.own_port() as port, socket.create_server(("127.0.0.1", int(port))):
        monkeypatch.setattr(random, "sample", lambda *_: [int(port)])
        with pytest.raises(OSError, match="no free port"), reader.own_port():
            pass
