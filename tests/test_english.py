"""The check of plain English: what it finds, where it looks, and that nothing is left to find."""

import pytest

from lab import english

ODD = "whoever waits is served"


def words(path, text):
    return [(found.line, found.words) for found in english.findings(path, text)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (ODD, "whoever"),
        ("it goes on, and who waits is served", "and who"),
        ("a socket of ours", "of ours"),
        ("the answer lies there", "lies there"),
        ("80 octets", "octets"),
        ("the client who waits is served", None),
        ("One question: who is to blame?", None),
    ],
)
def test_a_line_of_text_has_what_a_reader_would_stumble_over(line, found):
    assert words("some.md", f"first\n{line}\n") == ([(2, found)] if found else [])


def test_of_code_only_what_people_read_is_looked_at():
    assert words("some.py", "whoever = octets = 1\n") == []
    assert words("some.py", f"a = 1  # {ODD}\n") == [(1, "whoever")]
    assert words("some.py", f'"""One.\n\n{ODD}\n"""\n') == [(3, "whoever")]
    assert words("some.py", f"a = f'{{1}} {ODD} {{2}}'\n") == [(1, "whoever")]


def test_an_exception_is_for_its_file_and_its_words_alone():
    assert words("protocol.md", "octets") == []
    assert words("protocol.md", ODD) == [(1, "whoever")]
    assert words("docs/protocol.md", "octets") == [(1, "octets")]


def test_a_finding_is_one_line_and_status_1(tmp_path, capsys):
    (tmp_path / "some.md").write_text(ODD)
    assert english.main([str(tmp_path / "some.md")]) == 1
    assert capsys.readouterr().out.startswith(f'{tmp_path}/some.md:1: "whoever": name the thing')
