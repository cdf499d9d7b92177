"""Samples as a WAV file, which is how a chat server takes audio."""

import io
import wave

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples


def pcm(samples: Samples) -> bytes:
    """float32 [n] in [-1, 1] as 16-bit little-endian; what is louder is clipped."""
    return (np.clip(samples, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes()


def wav(pcm16: bytes) -> bytes:
    """A mono file at HEAR_HZ around what `pcm` gave."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(HEAR_HZ)
        writer.writeframes(pcm16)
    return file.getvalue()
