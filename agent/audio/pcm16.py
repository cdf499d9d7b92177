"""Samples as 16-bit PCM, little-endian: what files, servers and records hold."""

import numpy as np

from agent.audio.frame import Samples

_FULL_SCALE = 32767


def to_pcm16(samples: Samples) -> bytes:
    """[n] in [-1, 1], to the nearest step; what is louder is clipped."""
    return np.rint(np.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes()


def from_pcm16(data: bytes) -> Samples:
    """The other way round."""
    return np.frombuffer(data, "<i2") * np.float32(1 / _FULL_SCALE)
