"""Where in what was played lies what is heard? Pure arithmetic on rows of powers.

An echo follows what was played in every band, some time later and some decibels softer: their
difference hardly varies, and where something was played something is heard. Any other sound
differs from it by 10 dB this way and that, and is silent where the echo would not be.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from agent.echo.bands import Rows, decibels
from agent.echo.played import Tails

LAGS = 70  # hops: the latest echo that is looked for
_MOST_GAIN_DB = 3.0  # an echo is hardly louder than what was played
_CANDIDATES = 4  # fits by what is heard, of which the best by what is not heard is taken
_AUDIBLE_DB, _CERTAIN_DB = 6.0, 16.0  # above the floor: from where, and from where wholly


@dataclass(frozen=True, slots=True)
class Fit:
    """An echo of what was played that is most like what is heard."""

    lag: int  # hops
    room: int  # which of Played's tails
    gain_db: float
    spread_db: float  # how far what is heard lies from it, root of mean square


def audible(rows_db: Rows, floor_db: Rows) -> Rows:
    """How far each cell stands out of the floor, 0 .. 1."""
    share: Rows = (rows_db - floor_db - _AUDIBLE_DB) / (_CERTAIN_DB - _AUDIBLE_DB)
    return np.clip(share, 0.0, 1.0)


def search(heard: Rows, played: Tails, floor: Rows) -> Fit | None:
    """Return the best fit; None where nothing is audible or an echo would be too loud.

    Powers: `heard` [T, BANDS], `played` [ROOMS, LAGS - 1 + T, BANDS] of which the last T rows
    are as late as `heard`, `floor` [BANDS] of what is heard.
    """
    heard_db, floor_db = decibels(heard), decibels(floor)
    weights = audible(heard_db, floor_db)
    if not weights.any():
        return None
    spreads, gains = spreads_and_gains(heard_db, weights, decibels(played + floor))
    spreads[gains > _MOST_GAIN_DB] = np.inf
    best = np.argpartition(spreads, _CANDIDATES, axis=None)[:_CANDIDATES]
    fits: list[Fit] = []
    for room, lag in zip(*np.unravel_index(best, spreads.shape), strict=True):
        if np.isfinite(spreads[room, lag]):
            gain_db = float(gains[room, lag])
            spread_db = misfit(heard, _late(played, room, lag), gain_db, floor)
            fits.append(Fit(int(lag), int(room), gain_db, spread_db))
    return min(fits, key=lambda fit: fit.spread_db, default=None)


def misfit(heard: Rows, played: Rows, gain_db: float | Rows, floor: Rows) -> float:
    """How far `heard` lies from `played`, [T, BANDS] each, `gain_db` louder: root of mean
    square in dB over all cells in which one of them is audible.
    """
    floor_db = decibels(floor)
    echo_db = decibels(played * 10 ** (gain_db / 10) + floor)
    heard_db = np.maximum(decibels(heard), floor_db)
    weights = audible(np.maximum(heard_db, echo_db), floor_db)
    total = float(weights.sum())
    return float(np.sqrt((weights * (heard_db - echo_db) ** 2).sum() / total)) if total else 0.0


def spreads_and_gains(heard_db: Rows, weights: Rows, played_db: Rows) -> tuple[Rows, Rows]:
    """Return for every room and lag [ROOMS, LAGS] spread and mean of `heard - played`, in dB.

    Shapes as in `search`; cells count by `weights` [T, BANDS], which are not all 0.
    """
    share = (weights / weights.sum()).ravel()  # [T * BANDS]
    flat = heard_db.ravel()
    # [ROOMS, LAGS, T * BANDS], the latest lag first: rows follow each other in memory, so that
    # each window is one stretch of it
    shape = (len(played_db), LAGS, len(share))
    windows = as_strided(played_db, shape, played_db.strides)
    shifted = windows.copy().reshape(-1, len(share))  # for BLAS, and squared in place
    mean, cross = shifted @ share, shifted @ (share * flat)
    shifted *= shifted
    gains = share @ flat - mean
    variances = share @ flat**2 - 2 * cross + shifted @ share - gains**2
    spreads = np.sqrt(np.maximum(variances, 0.0))
    return spreads.reshape(shape[:2])[:, ::-1], gains.reshape(shape[:2])[:, ::-1]


def _late(played: Tails, room: int, lag: int) -> Rows:
    """What was played `lag` hops ago in `room`: [T, BANDS] of `search`'s `played`."""
    last = played.shape[1] - lag
    return played[room, LAGS - 1 - lag : last]
