"""Another model's word on the same pauses: asked at the right moments, trusted in time."""

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from recordings import recording

from agent.endpoint.odds import OPINIONS, Pause, weighed
from agent.endpoint.prosody import Cues
from agent.smart_turn.opinion import NAME
from benchmarks import endpoint_smart_turn as smart
from benchmarks.endpoint_corpus import CLEAN, Observed, Recording
from benchmarks.endpoint_fit import published
from benchmarks.endpoint_smart_turn import Hearing


@pytest.fixture
def spoken():
    return Recording("goforward", "goforward", recording("goforward"), 2100.0, complete=True)


def test_it_is_asked_in_each_pause_about_what_was_heard_by_then(spoken) -> None:
    lengths = []

    def analyze(samples):
        lengths.append(len(samples))
        return 0.5

    found = smart.judge(spoken, CLEAN, analyze)
    end_ms = max(found)
    assert abs(end_ms - 3100) <= 30
    assert [silent for silent, _ in found[end_ms]] == list(smart.ASKED_MS)
    # from half a second before the first speech up to the moment it is asked
    assert lengths[-1] == (end_ms + smart.ASKED_MS[-1] - 500) * 16


def turn(*pauses):
    rows = [
        (begin + silent, Pause(silent, Cues(), 0.0, True, 180.0))
        for begin, length in pauses
        for silent in range(80, length + 1, 20)
    ]
    return Observed("a", "a", "clean", True, 1000.0, 2000.0, tuple(rows))


def test_a_verdict_holds_from_when_it_is_there() -> None:
    verdicts = {("a", "clean"): {1000: [(80, 0.95), (140, 0.96), (200, 0.5)]}}
    waits = smart.verdict_waits_ms([turn((1000, 300))], verdicts, 0.9)
    assert dict(zip(range(80, 301, 20), waits, strict=True)) == {
        **dict.fromkeys((80, 100, 120), smart.LONGEST_MS),
        **dict.fromkeys((140, 160, 180), smart.LEAST_MS),
        **dict.fromkeys((200, 220, 240), 200.0),
        **dict.fromkeys((260, 280, 300), smart.LONGEST_MS),  # it changed its mind
    }


def test_who_is_never_convinced_is_answered_after_the_longest_wait() -> None:
    verdicts = {("a", "clean"): {1000: [(80, 0.6)]}}
    waits = smart.verdict_waits_ms([turn((400, 100), (1000, 300))], verdicts, 0.9)
    assert set(waits) == {smart.LONGEST_MS}


def test_verdicts_are_written_and_read(spoken, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(smart, "recordings", lambda: iter([spoken]))
    monkeypatch.setattr(smart.model, "load", lambda: lambda samples: 0.25)
    out = tmp_path / "verdicts.json"
    monkeypatch.setattr("sys.argv", ["smart", str(out)])
    smart.main()
    read = smart.load_verdicts(out)
    assert set(read) == {("goforward", "clean"), ("goforward", "noise-25")}
    assert all(odds == 0.25 for said in read.values() for p in said.values() for _, odds in p)
    assert "verdicts" in capsys.readouterr().out


def test_a_call_has_the_latest_verdict_that_it_asks_for() -> None:
    verdicts = {("a", "clean"): {1000: [(60, 0.75), (100, 0.999), (140, 0.9)]}}
    said = Hearing(0.5, log(3)).of([turn((1000, 300))], verdicts)
    known = dict(zip(range(80, 301, 20), said, strict=True))
    assert known[80] == known[100] == 0.0  # none is there
    assert known[120] == known[180] == pytest.approx(0)  # it leaves the odds as they are
    assert known[200] == known[300] == pytest.approx(0.5 * log(9 / 3))  # no call asks at 100
    assert smart.THINKING_MS == 60


@pytest.fixture
def fitted():
    """What is learnt from eight turns, of odds given in the pause and at the end of each."""
    turns = [
        replace(turn((400, 300), (1000, 900)), name=str(n), speaker=str(n)) for n in range(8)
    ]

    def fit(pause, end):
        verdicts = {
            (each.name, "clean"): {
                400: [(60, pause(n)), (140, pause(n))],
                1000: [(60, end(n)), (140, end(n))],
            }
            for n, each in enumerate(turns)
        }
        doubtful = np.zeros(len(published()))
        doubtful[:2] = -2.0, 0.2
        return turns, verdicts, smart.fit_hearing(turns, verdicts, doubtful)

    return fit


def test_what_it_counts_is_learnt_beside_the_cues(fitted) -> None:
    """Always right, it counts for much; wrong as often as right, for nothing."""
    assert fitted(lambda n: 0.1, lambda n: 0.9)[2].weight > 0.4
    assert fitted(lambda n: 0.9, lambda n: 0.1)[2].weight < -0.4
    either = fitted(lambda n: 0.1 + 0.8 * (n % 2), lambda n: 0.1 + 0.8 * (n % 2))[2]
    assert either.weight == pytest.approx(0, abs=0.05)


def test_who_is_always_sure_of_an_end_makes_nobody_more_eager(fitted) -> None:
    """Killed: a weight alone, with which whoever says 0.9 of every pause cuts into more."""
    turns, verdicts, hearing = fitted(lambda n: 0.9, lambda n: 0.99)
    assert 0.9 < 1 / (1 + exp(-hearing.leaning)) < 0.99
    added = hearing.of(turns, verdicts)
    assert added.min() < 0 < added.max()


def test_what_is_served_is_what_was_fitted() -> None:
    """The figures in the source are rounded; benchmarks/endpoint.py prints them."""
    hearing = Hearing(OPINIONS[NAME], 0.9)
    verdicts = {("a", "clean"): {1000: [(60, 0.97)]}}
    assert hearing.of([turn((1000, 300))], verdicts)[-1] == pytest.approx(weighed({NAME: 0.97}))
