"""Samples as a WAV file, which is how a chat server takes audio."""

import io
import wave

from agent.audio.frame import HEAR_HZ


def wav(pcm16: bytes) -> bytes:
    """A mono file at HEAR_HZ around what `to_pcm16` gave."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(HEAR_HZ)
        writer.writeframes(pcm16)
    return file.getvalue()
