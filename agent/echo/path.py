"""One way from loudspeaker to microphone: how late, how loud in each band, and what exceeds it.

Knows rows; knows no call. It follows slowly, so that a caller's voice is not learnt as an echo.
"""

import numpy as np

from agent.echo.bands import BANDS, Rows, decibels
from agent.echo.played import Played
from agent.echo.search import Fit, audible, misfit

_WATCHED_HOPS = 10
_MARGIN_DB, _MOST_DB = 6.0, 15.0  # excess that counts, of each cell
_EXCEEDED_DB = 2.6  # mean of all cells watched: echoes stay below, voices come to 5 .. 12
_LEARNT_DB = 1.5  # from a hop that exceeds by more nothing is learnt
_STEP, _REACH_DB = 0.03, 10.0  # how fast a band's gain follows, and what of a difference counts
_MOST_GAIN_DB = np.float32(9.0)
_HEARD = 4.0  # times the floor: an echo from which something can be learnt
_NEIGHBOUR = 0.8  # of its neighbours' power a hop may have: windows of ears and mouth differ


class EchoPath:
    """Found by `fit`; ask it of what is heard later."""

    def __init__(self, fit: Fit) -> None:
        self._lag, self._room = fit.lag, fit.room
        self._gain_db: Rows = np.full(BANDS, fit.gain_db, np.float32)  # [BANDS]
        self._learnt = 0  # rows below

    def covers(self, heard: Rows, end: int, played: Played, floor: Rows) -> bool:
        """Whether the latest hops are no louder than their echo would be; learn from them.

        `heard` [T, BANDS] are the rows up to `end`, `floor` [BANDS] the noise in them.
        """
        heard = heard[-_WATCHED_HOPS:]
        begin = end - len(heard)
        rows = played.tails(begin - self._lag - 1, end - self._lag + 1)[self._room]
        source = np.maximum(rows[1:-1], _NEIGHBOUR * np.maximum(rows[:-2], rows[2:]))
        echo = source * 10 ** (self._gain_db / 10)
        over_db = decibels(heard + floor) - decibels(echo + floor)
        counted_db = np.clip(over_db - _MARGIN_DB, 0.0, _MOST_DB)
        counted_db *= audible(decibels(heard), decibels(floor))
        excess_db = counted_db.mean(axis=1)  # [T]
        news = (np.arange(begin, end) >= self._learnt) & (excess_db < _LEARNT_DB)
        step_db = _STEP * np.clip(over_db, -_REACH_DB, _REACH_DB)
        step_db[(echo < _HEARD * floor) | ~news[:, None]] = 0.0
        self._gain_db = np.minimum(self._gain_db + step_db.sum(axis=0), _MOST_GAIN_DB)
        self._learnt = end
        return bool(excess_db.mean() < _EXCEEDED_DB)

    def misfit_db(self, heard: Rows, end: int, played: Played, floor: Rows) -> float:
        """How far all of `heard` lies from its echo, as `search` says it."""
        rows = played.tails(end - len(heard) - self._lag, end - self._lag)[self._room]
        return misfit(heard, rows, self._gain_db, floor)
