"""The definition of latency and of a cut-in, on made-up turns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.turn import (
    Explanation,
    Outcome,
    Stage,
    Turn,
    explain,
    judge,
    latencies_ms,
    stage_durations_ms,
)

BEGAN_S, ENDED_S = 10.0, 14.0


def turn(latency_ms=500.0, outcome=Outcome.ANSWERED, explanation=None):
    return Turn("a", outcome, 40.0, latency_ms, explanation=explanation)


# -- one turn ----------------------------------------------------------------------------------


def test_latency_is_from_the_last_speech_sample_to_the_first_packet_of_speech():
    assert judge([14.5, 14.52, 14.54], BEGAN_S, ENDED_S) == (Outcome.ANSWERED, 500.0, None)


def test_no_packet_is_no_answer():
    assert judge([], BEGAN_S, ENDED_S) == (Outcome.UNANSWERED, None, None)


def test_what_the_agent_said_before_the_caller_began_does_not_count():
    assert judge([8.0, 9.99], BEGAN_S, ENDED_S) == (Outcome.UNANSWERED, None, None)
    assert judge([9.99, 14.25], BEGAN_S, ENDED_S) == (Outcome.ANSWERED, 250.0, None)


def test_speech_over_the_caller_is_a_cut_in():
    outcome, latency_ms, cut_in_ms = judge([12.0, 12.02, 14.5], BEGAN_S, ENDED_S)
    assert (outcome, cut_in_ms) == (Outcome.CUT_INTO, 2000.0)
    assert latency_ms == 500.0  # shown, and counted nowhere


def test_a_cut_in_that_is_never_followed_by_an_answer_has_no_latency():
    assert judge([12.0], BEGAN_S, ENDED_S) == (Outcome.CUT_INTO, None, 2000.0)


def test_the_moment_of_the_last_sample_itself_is_no_cut_in():
    assert judge([ENDED_S], BEGAN_S, ENDED_S) == (Outcome.ANSWERED, 0.0, None)
    assert judge([BEGAN_S], BEGAN_S, ENDED_S)[0] is Outcome.CUT_INTO


@given(st.lists(st.floats(0, 30), max_size=30).map(sorted))
def test_a_turn_is_either_answered_or_cut_into_or_neither(speech_s):
    outcome, latency_ms, cut_in_ms = judge(speech_s, BEGAN_S, ENDED_S)
    assert (outcome is Outcome.CUT_INTO) == any(BEGAN_S <= s < ENDED_S for s in speech_s)
    assert (cut_in_ms is not None) == (outcome is Outcome.CUT_INTO)
    assert (latency_ms is not None) == any(s >= ENDED_S for s in speech_s)
    assert latency_ms is None or latency_ms >= 0
    if outcome is Outcome.UNANSWERED:
        assert latency_ms is None


# -- many turns --------------------------------------------------------------------------------


def test_percentiles_are_of_answered_turns_only():
    turns = [
        turn(400.0),
        turn(20.0, Outcome.CUT_INTO),
        turn(None, Outcome.UNANSWERED),
        turn(None, Outcome.LOST),
        turn(500.0),
    ]
    assert latencies_ms(turns) == [400.0, 500.0]


EXPLAINED = Explanation(430.0, (Stage("vad", 0, 64), Stage("wait", 64, 420)))


def test_stages_are_durations_and_the_ear_is_the_rest():
    turns = [turn(500.0, explanation=EXPLAINED), turn(520.0, explanation=EXPLAINED)]
    assert stage_durations_ms(turns) == {"ear": [70, 90], "vad": [64, 64], "wait": [356, 356]}


def test_stages_of_a_turn_that_was_cut_into_explain_nothing():
    assert stage_durations_ms([turn(20.0, Outcome.CUT_INTO, EXPLAINED), turn()]) == {}


# -- what the server says ----------------------------------------------------------------------


def test_the_servers_own_account_is_read():
    body = {
        "type": "voxline.turn.latency",
        "response_id": "resp_1",
        "latency_ms": 430,
        "stages": [
            {"name": "vad", "begin_ms": 0, "end_ms": 64},
            {"name": "wait", "begin_ms": 64, "end_ms": 420.0},
        ],
    }
    assert explain(body) == EXPLAINED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"latency_ms": 1},
        {"latency_ms": "x", "stages": []},
        {"latency_ms": 1, "stages": [1]},
        {"latency_ms": 1, "stages": None},
        {"latency_ms": 1, "stages": [{"name": "vad"}]},
    ],
)
def test_an_account_that_is_none_is_left_out(body):
    assert explain(body) is None
