"""The checker of the documents itself: it finds what is wrong, and leaves nothing behind."""

import re
import socket
from pathlib import Path

import pytest

from lab.documents import reader
from lab.documents.document import Block, anchors, blocks, dead_links, excerpt, rewritten
from lab.documents.reader import Reader, Surprise, commands, pattern

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


def block(text: str, language: str = "console", mark: str = "") -> Block:
    return Block("page.md", 7, 0, language, mark, text)


def test_a_block_knows_its_line_its_mark_and_its_chapter(project):
    text = "# Title\n\n```text\n## no heading\n```\n\n## One\n\n"
    text += "<!-- sketch -->\n```python\na\nb\n```\n"
    first, second = blocks(page(project, text), project)
    assert (first.line, first.chapter, first.mark) == (3, 0, "")
    assert second == Block("docs/page.md", 10, 1, "python", "sketch", "a\nb\n")
    assert str(second) == "docs/page.md:10"


def test_a_mark_stands_directly_above_its_fence(project):
    text = "<!-- sketch -->\n\n```python\na\n```\n"
    assert [block.mark for block in blocks(page(project, text), project)] == [""]


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


def test_a_link_to_a_step_of_a_run_must_name_its_event(project):
    (project / "docs" / "run.jsonl").write_text('{"ev":"run"}\n{"ev":"select"}\n')
    links = ('run.html#e=2 "select"', 'run.html#e=2\n"wake"', "run.html#e=3", 'no.html#e=1 "run"')
    text = "".join(f"[one]({link}) " for link in links)
    name = "docs/walk.md"
    (project / name).write_text(text)
    assert dead_links(name, project) == ["run.html#e=2", "run.html#e=3", "no.html#e=1"]


def test_commands_are_split_at_the_prompt_and_may_go_on_in_the_next_line():
    text = "$ echo a \\\n    b\na b\n$ true\n$ cat x\n1\n2\n"
    assert list(commands(text)) == [
        ("echo a \\\n    b", "a b\n"),
        ("true", ""),
        ("cat x", "1\n2\n"),
    ]


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
    ],
)
def test_only_brackets_with_dots_stand_for_anything(shown, printed, same):
    assert bool(re.fullmatch(pattern(shown), printed)) is same


def test_a_command_that_prints_something_else_is_a_surprise(someone):
    someone.do(block("$ echo one\none\n$ echo two >&2\ntwo\n"))
    with pytest.raises(Surprise, match=r"printed\nthree\n"):
        someone.do(block("$ echo three\ntwo\n"))


def test_the_status_of_the_command_before_can_be_asked(someone):
    someone.do(block("$ exit 3\n$ echo $?\n3\n"))


def test_a_command_that_does_not_end_is_a_surprise(someone, monkeypatch):
    monkeypatch.setattr(reader, "TIME_LIMIT", 0.2)
    with pytest.raises(Surprise, match="takes more than"):
        someone.do(block("$ cat /dev/zero | sleep 1000\n"))


def test_the_port_of_the_page_is_another_one_in_the_copy(someone, tmp_path):
    someone.do(block("$ echo port 7080 | cut -c 6-\n7080\n"))
    reader.scratch_copy(tmp_path / "copy", "7099")
    assert not (tmp_path / "copy/.git").exists()
    ours = (reader.ROOT / "protocol.py").read_text()
    assert (tmp_path / "copy/protocol.py").read_text() == ours.replace("7080", "7099")


def test_python_keeps_its_names_from_block_to_block_and_is_closed_in_the_end(someone):
    someone.do(block(">>> import socket\n>>> a, b = socket.socketpair()\n", "pycon"))
    someone.do(block(">>> a.send(b'7080')\n4\n>>> b.recv(9)\nb'...'\n", "pycon"))
    someone.close()
    assert someone.namespace["a"].fileno() == -1


def test_a_wrong_answer_of_python_is_a_surprise(someone):
    with pytest.raises(Surprise, match=r"Expected:\n\s+3\nGot:\n\s+2\n"):
        someone.do(block(">>> 1 + 1\n3\n", "pycon"))


def test_python_that_does_not_end_is_a_surprise(someone, monkeypatch):
    monkeypatch.setattr(reader, "TIME_LIMIT", 0.1)
    someone.do(block(">>> import socket\n>>> a, b = socket.socketpair()\n", "pycon"))
    with pytest.raises(Surprise, match="takes more than"):
        someone.do(block(">>> a.recv(1)\n", "pycon"))


PROGRAM = """\
import time
print("listening on 7080")
try:
    time.sleep(1000)
except KeyboardInterrupt:
    print(", then stopping")
print(repr(input("Again? [y/N] ")))
time.sleep(1000)
"""


def test_a_server_is_seen_to_listen_stopped_by_its_key_and_answered(someone):
    (someone.directory / "program.py").write_text(PROGRAM.replace("7080", "7099"))
    someone.do(block("$ python3 program.py\nlistening on 7080\n", mark="server"))
    process = someone.terminals["server"].process
    someone.do(block("$ echo meanwhile\nmeanwhile\n"))
    someone.do(block("^C, then stopping\nAgain? [y/N] yes\n'yes'\n", mark="server"))
    assert process.poll() is None
    someone.close()
    assert process.poll() is not None


def test_a_server_that_prints_something_else_is_a_surprise(someone):
    with pytest.raises(Surprise, match=r"the server printed\nno\n\nthe document shows\nyes\n"):
        someone.do(block("$ echo no\nyes\n", mark="server"))


@pytest.mark.parametrize("who", reader.TERMINALS)
def test_a_server_or_client_must_have_been_started(someone, who):
    with pytest.raises(Surprise, match=f"no {who} runs"):
        someone.do(block("listening\n", mark=who))


def test_a_client_has_a_terminal_of_its_own_beside_the_server(someone):
    someone.do(block("$ echo one; read; cat\none\n", mark="server"))
    someone.do(block("$ echo two; cat\ntwo\n", mark="client"))
    server, client = (someone.terminals[who].process for who in reader.TERMINALS)
    assert server.poll() is None and client.poll() is None
    someone.close()
    assert server.poll() is not None and client.poll() is not None


def test_after_a_surprise_the_rest_of_its_chapter_is_not_reached(project):
    name = page(
        project,
        "```console\n$ true\n```\n```console\n$ echo\n```\n```pycon\n>>> 1\n1\n```\n"
        "<!-- not run: it would hang -->\n```console\n$ cat\n```\n"
        "## Next\n```pycon\n>>> 1\n1\n```\n",
    )
    wrong = reader.read(name, 0, project)
    assert sorted(wrong) == [4, 7]
    assert set(wrong.values()) == {f"{name}:4: $ echo\nprinted\n\n\nthe document shows\n"}
    assert reader.read(name, 1, project) == {}


def test_a_port_of_our_own_can_be_listened_on_and_no_other_reader_gets_it(monkeypatch):
    with reader.own_port() as port, socket.create_server(("127.0.0.1", int(port))):
        monkeypatch.setattr(reader.random, "sample", lambda *_: [int(port)])
        with pytest.raises(OSError, match="no free port"), reader.own_port():
            pass
