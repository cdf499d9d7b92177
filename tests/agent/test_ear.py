"""Speech events and the audio that belongs to them."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import LoudnessVad
from recordings import recording

from agent.audio.frame import HEAR_HZ
from agent.config import VadConfig
from agent.ear import Ear
from agent.endpoint.release import Patience
from agent.events import (
    PauseJudged,
    SoundNoticed,
    SoundPassed,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
)
from agent.vad.silero import Silero

CONFIG = VadConfig(min_speech_ms=64, min_silence_ms=64, trail_ms=0, preroll_ms=300)
PATIENCE = Patience("auto", 100, 420, 650)


def seconds(value, length_s):
    return np.full(int(length_s * HEAR_HZ), value, np.float32)


def listen(ear, samples):
    """Feed frames of 20 ms, as the network does; what is certain."""
    frames = (samples[n : n + 320] for n in range(0, len(samples), 320))
    events = [event for frame in frames for event in ear.feed(frame)]
    return [event for event in events if isinstance(event, SpeechStarted | SpeechEnded)]


def at(events):
    """What was told, and its media time."""
    return [(type(event), event.at_ms) for event in events]


def test_speech_is_told_with_its_media_time() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 0.512), seconds(0, 1)])
    assert at(listen(ear, sound)) == [(SpeechStarted, 1024), (SpeechEnded, 1536)]


@pytest.mark.parametrize("packet_ms", [5, 10, 20, 60, 120])
def test_how_long_ago_it_was_counts_all_that_was_heard_since(packet_ms) -> None:
    """Killed: a packet of 60 ms whose first window tells, and a stop that is 48 ms later."""
    ear, told = Ear(LoudnessVad(), CONFIG, PATIENCE), []
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 0.512), seconds(0, 1)])
    for n in range(0, len(sound), 16 * packet_ms):
        piece = sound[n : n + 16 * packet_ms]
        for event in ear.feed(piece):
            match event:
                case SoundNoticed(ago_ms):
                    told.append((SoundNoticed, (n + len(piece)) // 16 - ago_ms))
                case SpeechStarted(at_ms, ago_ms) | SpeechEnded(at_ms, ago_ms):
                    told.append((type(event), at_ms))
                    assert at_ms + ago_ms == (n + len(piece)) // 16
    assert told == [(SoundNoticed, 1024), (SpeechStarted, 1024), (SpeechEnded, 1536)]


def test_an_utterance_begins_before_it_was_noticed() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
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
    ear, fed = Ear(LoudnessVad(), CONFIG, PATIENCE), 0
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 1)])
    for n in range(0, len(sound), packet):
        fed += len(sound[n : n + packet])
        for event in ear.feed(sound[n : n + packet]):
            if isinstance(event, SpeechStarted):
                began = fed - len(ear.since(event))
                # windows of this packet that are yet to come shift nothing: none is pending
                assert began == ear.preroll_at_ms(event) * 16


def test_new_settings_forget_nothing_that_was_heard() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
    listen(ear, seconds(0, 1.024))
    ear.configure(replace(CONFIG, start_threshold=0.6), PATIENCE)
    for n in range(5):
        for event in ear.feed(seconds(0.5, 0.02)):
            if isinstance(event, SpeechStarted):
                assert len(ear.since(event)) >= 300 * 16, n
                return
    raise AssertionError("no speech was found")


def test_speech_from_the_first_moment_has_no_time_before_it() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
    [started] = listen(ear, seconds(0.5, 0.2))
    assert started == SpeechStarted(0, 80)  # two windows, and the rest of a packet
    assert ear.preroll_at_ms(started) == 0


def test_new_settings_hold_at_once_and_time_goes_on() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
    listen(ear, seconds(0, 0.96))
    ear.configure(VadConfig(min_speech_ms=32, preroll_ms=0), PATIENCE)
    assert listen(ear, seconds(0.5, 0.04))[0] == SpeechStarted(960, 40)


def told(packet, name="sb-spk1_snt4"):
    """What the ear says of a recording and 0.6 s of silence, with its samples so far."""
    ear = Ear(Silero(), VadConfig(), PATIENCE)
    quiet = np.zeros(16_000, np.float32)
    sound = np.concatenate([quiet, recording(name), quiet[:9600]])
    for n in range(0, len(sound), packet):
        piece = sound[n : n + packet]
        yield from ((n + len(piece), event) for event in ear.feed(piece))


def test_the_end_of_speech_is_placed_by_level_and_not_by_the_vads_tail() -> None:
    ended = [event for _, event in told(320) if isinstance(event, SpeechEnded)]
    assert abs(ended[-1].at_ms - 1000 - 2470) <= 30  # silero alone: 2584


def test_a_pause_is_judged_at_each_step_until_speech_goes_on() -> None:
    steps = [(at, e) for at, e in told(320) if isinstance(e, PauseJudged)]
    last = [(at, e) for at, e in steps if at > (1000 + 2470) * 16 and at % 320 == 0]
    last = [(at, e) for at, e in last if e.odds > 0]  # speech is over
    silences = [e.silent_ms for _, e in last]
    assert silences == list(range(silences[0], silences[-1] + 1, 20))
    assert all(0 <= e.odds <= 1 for _, e in last)
    assert all(100 <= e.wait_ms <= 650 for _, e in last)


def test_what_was_judged_holds_no_more_once_speech_goes_on() -> None:
    """Before the gate is sure: a reply must not leave into the caller's next word."""
    steps = [event for _, event in told(320, "goforward")]
    for resumed in (n for n, e in enumerate(steps) if isinstance(e, SpeechStarted) and n > 1):
        before = steps[resumed - 1]
        assert isinstance(before, PauseJudged)
        assert (before.wait_ms, before.odds) == (PATIENCE.longest_ms, 0.0)
        break
    else:
        raise AssertionError("there is no pause in it")


