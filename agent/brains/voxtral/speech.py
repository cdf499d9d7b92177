"""The caller's speech of one utterance, as it comes; the oldest goes when it is long."""

from collections import deque

import numpy as np

from agent.audio.frame import Samples


class Speech:
    """At most so many samples at HEAR_HZ; of more, the end counts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._frames: deque[Samples] = deque()
        self._held = 0
        self.length = 0  # samples, those let go of not counted

    def add(self, samples: Samples) -> None:
        """The next [n]."""
        self._frames.append(samples)
        self._held += len(samples)
        while self._held - len(self._frames[0]) >= self._most:
            self._held -= len(self._frames.popleft())
        self.length = min(self._held, self._most)

    def last(self, most: int) -> Samples:
        """A copy of the last `most`, or of all there is."""
        whole: Samples = np.concatenate(self._frames)
        return whole[len(whole) - min(self.length, most) :]

    def clear(self) -> None:
        """A new utterance begins."""
        self._frames.clear()
        self._held = self.length = 0
