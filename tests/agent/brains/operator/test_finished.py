"""Has the caller finished? A whole request says so, a strict beginning the opposite."""

import pytest
from decoded import spoken
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.finished import BEGINNING, COMPLETE, finished
from agent.brains.operator.grammar import may_follow, understand, vocabulary
from agent.brains.operator.opinions import Opinions


def odds(so_far, whole=None):
    """Of words that were taken for a request so far, and, had it to be one, for `whole`."""
    said = spoken(*so_far.split()) if so_far else ()
    decoded = spoken(*(whole or so_far).split()) if whole or so_far else ()
    request = understand(whole or so_far)
    return finished(Opinions(decoded, said, said), request)


@pytest.mark.parametrize(
    "said",
    [
        "what time is it",
        "what time is it now",
        "thank you",
        "count to twenty one",
        "goodbye please",
        "could you tell me a joke",
    ],
)
def test_a_whole_request_is_all_that_was_to_be_said(said) -> None:
    assert odds(said) == COMPLETE > 0.5


@pytest.mark.parametrize(
    "said", ["what time", "count to", "repeat after", "could you tell me", "hello what"]
)
def test_a_strict_beginning_is_not(said) -> None:
    assert odds(said) == BEGINNING < 0.5


@pytest.mark.parametrize(
    "said", ["count to twenty", "hello operator", "no stop", "repeat after me"]
)
def test_a_request_that_may_become_another_tells_nothing(said) -> None:
    """Killed: "count to twenty" that is answered before "three"."""
    assert odds(said) is None


def test_a_single_word_is_soon_mistaken_and_tells_nothing() -> None:
    """Killed: "nope", which was the beginning of "no thank you"."""
    assert may_follow("nope") == {"please", "operator"}
    assert odds("nope") is None
    assert odds("nope please") == COMPLETE


def test_please_may_follow_anything_and_is_not_waited_for() -> None:
    assert may_follow("what time is it now") == {"please", "operator"}
    assert odds("what time is it now") == COMPLETE


def test_what_was_only_guessed_from_what_it_must_be_tells_nothing() -> None:
    """Killed: "speak a", heard as "speak up" where it has to be a whole request."""
    assert odds("speak a", whole="speak up") is None


@pytest.mark.parametrize("said", ["", "happy birthday", "time what"])
def test_other_speech_may_end_anywhere(said) -> None:
    assert odds(said) is None


def test_a_beginning_that_english_explains_better_is_none() -> None:
    poor = spoken("count", "to", acoustic=-90.0)
    assert finished(Opinions(poor, spoken("modern", "arty"), poor), None) is None


def test_a_request_of_which_nobody_is_certain_tells_nothing() -> None:
    heard = spoken("what", "time", "is", "it", "now")
    assert finished(Opinions(heard, heard, heard), None) is None


@given(words=st.lists(st.sampled_from(sorted(vocabulary())), max_size=5))
def test_a_beginning_is_never_a_request_and_what_is_complete_always_is(words) -> None:
    said = " ".join(words)
    match odds(said):
        case float(found) if found == BEGINNING:
            assert understand(said) is None
            assert may_follow(said)
        case float(found):
            assert found == COMPLETE
            assert understand(said) is not None
