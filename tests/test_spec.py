"""protocol.md and the code say the same, and every requirement has a test."""

import re
from itertools import product

import pytest

import protocol
from lab.documents.specification import (
    SPECIFICATION,
    TRANSITIONS,
    Row,
    cells,
    diagram,
    files_of_requirements,
    grammar,
    marks,
    requirements,
    rewritten,
    section,
    state_table,
)
from protocol import ClientState, ServerState

TEXT = SPECIFICATION.read_text()
SERVER_TABLE = state_table(TEXT, "7.1 Server")
CLIENT_TABLE = state_table(TEXT, "7.2 Client")
TABLES = [
    pytest.param(SERVER_TABLE, ServerState, protocol.SERVER_TRANSITIONS, id="server"),
    pytest.param(CLIENT_TABLE, ClientState, protocol.CLIENT_TRANSITIONS, id="client"),
]
CLOSING_WORDS = {"done", "refused", "lost", "late", "cut", "bug"}


# --- requirements


def test_every_requirement_has_a_name_of_its_own():
    names = [name for name, _ in requirements(TEXT)]
    assert len(names) == len(set(names)) > 50


def test_requirements_are_numbered_in_the_order_of_the_text():
    for kind in "WSC":
        numbers = [int(name[2:]) for name, _ in requirements(TEXT) if name[0] == kind]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_requirement_is_one_sentence_with_one_subject_and_one_must():
    subjects = {"W": "An end |The result ", "S": "The .*server ", "C": "The client |The first "}
    for name, said in requirements(TEXT):
        assert re.match(subjects[name[0]], said), f"{name}: the subject of {said!r}"
        assert len(re.findall(r"\bMUST\b", said)) == 1, f"{name}: {said!r}"
        assert said.endswith(".") and ". " not in said, f"{name}: one sentence: {said!r}"


def test_no_must_is_outside_a_requirement():
    named = len(requirements(TEXT))
    conventions = section(TEXT, "2 Words and conventions").partition("- **octet**")[0]
    assert TEXT.count("MUST") - conventions.count("MUST") == named
    assert "SHOULD" not in TEXT


def test_every_requirement_that_the_text_refers_to_exists():
    names = {name for name, _ in requirements(TEXT)}
    assert set(re.findall(r"\b[WSC]-\d+\b", TEXT)) == names


def test_every_requirement_has_a_test_and_every_mark_a_requirement():
    names = {name for name, _ in requirements(TEXT)}
    marked = set(files_of_requirements())
    assert marked - names == set(), "marks of requirements that protocol.md does not have"
    assert names - marked == set(), "requirements without a test"


def test_marks_are_found_wherever_they_stand():
    source = """
pytestmark = pytest.mark.req("W-1")
@pytest.mark.req("S-1", "S-2")
class TestThis:
    @pytest.mark.parametrize("x", [pytest.param(1, marks=[pytest.mark.req("S-3")])])
    def test_that(self): "not pytest.mark.req('S-4')"
"""
    assert {name for name, _ in marks(source)} == {"W-1", "S-1", "S-2", "S-3"}


@pytest.mark.parametrize("arguments", ["", "name", '"S-1", 2', 'id="S-1"', 'f"S-{1}"'])
def test_a_mark_that_cannot_be_read_is_an_error(arguments):
    with pytest.raises(ValueError, match="line 2"):
        list(marks(f"\n@pytest.mark.req({arguments})\ndef test(): ..."))


# --- state tables


@pytest.mark.req("S-15", "C-15")
@pytest.mark.parametrize(("table", "states", "transitions"), TABLES)
def test_the_transitions_of_the_code_are_those_of_the_table(table, states, transitions):
    changes = {
        (states[row.state], states[row.next]): row.condition
        for row in table
        if row.next in states.__members__ and row.next != row.state
    }
    assert changes == transitions


@pytest.mark.parametrize(("table", "states", "transitions"), TABLES)
def test_every_state_meets_every_event(table, states, transitions):
    events = {row.event for row in table}
    assert {row.state for row in table} == {state.name for state in states}
    assert {(row.state, row.event) for row in table} == set(
        product((state.name for state in states), events)
    )


