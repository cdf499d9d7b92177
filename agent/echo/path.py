"""One way from loudspeaker to microphone: how late, how loud in each band, and what exceeds it.

Knows rows; knows no call. It follows slowly, so that a caller's voice is not learnt as an echo.
"""

from collections import deque

import numpy as np

from agent.echo.bands import BANDS, Rows, decibels
from agent.echo.played import Played
from agent.echo.search import Fit, audible

_WATCHED_HOPS = 10
_MARGIN_DB, _MOST_DB = 6.0, 15.0  # excess that counts, of each cell
_EXCEEDED_DB = 2.6  # mean of all cells watched: echoes stay below, voices come to 5 .. 12
_LEARNT_DB = 1.5  # above it, nothing is learnt
_STEP, _REACH_DB = 0.03, 10.0  # how fast a band's gain follows, and what of a difference counts
_MOST_GAIN_DB = np.float32(9.0)
_HEARD = 4.0  # times the floor: an echo from which something can be learnt
_NEIGHBOUR = 0.8  # of its neighbours' power a hop may have: windows of ears and mouth differ


class EchoPath:
    """Feed it every hop after the fit that it was found by."""

    def __init__(self, fit: Fit) -> None:
        self.lag, self.room = fit.lag, fit.room
        self.gain_db: Rows = np.full(BANDS, fit.gain_db, np.float32)  # [BANDS]
        self._excesses: deque[float] = deque(maxlen=_WATCHED_HOPS)

    @property
    def covers(self) -> bool:
        """Whether the latest hops are no louder than their echo would be."""
        excesses = self._excesses
        return not excesses or sum(excesses) / len(excesses) < _EXCEEDED_DB

    def feed(self, heard: Rows, hop: int, played: Played, floor: Rows) -> None:
        """Take row `hop` of what is heard, [BANDS], its floor, and what was played."""
        back = hop - self.lag
        before, then, after = played.tails(back - 1, back + 2)[self.room]
        source = np.maximum(then, _NEIGHBOUR * np.maximum(before, after))
        echo = source * 10 ** (self.gain_db / 10)
        heard_db = decibels(heard)
        over_db = decibels(heard + floor) - decibels(echo + floor)
        counted_db = np.clip(over_db - _MARGIN_DB, 0.0, _MOST_DB)
        excess = float((counted_db * audible(heard_db, decibels(floor))).mean())
        self._excesses.append(excess)
        if excess < _LEARNT_DB:
            step_db = _STEP * np.clip(over_db, -_REACH_DB, _REACH_DB)
            step_db[echo < _HEARD * floor] = 0.0
            self.gain_db = np.minimum(self.gain_db + step_db, _MOST_GAIN_DB)
