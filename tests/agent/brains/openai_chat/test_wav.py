"""Audio leaves as a file that any reader understands, sample for sample."""

import io

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.brains.openai_chat.wav import pcm, wav


@given(arrays(np.float32, st.integers(0, 400), elements=st.floats(-1, 1, width=32)))
def test_a_file_holds_what_was_heard_to_half_a_step(samples):
    read, rate = soundfile.read(io.BytesIO(wav(pcm(samples))), dtype="int16")
    assert rate == 16_000
    assert (
        np.abs(read.astype(np.float64) / 32767 - samples).max(initial=0) <= 0.5 / 32767 + 1e-7
    )


def test_what_is_too_loud_is_clipped_and_does_not_wrap_around():
    assert pcm(np.array([2.0, -3.0], np.float32)) == b"\xff\x7f\x01\x80"


def test_pieces_joined_are_the_whole():
    samples = np.linspace(-1, 1, 1000, dtype=np.float32)
    assert pcm(samples[:320]) + pcm(samples[320:]) == pcm(samples)
