"""A stop and a request in one utterance are judged one by one; other speech is not let in."""

from dataclasses import replace

import pytest
from decoded import spoken

from agent.brains.operator.certainty import certain_request, log_odds, score
from agent.brains.operator.opinions import Opinions, words
from agent.brains.operator.requests import Intent
from agent.brains.operator.sentences import sentences
from agent.brains.operator.weights import THRESHOLD

BOTH = spoken("no", "please", "stop", "", "what", "time", "is", "it")


def test_the_longest_pause_between_two_requests_divides_them() -> None:
    said = spoken("no", "", "please", "stop", "", "what", "time", "is", "it")
    longer = tuple(replace(s, last=s.last - 20) if s.first == 46 else s for s in said)
    parts = sentences(Opinions(longer, longer))
    assert [words(part.request) for part in parts] == ["no please stop", "what time is it"]
    assert [words(part.anything) for part in parts] == ["no please stop", "what time is it"]


@pytest.mark.parametrize(
    "said",
    [
        ("what", "time", "is", "it"),  # no pause
        ("what", "time", "", "is", "it"),  # neither side is a request
        ("no", "please", "stop", "", "what", "time"),  # one is
        ("hello", "", "what", "time", "is", "it"),  # so somebody else's speech was let in
        (),
    ],
)
def test_all_else_is_one_sentence(said) -> None:
    decoded = spoken(*said)
    assert sentences(Opinions(decoded, decoded)) == ()
    assert log_odds(Opinions(decoded, decoded)) == score(Opinions(decoded, decoded))


def test_a_moment_between_words_is_no_pause() -> None:
    at = next(s.first for s in BOTH if not s.word and s.first > 0)
    brief = tuple(replace(s, last=at + 9) if s.first == at else s for s in BOTH)
    assert sentences(Opinions(brief, brief)) == ()


def test_the_second_is_asked_for_where_both_are_certain() -> None:
    english = spoken("no", "please", "stop", "", "what", "time", "is", "it", acoustic=-2.0)
    both = Opinions(BOTH, english)
    assert score(both) < THRESHOLD
    request = certain_request(both, lambda: ())
    assert request is not None
    assert request.intent is Intent.TIME


@pytest.mark.parametrize(("times", "certain"), [(1, True), (3, True), (4, False)])
def test_one_that_is_likely_makes_up_for_one_that_is_less_so(times, certain) -> None:
    """Killed: speech of somebody else, with a pause before something like a request."""
    first = {"no", "please", "stop"}
    poor = tuple(
        replace(span, acoustic=span.acoustic * times) if span.word in first else span
        for span in BOTH
    )
    both = Opinions(poor, BOTH)
    assert log_odds(both) == max(score(both), sum(map(score, sentences(both))) / 2)
    assert (log_odds(both) >= THRESHOLD) is certain
