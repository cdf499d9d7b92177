"""The judge of one call: real speech in, what is known of its pauses out."""

from dataclasses import replace

import numpy as np
import pytest
from recordings import recording

from agent.audio.window import Windows
from agent.config import VadConfig
from agent.endpoint.judge import Judge
from agent.endpoint.levels import HOP
from agent.endpoint.odds import ADVISER, Pause
from agent.endpoint.pitch import Tone
from agent.endpoint.sound import Sound, Sounds
from agent.endpoint.weights import FITTED
from agent.vad.silero import Silero


def judges(samples):
    """The judge, after each hop."""
    judge, windows, vad, probability = Judge(), Windows(), Silero(), 0.0
    hops = Windows(HOP).feed(samples)
    for hop, sound in zip(hops, Sounds().feed(hops), strict=True):
        for window in windows.feed(hop):
            probability = vad.probability(window)
        judge.feed(sound, probability, vad.memory, VadConfig())
        yield judge


def listen(samples):
    """After each hop (media time in ms, pause or None)."""
    return ((judge.now_ms, judge.pause) for judge in judges(samples))


def after(name, at_ms):
    """What is known `at_ms` into a recording that begins after a second of silence."""
    quiet = np.zeros(16_000, np.float32)
    sound = np.concatenate([quiet, recording(name), quiet])
    return next(pause for now, pause in listen(sound) if now == 1000 + at_ms)


def test_nothing_is_a_pause_before_speech() -> None:
    noise = np.random.default_rng(1).standard_normal(32_000).astype(np.float32) * 0.001
    assert all(pause is None for _, pause in listen(noise))


