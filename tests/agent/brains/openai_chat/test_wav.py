"""Audio leaves as a file that any reader understands, sample for sample."""

import io

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent.audio.pcm16 import to_pcm16
from agent.brains.openai_chat.wav import wav


@given(arrays(np.float32, st.integers(0, 400), elements=st.floats(-1, 1, width=32)))
def test_a_file_holds_what_was_heard_to_half_a_step(samples):
    read, rate = soundfile.read(io.BytesIO(wav(to_pcm16(samples))), dtype="int16")
    assert rate == 16_000
    assert (
        np.abs(read.astype(np.float64) / 32767 - samples).max(initial=0) <= 0.5 / 32767 + 1e-7
    )
