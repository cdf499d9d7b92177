"""espeak-ng speaks: at once, in time, loud enough, and only what can be said."""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.engines import Style
from agent.errors import EngineError
from agent.voices.espeak import EspeakVoice

STYLE = Style("")
MS = SPEAK_HZ // 1000
AUDIBLE = 0.002  # -54 dB
SENTENCES = [
    "Hello, this is Voxline.",
    "It is seven fifty two in the morning.",
    "Sorry, I did not understand.",
    "Why did the chicken cross the road?",
]

voice = EspeakVoice()


def spoken(phrase, style=STYLE):
    """Samples and words of one speaking. Another differs by some: espeak breathes at random."""
    speeches = list(voice.speak(phrase, style))
    samples = np.concatenate([speech.samples for speech in speeches] or [[]])
    return samples, [word for speech in speeches for word in speech.words]


def audio_of(phrase, style=STYLE):
    return spoken(phrase, style)[0]


def words_of(phrase, style=STYLE):
    return spoken(phrase, style)[1]


def first_sound(samples):
    return int(np.flatnonzero(np.abs(samples) > AUDIBLE)[0])


def silent_end(samples):
    return len(samples) - 1 - int(np.flatnonzero(np.abs(samples) > AUDIBLE)[-1])


def loudness_db(samples):
    loud = samples[np.abs(samples) > 0.01]
    return 20 * np.log10(np.sqrt(np.mean(loud**2)))


# -- sound


@pytest.mark.parametrize("sentence", [*SENTENCES, "hello", "sh", "…well"])
def test_sound_begins_within_5_ms(sentence):
    assert first_sound(audio_of(sentence)) < 5 * MS


@pytest.mark.parametrize(
    ("phrase", "pause_ms"), [("Yes.", 200), ("Really?", 200), ("Yes,", 100), ("Yes", 0)]
)
def test_the_pause_at_the_end_is_that_of_the_last_mark(phrase, pause_ms):
    assert pause_ms * MS <= silent_end(audio_of(phrase)) <= (pause_ms + 20) * MS


@pytest.mark.parametrize(
    ("written", "without"), [("2 * 3", "2 3"), ("x=-5", "x=5"), ("~20", "20"), ("6 ÷ 2", "6 2")]
)
def test_a_sign_between_numbers_is_heard(written, without):
    assert len(audio_of(written)) > len(audio_of(without)) + 150 * MS
    assert [word.text for word in words_of(written)] == written.split()


def test_the_pause_shrinks_with_the_pace():
    assert silent_end(audio_of("Yes.", Style("", speed=2.0))) <= 120 * MS


@pytest.mark.parametrize("name", ["en-us", "en-us+f4", "en-us+m3", "en-gb", "de", "es", "ru"])
def test_every_voice_is_loud_and_none_clips(name):
    spoken = [audio_of(sentence, Style(name)) for sentence in SENTENCES]
    assert 0.35 < max(np.abs(samples).max() for samples in spoken) < 0.75  # -9 .. -2.5 dB
    assert -24 < loudness_db(np.concatenate(spoken)) < -19
    assert all(samples.dtype == np.float32 for samples in spoken)


def test_stretches_join_without_a_seam():
    """A seam would be a jump between two samples larger than any inside."""
    stretches = [speech.samples for speech in voice.speak("aaaaah", STYLE)]
    inside = max(np.abs(np.diff(samples)).max() for samples in stretches if len(samples) > 1)
    seams = [abs(after[0] - before[-1]) for before, after in pairwise(stretches)]
    assert len(seams) > 3
    assert max(seams) <= inside


def test_speed_is_pace_not_pitch():
    slow, normal, fast = (
        len(audio_of("one two three four five six", Style("", speed=s))) for s in (0.5, 1, 2)
    )
    assert slow / normal == pytest.approx(2, rel=0.15)
    assert fast / normal == pytest.approx(0.5, rel=0.15)


# -- words


