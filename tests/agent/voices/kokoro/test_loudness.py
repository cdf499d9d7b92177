"""Phrases end up alike in loudness, and stay inside the scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.voices.kokoro.loudness import TARGET_DB, Loudness, level_db

RANDOM = np.random.default_rng(0)


def tone(db, seconds=1.0, hz=1000):
    """A sine of so many dB RMS, which at 1 kHz is its level by BS.1770 too."""
    time = np.arange(round(SPEAK_HZ * seconds)) / SPEAK_HZ
    return np.float32(10 ** (db / 20) * 2**0.5) * np.sin(2 * np.pi * hz * time).astype(
        np.float32
    )


@pytest.mark.parametrize("db", [-40, -23, -10])
def test_a_tone_of_1_khz_has_its_own_level(db):
    assert level_db(tone(db)) == pytest.approx(db, abs=0.1)


def test_low_hum_counts_less_and_hiss_more():
    assert level_db(tone(-20, hz=40)) < -24
    assert level_db(tone(-20, hz=4000)) > -18


def test_pauses_do_not_count():
    speech = np.concatenate((tone(-20), np.zeros(3 * SPEAK_HZ, np.float32), tone(-20)))
    assert level_db(speech) == pytest.approx(-20, abs=0.2)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(10), np.zeros(SPEAK_HZ)])
def test_silence_has_no_level_and_is_left_alone(samples):
    assert level_db(samples) is None
    assert Loudness().gain("a", samples) == 1.0


def test_voices_become_alike():
    loudness = Loudness()
    for voice, db in (("soft", -30.0), ("loud", -14.0)):
        samples = tone(db)
        assert level_db(samples * loudness.gain(voice, samples)) == pytest.approx(
            TARGET_DB, abs=0.1
        )


def test_a_livelier_phrase_stays_so_within_bounds():
    loudness = Loudness()
    for _ in range(10):
        loudness.gain("a", tone(-25, 3))
    for db, heard in ((-24, 1.0), (-20, 1.5), (-33, -1.5)):
        samples = tone(db, 0.3)
        level = level_db(samples * loudness.gain("a", samples))
        assert level - TARGET_DB == pytest.approx(heard, abs=0.3)


@given(st.lists(st.tuples(st.floats(-60, -4), st.floats(0.05, 2)), min_size=1, max_size=6))
def test_gain_is_bounded_and_nothing_clips(phrases):
    loudness = Loudness()
    for db, seconds in phrases:
        samples = tone(db, seconds)
        gain = loudness.gain("a", samples)
        assert gain <= 10 ** (12 / 20) + 1e-6
        assert np.abs(samples * gain).max() <= 0.9
        if -32 < db < -10:
            assert abs(level_db(samples * gain) - TARGET_DB) < 1.7


def test_one_click_does_not_make_it_clip():
    samples = tone(-35)
    samples[100] = 1.0
    assert np.abs(samples * Loudness().gain("a", samples)).max() <= 0.9
