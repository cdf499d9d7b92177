"""Words that can be told apart by their sound."""

import numpy as np
import pytest

from agent.engines import Style
from benchmarks.counting_voice import WORD_SAMPLES, CountingVoice, sound_of


def test_a_word_always_sounds_the_same_and_unlike_any_other() -> None:
    words = [sound_of(str(n)) for n in range(1, 61)]
    assert np.array_equal(words[6], sound_of("7"))
    unit = np.array([word / np.linalg.norm(word) for word in words])
    likeness = np.abs(unit @ unit.T)
    np.fill_diagonal(likeness, 0)
    assert likeness.max() < 0.5


def test_no_word_falls_silent() -> None:
    for word in ("1", "42"):
        level = np.abs(sound_of(word)).reshape(-1, 240).max(axis=1)
        assert level.min() > 0.1
        assert level.max() == pytest.approx(0.5, abs=1e-6)


def test_a_phrase_is_its_words_and_where_they_begin() -> None:
    said = list(CountingVoice().speak("1 2 1", Style("")))
    assert [each.words[0].text for each in said] == ["1", "2", "1"]
    assert [each.words[0].start for each in said] == [n * WORD_SAMPLES for n in range(3)]
    assert np.array_equal(said[0].samples, said[2].samples)
    assert CountingVoice().voices() == ("counting",)
