"""Fates are counted as they are: right, wrong, refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from decoded import spoken
from spoken import say

from agent.brains.operator.opinions import Opinions
from benchmarks import understanding as subject
from benchmarks.understanding import (
    Bounds,
    Outcome,
    curves,
    least_doubt,
    main,
    outcome,
    refit,
    rows,
    tally,
)
from benchmarks.understanding_corpus import Item

RIGHT = Outcome(
    "tune", "en-us", "clean", "what time is it", "what's the time", 5.0, (1.0,) * 14
)
WRONG = replace(RIGHT, found="what day is it")
UNSURE = replace(RIGHT, score=-5.0)
OTHER = replace(RIGHT, said="", found="what day is it", score=-1.0)


def test_the_same_wish_in_other_words_is_right() -> None:
    assert RIGHT.right
    assert not WRONG.right
    assert not replace(RIGHT, found="").right


def test_a_number_must_be_the_same() -> None:
    counted = replace(RIGHT, said="count to ten", found="count to ten please")
    assert counted.right
    assert not replace(counted, found="count to twenty").right


def test_what_no_request_can_be_is_a_number_in_json() -> None:
    """Killed: minus infinity in it, which is no JSON, and nowhere in a plot."""
    drawn_out = spoken("what", "time", "is", "it", pace=40)
    item = Item("tune", "en-us", "clean", "what time is it", np.zeros(0, np.float32))
    judged = outcome(item, Opinions(drawn_out, drawn_out), lambda: ())
    assert (judged.score, judged.measures) == (-99.0, ())


def test_other_speech_is_never_right() -> None:
    assert not OTHER.right


BOUNDS = Bounds(threshold=0.0, doubt=300.0)


@pytest.mark.parametrize(
    ("outcome", "fate"),
    [
        (RIGHT, "right"),
        (WRONG, "wrong"),
        (UNSURE, "refused"),
        (replace(RIGHT, rival=200.0), "asked"),
        (replace(WRONG, rival=200.0), "asked"),
        (replace(RIGHT, rival=300.0), "right"),
        (replace(RIGHT, said="goodbye", found="goodbye", score=0.5), "asked"),
        (replace(RIGHT, said="hold on", found="carry on"), "refused"),
        (replace(RIGHT, said="i'm back", found="carry on"), "right"),
        (replace(OTHER, found="okay", score=9.0), "refused"),
        (replace(OTHER, score=9.0), "wrong"),
        (replace(RIGHT, said="no", found="no"), "right"),
        (replace(RIGHT, said="no", found="yes"), "wrong"),
    ],
)
def test_a_fate(outcome, fate) -> None:
    assert outcome.fate(BOUNDS) == fate


def test_doubt_is_the_least_that_leaves_few_enough_wrong() -> None:
    near = [replace(WRONG, rival=320.0)] * 5
    far = [replace(WRONG, rival=9999.0)]
    assert least_doubt([RIGHT] * 400 + near, 0.0) == 400
    assert least_doubt([RIGHT] * 1000 + far, 0.0) == 0
    assert least_doubt([RIGHT] * 10 + far, 0.0) == 2000  # it cannot be had


def test_a_tally() -> None:
    outcomes = [RIGHT, RIGHT, WRONG, UNSURE]
    assert tally("all", outcomes, BOUNDS) == ("all", 4, 50.0, 25.0, 0.0, 25.0)


def test_other_speech_is_misread_or_refused() -> None:
    outcomes = [OTHER, OTHER, OTHER, replace(OTHER, score=1.0)]
    assert tally("other", outcomes, BOUNDS) == ("other", 4, None, 25.0, 0.0, 75.0)


def test_rows_keep_the_folds_apart() -> None:
    judged = [replace(each, fold="judge") for each in (UNSURE, OTHER)]
    found = {row[0]: row[1:] for row in rows([RIGHT, OTHER, *judged], BOUNDS)}
    assert found["tune: requests"] == (1, 100.0, 0.0, 0.0, 0.0)
    assert found["judge: requests"] == (1, 0.0, 0.0, 0.0, 100.0)
    assert "  clean" in found


def cloud(fold, count=60):
    drawn = np.random.default_rng(len(fold))
    for at in range(2 * count):
        kind = RIGHT if at % 2 else OTHER
        values = drawn.standard_normal(14) + (2.0 if at % 2 else -2.0)
        yield replace(kind, fold=fold, score=0.0, measures=tuple(values.tolist()))


def test_a_saying_does_not_set_the_threshold() -> None:
    tune = list(cloud("tune"))
    loud = replace(OTHER, source="saying en-us", measures=(9.0,) * 14)
    with_real = [*tune, replace(loud, source="jfk")]
    assert refit([*tune, loud])[1].threshold < refit(with_real)[1].threshold


def test_weights_are_of_the_tune_fold_alone_and_no_other_speech_of_it_passes() -> None:
    tune, judge = list(cloud("tune")), list(cloud("judge"))
    scored, bounds, module = refit([*tune, *judge])
    assert refit(tune)[1:] == (bounds, module)
    assert not any(
        e.score >= bounds.threshold for e in scored if e.fold == "tune" and not e.said
    )
    assert np.mean([e.score >= bounds.threshold for e in scored if e.right]) > 0.9
    assert "THRESHOLD" in module and "DOUBT" in module


def test_curves_fall() -> None:
    both = [*cloud("tune"), *cloud("judge")]
    for points in curves(refit(both)[0]).values():
        shares = [share for _, share in points]
        assert shares == sorted(shares, reverse=True)


@pytest.mark.slow
def test_the_command_says_and_writes_what_it_found(monkeypatch, tmp_path, capsys) -> None:
    def few(sentences):
        for fold in ("tune", "judge"):
            yield Item(fold, "en-us", "clean", "what time is it", say("what time is it"))
            yield Item(fold, "saying", "x", "", say("I want a pizza with mushrooms"))

    monkeypatch.setattr(subject, "items", few)
    main(["--out", str(tmp_path)])
    assert "judge: requests" in capsys.readouterr().out
    figures = json.loads((tmp_path / "understanding.json").read_text())["figures"]
    assert figures["real_time_factor"] > 0
    assert {row["wrong %"] for row in figures["rows"]} == {0.0}
    assert (tmp_path / "understanding.png").stat().st_size > 1000
