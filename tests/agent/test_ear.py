"""Speech events and the audio that belongs to them."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import LoudnessVad

from agent.audio.frame import HEAR_HZ
from agent.config import VadConfig
from agent.ear import Ear
from agent.events import SpeechEnded, SpeechStarted

CONFIG = VadConfig(min_speech_ms=64, min_silence_ms=64, trail_ms=0, preroll_ms=300)


def seconds(value, length_s):
    return np.full(int(length_s * HEAR_HZ), value, np.float32)


def listen(ear, samples):
    """Feed frames of 20 ms, as the network does; what is certain."""
    frames = (samples[n : n + 320] for n in range(0, len(samples), 320))
    events = [event for frame in frames for event in ear.feed(frame)]
    return [event for event in events if isinstance(event, SpeechStarted | SpeechEnded)]


def test_speech_is_told_with_its_media_time() -> None:
    ear = Ear(LoudnessVad(), CONFIG)
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 0.512), seconds(0, 1)])
    assert listen(ear, sound) == [SpeechStarted(1024, 64), SpeechEnded(1536, 64)]


def test_an_utterance_begins_before_it_was_noticed() -> None:
    ear = Ear(LoudnessVad(), CONFIG)
    count = np.arange(1.2 * HEAR_HZ, dtype=np.float32) / 1e6  # a ramp: samples tell their place
    count[int(1.024 * HEAR_HZ) :] += 0.5
    started = None
    for n in range(0, len(count), 320):
        for event in ear.feed(count[n : n + 320]):
            started, end = event, n + 320  # at last SpeechStarted
        if isinstance(started, SpeechStarted):
            break
    utterance = ear.since(started)
    assert np.array_equal(utterance, count[end - len(utterance) : end])
    assert ear.preroll_at_ms(started) == 1024 - 300
    assert end - len(utterance) == (1024 - 300) * 16  # to the sample


@pytest.mark.parametrize("packet", [320, 960, 1920])
def test_an_utterance_begins_where_it_is_said_to_whatever_the_packets(packet) -> None:
    ear, fed = Ear(LoudnessVad(), CONFIG), 0
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 1)])
    for n in range(0, len(sound), packet):
        fed += len(sound[n : n + packet])
        for event in ear.feed(sound[n : n + packet]):
            if isinstance(event, SpeechStarted):
                began = fed - len(ear.since(event))
                # windows of this packet that are yet to come shift nothing: none is pending
                assert began == ear.preroll_at_ms(event) * 16


def test_new_settings_forget_nothing_that_was_heard() -> None:
    ear = Ear(LoudnessVad(), CONFIG)
    listen(ear, seconds(0, 1.024))
    ear.configure(replace(CONFIG, start_threshold=0.6))
    for n in range(5):
        for event in ear.feed(seconds(0.5, 0.02)):
            if isinstance(event, SpeechStarted):
                assert len(ear.since(event)) >= 300 * 16, n
                return
    raise AssertionError("no speech was found")


def test_speech_from_the_first_moment_has_no_time_before_it() -> None:
    ear = Ear(LoudnessVad(), CONFIG)
    [started] = listen(ear, seconds(0.5, 0.2))
    assert started == SpeechStarted(0, 64)
    assert ear.preroll_at_ms(started) == 0


def test_new_settings_hold_at_once_and_time_goes_on() -> None:
    ear = Ear(LoudnessVad(), CONFIG)
    listen(ear, seconds(0, 0.96))
    ear.configure(VadConfig(min_speech_ms=32, preroll_ms=0))
    assert listen(ear, seconds(0.5, 0.04))[0] == SpeechStarted(960, 32)