@pytest.mark.parametrize(
    ("name", "end_ms"), [("lj-sentence-a", 11640), ("sb-spk1_snt4", 2470), ("goforward", 2100)]
)
def test_silence_counts_from_the_last_sound(name, end_ms) -> None:
    pause = after(name, end_ms // 10 * 10 + 200)
    assert isinstance(pause, Pause)
    assert abs(pause.silent_ms - 200) <= 30


def test_a_sentence_ends_lower_than_it_pauses() -> None:
    pause, end = after("lj-sentence-a", 4100), after("lj-sentence-a", 11800)
    assert end.cues.low_st < 1 < 3 < pause.cues.low_st


def test_the_callers_pauses_are_learnt() -> None:
    before, after_ = after("lj-sentence-a", 700), after("lj-sentence-a", 11800)
    assert after_.usual_ms > before.usual_ms


def speak(judge, ms):
    for _ in range(ms // 10):
        judge.feed(Sound(-14.0, Tone(0.0, 0.0)), 0.99, None, VadConfig())


def be_quiet(judge, ms):
    for _ in range(ms // 10):
        judge.feed(Sound(-120.0, Tone(0.0, 0.0)), 0.01, None, VadConfig())


def test_a_pause_that_was_taken_for_the_end_is_remembered_once_the_caller_goes_on() -> None:
    judge = Judge()
    speak(judge, 600)
    be_quiet(judge, 300)
    speak(judge, 300)
    be_quiet(judge, 200)
    assert judge.pause.mistaken_ms == 0
    judge.believe()
    assert judge.pause.mistaken_ms == 0  # they may have finished
    speak(judge, 300)
    be_quiet(judge, 100)
    assert 160 <= judge.pause.mistaken_ms <= 200
    speak(judge, 300)
    be_quiet(judge, 400)
    mistaken_ms = judge.pause.mistaken_ms
    assert mistaken_ms <= 200  # nobody answered in the others
    judge.believe()
    be_quiet(judge, 1200)
    speak(judge, 300)
    be_quiet(judge, 100)
    assert judge.pause.mistaken_ms == mistaken_ms / 2  # that time it was right


def test_what_the_vad_remembers_just_now_is_known_of_a_pause() -> None:
    *_, judge = judges(np.concatenate([recording("goforward"), np.zeros(4800, np.float32)]))
    assert judge.pause.memory is not None
    first = judge.pause.memory
    quiet, memory = Sound(-120.0, Tone(0.0, 0.0)), first + 1
    judge.feed(quiet, 0.01, memory, VadConfig())
    assert judge.pause.memory is memory
    before = replace(judge.pause, memory=first)
    assert FITTED.before_silence(judge.pause) != FITTED.before_silence(before)


def test_a_breath_in_the_pause_is_heard() -> None:
    """In "... with which we are at present concerned, [breath] differs"; not at the end."""
    room = np.random.default_rng(1).standard_normal(16_000).astype(np.float32) * 1.5e-4
    sound = np.concatenate([room, recording("lj-sentence-a"), room])
    known = {now - 1000: pause for now, pause in listen(sound)}
    breath, end = known[4100], known[11800]
    assert breath.breath_db > 8 > 2 > end.breath_db


def test_speech_that_goes_on_is_heard_before_anybody_is_sure() -> None:
    quiet = np.zeros(16_000, np.float32)
    sound = np.concatenate([quiet, recording("goforward"), quiet])
    silences = []
    for judge in judges(sound):
        assert judge.resumed != (judge.pause is not None) or judge.silent_ms == 0
        silences.append((judge.silent_ms, judge.resumed))
    assert not silences[50][1]  # nobody has spoken yet
    assert {resumed for silent_ms, resumed in silences if 0 < silent_ms < 60} == {True}


def test_an_opinion_counts_until_the_caller_is_heard_again() -> None:
    """Killed: one about a pause that was over when it came, or that outlived its pause."""
    judge, sounds = Judge(), Sounds()
    rng = np.random.default_rng(1)

    def hear(ms, probability):
        level = 0.2 if probability > 0.5 else 1e-4
        hops = (rng.standard_normal((ms // 10, HOP)) * level).astype(np.float32)
        for sound in sounds.feed(hops):
            judge.feed(sound, probability, None, VadConfig())

    hear(600, 0.99)
    judge.opine("meaning", 0.99)  # they are speaking
    hear(200, 0.01)
    assert judge.pause.opinion == 0
    judge.opine("meaning", 0.9)
    assert judge.pause.opinion > 0
    judge.opine("meaning", 0.1)
    assert judge.pause.opinion < 0
    judge.opine(ADVISER, 0.95)
    assert judge.pause.opinion > 0  # they add up
    hear(300, 0.99)
    hear(200, 0.01)
    assert judge.pause.opinion == 0


def test_a_pause_is_told_from_the_next_by_where_it_began() -> None:
    quiet, spoken = np.zeros(16_000, np.float32), recording("goforward")
    begun = []
    for judge in judges(np.concatenate([quiet, spoken, quiet, spoken, quiet])):
        assert (judge.pause_at_ms is None) == (judge.pause is None)
        if judge.pause is not None:
            assert judge.pause_at_ms == judge.now_ms - judge.pause.silent_ms
            begun.append(judge.pause_at_ms)
    assert begun == sorted(begun)  # a name is never used again
    ends = [1000 + 2100, 2000 + 2786 + 2100]
    assert all(min(abs(at - end) for at in begun) <= 30 for end in ends)


def test_an_opinion_of_a_silence_that_has_just_begun_counts() -> None:
    """The VAD hands the pause to the brain up to 20 ms before it is one here."""
    judge = Judge()
    loud, quiet = Sound(-14.0, Tone(0.0, 0.0)), Sound(-120.0, Tone(0.0, 0.0))
    for sound, probability in [*[(loud, 0.99)] * 60, *[(quiet, 0.01)] * 5]:
        judge.feed(sound, probability, None, VadConfig())
    assert judge.resumed and judge.pause is None
    judge.opine("meaning", 0.9)
    judge.feed(quiet, 0.01, None, VadConfig())
    assert judge.pause.opinion > 0
