"""When to answer: within the operator's bounds, sooner with better odds."""

from dataclasses import replace
from itertools import pairwise
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.hazard import surprise
from agent.endpoint.odds import Pause
from agent.endpoint.prosody import Cues
from agent.endpoint.release import EAGERNESS, ENOUGH, UNFINISHED, Patience
from agent.endpoint.weights import FITTED

PATIENCE = Patience("medium", least_ms=100, longest_ms=420, unfinished_ms=650)
DONE = Pause(100, Cues(0, 12), 0.0, clear=True, usual_ms=180, opinion=4.0)
OPEN = replace(DONE, cues=Cues(12, 0), breath_db=15.0, opinion=-4.0)

pauses = st.builds(
    Pause,
    st.integers(60, 900),
    st.builds(Cues, st.floats(-6, 15), st.floats(-5, 20)),
    st.floats(0, 30),
    st.booleans(),
    st.floats(100, 900),
    st.floats(0, 900),
    st.floats(-6, 6),
)


def wait(pause, **changes):
    return replace(PATIENCE, **changes).wait_ms(FITTED, pause, FITTED.before_silence(pause))


@given(pauses, st.sampled_from(EAGERNESS))
def test_no_wait_is_out_of_bounds(pause, eagerness) -> None:
    assert 100 <= wait(pause, eagerness=eagerness) <= 650


@given(pauses)
def test_a_more_eager_agent_waits_no_longer(pause) -> None:
    waits = [wait(pause, eagerness=each) for each in ("high", "medium", "low")]
    assert all(sooner <= later for sooner, later in pairwise(waits))
    assert wait(pause, eagerness="auto") == wait(pause)


def test_a_plain_end_is_answered_at_once_and_an_open_sentence_waited_for() -> None:
    assert wait(DONE) == 100
    assert wait(OPEN) == 650


@given(pauses)
def test_who_was_answered_too_early_is_given_as_much_again(pause) -> None:
    assert wait(replace(pause, mistaken_ms=350)) >= min(350, PATIENCE.longest_ms)


@given(pauses)
def test_nobody_waits_longer_than_longest_but_for_an_unfinished_sentence(pause) -> None:
    if wait(pause) > PATIENCE.longest_ms:
        before = FITTED.before_silence(pause)
        odds = FITTED.odds(before, PATIENCE.longest_ms, pause.usual_ms)
        assert odds < 1 / (1 + exp(-UNFINISHED)) + 1e-3


@given(pauses)
def test_a_breath_lengthens_the_wait_and_never_shortens_it(pause) -> None:
    quiet = replace(pause, breath_db=0.0)
    assert wait(replace(pause, breath_db=15.0)) >= wait(quiet)


def test_a_little_silence_may_be_missing_and_a_sentence_be_given_up() -> None:
    """Mutant: only one of both bounds counts."""
    nearly, hardly = (FITTED.silence * surprise(ms, 180) for ms in (250, 500))
    assert wait(logit(DONE, ENOUGH["medium"] - nearly)) == pytest.approx(250)
    assert wait(logit(OPEN, UNFINISHED - hardly)) == pytest.approx(500)


def logit(pause, before):
    """The pause, and opinions with which so much is known before any silence."""
    return replace(pause, opinion=pause.opinion + before - FITTED.before_silence(pause))
