"""A caller's own pauses: what was heard makes waits longer, and the inverse is one."""

from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.hazard import Hazard, silence_ms, surprise


@given(st.floats(1, 3000), st.floats(50, 1000))
def test_the_inverse_is_one(silent, usual) -> None:
    assert abs(silence_ms(surprise(silent, usual), usual) - silent) < 1e-3 * silent + 1e-3


@given(st.floats(0, 2000), st.floats(1, 500), st.floats(50, 1000))
def test_a_longer_silence_is_more_of_a_surprise(silent, more, usual) -> None:
    assert surprise(silent + more, usual) > surprise(silent, usual)


@given(st.floats(100, 900), st.floats(50, 500), st.floats(1, 500))
def test_less_of_one_to_a_caller_of_long_pauses(silent, usual, more) -> None:
    assert surprise(silent, usual + more) < surprise(silent, usual)


def test_long_pauses_teach_quickly_and_short_ones_slowly() -> None:
    long, short = Hazard(), Hazard()
    before = long.usual_ms
    long.note(before + 100)
    short.note(before - 60)
    assert long.usual_ms - before == 50
    assert before - short.usual_ms == 6


def test_consonants_teach_nothing() -> None:
    hazard = Hazard()
    before = hazard.usual_ms
    hazard.note(90)
    assert hazard.usual_ms == before
