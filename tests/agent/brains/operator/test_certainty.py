"""When a request counts as one: what speaks for it, and limits that none exceeds."""

from dataclasses import astuple, fields, replace

import numpy as np
import pytest
from decoded import spoken
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.certainty import (
    Measures,
    certain_request,
    closest_rival,
    is_sure,
    measures,
    score,
    short_answer,
)
from agent.brains.operator.grammar import understand
from agent.brains.operator.opinions import Opinions, Rival
from agent.brains.operator.requests import Intent
from agent.brains.operator.weights import DOUBT, WEIGHTS

ASKED = spoken("what", "time", "is", "it")
AGREED = Opinions(ASKED, ASKED)


def none():
    """No rivals."""
    return ()


def not_asked():
    raise AssertionError("rivals take long, and are no matter here")


def test_a_request_that_english_explains_no_better_is_one() -> None:
    request = certain_request(AGREED, none)
    assert request is not None
    assert request.intent is Intent.TIME


def test_a_request_that_english_explains_far_better_is_none() -> None:
    poor = spoken("what", "time", "is", "it", acoustic=-90.0)
    other = spoken("modern", "arty", acoustic=-10.0)
    assert certain_request(Opinions(poor, other), not_asked) is None


def test_words_that_are_no_request_are_none_however_well_they_fit() -> None:
    for words in (("what", "time"), ("happy", "birthday"), ()):
        decoded = spoken(*words)
        assert certain_request(Opinions(decoded, decoded), not_asked) is None


def doubted(behind, *words):
    """What the utterance is, with another account of it so far behind."""
    return certain_request(AGREED, lambda: (Rival(" ".join(words), behind),))


def test_a_request_whose_rival_is_near_is_not_sure() -> None:
    for behind, sure in ((0.0, False), (DOUBT - 1, False), (DOUBT, True)):
        request = doubted(behind, "what", "day", "is", "it")
        assert request is not None
        assert (request.intent, request.is_sure) == (Intent.TIME, sure)


def test_other_words_for_the_same_and_words_for_nothing_are_no_rivals() -> None:
    for words in ("what's the time", "what time is it now", "what time", ""):
        request = doubted(0.0, *words.split())
        assert request is not None
        assert request.is_sure, words


def test_the_closest_rival_counts_wherever_it_stands() -> None:
    rivals = (Rival("what time", 1.0), Rival("who are you", 70.0), Rival("help", 50.0))
    asked = understand("what time is it")
    assert closest_rival(asked, rivals) == 50
    assert closest_rival(asked, ()) == np.inf


def test_hanging_up_wants_more_certainty_than_all_else() -> None:
    assert is_sure(Intent.TIME, 0.0, np.inf)
    assert not is_sure(Intent.GOODBYE, 0.0, np.inf)
    assert is_sure(Intent.GOODBYE, 2.0, np.inf)
    assert not is_sure(Intent.GOODBYE, 2.0, 0.0)


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        *(("yes", True), ("no", True), ("that's right", True), ("yes that's right", False)),
        *(("hello", False), ("what time", False), ("", False)),
    ],
)
def test_an_answer_is_short_and_needs_no_score(words, is_one) -> None:
    poor = spoken(*words.split(), acoustic=-90.0) if words else ()
    heard = Opinions(poor, spoken("modern", "arty"))
    assert (short_answer(heard) is not None) is is_one


def test_silence_is_no_request() -> None:
    assert certain_request(Opinions((), ()), not_asked) is None
    assert measures(Opinions((), ())) is None


@pytest.mark.parametrize("pace", [1, 20])
def test_nobody_speaks_so_fast_or_so_slowly(pace) -> None:
    assert measures(Opinions(spoken("help", pace=pace), ())) is None


def test_one_word_drawn_out_for_ever_is_not_said() -> None:
    first, what, *rest = ASKED
    drawn = replace(what, first=what.first, last=what.last + 100)
    late = [replace(span, first=span.first + 100, last=span.last + 100) for span in rest]
    assert measures(Opinions((first, drawn, *late), ())) is None


def test_speech_that_the_request_takes_for_silence_counts_against_it() -> None:
    start, *_ = ASKED
    long = spoken("what", "time", "is", "it", "when", "you", "come", "to", "think", "of", "it")
    assert measures(Opinions((start, *ASKED[1:]), long)) is None


def test_measures_of_a_plain_case() -> None:
    found = measures(AGREED)
    assert found is not None
    assert found.frames == pytest.approx(np.log(8 * 12))
    assert (found.words, found.slowest, found.fastest) == (4, 8, 8)
    assert (found.margin, found.worst_word, found.pauses, found.unexplained) == (0, 0, 0, 0)
    assert (found.agreement, found.acoustic) == (1, -10)
    assert found.english_word == -20


def test_silence_between_words_is_counted_and_around_them_is_not() -> None:
    found = measures(Opinions(spoken("what", "time", "", "is", "it"), ()))
    assert found is not None
    assert found.pauses == pytest.approx(np.log(41))


def test_the_worst_word_is_found() -> None:
    doubtful = tuple(
        replace(span, acoustic=span.acoustic - 15 * 32) if span.word == "time" else span
        for span in ASKED
    )
    found = measures(Opinions(doubtful, ASKED))
    assert found is not None
    assert found.worst_word == pytest.approx(-15)
    assert found.margin == pytest.approx(-15 * 32 / 96)


@given(st.floats(-80, -5), st.floats(0, 60))
def test_the_better_english_fits_the_less_certain_is_the_request(acoustic, better) -> None:
    """Whatever weights are fitted, they must say this."""
    here = spoken("what", "time", "is", "it", acoustic=acoustic)
    there = spoken("what", "time", "is", "it", acoustic=acoustic + better)
    assert score(Opinions(here, there)) <= score(Opinions(here, here)) + 1e-6


def test_there_is_a_weight_for_each_measure() -> None:
    assert len(WEIGHTS) == len(fields(Measures))
    found = measures(AGREED)
    assert found is not None
    assert all(np.isfinite(astuple(found)))
