"""Log-mel spectra: those that the model was trained with, whatever the length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import recording
from transformers import WhisperFeatureExtractor

from agent.audio.frame import HEAR_HZ
from agent.smart_turn.mel import BINS, FRAMES, HEARD_S, log_mel

HEARD = HEARD_S * HEAR_HZ
EXTRACTOR = WhisperFeatureExtractor(chunk_length=HEARD_S)
# of -1 to 1: theirs are computed with 64 bits in places
CLOSE = 1e-4


def theirs(samples):
    padded = np.pad(samples[-HEARD:], (max(0, HEARD - len(samples)), 0))
    said = EXTRACTOR(
        padded,
        sampling_rate=HEAR_HZ,
        padding="max_length",
        max_length=HEARD,
        do_normalize=True,
        return_tensors="np",
    )
    return said.input_features[0]


@given(st.integers(0, HEARD + 5000), st.floats(1e-4, 1.0), st.integers(0, 9))
@settings(max_examples=15)
def test_they_are_the_extractors(length, loudness, seed) -> None:
    noise = np.random.default_rng(seed).standard_normal(length) * loudness
    samples = noise.astype(np.float32)
    ours = log_mel(samples)
    assert ours.shape == (BINS, FRAMES)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs(samples), atol=CLOSE)


def test_of_speech_too() -> None:
    spoken = recording("lj-sentence-a")
    np.testing.assert_allclose(log_mel(spoken), theirs(spoken), atol=CLOSE)


def test_speech_lies_at_the_end_and_silence_before_it() -> None:
    """Mutant: padded behind, the latest frames would be silence."""
    tone = np.sin(2 * np.pi * 440 * np.arange(HEAR_HZ) / HEAR_HZ).astype(np.float32)
    mel = log_mel(tone)
    assert mel[:, -90:].max() > mel[:, :690].max() + 0.5


def test_how_loud_it_is_changes_nothing() -> None:
    """Mutant: not normalized, the whole would shift by the level."""
    spoken = recording("goforward")
    np.testing.assert_allclose(log_mel(spoken), log_mel(spoken * 0.25), atol=0.02)


def test_only_the_last_8_s_count() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * HEARD).astype(np.float32)
    assert np.array_equal(log_mel(noise), log_mel(noise[HEARD:]))


@pytest.mark.parametrize("length", [0, 100, HEARD])
def test_silence_is_flat(length) -> None:
    assert np.ptp(log_mel(np.zeros(length, np.float32))) == 0
