"""What the operator says, and what it remembers of having said it."""

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.answers import JOKES, LOST, Mind, answer
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
    said = pieces(asked)
    assert acts(said) == [action]
    assert text(said)


def test_a_farewell_is_spoken_before_hanging_up() -> None:
    assert [type(piece) for piece in pieces("goodbye")] == [Heard, Text, Act]


@pytest.mark.parametrize("intent", Intent)
def test_what_was_heard_comes_first_and_once(intent) -> None:
    said, _ = answer(Request(intent, "i'm what you said", number=3), Mind(), NOW)
    assert said[0] == Heard("I'm what you said")
    assert sum(isinstance(piece, Heard) for piece in said) == 1
    assert text(said)


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
