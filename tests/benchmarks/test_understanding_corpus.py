"""The corpus is fair: its folds share nothing, its pieces are those of turn-taking."""

import itertools
import random

import numpy as np
import pytest
from recordings import recording

from agent.audio.frame import HEAR_HZ
from agent.brains.operator.answers import Mind, heeded
from agent.brains.operator.grammar import understand
from benchmarks.understanding_corpus import (
    CONDITIONS,
    SAYINGS,
    VOICES,
    _dress,
    items,
    pieces,
    requests,
)

TONE = (0.3 * np.sin(np.arange(HEAR_HZ) / 5)).astype(np.float32)  # 1 s


def test_what_is_tuned_on_is_not_judged_by() -> None:
    for split in (VOICES, SAYINGS):
        assert not set(split["tune"]) & set(split["judge"])


def test_no_saying_is_a_request_that_is_heeded_out_of_the_blue() -> None:
    for saying in (*SAYINGS["tune"], *SAYINGS["judge"]):
        request = understand(saying.lower())
        assert request is None or not heeded(request.intent, Mind()), saying


def test_what_is_asked_is_a_request_of_each_kind() -> None:
    asked = [understand(words) for words in requests(3, random.Random(1))]
    assert None not in asked
    assert len({request.intent for request in asked if request}) == len(asked) / 3


def silence(ms):
    return np.zeros(HEAR_HZ * ms // 1000, np.float32)


def test_a_recording_falls_apart_at_its_pauses() -> None:
    spoken = np.concatenate((silence(500), TONE, silence(250), TONE, silence(500)))
    assert len(pieces(spoken, 400)) == 1
    first, second = pieces(spoken, 200)
    # 300 ms before the speech, the pause that ended it after
    assert len(first) == pytest.approx(HEAR_HZ * 1.5, abs=HEAR_HZ // 50)
    assert len(second) == pytest.approx(HEAR_HZ * 1.5, abs=HEAR_HZ // 50)


def test_a_click_is_no_piece() -> None:
    assert len(pieces(np.concatenate((silence(500), TONE[:800], silence(500), TONE)), 200)) == 1


@pytest.mark.parametrize("condition", CONDITIONS)
def test_words_arrive_in_any_condition(condition) -> None:
    arrived = _dress(TONE, condition, random.Random(0))
    assert arrived.dtype == np.float32
    assert len(arrived) > 0.9 * len(TONE)
    assert 0.05 < np.abs(arrived).max() <= 1


@pytest.mark.slow
def test_it_is_the_same_every_time() -> None:
    recording("goforward")
    once, again = (list(itertools.islice(items(1), 12)) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert (one.fold, one.source, one.said) == (other.fold, other.source, other.said)
        # espeak-ng itself is a few samples longer or shorter from time to time
        assert len(one.samples) == pytest.approx(len(other.samples), abs=640)
