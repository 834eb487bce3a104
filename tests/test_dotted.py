"""A file with a dot in its name is a module like any other, if it is asked for by its path."""

import importlib.util
import sys

import pytest

from edges.dotted import load


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "some.thing.py").write_text("'''What it is.'''\nimport re\nANSWER = 42\n")
    return tmp_path


def test_the_code_of_the_file_is_run_and_what_it_defines_is_there(folder):
    module = load("some.thing", str(folder))
    assert (module.ANSWER, module.__doc__) == (42, "What it is.")


def test_the_module_is_called_by_its_own_name_and_knows_its_file(folder):
    module = load("some.thing", str(folder))
    assert module.__name__ == "some.thing"
    assert module.__file__ == str(folder / "some.thing.py")


def test_nobody_else_finds_it_by_accident(folder):
    before = set(sys.modules)
    assert load("some.thing", str(folder)) is not load("some.thing", folder)
    assert set(sys.modules) == before


def test_a_file_that_is_not_there_is_an_error_of_the_system(folder):
    with pytest.raises(FileNotFoundError):
        load("some.other", str(folder))


def test_a_mistake_in_the_file_is_not_hidden(folder):
    (folder / "bad.one.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        load("bad.one", str(folder))


def test_a_python_that_has_no_loader_for_it_is_reported_as_it_is(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "spec_from_file_location", lambda *_: None)
    with pytest.raises(ImportError, match=r"no loader for .*some\.thing\.py"):
        load("some.thing", str(folder))
