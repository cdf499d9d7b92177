"""What the operator says, and what it remembers of having said it."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.answers import JOKES, LOST, Mind, answer, answer_over, heeded
from agent.brains.operator.grammar import understand
from agent.brains.operator.requests import Intent, Request
from agent.engines import Act, Action, Heard, Text

NOW = datetime(2026, 11, 23, 19, 52, tzinfo=timezone(timedelta(hours=1)))


def pieces(words, mind=None):
    return answer(understand(words), mind or Mind(), NOW)[0]


def text(said) -> str:
    return "".join(piece.text for piece in said if isinstance(piece, Text))


def acts(said):
    return [piece.action for piece in said if isinstance(piece, Act)]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("what time is it", "It is seven fifty-two in the evening."),
        ("what's the date", "It is Monday, the twenty-third of November."),
        ("what day is it", "Today is Monday."),
        ("count to three", "One, two, three."),
        ("count to one", "One."),
        ("repeat after me go forward ten meters", "Go forward ten meters."),
        ("thank you", "You are welcome."),
    ],
)
def test_answers(asked, answered) -> None:
    assert text(pieces(asked)) == answered


def test_counting_comes_in_pieces_so_that_it_can_begin_at_once() -> None:
    counted = [piece for piece in pieces("count to one hundred") if isinstance(piece, Text)]
    assert len(counted[0].text) < 40
    words = text(counted).lower().rstrip(".").split(", ")
    assert (len(words), words[0], words[41], words[-1]) == (
        100,
        "one",
        "forty-two",
        "one hundred",
    )


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        ("louder", Action.LOUDER),
        ("quieter", Action.QUIETER),
        ("slow down", Action.SLOWER),
        ("speak faster", Action.FASTER),
        ("hold on", Action.HOLD),
        ("i'm back", Action.RESUME),
        ("goodbye", Action.HANG_UP),
    ],
)
def test_what_is_done_is_also_said(asked, action) -> None:
    said = pieces(asked, Mind(held=True) if action is Action.RESUME else None)
    assert acts(said) == [action]
    assert text(said)


def test_a_farewell_is_spoken_before_hanging_up() -> None:
    assert [type(piece) for piece in pieces("goodbye")] == [Heard, Text, Act]


STATES = {
    Intent.RESUME: Mind(held=True),
    Intent.YES: Mind(asked=Request(Intent.TIME, "what time is it", is_sure=False)),
    Intent.NO: Mind(asked=Request(Intent.TIME, "what time is it", is_sure=False)),
}


@pytest.mark.parametrize("intent", Intent)
def test_what_was_heard_comes_first_and_once(intent) -> None:
    mind = STATES.get(intent, Mind())
    said, _ = answer(Request(intent, "i'm what you said", number=3), mind, NOW)
    assert said[0] == Heard("I'm what you said")
    assert sum(isinstance(piece, Heard) for piece in said) == 1
    assert bool(text(said)) is (intent is not Intent.STOP)


@pytest.mark.parametrize("words", ["stop", "please stop", "be quiet", "that's enough"])
def test_who_is_told_to_stop_says_nothing(words) -> None:
    """The words over a reply have ended it; whatever is said now would be more of the same."""
    assert [type(piece) for piece in pieces(words)] == [Heard]


@pytest.mark.parametrize("words", ["never mind", "forget it", "no thank you"])
def test_a_wish_that_is_taken_back_is_let_go_in_two_words(words) -> None:
    assert text(pieces(words)) == "All right."


def test_stopping_is_no_failure_to_understand() -> None:
    _, mind = answer(None, Mind(), NOW)
    _, mind = answer(understand("stop"), mind, NOW)
    assert mind.lost == 0


# -- asking back -------------------------------------------------------------------------------


def unsure(words):
    return replace(understand(words), is_sure=False)


def say(*said):
    """Say one after the other; the answers' texts, the last pieces and the mind."""
    mind, texts, last = Mind(), [], ()
    for request in said:
        request = understand(request) if isinstance(request, str) else request
        last, mind = answer(request, mind, NOW)
        texts.append(text(last))
    return texts, last, mind


