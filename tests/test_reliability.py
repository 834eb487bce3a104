"""docs/reliability.md and the tests have the same cases."""

import pytest

from lab.documents import cases

COUNTS = {"A": 22, "B": 27, "C": 10, "D": 29, "E": 22, "F": 8, "G": 22, "H": 21, "I-": 9}
CATALOGUE = [
    f"{group}{number}" for group, count in COUNTS.items() for number in range(1, count + 1)
]


def test_every_case_of_the_catalogue_is_reported_once_and_in_order():
    assert sorted([*cases.CASES, *cases.NOT_HERE]) == sorted(CATALOGUE)
    assert list(cases.CASES) == [case for case in CATALOGUE if case not in cases.NOT_HERE]


def test_the_cases_that_are_reported_and_those_that_the_tests_name_are_the_same():
    assert set(cases.named_by_tests()) == set(cases.CASES)


def test_the_page_is_what_make_docs_would_write():
    text = cases.PAGE.read_text()
    assert cases.TABLE.search(text)
    assert cases.rewritten(text) == text, "make docs"


def test_marks_are_found_on_tests_on_their_parameters_and_in_tables():
    source = """
FAULTS = {"one": "B1 B2", "two": ""}
@pytest.mark.fault("A1", "A2")
@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.fault("A3"))])
def test_a(x): ...
@pytest.mark.parametrize("n", [pytest.param(n, marks=mark.fault(*i.split())) for n, i in FAULTS])
def test_b(n): ...
"""
    source = source.replace("=mark.", "=pytest.mark.")
    assert set(cases.marks(source)) == {
        ("A1", "test_a"), ("A2", "test_a"), ("A3", "test_a"), ("B1", "test_b"), ("B2", "test_b"),
    }  # fmt: skip


def test_a_mark_that_is_not_written_out_is_an_error():
    with pytest.raises(ValueError, match="malformed"):
        list(cases.marks("@pytest.mark.fault(name)\ndef test_a(): ..."))
