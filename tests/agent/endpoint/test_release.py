"""When to answer: within the operator's bounds, sooner with better odds."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.odds import Pause
from agent.endpoint.prosody import Cues
from agent.endpoint.release import EAGERNESS, Patience
from agent.endpoint.weights import FITTED

PATIENCE = Patience("medium", least_ms=100, longest_ms=420, unfinished_ms=650)
DONE = Pause(100, Cues(-12, -3, -0.1), 0.05, clear=True, usual_ms=180, longest_ms=0)
OPEN = replace(DONE, cues=Cues(6, 3, 0.2), probability=1.0)

pauses = st.builds(
    Pause,
    st.integers(60, 900),
    st.builds(Cues, st.floats(-15, 9), st.floats(-6, 6), st.floats(-0.3, 0.25)),
    st.floats(0, 1),
    st.booleans(),
    st.floats(100, 900),
    st.floats(0, 900),
)


def wait(pause, **changes):
    return replace(PATIENCE, **changes).wait_ms(FITTED, pause)


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
def test_who_has_paused_for_long_is_given_as_much_again(pause) -> None:
    long = replace(pause, longest_ms=350)
    assert wait(long) >= min(350, PATIENCE.longest_ms)


@given(pauses)
def test_nobody_waits_longer_than_longest_but_for_an_unfinished_sentence(pause) -> None:
    if wait(pause) > PATIENCE.longest_ms:
        assert FITTED.odds(pause, PATIENCE.longest_ms) < 0.28