def test_a_word_begins_where_it_sounds():
    """After a comma espeak is silent: the next word's start is where the sound comes back."""
    samples, words = spoken("One, nine, more.")
    assert [word.text for word in words] == ["One,", "nine,", "more."]
    assert words[0].start == 0
    for word in words[1:]:
        assert np.abs(samples[word.start - 30 * MS : word.start]).max() < AUDIBLE
        assert first_sound(samples[word.start :]) < 25 * MS


@pytest.mark.parametrize(
    "phrase",
    [
        *SENTENCES,
        "It costs $12.50, or 3.14, in the U.S. at 7:52 a.m. on the 1234567th.",
        "state-of-the-art e.g. naïve café – über “quoted” 😀 word",  # noqa: RUF001 - an en dash is meant
        "**Bold** and [a link](http://x.org/a), # and `code`",
        "😀 first nothing, then something 😀 😀",
    ],
)
def test_words_are_the_phrase_in_order_and_inside_the_audio(phrase):
    samples, words = spoken(phrase)
    assert " ".join(word.text for word in words) == phrase
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert starts[-1] <= len(samples)


def test_a_word_comes_no_later_than_its_sound():
    """What was handed out is counted by the ledger: a word must not come as an afterthought."""
    made = 0
    for speech in voice.speak("One, two, three, four, five, six, seven.", STYLE):
        made += len(speech.samples)
        for word in speech.words:
            assert made - len(speech.samples) - 100 * MS <= word.start <= made


def test_words_that_espeak_runs_together_lie_between_their_neighbours():
    into, the, morning = words_of("Far in the morning")[1:]
    assert into.start < the.start < morning.start


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_is_survived_and_accounted_for(phrase):
    words = words_of(phrase)
    assert " ".join(word.text for word in words) == " ".join(phrase.split())
    assert [w.start for w in words] == sorted(w.start for w in words)


def test_markup_and_emoji_are_not_spoken():
    assert len(audio_of("**hello** 😀 # there")) == pytest.approx(
        len(audio_of("hello there")), rel=0.1
    )


def test_nothing_to_say_is_no_sound():
    assert len(audio_of("😀 👍")) == 0
    assert list(voice.speak("", STYLE)) == []


# -- voices


def test_the_default_voice_comes_first_and_each_name_is_taken():
    names = voice.voices()
    assert names[0] == "en-us"
    assert {"en-gb", "de", "en-us+f3"} < set(names)
    for name in names:
        assert next(voice.speak("hello", Style(name))).samples.size, name


def test_without_a_voice_the_language_decides():
    by_language, by_name, english = (
        len(audio_of("1984 1984", style))
        for style in (Style("", "de-DE"), Style("de"), Style("", "en-US"))
    )
    assert by_language == pytest.approx(by_name, abs=50 * MS)
    assert abs(by_language - english) > 200 * MS


@pytest.mark.parametrize("name", ["alloy", "en-us+nope", "xx-YY", "+f3"])
def test_an_unknown_voice_is_refused_with_some_that_are_known(name):
    with pytest.raises(EngineError, match=r"no voice .* it has en-us, en-gb"):
        next(voice.speak("hello", Style(name)))


# -- threads


def test_many_threads_speak_at_once_and_each_gets_its_own():
    expected = {sentence: len(audio_of(sentence)) for sentence in SENTENCES}
    with ThreadPoolExecutor(8) as threads:
        lengths = list(threads.map(lambda s: (s, len(audio_of(s))), SENTENCES * 10))
    for sentence, length in lengths:
        assert length == pytest.approx(expected[sentence], abs=20 * MS)


def test_closing_stops_the_making_and_spoils_nothing():
    whole = len(audio_of("Hello, this is Voxline."))
    long = voice.speak("and again " * 2000, STYLE)
    assert len(list(islice(long, 2))) == 2
    long.close()
    # Were all those words made first, this would take seconds; and they would be heard here.
    assert len(audio_of("Hello, this is Voxline.")) == pytest.approx(whole, abs=20 * MS)
