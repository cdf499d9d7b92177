"""Tones in place of words: known to the sample."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.engines import Style
from agent.errors import EngineError
from agent.voices.tone import AMPLITUDE, GAP_SAMPLES, TONES_HZ, WORD_SAMPLES, ToneVoice

STYLE = Style("")


def pitch_hz(samples):
    spectrum = np.abs(np.fft.rfft(samples))
    return np.argmax(spectrum) * SPEAK_HZ / len(samples)


def test_a_word_is_a_tone_and_a_gap_of_150_ms():
    (speech,) = ToneVoice().speak("hello", STYLE)
    tone, gap = speech.samples[:-GAP_SAMPLES], speech.samples[-GAP_SAMPLES:]
    assert len(speech.samples) == WORD_SAMPLES == SPEAK_HZ * 0.15
    assert speech.samples.dtype == np.float32
    assert pitch_hz(tone) == pytest.approx(TONES_HZ[0], abs=5)
    assert not gap.any()


def test_it_is_loud_from_the_first_sample():
    for speech in ToneVoice().speak("one two three", STYLE):
        assert speech.samples[0] == pytest.approx(AMPLITUDE)
        assert np.abs(speech.samples).max() <= AMPLITUDE


def test_the_pitch_tells_the_words_apart():
    speeches = list(ToneVoice().speak("a b c d e f g h i", STYLE))
    pitches = [pitch_hz(s.samples[:-GAP_SAMPLES]) for s in speeches]
    assert pitches == pytest.approx([*TONES_HZ, TONES_HZ[0]], abs=5)


@given(st.text(max_size=40))
def test_words_are_the_phrase_and_begin_where_their_tones_do(phrase):
    speeches = list(ToneVoice().speak(phrase, STYLE))
    words = [word for speech in speeches for word in speech.words]
    assert " ".join(word.text for word in words) == " ".join(phrase.split())
    assert [word.start for word in words] == [i * WORD_SAMPLES for i in range(len(words))]
    assert sum(len(s.samples) for s in speeches) == len(words) * WORD_SAMPLES


def test_the_same_words_sound_the_same_and_what_was_given_out_is_ours():
    voice = ToneVoice()
    for speech in voice.speak("again", STYLE):
        speech.samples[:] = 0
    (again,) = voice.speak("again", Style("tone", speed=2.0))
    assert again.samples[0] == pytest.approx(AMPLITUDE)


def test_another_voice_is_refused():
    assert ToneVoice().voices() == ("tone",)
    with pytest.raises(EngineError, match="it has tone"):
        list(ToneVoice().speak("hello", Style("alloy")))
