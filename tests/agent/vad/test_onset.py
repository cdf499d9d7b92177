"""What may begin a caller's speech."""

import numpy as np
import pytest
from spoken import say

from agent.audio.frame import HEAR_HZ
from agent.endpoint.sound import Sounds
from agent.vad.onset import Onset


def may_begin(onset, probability):
    """Whether speech may begin with a window like that alone."""
    return near(onset, probability) and probability >= onset.least_probability


def near(onset, probability):
    return onset.near(probability, onset.least_probability)


def hears(onset, hops, level_db, clarity=0.9, spoken=False):
    for _ in range(hops):
        onset.feed(level_db, clarity, spoken)


def a_caller(level_db=-20.0):
    """Somebody has spoken for three seconds, and was heard."""
    onset = Onset()
    hears(onset, 300, level_db, spoken=True)
    hears(onset, 100, -70.0, clarity=0.1)
    return onset


def test_before_anything_was_heard_nothing_begins_but_what_is_certain() -> None:
    assert not may_begin(Onset(), 0.9)
    assert may_begin(Onset(), 0.99)


@pytest.mark.parametrize("level_db", [-10, -35, -60])
def test_a_voice_begins_at_any_level_while_no_other_is_known(level_db) -> None:
    onset = Onset()
    hears(onset, 3, level_db)
    assert may_begin(onset, 0.5)


def test_a_noise_is_not_voiced() -> None:
    onset = Onset()
    hears(onset, 100, -15.0, clarity=0.5)
    assert not may_begin(onset, 0.9)


def test_a_whisper_is_certain_enough() -> None:
    onset = Onset()
    hears(onset, 100, -40.0, clarity=0.2)
    assert may_begin(onset, 0.98)


def test_a_voiceless_beginning_waits_for_its_vowel() -> None:
    onset = Onset()
    hears(onset, 12, -30.0, clarity=0.2)
    assert not may_begin(onset, 0.8)
    hears(onset, 1, -20.0, clarity=0.8)
    assert may_begin(onset, 0.8)


def test_a_noise_gains_a_voice_far_away_nothing() -> None:
    onset = a_caller(-20.0)
    for _ in range(3000):  # 9.6 dB, were it a voice
        hears(onset, 3, -45.0, clarity=0.5)
        assert not near(onset, 0.9)
    assert windows_until_begun(onset, -45.0) * 0.032 == pytest.approx(50, abs=1)


def test_a_noise_close_by_takes_a_voice_far_away_nothing() -> None:
    onset = a_caller(-20.0)
    windows_until_begun(onset, -45.0)
    hears(onset, 40, -20.0, clarity=0.5)
    assert near(onset, 0.9)
    hears(onset, 10, -45.0)
    assert near(onset, 0.95)


def test_a_vowel_long_ago_does_not_count() -> None:
    onset = Onset()
    hears(onset, 1, -20.0, clarity=0.9)
    hears(onset, 30, -20.0, clarity=0.2)
    assert not may_begin(onset, 0.8)


@pytest.mark.parametrize(("level_db", "begins"), [(-20, True), (-38, True), (-45, False)])
def test_a_voice_far_away_is_not_the_caller(level_db, begins) -> None:
    onset = a_caller(-20.0)
    hears(onset, 5, level_db)
    assert may_begin(onset, 0.95) is begins


def test_the_loudest_of_the_last_tenth_of_a_second_counts() -> None:
    onset = a_caller(-20.0)
    hears(onset, 1, -25.0)
    hears(onset, 8, -50.0)
    assert may_begin(onset, 0.95)
    hears(onset, 2, -50.0)
    assert not may_begin(onset, 0.95)


def test_whoever_goes_on_after_a_pause_may_do_so_without_a_voice() -> None:
    """A pause that ends late is a turn that is answered too early."""
    onset = a_caller(-20.0)
    hears(onset, 10, -20.0, spoken=True)
    hears(onset, 60, -60.0, clarity=0.1)
    assert may_begin(onset, 0.6)
    hears(onset, 20, -60.0, clarity=0.1)
    assert not may_begin(onset, 0.6)


def test_a_word_is_not_enough_to_know_the_caller() -> None:
    onset = Onset()
    hears(onset, 30, -10.0, spoken=True)
    hears(onset, 100, -40.0)
    assert may_begin(onset, 0.95)


def windows_until_begun(onset, level_db):
    for window in range(100_000):
        hears(onset, 3, level_db)
        if may_begin(onset, 0.95):
            return window
    raise AssertionError("never heard again")


def test_a_caller_who_moved_away_is_heard_after_a_while() -> None:
    seconds = windows_until_begun(a_caller(-20.0), -45.0) * 0.032
    assert seconds == pytest.approx(50, abs=1)  # 5 dB too soft


def test_a_caller_who_speaks_up_again_takes_the_others_chances() -> None:
    onset = a_caller(-20.0)
    for _ in range(1000):  # 3.2 dB
        hears(onset, 3, -45.0)
        assert not may_begin(onset, 0.95)
    hears(onset, 10, -20.0)
    assert may_begin(onset, 0.95)
    hears(onset, 20, -70.0)
    assert windows_until_begun(onset, -45.0) * 0.032 == pytest.approx(50, abs=1)


def test_every_spoken_beginning_is_voiced_within_300_ms() -> None:
    for words in ("yes", "she sells sea shells", "what time is it", "fifteen", "stop"):
        sound, onset, begun = say(words), Onset(), None
        hops = sound[: len(sound) // 160 * 160].reshape(-1, 160)
        for n, hop in enumerate(Sounds().feed(hops)):
            onset.feed(hop.level_db, hop.tone.clarity, spoken=False)
            if may_begin(onset, 0.9):
                begun = n
                break
        first = np.flatnonzero(np.abs(sound) > 0.01)[0] / HEAR_HZ
        assert begun is not None
        assert begun / 100 - first < 0.3, words