def test_what_is_heard_does_not_depend_on_the_packets() -> None:
    def kinds(packet):
        said = [e for _, e in told(packet) if isinstance(e, SpeechStarted | SpeechEnded)]
        return [(type(e), e.at_ms) for e in said]

    assert kinds(320) == kinds(960) == kinds(500)


def test_a_sound_is_noticed_before_it_is_speech() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 0.512), seconds(0, 1)])
    events = [e for n in range(0, len(sound), 320) for e in ear.feed(sound[n : n + 320])]
    kinds = [type(event) for event in events if not isinstance(event, PauseJudged)]
    assert kinds[:3] == [SoundNoticed, SpeechSuspected, SpeechStarted]
    assert SoundPassed not in kinds


def test_a_click_is_noticed_and_passes() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 0.02), seconds(0, 1)])
    events = [e for n in range(0, len(sound), 320) for e in ear.feed(sound[n : n + 320])]
    sounds = [event for event in events if not isinstance(event, PauseJudged)]
    assert [type(event) for event in sounds] == [SoundNoticed, SpeechSuspected, SoundPassed]


class Believer:
    """A guard that explains what lies within some stretch of media time."""

    def __init__(self, begin_s, end_s) -> None:
        self.begin, self.end, self.hops = int(begin_s * 100), int(end_s * 100), 0

    def hear(self, hops) -> None:
        assert hops.shape[1:] == (160,)

    def go_on(self) -> None:
        self.hops += 1

    def explains(self) -> bool:
        return self.begin <= self.hops < self.end


def test_what_was_played_is_placed_before_anything_is_heard_after_it() -> None:
    """Killed: a frame placed by the clock of a packet that came later, or not at all."""

    class Notes(Believer):
        def __init__(self) -> None:
            super().__init__(0, 0)
            self.told = []

        def arrived(self, samples, now) -> None:
            self.told.append(("arrived", now))

        def played(self, samples, at_s) -> None:
            self.told.append(("played", at_s))

        def hear(self, hops) -> None:
            self.told.append(("heard", len(hops)))

    notes = Notes()
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE, guard=notes)
    ear.arrived(320, 0.02)
    ear.hear(seconds(0, 0.02))
    ear.played(seconds(0, 0.02), 0.021)
    assert ear.describe() and not ear.describe()
    ear.played(seconds(0, 0.02), 0.039)
    ear.arrived(320, 0.04)
    assert not ear.place()
    assert notes.told == [
        ("arrived", 0.02),
        ("played", 0.021),
        ("heard", 2),
        ("played", 0.039),
        ("arrived", 0.04),
    ]


def test_what_the_guard_explains_is_no_speech() -> None:
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 0.512), seconds(0, 1)])
    assert listen(Ear(LoudnessVad(), CONFIG, PATIENCE, guard=Believer(0, 9)), sound) == []


def test_a_caller_who_speaks_over_an_echo_begins_where_it_no_longer_explains() -> None:
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 1.024), seconds(0, 1)])
    events = listen(Ear(LoudnessVad(), CONFIG, PATIENCE, guard=Believer(1, 1.5)), sound)
    assert events[0].at_ms == pytest.approx(1500, abs=32)
    assert at(events[1:]) == [(SpeechEnded, 2048)]


def test_an_echo_does_not_prolong_what_the_caller_said() -> None:
    sound = np.concatenate([seconds(0, 1.024), seconds(0.5, 1.024), seconds(0, 1)])
    events = listen(Ear(LoudnessVad(), CONFIG, PATIENCE, guard=Believer(1.5, 9)), sound)
    assert at(events[:1]) == [(SpeechStarted, 1024)]
    assert events[1].at_ms == pytest.approx(1500, abs=32)


