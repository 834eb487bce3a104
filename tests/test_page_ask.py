"""Predict before you look: the questions, what the stage shows of their answers, and the score."""

from collections import Counter
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.support.browser import Show, Viewer

pytestmark = pytest.mark.browser


def asked(show: Show, **wanted: object) -> Viewer:
    """Return the page that asks for the first event with these values."""
    viewer = show()
    ask(viewer, **wanted)
    return viewer


def ask(viewer: Viewer, **wanted: object) -> int:
    """Let the page ask for the first event with these values; return where it is."""
    viewer.open(f"#e={viewer.find(**wanted) - 1}")
    viewer.page.locator("#ask").check()
    viewer.press("ArrowRight")
    return viewer.n


def answers(viewer: Viewer) -> list[str]:
    return [text.split(maxsplit=1)[1] for text in viewer.texts("#choices button")]


def answer(viewer: Viewer, words: str) -> None:
    viewer.page.locator("#choices button").nth(answers(viewer).index(words)).click()


@pytest.mark.parametrize(
    ("k", "right"), [(2, "until the first deadline"), (8, "not at all"), (9, "for ever")]
)
def test_how_long_it_may_sleep(show: Show, k, right):
    viewer = asked(show, ev="select", k=k)
    assert viewer.sentence.endswith("How long may it sleep at most?")
    answer(viewer, right)
    assert viewer.text("#note").startswith("Right. ")


def test_what_it_does_next(show: Show):
    viewer = asked(show, ev="call", on="c2", cb="ServerConnection.on_readable")
    assert viewer.sentence == "What does the loop do next?"
    assert answers(viewer)[-1] == "end this turn"
    assert viewer.page.locator("#cast .lamp.lit").count() == 1, "the stage knows"
    answer(viewer, "call c2.on_readable()")
    assert viewer.text("#note").startswith("Right. ")


def test_a_turn_is_over_when_no_lamp_is_lit(show: Show):
    viewer = asked(show, ev="turned", k=2)
    assert viewer.page.locator("#cast .lamp.lit").count() == 0
    answer(viewer, "end this turn")
    assert viewer.text("#note").startswith("Right. No lamp is filled")


def test_what_recv_returns(show: Show):
    viewer = asked(show, ev="rx", on="c2", bytes=3)
    assert answers(viewer) == [
        '"HEL"', '"HELLO 1\\n"', "nothing: it would have to wait", "the end of the stream"
    ]  # fmt: skip
    answer(viewer, '"HELLO 1\\n"')
    assert viewer.text("#note").startswith('No, "HEL". It returns what has arrived')


@pytest.mark.parametrize(
    ("wanted", "right"),
    [
        ({"ev": "state", "on": "c1", "now": "SENDING"}, "the file is sent: the hello is complete"),
        ({"ev": "done", "on": "c2", "k": 2}, "nothing yet: it is only a part"),
        ({"ev": "error", "on": "c3"}, "it is refused"),
    ],
)
def test_what_the_received_bytes_mean(show: Show, wanted, right):
    viewer = asked(show, **wanted)
    assert viewer.sentence.endswith("What follows?")
    answer(viewer, right)
    assert viewer.text("#note").startswith("Right. ")


@pytest.mark.parametrize(("now", "right"), [("w", "to write"), ("", "for nothing")])
def test_what_a_connection_waits_for_now(show: Show, now, right):
    viewer = asked(show, ev="watch", on="c1", now=now)
    assert viewer.sentence == "What does c1 wait for from now on?"
    answer(viewer, right)
    assert viewer.text("#note").startswith("Right. ")


def test_which_state_comes_next(show: Show):
    viewer = asked(show, ev="state", on="c1", now="DONE")
    assert answers(viewer) == ["HELLO_SENT", "SENDING", "DONE"]
    answer(viewer, "HELLO_SENT")
    assert viewer.text("#note").startswith("No, DONE. The reason in the table of protocol.py: ")


