"""Cut a stream into windows of an exact size: silero's, or another."""

from collections.abc import Iterator

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples

WINDOW = 512  # samples at HEAR_HZ; silero accepts no other number
WINDOW_MS = WINDOW * 1000 // HEAR_HZ  # 32


class Windows:
    """Pieces of any length in, windows of exactly `size` samples out: none lost or repeated."""

    def __init__(self, size: int = WINDOW) -> None:
        self._size = size
        self._ahead: Samples = np.empty(0, np.float32)

    @property
    def waiting(self) -> int:
        """Samples fed that no window holds yet."""
        return len(self._ahead)

    def feed(self, samples: Samples) -> Iterator[Samples]:
        """Take [n] samples; yield the windows [size] now complete. Consume it wholly."""
        self._ahead = np.concatenate([self._ahead, samples])
        while len(self._ahead) >= self._size:
            window, self._ahead = self._ahead[: self._size], self._ahead[self._size :]
            yield window
