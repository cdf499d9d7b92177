"""Cut a stream into the exact windows that silero wants."""

from collections.abc import Iterator

import numpy as np

from agent.audio.frame import HEAR_HZ, Samples

WINDOW = 512  # samples at HEAR_HZ; silero accepts no other number
WINDOW_MS = WINDOW * 1000 // HEAR_HZ  # 32


class Windows:
    """Pieces of any size in, windows of exactly 512 samples out, nothing lost or repeated."""

    def __init__(self) -> None:
        self._ahead: Samples = np.empty(0, np.float32)

    @property
    def waiting(self) -> int:
        """Samples fed that no window holds yet."""
        return len(self._ahead)

    def feed(self, samples: Samples) -> Iterator[Samples]:
        """Take [n] samples; yield the windows [512] now complete. Consume it wholly."""
        self._ahead = np.concatenate([self._ahead, samples])
        while len(self._ahead) >= WINDOW:
            window, self._ahead = self._ahead[:WINDOW], self._ahead[WINDOW:]
            yield window
