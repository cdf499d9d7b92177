"""What the meaning of a pause is worth: said, broken off, answered as a caller would count."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import tiny_voxtral

from agent.brains.operator.finished import BEGINNING, COMPLETE
from agent.brains.operator.grammar import may_follow, understand
from agent.endpoint.odds import OPINIONS, Pause
from agent.endpoint.prosody import Cues
from benchmarks import meaning
from benchmarks.meaning import Clip, Judged, clips, opinions, row, rows

WEIGHT = OPINIONS["meaning"]
QUIET = np.zeros(1600, np.float32)


def judged(odds=None, thought_ms=10.0, complete=True, kind="request", fold="judge"):
    """A silence of 900 ms that sounds neither like an end nor like a pause within."""
    pauses = tuple(
        Pause(silent, Cues(low_st=2.0, soft_db=3.0), 3.0, True, 180.0)
        for silent in range(80, 900, 20)
    )
    return Judged(Clip(fold, kind, "hello", complete, QUIET), odds, thought_ms, pauses)


@pytest.fixture(scope="module")
def said():
    return list(clips(1))


def test_each_request_is_broken_off_after_every_word(said) -> None:
    asked = [clip for clip in said if clip.kind == "request"]
    assert all((understand(clip.said) is not None) for clip in asked if clip.complete)
    assert all(may_follow(clip.said) for clip in asked if not clip.complete)
    for before, clip in pairwise(said):
        if not before.complete:
            assert clip.said.startswith(before.said)
            begins = before.samples[: len(before.samples) * 3 // 4]
            assert np.allclose(begins, clip.samples[: len(begins)], atol=1e-3)


def test_both_folds_say_other_speech_too_and_different_things(said) -> None:
    by_fold = {
        fold: {
            c.said for c in said if c.fold == fold and c.complete and c.kind == "other speech"
        }
        for fold in ("tune", "judge")
    }
    assert len(by_fold["tune"]) == len(by_fold["judge"]) == 18
    assert not by_fold["tune"] & by_fold["judge"]


def test_an_opinion_moves_the_answer_its_way_and_none_does_not() -> None:
    plain = judged().released_ms(None)
    assert judged(COMPLETE).released_ms(WEIGHT) < plain < judged(BEGINNING).released_ms(WEIGHT)
    assert judged().released_ms(WEIGHT) == judged(0.5).released_ms(WEIGHT) == plain
    assert judged(COMPLETE).released_ms(0.0) == plain


def test_it_counts_from_when_it_is_there() -> None:
    """Killed: a brain that is asked at 64 ms and has answered by then."""
    plain, soon = judged().released_ms(None), judged(COMPLETE, 0.0).released_ms(WEIGHT)
    late = judged(COMPLETE, thought_ms=plain - 64 - 40).released_ms(WEIGHT)
    assert soon < late < plain
    assert judged(COMPLETE, thought_ms=plain).released_ms(WEIGHT) == plain


def test_a_silence_that_ends_before_it_is_believed_is_never_answered() -> None:
    short = judged(BEGINNING)
    short = replace(short, pauses=short.pauses[:3])
    assert short.released_ms(WEIGHT) == math.inf


def test_ends_are_waits_and_pauses_within_are_cut_into() -> None:
    ends = [judged(COMPLETE), judged(COMPLETE), judged()]
    within = [judged(COMPLETE, complete=False), judged(BEGINNING, complete=False)]
    summed = row("all", [*ends, *within], WEIGHT)
    assert (summed.ends, summed.beginnings) == (3, 2)
    assert summed.p50_ms == ends[0].released_ms(WEIGHT) + 6
    assert summed.cut_into == (0.5, 0.5, 0.5)
    assert row("all", [*ends, *within], None).p50_ms > summed.p50_ms


def test_folds_and_kinds_are_summed_up_apart() -> None:
    every = [
        judged(odds, complete=complete, kind=kind, fold=fold)
        for fold in ("tune", "judge")
        for kind in ("request", "other speech")
        for odds, complete in ((COMPLETE, True), (BEGINNING, False))
    ]
    assert [(r.ends, r.beginnings) for r in rows(every, (None, WEIGHT))] == [(1, 1)] * 8
    shares = {(name, odds): (ends, within) for name, odds, ends, within in opinions(every)}
    assert shares["judge: request", COMPLETE] == (100, 0)
    assert shares["judge: request", BEGINNING] == (0, 100)


def test_it_runs_from_the_recording_to_the_table(said, monkeypatch, tmp_path, capsys) -> None:
    chosen = {(clip.fold, clip.kind, clip.complete): clip for clip in said}.values()
    monkeypatch.setattr(meaning, "clips", lambda sentences: iter(chosen))
    meaning.main(["--sentences", "1", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "judge: request, sound alone" in printed
    assert f"judge: request, and meaning, {WEIGHT:g}" in printed
    assert (tmp_path / "meaning.json").is_file()


def test_opinions_that_are_all_different_are_listed_by_tenths() -> None:
    every = [judged(0.05 + n / 10 + m / 1000) for n in range(10) for m in range(3)]
    found = opinions([*every, judged(complete=False)])
    assert len(found) == 11, "0.1 to 1.0, and none"
    assert sum(ends for _, odds, ends, _ in found if odds != "none") == pytest.approx(100)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--set", "voxtral.calls=1"], "--set is for --brain voxtral"),
        (["--brain", "voxtral", "--set", "voxtral.x=1"], "voxtral.x: unknown key"),
        (["--brain", "voxtral", "--set", "voxtral.model=/no/where"], "voxtral.model"),
    ],
)
def test_an_operators_mistake_is_told_in_a_line(arguments, complaint, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        meaning.main(arguments)
    assert left.value.code == 2
    assert complaint in capsys.readouterr().err.splitlines()[-1]


def test_voxtral_is_asked_by_the_same_command(said, monkeypatch, tmp_path, capsys) -> None:
    """A tiny random one, which answers anything but yes or no."""
    chosen = {(clip.fold, clip.kind, clip.complete): clip for clip in said}.values()
    monkeypatch.setattr(meaning, "clips", lambda sentences: iter(chosen))
    settings = {
        "voxtral.model": tiny_voxtral.make(tmp_path / "tiny"),
        "voxtral.dtype": "float32",
        "voxtral.context_tokens": 2048,
        "torch.device": "cpu",
    }
    given = [f"--set={key}={value}" for key, value in settings.items()]
    meaning.main(["--brain", "voxtral", *given, "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "judge: request" in printed and "none" in printed
    assert (tmp_path / "meaning-voxtral.json").is_file()
