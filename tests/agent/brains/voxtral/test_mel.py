"""Log-mel spectra: bit for bit the feature extractor's, whatever the length."""

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recordings import recording
from transformers import WhisperFeatureExtractor

from agent.brains.voxtral.mel import CHUNK, CHUNK_FRAMES, Mel, chunks

BINS = 128
MEL = Mel(BINS, torch.device("cpu"))
EXTRACTOR = WhisperFeatureExtractor(
    feature_size=BINS, sampling_rate=16000, hop_length=160, n_fft=400, chunk_length=30
)


def theirs(samples: np.ndarray) -> torch.Tensor:
    """As VoxtralProcessor asks for it: padded to whole chunks, then cut."""
    padded = np.zeros(chunks(len(samples)) * CHUNK, np.float32)
    padded[: len(samples)] = samples
    features = EXTRACTOR(
        padded,
        sampling_rate=16000,
        padding=True,
        truncation=False,
        pad_to_multiple_of=CHUNK,
        return_tensors="pt",
    ).input_features
    return features.reshape(BINS, -1, CHUNK_FRAMES).transpose(0, 1)


def sound(length: int, loudness: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.standard_normal(length) * loudness).astype(np.float32)


@settings(max_examples=25)
@given(st.integers(1, 100_000), st.sampled_from([1e-6, 1e-3, 0.1, 1.0]), st.integers(0, 99))
@example(1, 0.1, 0)
@example(160, 0.1, 0)
@example(199, 0.1, 0)
@example(200, 0.1, 0)
@example(201, 0.1, 0)
@example(CHUNK - 1, 0.1, 0)
@example(CHUNK, 0.1, 0)
@example(CHUNK + 1, 0.1, 0)
def test_any_utterance_is_bit_for_bit_the_extractors(length, loudness, seed) -> None:
    samples = sound(length, loudness, seed)
    assert torch.equal(MEL(torch.from_numpy(samples)), theirs(samples))


@pytest.mark.parametrize("samples", [np.zeros(5000, np.float32), np.ones(5000, np.float32)])
def test_silence_and_a_constant_too(samples) -> None:
    assert torch.equal(MEL(torch.from_numpy(samples)), theirs(samples))


def test_a_recording_too() -> None:
    samples = recording("goforward")
    assert torch.equal(MEL(torch.from_numpy(samples)), theirs(samples))


@pytest.mark.parametrize("seconds", [0.2, 3, 29])
def test_padded_sound_needs_no_length_and_gives_the_same(seconds) -> None:
    samples = torch.from_numpy(sound(int(seconds * 16000), 0.1))
    padded = torch.zeros(CHUNK)
    padded[: len(samples)] = samples
    assert torch.equal(MEL.whole(padded), MEL(samples))


def test_the_loudest_of_all_chunks_sets_the_floor_of_each() -> None:
    samples = sound(CHUNK + 8000, 1e-4)
    samples[:8000] *= 1e4
    features = MEL(torch.from_numpy(samples))
    assert features.shape == (2, BINS, CHUNK_FRAMES)
    assert features[1].min() == features[0].min()
    assert torch.equal(features, theirs(samples))


def test_an_utterance_fills_whole_chunks() -> None:
    assert [chunks(n) for n in (0, 1, CHUNK, CHUNK + 1, 2 * CHUNK)] == [1, 1, 1, 2, 2]
    assert MEL(torch.zeros(0)).shape == (1, BINS, CHUNK_FRAMES)
