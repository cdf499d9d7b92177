"""Rows of band powers: the same of a sound at either rate, however it comes."""

from itertools import pairwise

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from agent.echo.bands import BANDS, Bands, decibels


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32) * 0.1


def slow_rows(sound, rate_hz):
    """The twin: every hop's spectrum by definition, one bin after the other."""
    edges_hz = [200, 300, 400, 500, 600, 700, 800, 950, 1100, 1300, 1500, 1750, 2000, 2300]
    edges_hz += [2700, 3200, 3800, 4500, 5300, 6200, 7200]
    hop = rate_hz // 100
    sound = np.concatenate([np.zeros(hop), sound.astype(np.float64)])
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)
    rows = []
    for at in range(0, len(sound) - 2 * hop + 1, hop):
        piece = sound[at : at + 2 * hop] * window
        row = []
        for low, high in pairwise(edges_hz):
            power = 0.0
            for hz in range(low, high, 50):
                turn = np.exp(-2j * np.pi * hz * np.arange(2 * hop) / rate_hz)
                power += abs(np.sum(piece * turn)) ** 2
            row.append(power / (hop * np.sum(window**2)))
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("rate_hz", [HEAR_HZ, SPEAK_HZ])
def test_rows_are_what_the_definition_says(rate_hz) -> None:
    sound = noise(rate_hz // 10)
    rows = Bands(rate_hz).feed(sound)
    assert rows.shape == (10, BANDS)
    assert rows == pytest.approx(slow_rows(sound, rate_hz), rel=1e-3)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=8))
def test_rows_do_not_depend_on_how_the_sound_comes(counts) -> None:
    """Killed: each stretch begins behind silence."""
    sound = noise(sum(counts) * 160)
    whole = Bands(HEAR_HZ).feed(sound)
    bands, at, parts = Bands(HEAR_HZ), 0, []
    for count in counts:
        parts.append(bands.feed(sound[at : at + count * 160]))
        at += count * 160
    assert np.concatenate(parts) == pytest.approx(whole, rel=1e-5)


def test_a_hop_that_is_passed_over_is_still_the_one_before() -> None:
    sound = noise(3 * 160)
    bands = Bands(HEAR_HZ)
    bands.feed(sound[:160])
    bands.pass_over(sound[160:320])
    assert bands.feed(sound[320:]) == pytest.approx(Bands(HEAR_HZ).feed(sound)[2:], rel=1e-5)


def test_both_rates_give_the_same_rows() -> None:
    sound = noise(HEAR_HZ)
    slow = decibels(Bands(HEAR_HZ).feed(sound))
    fast = decibels(Bands(SPEAK_HZ).feed(soxr.resample(sound, HEAR_HZ, SPEAK_HZ)))
    inner = slice(5, 90), slice(0, BANDS - 1)  # the last band touches the resampler's edge
    assert np.abs(slow - fast)[inner].max() < 1.5
    assert np.abs((slow - fast)[inner].mean()) < 0.05


def test_a_tone_has_its_power_in_its_band() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(HEAR_HZ) / HEAR_HZ).astype(np.float32)
    row = Bands(HEAR_HZ).feed(tone)[50]
    assert np.argmax(row) == 7  # 950 .. 1100 Hz
    assert 10 * np.log10(row.sum()) == pytest.approx(-9.03, abs=0.1)


def test_silence_has_a_level() -> None:
    assert decibels(np.zeros(BANDS, np.float32)) == pytest.approx(-120)
