"""The fit: its arithmetic is the agent's own, and it learns what can be learnt."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import recording

from agent.audio.frame import HEAR_FRAME, HEAR_HZ
from agent.commands import TryReply
from agent.config import Config
from agent.ear import Ear
from agent.endpoint.odds import Pause
from agent.endpoint.prosody import Cues
from agent.endpoint.release import ENOUGH, Patience
from agent.endpoint.weights import FITTED, load
from agent.engines import MEMORY
from agent.requests import CallSettings
from agent.settings import patience, turn_rules
from agent.turns import Turns
from agent.vad.silero import Silero
from benchmarks import endpoint_fit
from benchmarks.endpoint_corpus import CONDITIONS, Observed, heard, observe, recordings
from benchmarks.endpoint_fit import (
    WAY,
    answered_ms,
    examples,
    fit,
    judged,
    pauses,
    table,
    waits_ms,
    without,
)

TURNS = Config().turns
PATIENCE = Patience(
    "medium", TURNS.least_wait_ms, TURNS.longest_wait_ms, TURNS.unfinished_wait_ms
)
MEDIUM = ENOUGH["medium"]
NOTHING = np.zeros(MEMORY, np.float32)  # is remembered
FEW = replace(WAY, networks=1, epochs=1500)  # turns: a step each


def turn(*lengths, name="a", speaker="a", complete=True, ended_ms=1000):
    """Lengths: (begin in ms, length in ms, semitones above the caller's lowest)."""
    rows = [
        (
            begin_ms + silent_ms,
            Pause(silent_ms, Cues(low_st=low_st), 0.0, True, 180.0, memory=NOTHING),
        )
        for begin_ms, length_ms, low_st in lengths
        for silent_ms in range(80, length_ms + 1, 20)
    ]
    return Observed(name, speaker, "clean", complete, ended_ms, 2000, tuple(rows))


@given(
    st.floats(-6, 12),
    st.floats(0, 30),
    st.floats(100, 900),
    st.floats(-2, 2),
    st.integers(0, 99),
)
def test_waits_are_those_of_the_agent(low, breath, usual_ms, opinion, seed) -> None:
    memory = np.random.default_rng(seed).standard_normal(MEMORY).astype(np.float32)
    pause = Pause(100, Cues(low_st=low), breath, True, usual_ms, 0.0, opinion, memory)
    laid_out = table([Observed("a", "a", "clean", True, 0, 0, ((100, pause),))])
    [wait_ms] = waits_ms(laid_out, FITTED, MEDIUM, TURNS, np.array([opinion]))
    before = FITTED.before_silence(pause)
    assert wait_ms == pytest.approx(PATIENCE.wait_ms(FITTED, pause, before), abs=0.5)


def test_a_turn_is_answered_at_the_first_wait_that_is_over() -> None:
    laid_out = table([turn((500, 300, 0), (1000, 900, 0))])
    early = answered_ms(laid_out, np.full(len(laid_out.turn), 200.0))
    late = answered_ms(laid_out, np.full(len(laid_out.turn), 400.0))
    assert early[0] == 500 + 200 - 1000 + 6
    assert late[0] == 400 + 6


def call_answers_ms(samples):
    """When a call would begin to answer what it hears, in packets of 20 ms."""
    config = Config()
    ear = Ear(Silero(), config.vad, patience(config, CallSettings()))
    turns = Turns(turn_rules(config, CallSettings()))
    for end in range(HEAR_FRAME, len(samples) + 1, HEAR_FRAME):
        before, now = (end - HEAR_FRAME) / HEAR_HZ, end / HEAR_HZ
        if turns.deadline is not None and turns.deadline < now:
            due = max(before, turns.deadline)
            if any(isinstance(command, TryReply) for command in turns.tick(due)):
                return due * 1000
        for event in ear.feed(samples[end - HEAR_FRAME : end]):
            turns.handle(event, now)
    return np.inf


@pytest.mark.parametrize(
    ("name", "condition", "clear"),
    [("goforward", "clean", True), ("austen-0890", "noise-15", False)],
)
def test_a_turn_is_answered_when_a_call_would(name, condition, clear) -> None:
    """Killed: a VAD's trail that a call takes off, and the fit does not."""
    recording(name)  # or skipped
    [spoken] = (each for each in recordings() if each.name == name)
    [chosen] = (each for each in CONDITIONS if each.name == condition)
    observed = observe(spoken, chosen)
    assert {pause.clear for at, pause in observed.pauses if at > observed.ended_ms} == {clear}
    laid_out = table([observed])
    [answered] = answered_ms(laid_out, waits_ms(laid_out, FITTED, MEDIUM, TURNS))
    samples, _ = heard(spoken, chosen)
    assert answered + observed.ended_ms - 6 == pytest.approx(call_answers_ms(samples), abs=2)


def test_a_newer_judgement_overrules_an_older_one() -> None:
    laid_out = table([turn((1000, 900, 0))])
    wait_ms = np.where(laid_out.silent_ms < 200, 210.0, 500.0)
    assert answered_ms(laid_out, wait_ms)[0] == 506


def test_packets_of_a_pause_belong_together() -> None:
    found = pauses(turn((500, 300, 0), (1000, 900, 0)))
    assert [[p.silent_ms for _, p in each][:: len(each) - 1] for each in found] == [
        [80, 300],
        [80, 900],
    ]


def test_what_a_cue_means_is_learnt() -> None:
    """Those who come down end, the others go on: no need to wait for the longest."""
    turns = [turn((400, 300, 9), (1000, 900, 0), name=str(n), speaker=str(n)) for n in range(8)]
    weights = fit(turns, FEW)
    laid_out = table(turns)
    latency = answered_ms(laid_out, waits_ms(laid_out, weights, MEDIUM, TURNS))
    assert all(0 < each < 300 for each in latency)
    again = fit(turns, FEW)
    assert again.of == weights.of and np.array_equal(again.memory.inner, weights.memory.inner)


def test_an_end_that_nobody_knows_is_no_example() -> None:
    rows = list(examples([turn((400, 300, 0), (1000, 900, 0))]))
    assert {row.end for row in rows} == {True, False}
    assert all(row.end == (row.at_ms > 1000) for row in rows)
    for complete in (None, False):
        rows = list(examples([turn((400, 300, 0), (1000, 900, 0), complete=complete)]))
        assert {row.end for row in rows} == {False}


def test_of_an_end_only_what_was_recorded_teaches() -> None:
    """Killed: ends that are known by the digital silence behind the recording."""
    one = replace(turn((400, 300, 0), (1000, 900, 0)), own_ms=1200)
    assert [row.pause.silent_ms for row in examples([one]) if row.end] == [100, 140, 180]


def test_what_the_vad_remembers_is_learnt() -> None:
    """The third of its numbers grows at an end; one that never stirs gets no weight."""
    turns = []
    for n in range(12):
        said = turn((400, 300, 0), (1000, 900, 0), name=str(n), speaker=str(n))
        rows = [(at, replace(p, memory=_stirred(at > 1000))) for at, p in said.pauses]
        turns.append(replace(said, pauses=tuple(rows)))
    weights = fit(turns, FEW)
    stirred = np.zeros((MEMORY, MEMORY), np.float32) + np.eye(MEMORY, dtype=np.float32)
    moved = weights.memory(stirred / 2) - weights.memory(-stirred / 2)
    assert moved[2] > 1 > np.abs(np.delete(moved, 2)).max()
    laid_out = table(turns)
    latency = answered_ms(laid_out, waits_ms(laid_out, weights, 0, TURNS))
    assert all(0 < each < 200 for each in latency)


def _stirred(end):
    memory = np.ones(MEMORY, np.float32)
    memory[2] = 2.0 if end else -2.0
    return memory


def test_a_pause_of_a_second_teaches_nothing() -> None:
    rows = list(examples([turn((50, 880, 0), (1000, 900, 0))]))
    assert len(rows) == 6
    assert all(row.end for row in rows)


def test_who_was_recorded_often_counts_for_less_each_time() -> None:
    often = [turn((1000, 900, 0), speaker="a") for _ in range(4)]
    rows = examples([*often, turn((1000, 900, 0), speaker="b")])
    assert {row.vote for row in rows} == {0.5, 1.0}


def test_the_few_beside_the_project_count_for_more() -> None:
    ours, other = turn((1000, 900, 0), speaker="lj"), turn((1000, 900, 0), speaker="a")
    assert {row.observed.speaker: row.vote for row in examples([ours, other])} == {
        "lj": 4.0,
        "a": 1.0,
    }


@given(st.floats(-6, 12), st.floats(0, 30), st.integers(0, 99))
def test_what_the_judge_says_of_an_example_is_what_a_call_hears(low, breath, seed) -> None:
    memory = np.random.default_rng(seed).standard_normal(MEMORY).astype(np.float32)
    said = turn((1000, 900, low))
    rows = [(at, replace(p, breath_db=breath, memory=memory)) for at, p in said.pauses]
    learnt = list(examples([replace(said, pauses=tuple(rows))]))
    odds = [
        FITTED.odds(FITTED.before_silence(p), p.silent_ms, p.usual_ms)
        for p in (row.pause for row in learnt)
    ]
    assert np.allclose(1 / (1 + np.exp(-judged(learnt, FITTED))), odds, atol=1e-4)


def test_nothing_of_a_speaker_is_fitted_on_when_they_are_judged() -> None:
    observed = [turn((0, 100, 0), name=name, speaker=name[0]) for name in ("a1", "a2", "b1")]
    assert [each.name for each in without(observed, {"a"})] == ["b1"]
    assert without(observed, {"nobody"}) == observed


def test_the_weights_are_written(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(endpoint_fit, "observe_all", lambda cache, more: [])
    monkeypatch.setattr(endpoint_fit, "fit", lambda observed: FITTED)
    monkeypatch.setattr("sys.argv", ["fit", "--out", str(tmp_path / "new.npz")])
    endpoint_fit.main()
    assert load(tmp_path / "new.npz").of == FITTED.of
    assert f"counts {FITTED.silence:.3f}" in capsys.readouterr().out
