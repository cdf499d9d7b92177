"""How loud the agent speaks: two factors, moved without a click, that never clip hard.

Pure arithmetic on frames; knows nothing of turns or time.
"""

import numpy as np

from agent.audio.frame import SPEAK_FRAME, Samples

MAX_GAIN = 4.0  # + 12 dB; beyond that speech is only distortion
# How far it has yet to fall, over 5 ms: the codec is 6.5 ms late, and most of the packet in
# which a fall begins is to be soft.
_FALL = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, SPEAK_FRAME // 4 + 1, dtype=np.float32)[1:])


class Gain:
    """Applies a factor frame by frame. At 1 it returns the very samples it was given."""

    def __init__(self) -> None:
        self._now = 1.0
        self._loudness = 1.0
        self._dip = 1.0

    def set(self, factor: float) -> None:
        """Move to `factor`, 0 .. MAX_GAIN, within the next frame. ValueError outside."""
        if not 0.0 <= factor <= MAX_GAIN:  # refuses NaN, too
            raise ValueError(f"gain {factor} is not between 0 and {MAX_GAIN:g}")
        self._loudness = factor

    def dip(self, factor: float) -> None:
        """Make it softer for a while, by a factor of 0 .. 1 that comes on top; 1 ends it."""
        if not 0.0 <= factor <= 1.0:
            raise ValueError(f"a dip by {factor} is not between 0 and 1")
        self._dip = factor

    def apply(self, frame: Samples) -> Samples:
        """[SPEAK_FRAME] in, [SPEAK_FRAME] out."""
        wanted = self._loudness * self._dip
        if self._now == wanted:
            if self._now == 1.0:
                return frame
            factors = np.full(SPEAK_FRAME, self._now, np.float32)
        else:
            # ends on the new factor, begins one step after the old one
            factors = np.linspace(self._now, wanted, SPEAK_FRAME + 1, dtype=np.float32)[1:]
            if wanted < self._now:
                factors[:] = wanted
                factors[: len(_FALL)] += (self._now - wanted) * _FALL
            self._now = wanted
        louder = frame * factors
        if factors.max() <= 1.0:
            return louder
        # x -> g x / (1 + (g^4 - 1) x^4)^(1/4): slope g for quiet samples, 1 -> 1 for any g, and
        # the identity at g = 1, so that moving the factor never moves a sample by a jump
        excess = np.maximum(factors, np.float32(1.0)) ** 4 - np.float32(1.0)
        soft: Samples = louder / np.sqrt(np.sqrt(np.float32(1.0) + excess * frame**4))
        return soft
