"""The steps of the reader's server turn green exactly the rows that learn/steps/rows.json says."""

import ast
import json
import sys

import pytest

from lab.documents import steps
from learn.grade import ROWS
from tests.support.sample import sample

GREEN = json.loads(steps.GREEN.read_text())
MOST_LINES = 220


@pytest.mark.parametrize("step", steps.servers(), ids=lambda step: step.stem)
def test_a_step_turns_exactly_its_rows_green(step):
    """Tried is one in three of the rows that change with this step, and a sample of all."""
    expected = GREEN[step.stem]
    place = list(GREEN).index(step.stem)
    before = GREEN[list(GREEN)[max(0, place - 1)]]
    turned = [row for row in ROWS if (row in expected) != (row in before)]
    chosen = {*sample(turned, 0, 3), *sample(ROWS, place)}
    tried = [row for row in ROWS if row in chosen]
    green = steps.green(step, expected, tried)
    wanted = [row for row in tried if row in expected and not steps.by_luck(step, row)]
    assert green == wanted, "run: python3 -m lab.documents.steps --write"


def test_the_last_step_turns_every_row_green_in_a_few_lines():
    last = steps.FOLDER / "13_limits.py"
    assert set(GREEN[last.stem]) == set(ROWS)
    assert len(last.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("step", [*steps.servers(), steps.CLIENT], ids=lambda step: step.stem)
def test_a_step_imports_the_standard_library_alone(step):
    nodes = list(ast.walk(ast.parse(step.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert names - sys.stdlib_module_names == ({"reactor"} if step == steps.TASK else set())
