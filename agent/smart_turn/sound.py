"""The caller's sound as the worker gets it: 16 bits a sample, the last 8 s.

It is packed as it comes: to pack 8 s at once would hold the loop for most of a millisecond.
"""

from agent.audio.frame import HEAR_HZ, Samples
from agent.audio.pcm16 import to_pcm16
from agent.smart_turn.mel import HEARD_S

_MOST_BYTES = HEARD_S * HEAR_HZ * 2


class Latest:
    """The last 8 s of what it is fed."""

    def __init__(self) -> None:
        self._sound = bytearray()

    def feed(self, samples: Samples) -> None:
        """Take the next [n] at HEAR_HZ."""
        self._sound += to_pcm16(samples)
        del self._sound[: max(0, len(self._sound) - _MOST_BYTES)]

    def packed(self) -> bytes:
        """All of it."""
        return bytes(self._sound)