def test_what_is_not_sure_is_asked_back_and_neither_done_nor_transcribed() -> None:
    (asked,), last, mind = say(unsure("goodbye"))
    assert asked == "Did you say: Goodbye?"
    assert [type(piece) for piece in last] == [Text]
    assert mind.asked == unsure("goodbye")


def test_yes_does_it() -> None:
    texts, last, mind = say(unsure("count to three"), "yes")
    assert texts[1] == "One, two, three."
    assert last[0] == Heard("Yes")
    assert mind == Mind()


def test_yes_may_hang_up_or_hold() -> None:
    assert acts(say(unsure("goodbye"), "yes please")[1]) == [Action.HANG_UP]
    assert say(unsure("hold on"), "yeah")[2].held


def test_no_is_answered_and_forgotten() -> None:
    texts, _, mind = say(unsure("goodbye"), unsure("no"), "yes")
    assert texts[1] == "Sorry. Please say it again."
    assert texts[2] == LOST[0]
    assert mind.asked is None


@pytest.mark.parametrize("again", [understand("count to two"), unsure("please count to two")])
def test_saying_it_again_is_a_yes(again) -> None:
    assert say(unsure("count to two"), again)[0][1] == "One, two."


def test_something_else_said_for_certain_is_done_instead() -> None:
    assert say(unsure("goodbye"), "count to two")[0][1] == "One, two."


def test_nobody_is_asked_twice_running() -> None:
    texts, _, mind = say(unsure("goodbye"), unsure("hold on"), unsure("hold on"))
    assert texts == ["Did you say: Goodbye?", LOST[0], "Did you say: Hold on?"]
    assert mind.lost == 1


def test_a_question_is_about_the_words_just_before() -> None:
    assert say(unsure("goodbye"), None, "yes")[0][2] == LOST[1]


def test_yes_and_no_mean_nothing_where_nothing_was_asked() -> None:
    for word in ("yes", "no", "okay", "right"):
        assert say(word)[0] == [LOST[0]]


def test_what_agrees_and_what_objects_is_told_for_it_decides_over_a_reply() -> None:
    said = [
        [piece.transcript for piece in pieces(word) if isinstance(piece, Heard)]
        for word in ("okay", "that's right", "carry on", "no", "i'm back")
    ]
    assert said == [["Okay"], ["That's right"], ["Carry on"], ["No"], []]


def test_on_hold_only_what_ends_it_is_asked_about() -> None:
    held = Mind(held=True)
    assert answer(unsure("count to two"), held, NOW) == ((), held)
    asked, mind = answer(unsure("i'm back"), held, NOW)
    assert text(asked) == "Did you say: I'm back?"
    said, mind = answer(understand("yes"), mind, NOW)
    assert (acts(said), mind.held) == ([Action.RESUME], False)


@pytest.mark.parametrize(
    ("intent", "mind", "is_heeded"),
    [
        (Intent.RESUME, Mind(), False),
        (Intent.RESUME, Mind(held=True), True),
        (Intent.YES, Mind(), False),
        (Intent.NO, Mind(asked=unsure("goodbye")), True),
        (Intent.STOP, Mind(), True),
    ],
)
def test_some_words_count_only_where_they_are_awaited(intent, mind, is_heeded) -> None:
    assert heeded(intent, mind) is is_heeded


def test_no_joke_twice_running_and_all_of_them_in_turn() -> None:
    mind, told = Mind(), []
    for _ in range(len(JOKES) + 1):
        said, mind = answer(understand("tell me a joke"), mind, NOW)
        told.append(text(said))
    assert len(set(told)) == len(JOKES)
    assert told[0] == told[-1]
    assert all(one != other for one, other in pairwise(told))


