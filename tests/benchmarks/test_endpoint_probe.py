"""What is learnt from the encoder, beside the judge; and that a call adds the same."""

from dataclasses import replace

import numpy as np
import pytest

from agent.endpoint.odds import ADVISER, FEATURES, Pause, Weights, weighed
from agent.endpoint.prosody import Cues
from agent.engines import MEMORY
from agent.perceptron import Perceptron
from agent.smart_turn import weights
from benchmarks import endpoint_probe
from benchmarks.endpoint_corpus import Observed
from benchmarks.endpoint_probe import WAY, added, fit_probe
from benchmarks.endpoint_smart_turn import Answer

NOTHING = np.zeros(MEMORY, np.float32)  # is remembered
ROWS = [
    (begin + silent, Pause(silent, Cues(), 0.0, True, 180.0, memory=NOTHING))
    for begin, length in ((400, 300), (1000, 900))
    for silent in range(80, length + 1, 20)
]
TURNS = [
    Observed(str(n), str(n), "clean", True, 1000.0, 2000.0, tuple(ROWS)) for n in range(60)
]
FEW = replace(WAY, networks=1, epochs=400, deaf=0.0, idle=0.0)  # turns: a step each


def network(*weights, bias=0.0):
    """One that is linear, in what is heard."""
    column = np.array(weights, np.float32)[:, None]
    both = np.concatenate([column, -column], axis=1)
    return Perceptron(both, np.zeros(2, np.float32), np.array([1, -1], np.float32), bias)


# what is remembered says nothing, a silence little
DOUBTFUL = Weights(0.2, dict.fromkeys(FEATURES, 0.0), network(*[0.0] * MEMORY, bias=-2.0), -2.0)


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
        FEW,
    )
    tells, stirs = moved(probe, [1, 0]), moved(probe, [0, 1])
    assert tells > 1
    assert abs(stirs) < tells / 5


def moved(probe, heard):
    """By how much the logit differs between what is heard and its opposite."""
    heard = np.array(heard, np.float32)
    return float(probe(heard) - probe(-heard))


def test_what_the_judge_knows_is_not_said_again() -> None:
    """Mutant: fitted without the judge beside it, what both hear would count twice."""
    right = np.random.default_rng(0).random((2, len(TURNS))) < 0.8
    signs = np.where(right, [[-1], [1]], [[1], [-1]])  # of the pause and the end of each turn
    heard = answers(lambda n: [signs[0, n], 0], lambda n: [signs[1, n], 0])
    told = [
        replace(
            each,
            pauses=tuple(
                (at, replace(pause, cues=Cues(low_st=-3.5 * signs[int(at > 1000), n])))
                for at, pause in ROWS
            ),
        )
        for n, each in enumerate(TURNS)
    ]
    knowing = replace(DOUBTFUL, of=DOUBTFUL.of | {"low": 2.0})  # 0.8 is a logit of 1.4
    alone = moved(fit_probe(told, heard, DOUBTFUL, FEW), [1, 0])
    assert alone > 1
    assert moved(fit_probe(told, heard, knowing, FEW), [1, 0]) < alone / 3


def test_a_number_that_hardly_stirs_decides_nothing() -> None:
    """Killed: no least deviation to scale it by."""
    probe = fit_probe(TURNS, answers(lambda n: [0, 7.0], lambda n: [1e-3, 7.0]), DOUBTFUL)
    heard = np.array([0, 7.0], np.float32) + np.eye(2, dtype=np.float32)
    assert abs(probe(heard) - probe(np.array([0, 7.0], np.float32))).max() < 1


@pytest.mark.parametrize("bias", [-20.0, -1.0, 0.5, 20.0])
def test_a_call_adds_what_was_fitted(bias) -> None:
    heard = answers(lambda n: [0.25], lambda n: [0.25])
    counted = added(network(1.0, bias=bias), TURNS[:1], heard)
    known = dict(zip([at for at, _ in ROWS], counted, strict=True))
    odds = 1 / (1 + np.exp(-(bias + 0.25)))
    assert known[1100] == 0  # nothing is there yet
    assert known[1120] == known[1900] == pytest.approx(weighed({ADVISER: odds}))


def test_where_there_is_no_answer_nothing_is_added() -> None:
    silent = {(each.name, "clean"): {} for each in TURNS}
    assert not added(network(1.0, bias=1.0), TURNS, silent).any()


def test_the_weights_are_written(tmp_path, monkeypatch) -> None:
    out, probe = tmp_path / "new.npz", network(1.0, 2.0, bias=0.5)
    monkeypatch.setattr(endpoint_probe, "load_answers", lambda path: {})
    monkeypatch.setattr(endpoint_probe, "observe_all", lambda cache, more: [])
    monkeypatch.setattr(endpoint_probe, "fit_probe", lambda *_: probe)
    monkeypatch.setattr("sys.argv", ["probe", "answers", "--out", str(out)])
    endpoint_probe.main()
    heard = np.array([0.5, -3.0], np.float32)
    assert weights.load(out)(heard) == probe(heard) == 0.5 - 6 + 0.5


def test_without_answers_it_is_said_where_they_come_from(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["probe", str(tmp_path / "none")])
    with pytest.raises(SystemExit):
        endpoint_probe.main()
    assert "benchmarks.endpoint_smart_turn writes it" in capsys.readouterr().err
