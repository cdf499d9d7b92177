"""16-bit PCM: there and back, to half a step."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from agent.audio.pcm16 import from_pcm16, to_pcm16

SAMPLES = hnp.arrays(np.float32, st.integers(0, 400), elements=st.floats(-1, 1, width=32))


@given(SAMPLES)
def test_samples_come_through_to_half_a_step(samples) -> None:
    back = from_pcm16(to_pcm16(samples))
    assert back.dtype == np.float32
    assert np.abs(back - samples).max(initial=0) <= 0.5 / 32767 + 1e-7


def test_what_is_too_loud_is_clipped_and_does_not_wrap_around() -> None:
    assert to_pcm16(np.array([2.0, -3.0], np.float32)) == b"\xff\x7f\x01\x80"
    assert from_pcm16(to_pcm16(np.array([2.0, -2.0], np.float32))).tolist() == [1.0, -1.0]


def test_pieces_joined_are_the_whole() -> None:
    samples = np.linspace(-1, 1, 1000, dtype=np.float32)
    assert to_pcm16(samples[:320]) + to_pcm16(samples[320:]) == to_pcm16(samples)
