"""The raw model is the package's own, hears speech, and leaves torch alone."""

import subprocess
import sys

import numpy as np
import pytest
from recordings import recording

from agent.engines import MEMORY
from agent.errors import ConfigError
from agent.vad import silero
from agent.vad.silero import Silero, model_path


def windows_of(samples):
    return samples[: len(samples) // 512 * 512].reshape(-1, 512)


def probabilities(samples):
    vad = Silero()
    return np.array([vad.probability(window) for window in windows_of(samples)])


def test_speech_is_heard_and_silence_is_not() -> None:
    speech = recording("jfk")
    assert np.mean(probabilities(speech) > 0.5) > 0.5
    assert probabilities(np.zeros(32_000, np.float32)).max() < 0.35


def test_noise_is_no_speech() -> None:
    assert np.mean(probabilities(recording("noise1")) > 0.5) < 0.1


def test_calls_do_not_hear_each_other() -> None:
    speech = windows_of(recording("goforward"))
    first, second = Silero(), Silero()
    alone = probabilities(speech.ravel())
    together = []
    for window in speech:
        together.append(first.probability(window))
        second.probability(window[::-1].copy())
    assert np.array_equal(alone, together)


def test_what_it_remembers_of_a_window_stays_as_it_was() -> None:
    """Killed: an array that the next window is written into."""
    first, second, *_ = windows_of(recording("goforward"))
    vad = Silero()
    vad.probability(first)
    remembered = vad.memory
    before = remembered.copy()
    vad.probability(second)
    assert remembered.shape == (MEMORY,)
    assert np.array_equal(remembered, before)
    assert not np.array_equal(vad.memory, before)


@pytest.mark.slow
def test_it_equals_the_packages_own_wrapper() -> None:
    """In a process of its own: importing silero_vad would set torch's threads for this one."""
    script = """
import sys, numpy as np, torch
from agent.vad.silero import Silero
assert "silero_vad" not in sys.modules
from silero_vad import load_silero_vad
noise = np.random.default_rng(1).normal(0, 0.1, (40, 512)).astype(np.float32)
ours, theirs = Silero(), load_silero_vad(onnx=True)
for window in noise:
    expected = theirs(torch.from_numpy(window), 16000).item()
    assert abs(ours.probability(window) - expected) < 1e-6
    assert np.allclose(ours.memory, theirs._state[1, 0], atol=1e-5)
assert np.abs(ours.memory).max() > 0.1
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_missing_package_is_an_operators_error(monkeypatch) -> None:
    monkeypatch.setattr(silero, "packaged", lambda package, file: None)
    with pytest.raises(ConfigError, match="pip install silero-vad"):
        model_path()
