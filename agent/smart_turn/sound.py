"""The caller's sound as the worker gets it: 16 bits a sample, the last 8 s.

It is packed as it comes: to pack 8 s at once would hold the loop for most of a millisecond.
"""

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples
from agent.smart_turn.model import HEARD_S

_FULL_SCALE = 32767
_MOST_BYTES = HEARD_S * HEAR_HZ * 2


def packed(samples: Samples) -> bytes:
    """[n] as 16 bits each, little-endian."""
    return (np.clip(samples, -1.0, 1.0) * np.float32(_FULL_SCALE)).astype("<i2").tobytes()


def unpacked(sound: bytes) -> Samples:
    """The other way round."""
    return np.frombuffer(sound, "<i2") * np.float32(1 / _FULL_SCALE)


class Latest:
    """The last 8 s of what it is fed."""

    def __init__(self) -> None:
        self._sound = bytearray()

    def feed(self, samples: Samples) -> None:
        """Take the next [n] at HEAR_HZ."""
        self._sound += packed(samples)
        del self._sound[: max(0, len(self._sound) - _MOST_BYTES)]

    def packed(self) -> bytes:
        """All of it."""
        return bytes(self._sound)
