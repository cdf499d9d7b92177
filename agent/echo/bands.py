"""A sound as powers of bands: one row each hop of 10 ms, for what is heard and what is played.

Knows samples; knows no call. Windows are two hops long, so that bins are 50 Hz at any rate and
the rows of two rates can be compared. Streaming, equal to its offline twin.
"""

import numpy as np
from numpy.typing import NDArray

from agent.audio.frame import Samples

Rows = NDArray[np.float32]  # [n, BANDS], powers of full scale, or their decibels

HOP_MS = 10
_BIN_HZ = 50
_EDGES_HZ = (
    *(200, 300, 400, 500, 600, 700, 800, 950, 1100, 1300, 1500),
    *(1750, 2000, 2300, 2700, 3200, 3800, 4500, 5300, 6200, 7200),
)
BANDS = len(_EDGES_HZ) - 1
_BINS = _EDGES_HZ[-1] // _BIN_HZ  # what a row is made of; both rates have them
_EDGES = np.array(_EDGES_HZ[:-1]) // _BIN_HZ
_SILENCE = 1e-12


def decibels(rows: Rows) -> Rows:
    """Powers to decibels, silence to -120."""
    levels: Rows = np.float32(10) * np.log10(rows + np.float32(_SILENCE))
    return levels


class Bands:
    """Feed it a stream in whole hops."""

    def __init__(self, rate_hz: int) -> None:
        self._hop = rate_hz * HOP_MS // 1000
        window = np.hanning(2 * self._hop + 1)[:-1]
        # a sound has the power of its bins, one side of the spectrum counted
        self._window = (window / np.sqrt(self._hop * np.sum(window**2))).astype(np.float32)
        self._before: Samples = np.zeros(self._hop, np.float32)

    def feed(self, samples: Samples) -> Rows:
        """Take [n hops]; return a row [BANDS] for each, of it and the hop before."""
        sound = np.concatenate([self._before, samples])
        self._before = sound[-self._hop :]
        hops = sound.reshape(-1, self._hop)
        windows = np.concatenate([hops[:-1], hops[1:]], axis=1) * self._window
        bins = np.fft.rfft(windows)[:, :_BINS]
        rows: Rows = np.add.reduceat(bins.real**2 + bins.imag**2, _EDGES, axis=1)
        return rows

    def pass_over(self, hop: Samples) -> None:
        """Take a hop whose row nobody wants."""
        self._before = hop
