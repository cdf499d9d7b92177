"""What the agent has played, as an echo would bring it back: rows on the caller's media time.

Each row also comes smeared by rooms of several lengths. Knows hops; knows no clock.
"""

from math import floor

import numpy as np
from numpy.typing import NDArray

from agent.audio.frame import SPEAK_HZ, Samples
from agent.echo.bands import BANDS, HOP_MS, Bands

Tails = NDArray[np.float32]  # [ROOMS, n, BANDS], powers

# What is left of a sound's power after a hop: rooms that fall by 60 dB in 0.1, 0.3 and 0.8 s
DECAYS = np.array([[0.25], [0.63], [0.84]], np.float32)
ROOMS = len(DECAYS)
_KEPT_HOPS = 160
_HALF = 1e-4  # of a hop: 1 us
_QUIET = 1e-6  # -60 dBFS: an echo of less is nobody's voice


class Played:
    """One call's. Place frames in the order in which they left."""

    def __init__(self) -> None:
        self._bands = Bands(SPEAK_HZ)
        self._hop = SPEAK_HZ * HOP_MS // 1000
        self._tails = np.zeros((ROOMS, _KEPT_HOPS, BANDS), np.float32)
        self._latest = np.zeros((ROOMS, BANDS), np.float32)
        self._end = 0  # rows below are placed
        self.audible_end = -_KEPT_HOPS  # the hop after the last that was loud enough to matter

    def place(self, samples: Samples, at_hop: float) -> None:
        """Take samples [n hops] at SPEAK_HZ that left at `at_hop` of the caller's media time.

        What follows within a hop of where it should is contiguous: clocks differ and jitter.
        """
        # halves go up, whatever floating point makes of them: a clock of whole milliseconds has
        # many, and a replay counts from another zero
        missing = floor(at_hop + 0.5 + _HALF) - self._end
        if missing > 1:
            self._fall_silent(missing)
        for row in self._bands.feed(samples):
            self._latest = DECAYS * self._latest + (1 - DECAYS) * row
            self._tails[:, self._end % _KEPT_HOPS] = self._latest
            self._end += 1
            if row.sum() > _QUIET:
                self.audible_end = self._end

    def tails(self, begin: int, end: int) -> Tails:
        """Rows `begin` up to `end`. Before all memory is silence; what is to come is a fall."""
        hops = np.arange(begin, end)
        tails = self._tails.take(hops % _KEPT_HOPS, axis=1)
        if begin < max(0, self._end - _KEPT_HOPS):
            tails[:, hops < max(0, self._end - _KEPT_HOPS)] = 0.0
        if end > self._end:
            after = hops >= self._end
            fall = DECAYS ** (hops[after] - self._end + 1)  # [ROOMS, k]
            tails[:, after] = fall[:, :, None] * self._latest[:, None]
        return tails

    def _fall_silent(self, hops: int) -> None:
        self._bands.pass_over(np.zeros(self._hop, np.float32))
        kept = min(hops, _KEPT_HOPS)
        falls = DECAYS ** np.arange(hops - kept + 1, hops + 1)  # [ROOMS, kept]
        numbers = np.arange(self._end + hops - kept, self._end + hops)
        self._tails[:, numbers % _KEPT_HOPS] = falls[:, :, None] * self._latest[:, None]
        self._latest = self._latest * DECAYS**hops
        self._end += hops