def test_repeat_after_me_alone_is_explained() -> None:
    assert "for example" in text(pieces("repeat after me"))


def test_what_was_not_understood_is_not_transcribed() -> None:
    said, _ = answer(None, Mind(), NOW)
    assert not any(isinstance(piece, Heard) for piece in said)


def test_the_first_refusal_tells_what_can_be_done_and_later_ones_are_short_and_vary() -> None:
    mind, said = Mind(), []
    for _ in LOST:
        refusal, mind = answer(None, mind, NOW)
        said.append(text(refusal))
    assert "time" in said[0]
    assert max(map(len, said[1:])) < len(said[0]) / 2
    assert len(set(said)) == len(said)


def test_being_understood_ends_the_row_of_refusals() -> None:
    _, mind = answer(None, Mind(), NOW)
    _, mind = answer(understand("hello"), mind, NOW)
    assert text(answer(None, mind, NOW)[0]) == LOST[0]


@pytest.mark.parametrize("words", ["what time is it", "hold on", "louder", "thank you", ""])
def test_on_hold_nothing_is_said(words) -> None:
    held = Mind(held=True, lost=1)
    assert answer(understand(words), held, NOW) == ((), held)


def test_hold_ends_with_resume() -> None:
    _, mind = answer(understand("one moment please"), Mind(), NOW)
    assert mind.held
    said, mind = answer(understand("i'm back"), mind, NOW)
    assert acts(said) == [Action.RESUME]
    assert not mind.held


def test_one_may_hang_up_on_hold() -> None:
    assert acts(answer(understand("goodbye"), Mind(held=True), NOW)[0]) == [Action.HANG_UP]


@given(
    st.one_of(st.none(), st.builds(Request, st.sampled_from(Intent), st.just("x"))),
    st.builds(Mind, held=st.booleans(), jokes=st.integers(0, 99), lost=st.integers(0, 99)),
)
def test_the_same_again_gives_the_same(request, mind) -> None:
    """Speculation: an answer thrown away and made anew must not differ."""
    if request is not None and request.intent is Intent.COUNT:
        request = Request(Intent.COUNT, "x", number=5)
    assert answer(request, mind, NOW) == answer(request, mind, NOW)


def over(words, mind=None):
    return answer_over(words, mind or Mind(), NOW)


@pytest.mark.parametrize(
    "said", ["stop", "no", "excuse me", "be quiet", "sorry", "hey", "what"]
)
def test_to_have_stopped_is_the_answer_to_most_that_is_said_over_a_reply(said) -> None:
    pieces, after = over(said)
    assert pieces == (Heard(said.capitalize()),)
    assert after == Mind()


@pytest.mark.parametrize(
    ("said", "answered"),
    [
        ("louder", "I will speak louder."),
        ("hello", "Hello! How can I help you?"),
        ("never mind", "All right."),
        ("hold on", "I will wait. Say: I'm back, when you are."),
    ],
)
def test_a_request_over_a_reply_is_granted(said, answered) -> None:
    first, *others = over(said)[0]
    assert first == Heard(said.capitalize())
    assert text(others) == answered
    assert not any(isinstance(piece, Heard) for piece in others)


@pytest.mark.parametrize("said", ["goodbye", "hang up"])
def test_a_word_over_a_reply_ends_no_call_without_being_asked_back(said) -> None:
    pieces, after = over(said)
    assert pieces == (Heard(said.capitalize()), Text(f"Did you say: {said.capitalize()}?"))
    assert acts(answer(understand("yes"), after, NOW)[0]) == [Action.HANG_UP]


def test_a_word_over_a_question_ends_the_question() -> None:
    _, after = over("stop", Mind(asked=understand("count to eighty")))
    assert after == Mind()


@pytest.mark.parametrize("said", ["okay", "mm", "yeah yeah", "uhhuh", "of course"])
def test_a_sign_is_only_told(said) -> None:
    assert over(said) == ((Heard(said.capitalize()),), Mind())
