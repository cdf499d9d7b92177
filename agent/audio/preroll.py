"""What was heard just before we knew that it mattered: the first syllable of an utterance."""

from collections import deque

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples


class Preroll:
    """Remembers the latest `keep_ms` of a stream at HEAR_HZ."""

    def __init__(self, keep_ms: int) -> None:
        self._keep = keep_ms * HEAR_HZ // 1000
        self._pieces: deque[Samples] = deque()
        self._length = 0

    def feed(self, samples: Samples) -> None:
        """Take the next [n] samples."""
        self._pieces.append(samples)
        self._length += len(samples)
        while self._pieces and self._length - len(self._pieces[0]) >= self._keep:
            self._length -= len(self._pieces.popleft())

    def latest(self, ms: int) -> Samples:
        """The last `ms` of the stream, or as much of them as is kept."""
        wanted = min(ms * HEAR_HZ // 1000, self._keep)
        if not self._pieces or wanted <= 0:
            return np.empty(0, np.float32)
        return np.concatenate(self._pieces)[-wanted:]
