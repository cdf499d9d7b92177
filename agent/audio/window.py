"""Cut a stream into windows of an exact size: silero's, or another."""

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples

WINDOW = 512  # samples at HEAR_HZ; silero accepts no other number
WINDOW_MS = WINDOW * 1000 // HEAR_HZ  # 32


class Windows:
    """Pieces of any length in, windows of exactly `size` samples out: none lost or repeated."""

    def __init__(self, size: int = WINDOW) -> None:
        self._size = size
        self._ahead: Samples = np.empty(0, np.float32)

    def feed(self, samples: Samples) -> Samples:
        """Take [n] samples; return the windows now complete, [k, size]."""
        self._ahead = np.concatenate([self._ahead, samples])
        end = len(self._ahead) // self._size * self._size
        windows, self._ahead = self._ahead[:end], self._ahead[end:]
        return windows.reshape(-1, self._size)