def test_whose_deadline_it_is(show: Show):
    viewer = asked(show, ev="timer", op="fire")
    answer(viewer, "c4")
    assert viewer.text("#note").startswith("Right. ")


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (853, 480), (390, 844)])
def test_nothing_on_the_page_moves_when_a_question_comes_or_goes(show: Show, width, height):
    viewer = show(viewport={"width": width, "height": height})
    viewer.page.locator("#ask").check()
    places = "[...document.querySelectorAll('main > section')].map((e) => e.offsetTop)"
    low = "(c) => c.getBoundingClientRect().bottom > e.getBoundingClientRect().bottom"
    cut = f"e => [...e.children].some({low})"
    for wanted in ({"ev": "rx", "on": "c2"}, {"ev": "turned", "k": 2}, {"op": "fire"}):
        viewer.open(f"#e={viewer.find(**wanted) - 1}")
        viewer.page.locator("#ask").check()
        before = viewer.page.evaluate(places)
        viewer.press("ArrowRight")
        assert viewer.text("#choices")
        assert viewer.page.evaluate(places) == before
        assert not viewer.page.locator("#now").evaluate(cut), "an answer is cut off"
        viewer.press("1")
        assert viewer.page.evaluate(places) == before
        assert not viewer.page.locator("#now").evaluate(cut), "the reason is cut off"


def test_a_digit_answers_and_another_digit_does_not(show: Show):
    viewer = asked(show, ev="state", now="SENDING")
    n = viewer.n
    viewer.press("9")
    assert viewer.n == n
    viewer.press("1")
    assert viewer.n == n + 1
    assert viewer.text("#note").startswith("Right.")


def test_digits_do_nothing_when_nothing_is_asked(viewer: Viewer):
    viewer.press("1")
    assert viewer.n == 1


def test_nothing_is_asked_unless_the_box_is_ticked(viewer: Viewer):
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
    cover = viewer.page.locator("#cover")
    expect(cover).to_be_visible()
    place = viewer.page.evaluate(f"page.parts.overview.layout.places[{viewer.n}]")
    assert float(cover.get_attribute("x")) <= place + 12
    viewer.page.locator("#ask").uncheck()
    assert all(visible(viewer))
    expect(cover).to_be_hidden()


def test_next_does_not_get_past_a_question_but_leads_to_its_answers(show: Show):
    viewer = asked(show, ev="rx", on="c2")
    n = viewer.n
    viewer.press("ArrowRight")
    assert viewer.n == n
    expect(viewer.page.locator("#choices button").first).to_be_focused()
    viewer.press("Enter")
    assert viewer.n == n + 1
    expect(viewer.page.locator("#next")).to_be_focused()


def test_play_waits_for_the_answer(show: Show):
    viewer = show()
    clock = viewer.stop_clock()
    n = ask(viewer, ev="rx", on="c2")
    viewer.page.evaluate("page.play()")
    clock.run_for(60_000)
    assert viewer.n == n and viewer.text("#choices")
    viewer.press("1")
    assert (viewer.n, viewer.text("#play")) == (n + 1, "Pause")
    clock.run_for(300)
    assert viewer.n > n + 1 or viewer.text("#choices"), "and it goes on"


def test_a_turn_stops_at_its_questions(viewer: Viewer):
    viewer.page.locator("#ask").check()
    viewer.press("PageDown")
    assert viewer.sentence == "What does the loop do next?"
    assert viewer.n == viewer.find(ev="call") - 1


def test_a_question_is_asked_once_and_counted_once(show: Show):
    viewer = asked(show, ev="rx", on="c2")
    n = viewer.n
    viewer.press("1", "ArrowLeft", "ArrowRight")
    assert viewer.n == n + 1
    assert viewer.text("#score") == "1 of 1 right"
    assert not viewer.text("#note").startswith("Right."), "the verdict of long ago"


def test_a_reader_who_goes_elsewhere_has_not_answered(show: Show):
    viewer = asked(show, ev="rx", on="c2")
    viewer.press("ArrowLeft")
    assert answers(viewer) == []
    viewer.press("End")
    assert viewer.n == len(viewer.events)
    assert viewer.text("#score") == ""


WHOLE = """() => {
    const found = [];
    while (page.view.n < page.events.length) {
        KEYS.ArrowRight();
        const {pending} = page.asker;
        if (!pending) continue;
        found.push([pending.kind, pending.answers.findIndex((one) => one.right), pending.because]);
        page.answer(0);
    }
    return found;
}"""


def test_a_whole_run_can_be_predicted_and_the_kinds_are_mixed(viewer: Viewer):
    viewer.page.locator("#ask").check()
    found = viewer.page.evaluate(WHOLE)
    kinds = [kind for kind, _, _ in found]
    assert viewer.n == len(viewer.events)
    assert viewer.text("#score").endswith(f"of {len(found)} right")
    assert len(found) > 20
    assert set(kinds) == {"sleep", "next", "recv", "judge", "watch", "state", "due"}
    assert all(one != other for one, other in pairwise(kinds))
    assert max(Counter(kinds).values()) < 0.4 * len(kinds)
    assert max(Counter(right for _, right, _ in found).values()) < 0.6 * len(found)
    assert all(because for _, _, because in found)
