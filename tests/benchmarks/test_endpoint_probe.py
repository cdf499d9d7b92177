"""What is learnt from the encoder, beside the judge; and that a call adds the same."""

from dataclasses import replace

import numpy as np
import pytest

from agent.endpoint.odds import ADVISER, Pause, weighed
from agent.endpoint.prosody import Cues
from benchmarks import endpoint_probe
from benchmarks.endpoint_corpus import Observed
from benchmarks.endpoint_fit import published
from benchmarks.endpoint_probe import Probe, fit_probe, published_probe
from benchmarks.endpoint_smart_turn import Answer

ROWS = [
    (begin + silent, Pause(silent, Cues(), 0.0, True, 180.0))
    for begin, length in ((400, 300), (1000, 900))
    for silent in range(80, length + 1, 20)
]
TURNS = [
    Observed(str(n), str(n), "clean", True, 1000.0, 2000.0, tuple(ROWS)) for n in range(60)
]
DOUBTFUL = np.concatenate([[-2.0, 0.2], np.zeros(len(published()) - 2)])


def answers(pause, end):
    """What was heard in the pause and at the end of each turn, by its number."""
    return {
        (each.name, "clean"): {
            begin: [Answer(ms, 0.5, np.array(heard(n), np.float32)) for ms in (60, 140, 260)]
            for begin, heard in ((400, pause), (1000, end))
        }
        for n, each in enumerate(TURNS)
    }


def test_what_tells_ends_from_pauses_counts_and_what_does_not_does_not() -> None:
    noise = np.random.default_rng(0).standard_normal(200)
    probe = fit_probe(
        TURNS,
        answers(lambda n: [-1, noise[n]], lambda n: [1, noise[n + 100]]),
        DOUBTFUL,
    )
    tells, stirs = probe.weights
    assert tells > 0.01
    assert abs(stirs) < tells / 5


def test_what_the_judge_knows_is_not_said_again() -> None:
    """Mutant: fitted without the judge beside it, what is heard of a sure end would count."""
    heard = answers(lambda n: [-1, 0], lambda n: [1, 0])
    sure = [
        replace(
            each,
            pauses=tuple(
                (at, replace(pause, cues=Cues(low_st=-10 if at > 1000 else 60)))
                for at, pause in ROWS
            ),
        )
        for each in TURNS
    ]
    knowing = DOUBTFUL.copy()
    knowing[2] = 2.0
    alone = fit_probe(sure, heard, DOUBTFUL).weights[0]
    assert 0 < fit_probe(sure, heard, knowing).weights[0] < alone


def test_a_number_that_hardly_stirs_decides_nothing() -> None:
    heard = answers(lambda n: [0, 7.0], lambda n: [1e-3, 7.0])
    probe = fit_probe(TURNS, heard, DOUBTFUL)
    assert abs(probe.weights).max() < 1


@pytest.mark.parametrize("bias", [-20.0, -1.0, 0.5, 20.0])
def test_a_call_adds_what_was_fitted(bias) -> None:
    probe = Probe(bias, np.array([1.0]))
    added = probe.of(TURNS[:1], answers(lambda n: [0.25], lambda n: [0.25]))
    known = dict(zip([at for at, _ in ROWS], added, strict=True))
    odds = 1 / (1 + np.exp(-(bias + 0.25)))
    assert known[1100] == 0  # nothing is there yet
    assert known[1120] == known[1900] == pytest.approx(weighed({ADVISER: odds}))


def test_where_there_is_no_answer_nothing_is_added() -> None:
    silent = {(each.name, "clean"): {} for each in TURNS}
    assert not Probe(1.0, np.ones(1)).of(TURNS, silent).any()


def test_the_weights_are_written(tmp_path, monkeypatch) -> None:
    out, probe = tmp_path / "weights.py", published_probe()
    monkeypatch.setattr(endpoint_probe, "load_answers", lambda path: {})
    monkeypatch.setattr(endpoint_probe, "observe_all", lambda cache, more: [])
    monkeypatch.setattr(endpoint_probe, "fit_probe", lambda *_: probe)
    monkeypatch.setattr("sys.argv", ["probe", "answers", "--out", str(out)])
    endpoint_probe.main()
    written = {}
    exec(out.read_text(), written)
    assert np.array_equal(written["WEIGHTS"], probe.weights.astype(np.float32))
    assert written["BIAS"] == probe.bias


def test_without_answers_it_is_said_where_they_come_from(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["probe", str(tmp_path / "none")])
    with pytest.raises(SystemExit):
        endpoint_probe.main()
    assert "benchmarks.endpoint_smart_turn writes it" in capsys.readouterr().err
