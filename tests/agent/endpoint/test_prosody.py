"""How a voice ends: low or hanging in the air, loud or dying away, hop by hop."""

from dataclasses import astuple

import numpy as np
import pytest
from recordings import recording

from agent.endpoint.levels import HOP, Loudness
from agent.endpoint.pitch import Tone
from agent.endpoint.prosody import Cues, Prosody
from agent.endpoint.sound import Sounds

LOUD_DB = -20.0


def feed(prosody, hops):
    """Each: (semitones, clarity, level in dB, audible)."""
    for semitones, clarity, level_db, audible in hops:
        prosody.feed(Tone(semitones, clarity), level_db, audible)
    return prosody


def voice(semitones, hops, clarity=0.95, level_db=LOUD_DB):
    return [(semitones, clarity, level_db, True)] * hops


def glide(begin, end, hops=30, level_db=LOUD_DB):
    steps = (begin + (end - begin) * n / (hops - 1) for n in range(hops))
    return [(step, 0.95, level_db, True) for step in steps]


SILENCE = [(0.0, 0.0, -60.0, False)] * 6
TALK = [*glide(80, 90, 60), *SILENCE, *glide(88, 82, 60), *SILENCE]


def cues(*end):
    prosody = feed(Prosody(), TALK)
    prosody.cues(6, LOUD_DB)  # as at the pause before
    return feed(prosody, [*end, *SILENCE]).cues(len(SILENCE), LOUD_DB)


def test_a_fall_ends_at_the_bottom_of_the_callers_range() -> None:
    assert cues(*glide(86, 79)).low_st < 0.5
    assert cues(*glide(86, 91)).low_st > 8


def test_the_range_is_the_callers_own() -> None:
    """A high voice that falls is as low as a deep one."""
    high = [(s + 12, c, level, a) for s, c, level, a in [*TALK, *glide(86, 80), *SILENCE]]
    deep = feed(Prosody(), [*TALK, *glide(86, 80), *SILENCE])
    assert feed(Prosody(), high).cues(6, LOUD_DB).low_st == pytest.approx(
        deep.cues(6, LOUD_DB).low_st, abs=1e-6
    )


def test_last_syllables_are_softer_than_the_loud_ones() -> None:
    soft = [*voice(84, 40, level_db=LOUD_DB - 9)]
    assert cues(*soft).soft_db == pytest.approx(9)
    assert cues(*voice(84, 40)).soft_db == pytest.approx(0)


def test_a_hiss_at_the_end_leaves_the_pitch_alone() -> None:
    hiss = [(100.0 + 7 * (n % 2), 0.6, LOUD_DB, True) for n in range(12)]
    assert cues(*glide(86, 79), *hiss).low_st == cues(*glide(86, 79)).low_st


def test_a_jump_of_an_octave_is_no_voice() -> None:
    slip = [(98.0, 0.9, LOUD_DB, True)] * 6
    assert cues(*voice(84, 30), *slip).low_st == cues(*voice(84, 30)).low_st


def test_nothing_is_said_of_a_whisper() -> None:
    whisper = [(90.0, 0.2, LOUD_DB, True)] * 50
    assert feed(Prosody(), [*whisper, *SILENCE]).cues(6, LOUD_DB) == Cues()
    assert Prosody().cues(6, LOUD_DB) == Cues()


def test_silence_before_it_changes_nothing() -> None:
    prosody = feed(Prosody(), [*TALK, *voice(80, 30), *SILENCE])
    first = prosody.cues(6, LOUD_DB)
    assert feed(prosody, SILENCE).cues(12, LOUD_DB) == first


def test_streaming_is_equal_to_the_whole() -> None:
    """The twin has all hops up to 60 ms after the last word, and looks at the same stretch."""
    loudness, hops = Loudness(), []
    for sound in Sounds().feed(recording("goforward")[: 216 * HOP].reshape(-1, HOP)):
        audible = loudness.feed(sound.level_db, True)
        hops.append((sound.tone, loudness.level_db, audible))
    prosody = Prosody()
    for tone, level_db, audible in hops:
        prosody.feed(tone, level_db, audible)
    end = len(hops) - 6
    voiced, before = [], 0.0
    for n, (tone, _, audible) in enumerate(hops):
        if audible and tone.clarity >= 0.55 and abs(tone.semitones - before) <= 4:
            voiced.append(n)
        before = tone.semitones
    pitches = np.array([hops[n][0].semitones for n in voiced])[-400:]
    last = [hops[n][0].semitones for n in voiced if end - 40 <= n < end][-6:]
    recent = np.array([level_db for _, level_db, _ in hops[end - 40 : end]])
    expected = Cues(
        low_st=float(np.median(last) - np.percentile(pitches, 10)),
        soft_db=float(loudness.loud_db - recent.max()),
    )
    found = prosody.cues(6, loudness.loud_db)
    assert astuple(found) == pytest.approx(astuple(expected))
