"""Predict before you look: the three questions, their answers, and the score."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import Show, Viewer

pytestmark = pytest.mark.browser

WORDS = {"": "for nothing", "r": "to read", "w": "to write", "rw": "to read or write"}


def asked(show: Show, **wanted: object) -> Viewer:
    """Return the page that asks for the first event with these values."""
    viewer = show()
    viewer.open(f"#e={viewer.find(**wanted) - 1}")
    viewer.page.locator("#ask").check()
    viewer.press("ArrowRight")
    return viewer


def answers(viewer: Viewer) -> list[str]:
    return [text.split(maxsplit=1)[1] for text in viewer.texts("#choices button")]


def answer(viewer: Viewer, words: str) -> None:
    viewer.page.locator("#choices button").nth(answers(viewer).index(words)).click()


def test_who_wakes_the_loop(show: Show):
    viewer = asked(show, ev="wake", ready=[["c2", "r"]])
    n = viewer.n
    assert viewer.sentence == "Who wakes the loop?"
    assert answers(viewer) == ["signals", "listener", "c1", "c2", "nobody: the time is over"]
    answer(viewer, "c2")
    assert viewer.n == n + 1
    assert viewer.sentence == "Right. The loop wakes: c2 is ready to read"
    assert viewer.text("#score") == "1 of 1 right"


def test_nobody_wakes_the_loop_when_the_time_is_over(show: Show):
    viewer = asked(show, ev="wake", ready=[])
    answer(viewer, "listener")
    assert viewer.sentence == "No: nobody: the time is over. The loop wakes: nobody is ready"
    assert viewer.text("#score") == "0 of 1 right"


def test_a_loop_without_a_deadline_is_not_woken_by_nobody(show: Show):
    viewer = asked(show, ev="wake")
    assert answers(viewer) == ["signals", "listener"]


def test_which_state_comes_next(show: Show):
    viewer = asked(show, ev="state", now="SENDING")
    who = viewer.events[viewer.n]["on"]
    assert viewer.sentence == f"Which state comes next for {who}?"
    assert answers(viewer) == ["HELLO_SENT", "SENDING", "DONE"]
    answer(viewer, "DONE")
    assert viewer.sentence.startswith(f"No: SENDING. {who}: HELLO_SENT to SENDING")


@pytest.mark.parametrize("now", ["", "r"])
def test_what_a_connection_waits_for_now(show: Show, now):
    viewer = asked(show, ev="watch", on="c1", now=now)
    assert viewer.sentence == "What will c1 wait for now?"
    assert answers(viewer) == list(WORDS.values())
    answer(viewer, WORDS[now])
    assert viewer.sentence.startswith("Right. c1: now waits ")


def test_a_digit_answers_and_another_digit_does_not(show: Show):
    viewer = asked(show, ev="state", now="SENDING")
    n = viewer.n
    viewer.press("9")
    assert viewer.n == n
    viewer.press("2")
    assert viewer.n == n + 1
    assert viewer.sentence.startswith("Right.")


def test_digits_do_nothing_when_nothing_is_asked(viewer: Viewer):
    viewer.press("1")
    assert viewer.n == 1


def test_nothing_is_asked_unless_one_wants_it(viewer: Viewer):
    step = "[KEYS.ArrowRight(), page.asker.pending][1]"
    asked = viewer.page.evaluate(f"page.events.map(() => {step})")
    assert asked == [None] * len(viewer.events)
    assert viewer.n == len(viewer.events)


def visible(viewer: Viewer) -> list[bool]:
    return viewer.page.locator("#list li").evaluate_all(
        "all => all.map((item) => getComputedStyle(item).visibility === 'visible')"
    )


def test_what_comes_next_cannot_be_seen_while_it_is_asked(show: Show):
    viewer = asked(show, ev="state", now="SENDING")
    assert visible(viewer) == [True] * viewer.n + [False] * (len(viewer.events) - viewer.n)
    clip = viewer.page.locator("#lanes").evaluate("lanes => getComputedStyle(lanes).clipPath")
    assert clip.startswith("inset(")
    viewer.page.locator("#ask").uncheck()
    assert all(visible(viewer))


def test_next_does_not_get_past_a_question_but_leads_to_its_answers(show: Show):
    viewer = asked(show, ev="wake")
    n = viewer.n
    viewer.press("ArrowRight")
    assert viewer.n == n
    expect(viewer.page.locator("#choices button").first).to_be_focused()
    viewer.press("Enter")
    assert viewer.n == n + 1
    expect(viewer.page.locator("#next")).to_be_focused()


def test_a_turn_stops_at_its_questions(viewer: Viewer):
    viewer.page.locator("#ask").check()
    viewer.press("PageDown")
    assert (viewer.n, viewer.sentence) == (viewer.find(ev="wake") - 1, "Who wakes the loop?")
    for name in viewer.watched_first():
        viewer.press("2", "PageDown")
        assert viewer.sentence == f"What will {name} wait for now?"
    viewer.press("2", "PageDown")
    assert viewer.n == viewer.ends_of_turns()[0]


def test_a_question_is_asked_once_and_counted_once(show: Show):
    viewer = asked(show, ev="wake")
    n = viewer.n
    viewer.press("2", "ArrowLeft", "ArrowRight")
    assert viewer.n == n + 1
    assert viewer.text("#score") == "1 of 1 right"
    assert not viewer.sentence.startswith("Right."), "the verdict of long ago"


def test_who_goes_elsewhere_has_not_answered(show: Show):
    viewer = asked(show, ev="wake")
    viewer.press("ArrowLeft")
    assert answers(viewer) == []
    viewer.press("ArrowRight", "ArrowRight")
    assert viewer.sentence == "Who wakes the loop?"
    viewer.press("End")
    assert viewer.n == len(viewer.events)
    assert viewer.text("#score") == ""


def test_a_whole_run_can_be_predicted(viewer: Viewer):
    viewer.page.locator("#ask").check()
    viewer.page.evaluate("page.events.forEach(() => { KEYS.ArrowRight(); page.answer(0); })")
    kinds = [e["ev"] for e in viewer.events if e["k"] and e["ev"] in ("wake", "state", "watch")]
    assert viewer.n == len(viewer.events)
    assert viewer.text("#score").endswith(f"of {len(kinds)} right")
