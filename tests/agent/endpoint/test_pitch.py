"""Pitch: right for tones and voices, and nothing for noise."""

import numpy as np
import pytest
from recordings import recording

from agent.audio.window import Windows
from agent.endpoint.levels import HOP
from agent.endpoint.pitch import Pitch


def track(samples):
    pitch = Pitch()
    hops = Windows(HOP).feed(samples.astype(np.float32))
    return [tone for hop in hops for tone in pitch.feed(hop[None])]


def voice(hz, seconds=0.3):
    """A pulse train with harmonics, as a larynx makes one."""
    t = np.arange(int(seconds * 16_000)) / 16_000
    return sum(0.1 / k * np.sin(2 * np.pi * hz * k * t) for k in range(1, 8))


@pytest.mark.parametrize("hz", [80, 120, 180, 250, 350])
def test_a_voice_has_its_pitch(hz) -> None:
    heard = track(voice(hz))[6:]
    assert all(abs(tone.semitones - 12 * np.log2(hz)) < 0.5 for tone in heard)
    assert all(tone.clarity > 0.85 for tone in heard)


def test_noise_is_not_clear() -> None:
    noise = np.random.default_rng(1).standard_normal(16_000) * 0.1
    clarity = [tone.clarity for tone in track(noise)[6:]]
    assert np.median(clarity) < 0.5


def test_silence_has_no_pitch() -> None:
    assert {tone.clarity for tone in track(np.zeros(3200))} == {0.0}


def test_a_falling_voice_falls() -> None:
    seconds = np.arange(9600) / 16_000
    phase = 2 * np.pi * np.cumsum(220 - 200 * seconds) / 16_000
    heard = [tone.semitones for tone in track(0.2 * np.sin(phase) + 0.1 * np.sin(2 * phase))]
    assert heard[8] - heard[-1] > 8


def test_loudness_changes_no_pitch() -> None:
    soft, loud = track(voice(150) * 0.05), track(voice(150))
    assert np.allclose(
        [t.semitones for t in soft[6:]], [t.semitones for t in loud[6:]], atol=0.1
    )


def test_a_hop_depends_on_the_40_ms_before_it_and_on_nothing_else() -> None:
    """The twin: each hop computed afresh."""
    speech = recording("sb-spk1_snt6")
    streamed = track(speech)
    for n in range(20, len(streamed), 17):
        alone = track(speech[(n - 4) * 160 : (n + 1) * 160])
        assert abs(alone[-1].clarity - streamed[n].clarity) < 1e-3
