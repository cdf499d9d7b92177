"""The model: every cue turns the odds the way it should, and silence makes an end likelier."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.endpoint.odds import FEATURES, OPINIONS, Pause, features, remembered, weighed
from agent.endpoint.prosody import Cues
from agent.endpoint.weights import FITTED
from agent.engines import MEMORY

PAUSE = Pause(100, Cues(), 0.0, clear=True, usual_ms=180)
# what a VAD may remember, in order of what the network makes of it: most is like nothing heard
REMEMBERED = np.random.default_rng(0).standard_normal((400, MEMORY)).astype(np.float32)
REMEMBERED = REMEMBERED[np.argsort(FITTED.memory(remembered(REMEMBERED)))]


def odds(silent_ms=150.0, **changes):
    cues = Cues(**{k: v for k, v in changes.items() if k in Cues.__dataclass_fields__})
    rest = {k: v for k, v in changes.items() if k in Pause.__dataclass_fields__}
    return odds_of(replace(PAUSE, cues=cues, **rest), silent_ms)


def odds_of(pause, silent_ms):
    return FITTED.odds(FITTED.before_silence(pause), silent_ms, pause.usual_ms)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"low_st": 0.0}, {"low_st": 8.0}),
        ({"soft_db": 12.0}, {"soft_db": 2.0}),
        ({"breath_db": 0.0}, {"breath_db": 12.0}),
        ({"memory": REMEMBERED[-1]}, {"memory": REMEMBERED[0]}),
        ({"usual_ms": 150.0}, {"usual_ms": 400.0}),
        ({"opinion": 1.0}, {"opinion": -1.0}),
    ],
)
def test_each_cue_means_what_it_means_to_people(more, less) -> None:
    assert odds(**more) > odds(**less)


@given(st.floats(60, 2000), st.floats(1, 1000))
def test_silence_makes_an_end_likelier(silent_ms, longer_ms) -> None:
    assert odds_of(PAUSE, silent_ms + longer_ms) >= odds_of(PAUSE, silent_ms)


@given(st.floats(-6, 12), st.floats(-3, 3), st.floats(-2, 2))
def test_the_silence_asked_for_gives_the_logit_asked_for(low_st, opinion, logit) -> None:
    pause = replace(PAUSE, cues=Cues(low_st=low_st), opinion=opinion)
    silent_ms = FITTED.silence_until(logit, FITTED.before_silence(pause), pause.usual_ms)
    if 0 < silent_ms < 5000:
        chance = odds_of(pause, silent_ms)
        assert abs(chance / (1 - chance) / 2.718281828**logit - 1) < 0.01


@given(st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_no_slip_of_a_tracker_outweighs_the_rest(low_st, soft_db) -> None:
    known = features(replace(PAUSE, cues=Cues(low_st, soft_db), breath_db=200.0))
    assert all(abs(value) <= 4 for value in known.values())


@given(st.floats(-1e6, 1e6, width=32))
def test_no_number_that_grew_large_outweighs_the_rest(value) -> None:
    bounded = remembered(np.array([value, 0.0], np.float32))
    assert abs(bounded[0]) <= 1 and bounded[1] == 0
    assert np.sign(bounded[0]) == np.sign(np.float32(value))


@given(st.sampled_from([-1e6, -3.0, 0.0, 3.0, 1e6]), st.integers(0, 99))
def test_no_memory_outweighs_the_rest(value, seed) -> None:
    """It may be like none that was learnt from. Killed: a network without bounds."""
    signs = np.random.default_rng(seed).choice([-1, 1], MEMORY).astype(np.float32)
    for memory in (np.full(MEMORY, value, np.float32), signs * np.float32(value)):
        assert abs(FITTED.recalled(memory)) <= 6


def test_where_nothing_can_be_said_nothing_is_said() -> None:
    known = features(PAUSE)
    assert tuple(known) == FEATURES
    assert known["low"] == known["soft"] == 0


@given(st.dictionaries(st.sampled_from(sorted(OPINIONS)), st.floats(0, 1)), st.floats(0, 1))
def test_opinions_add_up_and_certainty_has_bounds(opinions, odds) -> None:
    assert weighed({}) == 0
    assert weighed(dict.fromkeys(opinions, 0.5)) == 0
    assert abs(weighed(opinions) - sum(weighed({k: v}) for k, v in opinions.items())) < 1e-9
    for name in OPINIONS:
        assert abs(weighed({name: odds})) < 7 * OPINIONS[name]
        assert weighed({name: 1.0}) > weighed({name: 0.8}) > 0 > weighed({name: 0.4})