def test_the_guard_is_not_asked_about_silence() -> None:
    class Never(Believer):
        def explains(self):
            raise AssertionError("there was nothing to explain")

    assert listen(Ear(LoudnessVad(), CONFIG, PATIENCE, guard=Never(0, 9)), seconds(0, 1)) == []


class HalfSure:
    """A VAD that takes everything loud for speech, and is not certain."""

    memory = None

    def probability(self, window):
        return 0.9 * float(np.abs(window).max() > 0.05)


class Listener:
    """A VAD that takes everything for speech, and notes how loud it was."""

    memory = None

    def __init__(self) -> None:
        self.loudest = []

    def probability(self, window):
        self.loudest.append(float(np.abs(window).max()))
        return 0.9


def test_the_vad_hears_a_soft_caller_louder_and_the_brain_does_not() -> None:
    """Killed: no gain, and one that is kept in what the brain is given."""
    vad = Listener()
    ear = Ear(vad, CONFIG, PATIENCE)
    [started] = listen(ear, tone(0.003, 2))
    assert vad.loudest[0] == pytest.approx(0.003, rel=0.05)
    assert vad.loudest[-1] == pytest.approx(0.03, rel=0.05)
    assert np.abs(ear.since(started)).max() <= 0.003
    loud = Listener()
    listen(Ear(loud, CONFIG, PATIENCE), tone(0.5, 2))
    assert max(loud.loudest) <= 0.5


def tone(value, length_s):
    return (value * np.sin(0.06 * np.arange(int(length_s * HEAR_HZ)))).astype(np.float32)


def test_a_noise_that_sounds_like_speech_begins_nothing_and_a_voice_does() -> None:
    hiss = np.random.default_rng(0).uniform(-0.5, 0.5, HEAR_HZ).astype(np.float32)
    assert listen(Ear(HalfSure(), CONFIG, PATIENCE), hiss) == []
    assert len(listen(Ear(HalfSure(), CONFIG, PATIENCE), tone(0.5, 1))) == 1


def test_a_word_that_begins_with_a_hiss_is_told_with_its_first_voiced_window() -> None:
    """Two windows of voice after it would stop a reply 32 ms later: "stop", "sugar"."""
    hiss = np.random.default_rng(0).uniform(-0.2, 0.2, HEAR_HZ * 160 // 1000)
    sound = np.concatenate([seconds(0, 0.32), hiss.astype(np.float32), tone(0.5, 0.5)])
    ear = Ear(HalfSure(), CONFIG, PATIENCE)
    voiced_ms, told_ms = 320 + 160, None
    for at in range(0, len(sound), 160):
        for event in ear.feed(sound[at : at + 160]):
            if isinstance(event, SpeechStarted):
                told_ms = at // 16 + 10
                began_ms = told_ms - event.ago_ms
                assert began_ms == event.at_ms < voiced_ms  # and began with the hiss
    assert told_ms is not None
    assert 0 < told_ms - voiced_ms <= 32 + 32  # to hear that it is voiced, and a window's end


def test_a_knock_after_a_silence_is_no_end_of_that_silence() -> None:
    """Killed: a VAD that is sure when the sound is over, and an answer to it at once."""

    class Late(LoudnessVad):
        before = (0.0, 0.0, 0.0)

        def probability(self, window):
            self.before = (super().probability(window), *self.before[:2])
            return max(self.before[1:])

    room = np.random.default_rng(0).normal(0, 1e-4, 4 * HEAR_HZ).astype(np.float32)
    begun = 0
    for offset in range(0, 512, 32):
        sound = room.copy()
        sound[HEAR_HZ // 2 :][:HEAR_HZ] += np.sign(tone(1, 1)) * 0.3
        sound[3 * HEAR_HZ + offset :][:240] += np.sign(tone(1, 0.015)) * 0.3
        events = listen(Ear(Late(), CONFIG, PATIENCE), sound)
        begun += len(events) // 2
        times = [event.at_ms for event in events]
        assert times == sorted(times)
    assert begun > 16  # some of the knocks were taken for speech


def test_a_pause_is_known_by_where_it_began_and_how_long_it_is() -> None:
    ear = Ear(LoudnessVad(), CONFIG, PATIENCE)
    assert (ear.pause_at_ms, ear.silent_ms) == (None, 0)
    list(ear.feed(np.concatenate([seconds(0, 1.024), seconds(0.5, 1.024), seconds(0, 0.2)])))
    assert ear.pause_at_ms == pytest.approx(2048, abs=32)
    assert ear.silent_ms == pytest.approx(200, abs=40)
    list(ear.feed(seconds(0.5, 0.1)))
    assert ear.pause_at_ms is None