@pytest.mark.parametrize(("table", "states", "transitions"), TABLES)
def test_no_two_rows_are_for_the_same_case(table, states, transitions):
    cases = [(row.state, row.event, row.condition) for row in table]
    assert len(cases) == len(set(cases))
    for row in table:
        alike = [other for other in table if other[:2] == row[:2]]
        assert len(alike) == 1 or row.condition, f"no condition tells {row} from {alike}"


@pytest.mark.parametrize(("table", "states", "transitions"), TABLES)
def test_an_event_that_cannot_happen_changes_nothing(table, states, transitions):
    for row in table:
        assert row.action != "—" or row.next == row.state


@pytest.mark.parametrize(("table", "states", "transitions"), TABLES)
def test_rows_stand_in_the_order_of_the_states(table, states, transitions):
    order = [state.name for state in states]
    assert [row.state for row in table] == sorted((row.state for row in table), key=order.index)


def ways_to_close(table: list[Row]) -> set[str]:
    """Return the words after `closed:` in a table."""
    ways = {row.next.removeprefix("closed: ") for row in table if row.next.startswith("closed: ")}
    states = {row.state for row in table}
    assert {row.next for row in table} <= states | {f"closed: {way}" for way in ways}
    return ways


def test_the_server_closes_with_the_words_of_section_10():
    words = {row[4] for row in cells(section(TEXT, "10 Errors"))} - {""}
    assert ways_to_close(SERVER_TABLE) == words == CLOSING_WORDS


def test_the_client_ends_with_the_statuses_of_section_10():
    statuses = {row[3] for row in cells(section(TEXT, "10 Errors"))} - {""}
    assert ways_to_close(CLIENT_TABLE) | {"129", "143"} == statuses


def test_only_done_leads_to_done_and_to_status_0():
    assert {row.state for row in SERVER_TABLE if row.next == "closed: done"} == {"DONE"}
    assert {row.state for row in CLIENT_TABLE if row.next == "closed: 0"} == {"DONE"}


# --- what is generated, limits, grammar


def test_what_is_generated_is_up_to_date():
    assert rewritten(TEXT) == TEXT, "run: make docs"


def test_a_diagram_shows_the_first_state_the_transitions_and_the_last_state():
    assert diagram("ServerState").splitlines() == [
        "stateDiagram-v2",
        "    [*] --> HELLO_SENT",
        "    HELLO_SENT --> SENDING : the client's hello is valid",
        "    SENDING --> DONE : the whole file is with the kernel",
        "    DONE --> [*]",
    ]
    for name in TRANSITIONS:
        assert f"<!-- transitions: {name} -->\n```mermaid\n{diagram(name)}```\n" in TEXT


def test_the_limits_are_those_of_the_code():
    limits = dict(cells(section(TEXT, "8 Limits and deadlines")))
    assert limits["a hello"] == f"{protocol.HELLO_LIMIT} octets"
    assert limits["a reason"] == f"{protocol.REASON_LIMIT} octets"
    assert limits["a file"] == f"{protocol.FILE_LIMIT} octets"
    assert limits["an ERROR line"] == f"{len(protocol.error_message('x' * 99))} octets"
    longest = protocol.file_message(protocol.FILE_LIMIT * b"\n")
    assert limits["a FILE line"] == f"{len(longest) - protocol.FILE_LIMIT} octets"
    longest = protocol.hello() + longest
    assert limits["the stream of a server of version 1"] == f"{len(longest)} octets"


def test_the_collected_grammar_is_the_grammar_of_section_5():
    collected = grammar(TEXT, "A Collected ABNF")
    assert collected == grammar(TEXT, "5 Syntax")
    assert [rule.split()[0] for rule in collected if rule.startswith("error")] == ["error"]


def test_the_contents_list_every_section():
    titles = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    listed = re.findall(r"^\[([^]]+)\]\(#", TEXT, re.MULTILINE)
    assert listed == titles
