"""Sounds that are no speech, and the count of what a call's ear makes of them."""

import numpy as np
import pytest
from recordings import recording as need
from spoken import say

from agent.audio.frame import HEAR_HZ
from benchmarks.noise import (
    Sound,
    behind_a_wall,
    hear,
    hum,
    looped,
    loudness,
    music,
    sent,
    with_floor,
)


def rms_db(sound):
    return 10 * np.log10(np.mean(sound**2))


def test_levels_are_what_they_are_called() -> None:
    assert rms_db(hum(2, -30.0)) == pytest.approx(-30, abs=0.1)
    assert rms_db(music(2, -20.0)) == pytest.approx(-20, abs=0.1)
    assert rms_db(looped(hum(1, -30.0), 3, -10.0)) == pytest.approx(-40, abs=0.1)
    assert len(looped(hum(1, -30.0), 2.5, 0.0)) == 2.5 * HEAR_HZ
    assert rms_db(with_floor(np.zeros(HEAR_HZ, np.float32))) == pytest.approx(-70, abs=0.2)


def test_the_same_music_each_time() -> None:
    assert np.array_equal(music(1, -20.0), music(1, -20.0))
    assert not np.array_equal(music(1, -20.0), music(1, -20.0, seed=1))


def test_a_voice_behind_a_wall_is_dull() -> None:
    voice = say("nothing of this is meant for you")
    dull = behind_a_wall(voice)

    def share_above_4_khz(sound):
        power = np.abs(np.fft.rfft(sound)) ** 2
        return power[len(power) // 2 :].sum() / power.sum()

    assert share_above_4_khz(dull) < 0.2 * share_above_4_khz(voice)


def test_what_is_sent_is_what_arrives() -> None:
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(HEAR_HZ) / HEAR_HZ).astype(np.float32)
    arrived = sent(tone)
    assert len(arrived) == HEAR_HZ
    assert loudness(arrived) == pytest.approx(loudness(tone), rel=0.1)


def test_speech_is_counted_and_silence_is_not() -> None:
    silence = np.zeros(HEAR_HZ, np.float32)
    words = np.concatenate([silence, say("what time does the library close"), silence])
    heard = hear(Sound("speech", with_floor(words)))
    assert heard.turns >= 1
    assert heard.interruptions >= 1
    assert heard.seconds == pytest.approx(len(words) / HEAR_HZ, abs=0.05)
    assert hear(Sound("silence", with_floor(silence))).turns == 0


def test_what_was_said_before_does_not_count() -> None:
    silence = np.zeros(HEAR_HZ, np.float32)
    words = np.concatenate([silence, say("what time does the library close"), silence])
    after = len(words) / HEAR_HZ - 0.5
    assert hear(Sound("speech", with_floor(words), after)).turns == 0


def test_a_voice_far_behind_the_caller_takes_no_turn() -> None:
    near = say("what time does the library close")
    behind = behind_a_wall(say("nothing of this is meant for you, I was only talking here"))
    behind = behind * loudness(near) / loudness(behind) * 10 ** (-30 / 20)
    both = np.concatenate([near, np.zeros(HEAR_HZ, np.float32), behind]).astype(np.float32)
    assert hear(Sound("behind", with_floor(both), len(near) / HEAR_HZ)).turns == 0
    alone = hear(
        Sound("alone", with_floor(np.concatenate([behind, behind]).astype(np.float32)))
    )
    assert alone.turns > 0  # it is the distance to the caller that tells


def test_a_recorded_noise_takes_no_turn() -> None:
    noise = need("noise1")[: 4 * HEAR_HZ]
    for level_db in (0, -10, -20):
        heard = hear(Sound("noise1", noise * np.float32(10 ** (level_db / 20))))
        assert heard.turns == 0
