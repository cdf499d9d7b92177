"""An echo is found where it is, and nothing else is taken for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.echo.bands import BANDS, decibels
from agent.echo.played import ROOMS
from agent.echo.search import LAGS, audible, misfit, search, spreads_and_gains

T = 25
FLOOR = np.full(BANDS, 1e-7, np.float32)


def speechlike(rows, seed=0):
    """Powers [rows, BANDS] that vary as those of speech do: by 10 dB and more."""
    random = np.random.default_rng(seed)
    return (10 ** (random.normal(-4.5, 1.1, (rows, BANDS)))).astype(np.float32)


def everywhere(seed=0):
    """Three rooms that make no difference but a shift: each can be told from the others."""
    return np.stack([speechlike(LAGS - 1 + T, seed + 100 * room) for room in range(ROOMS)])


def late(played, room, lag):
    return played[room, LAGS - 1 - lag : LAGS - 1 - lag + T]


def slow_spreads_and_gains(heard_db, weights, played_db):
    """The twin: each lag and room by itself."""
    spreads, gains = np.zeros((ROOMS, LAGS)), np.zeros((ROOMS, LAGS))
    for room in range(ROOMS):
        for lag in range(LAGS):
            begin = LAGS - 1 - lag
            there = played_db[room, begin : begin + len(heard_db)]
            difference = heard_db.astype(float) - there
            gains[room, lag] = np.average(difference, weights=weights)
            off = (difference - gains[room, lag]) ** 2
            spreads[room, lag] = np.sqrt(np.average(off, weights=weights))
    return spreads, gains


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, T))
def test_all_at_once_is_each_by_itself(seed, rows) -> None:
    """The slow twin goes lag by lag. Killed: gains in the order of the windows."""
    heard = decibels(speechlike(rows, seed))
    weights = np.random.default_rng(seed).random((rows, BANDS)).astype(np.float32)
    played = decibels(everywhere(seed)[:, : LAGS - 1 + rows])
    fast = spreads_and_gains(heard, weights, np.ascontiguousarray(played))
    slow = slow_spreads_and_gains(heard, weights, played)
    assert fast[0] == pytest.approx(slow[0], abs=0.05)
    assert fast[1] == pytest.approx(slow[1], abs=0.05)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, ROOMS - 1), st.integers(0, LAGS - 1), st.floats(-24, 0), st.integers(0, 99)
)
def test_an_echo_is_found_whatever_its_lag_and_level(room, lag, gain_db, seed) -> None:
    """Killed: what was played one hop away from the lag found."""
    played = everywhere(seed)
    heard = late(played, room, lag) * np.float32(10 ** (gain_db / 10))
    fit = search(heard, played, FLOOR)
    assert (fit.lag, fit.room) == (lag, room)
    assert fit.gain_db == pytest.approx(gain_db, abs=1.0)
    assert fit.spread_db < 1.5


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_another_sound_is_no_echo(seed) -> None:
    """Killed: a misfit that is a third of what it is."""
    fit = search(speechlike(T, seed + 50_000), everywhere(seed), FLOOR)
    assert fit is None or fit.spread_db > 10


def test_what_should_be_heard_and_is_not_speaks_against_an_echo() -> None:
    """Three loud hops may lie near something by chance; the silence before them does not."""
    played = everywhere()
    heard = np.full((T, BANDS), 1e-9, np.float32)
    heard[-3:] = late(played, 0, 20)[-3:]
    assert search(heard, played, FLOOR).spread_db > 15


def test_an_echo_is_not_louder_than_what_was_played() -> None:
    played = everywhere()
    fit = search(late(played, 1, 30) * np.float32(10), played, FLOOR)
    assert fit is None or fit.spread_db > 8


def test_where_nothing_is_heard_there_is_nothing_to_find() -> None:
    assert search(np.full((T, BANDS), 1e-9, np.float32), everywhere(), FLOOR) is None


def test_a_cell_counts_by_how_far_it_stands_out_of_the_floor() -> None:
    levels = np.array([-90, -64, -59, -54, -20], np.float32)
    floor = np.full(5, -70, np.float32)
    assert audible(levels, floor) == pytest.approx([0, 0, 0.5, 1, 1])


def test_misfit_is_the_distance_of_what_is_audible() -> None:
    one = np.full((T, BANDS), 1e-3, np.float32)
    assert misfit(one * 10, one, 10.0, FLOOR) == pytest.approx(0, abs=0.01)
    assert misfit(one * 10, one, 4.0, FLOOR) == pytest.approx(6, abs=0.01)
    per_band = np.full(BANDS, 4.0, np.float32)
    assert misfit(one * 10, one, per_band, FLOOR) == pytest.approx(6, abs=0.01)
    assert misfit(one * 1e-7, one * 1e-7, 0.0, FLOOR) == 0.0
