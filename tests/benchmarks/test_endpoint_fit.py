"""The fit: its arithmetic is the agent's own, and it learns what can be learnt."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Turns
from agent.endpoint.odds import Pause
from agent.endpoint.prosody import Cues
from agent.endpoint.release import Patience
from agent.endpoint.weights import FITTED
from benchmarks.endpoint_corpus import KIN, Observed
from benchmarks.endpoint_fit import (
    PRIOR,
    answered_ms,
    as_weights,
    fit,
    loss_ms,
    source,
    table,
    waits_ms,
    without,
)

TURNS = Turns()
PATIENCE = Patience(
    "medium", TURNS.least_wait_ms, TURNS.longest_wait_ms, TURNS.unfinished_wait_ms
)


def turn(*pauses, name="a", complete=True, ended_ms=1000):
    """Pauses: (begin in ms, length in ms, fall in semitones)."""
    rows = [
        (
            begin_ms + silent_ms,
            Pause(silent_ms, Cues(fall_st=fall_st), 0.5, True, 180.0, 0.0),
        )
        for begin_ms, length_ms, fall_st in pauses
        for silent_ms in range(80, length_ms + 1, 20)
    ]
    return Observed(name, "a", "clean", complete, ended_ms, tuple(rows))


@given(
    st.floats(-15, 9),
    st.floats(0, 1),
    st.floats(100, 900),
    st.floats(0, 900),
    st.booleans(),
)
def test_waits_are_those_of_the_agent(
    fall_st, probability, usual_ms, longest_ms, clear
) -> None:
    pause = Pause(100, Cues(fall_st=fall_st), probability, clear, usual_ms, longest_ms)
    weights = np.array([FITTED.bias, *(FITTED.of[name] for name in PRIOR)])
    laid_out = table([Observed("a", "a", "clean", True, 0, ((100, pause),))])
    [wait_ms] = waits_ms(laid_out, weights, 0.0, TURNS)
    assert wait_ms == pytest.approx(PATIENCE.wait_ms(FITTED, pause), abs=0.5)


def test_a_turn_is_answered_at_the_first_wait_that_is_over() -> None:
    laid_out = table([turn((500, 300, 0), (1000, 900, 0))])
    early = answered_ms(laid_out, np.full(len(laid_out.turn), 200.0))
    late = answered_ms(laid_out, np.full(len(laid_out.turn), 400.0))
    assert early[0] == 500 + 200 - 1000 + 6
    assert late[0] == 400 + 6


def test_a_newer_judgement_overrules_an_older_one() -> None:
    laid_out = table([turn((1000, 900, 0))])
    wait_ms = np.where(laid_out.silent_ms < 200, 210.0, 500.0)
    assert answered_ms(laid_out, wait_ms)[0] == 506


def test_a_cut_in_costs() -> None:
    weights = np.array([0.0, *PRIOR.values()])
    never = table([turn((1000, 900, -8))])
    once = table([turn((300, 400, -8), (1000, 900, -8))])
    assert loss_ms(once, weights, TURNS, 600) > loss_ms(never, weights, TURNS, 600) + 400


def test_what_a_cue_means_is_learnt() -> None:
    """Those who fall end, the others go on: no need to wait for the longest."""
    turns = [turn((400, 300, 4), (1000, 900, -8), name=str(n)) for n in range(4)]
    laid_out = table(turns)
    weights = fit(laid_out, rounds=200)
    latency = answered_ms(laid_out, waits_ms(laid_out, weights, 0.0, TURNS))
    assert all(0 < each < 300 for each in latency)
    assert np.array_equal(weights, fit(laid_out, rounds=200))


def test_nothing_of_one_reading_is_fitted_on_when_it_is_judged() -> None:
    observed = [turn((0, 100, 0), name=name) for family in KIN for name in family]
    left = {each.name for each in without(observed, KIN[0][0])}
    assert left == set(KIN[1])
    lone = [replace(observed[0], name="x"), *observed]
    assert len(without(lone, "x")) == len(observed)


def test_the_source_holds_the_weights() -> None:
    weights = as_weights(np.arange(1.0, 2.0 + len(PRIOR)))
    space: dict = {}
    exec(source(weights), space)
    assert space["FITTED"] == weights
