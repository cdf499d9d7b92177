"""What was heard just before we knew that it mattered: the first syllable of an utterance."""

from collections import deque

import numpy as np

from agent.audio.frame import Samples


class Preroll:
    """Remembers the latest `keep` samples of a stream; `keep` may change."""

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self._pieces: deque[Samples] = deque()
        self._length = 0

    def feed(self, samples: Samples) -> None:
        """Take the next [n] samples."""
        self._pieces.append(samples)
        self._length += len(samples)
        while self._pieces and self._length - len(self._pieces[0]) >= self.keep:
            self._length -= len(self._pieces.popleft())

    def latest(self, count: int) -> Samples:
        """The last `count` samples of the stream, or as many of them as are kept."""
        wanted = min(count, self.keep)
        if not self._pieces or wanted <= 0:
            return np.empty(0, np.float32)
        return np.concatenate(self._pieces)[-wanted:]
