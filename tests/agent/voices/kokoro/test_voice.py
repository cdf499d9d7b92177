# ruff: noqa: RUF001 - dashes as people type them
"""Kokoro as a voice: words in time, sound without seams, and clear refusals."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.engines import Style
from agent.errors import EngineError
from agent.ledger import Ledger
from agent.phrases import Phrases
from agent.voices.kokoro.g2p import reader
from agent.voices.kokoro.loudness import TARGET_DB, level_db

STYLE = Style("")
MS = SPEAK_HZ // 1000


def spoken(voice, phrase, style=STYLE):
    speeches = list(voice.speak(phrase, style))
    samples = np.concatenate([speech.samples for speech in speeches] or [np.zeros(0)])
    return samples, [word for speech in speeches for word in speech.words]


def silent_end(samples):
    return len(samples) - 1 - int(np.flatnonzero(samples)[-1])


@pytest.mark.parametrize(
    "phrase",
    ["Hello there.", "$5 😀 ok,", "**Yes**", "– so", "(“a"],
)
def test_words_are_the_phrase_in_order_and_inside_the_audio(voice, phrase):
    samples, words = spoken(voice, phrase)
    assert " ".join(word.text for word in words) == phrase
    starts = [word.start for word in words]
    assert starts[0] == 0
    assert starts == sorted(starts)
    assert starts[-1] < len(samples)
    assert samples.dtype == np.float32


@pytest.mark.parametrize(("phrase", "pause_ms"), [("Oh.", 200), ("Oh,", 100), ("Oh", 0)])
def test_sound_begins_and_ends_at_zero_and_then_the_mark_pauses(voice, phrase, pause_ms):
    samples, _ = spoken(voice, phrase)
    assert samples[0] == 0
    assert pause_ms * MS <= silent_end(samples) <= (pause_ms + 2) * MS
    sound = samples[: len(samples) - silent_end(samples)]
    assert abs(level_db(sound) - TARGET_DB) < 2
    assert np.abs(samples).max() <= 0.9


def test_the_same_phrase_sounds_the_same(voice):
    first, _ = spoken(voice, "Oh no.")
    again, _ = spoken(voice, "Oh no.")
    assert len(first) == len(again)
    assert np.corrcoef(first, again)[0, 1] > 0.99


def test_a_very_short_phrase_is_heard_once(voice):
    """The model is given it three times; the pace tells how many are heard."""
    once, _ = spoken(voice, "Oh")
    thrice, _ = spoken(voice, "Oh oh oh oh oh oh")
    assert len(once) < len(thrice) / 2


def test_speed_is_pace(voice):
    slow, fast = (
        len(spoken(voice, "Here you are", Style("", speed=speed))[0]) for speed in (0.5, 2.0)
    )
    assert slow > 1.5 * fast


@pytest.mark.parametrize("phrase", ["", " ", "😀", "— …", "***"])
def test_nothing_to_say_is_no_sound_but_every_word(voice, phrase):
    samples, words = spoken(voice, phrase)
    assert len(samples) == 0
    assert [word.text for word in words] == phrase.split()


def test_the_default_voice_comes_first_and_each_can_be_named(voice):
    assert voice.voices() == ("af_heart", "bm_george", "ff_siwis")
    for name in voice.voices():
        assert len(spoken(voice, "Oh", Style(name))[0])


def test_without_a_name_the_language_chooses_the_voice(voice):
    by_language, _ = spoken(voice, "Oui", Style("", "fr-FR"))
    by_name, _ = spoken(voice, "Oui", Style("ff_siwis", "fr-FR"))
    assert len(by_language) == len(by_name)


@pytest.mark.parametrize(
    ("style", "message"),
    [
        (Style("alloy"), "no voice 'alloy'; it has af_heart, bm_george, ff_siwis"),
        (Style("", "de-DE"), "does not speak 'de-DE'; it speaks en-US"),
        (Style("", "es-ES"), "no voice for 'es-ES' here"),
    ],
)
def test_what_it_cannot_do_is_refused_before_anything_is_made(voice, style, message):
    with pytest.raises(EngineError, match=message):
        next(voice.speak("Hello", style))


def test_many_threads_speak_at_once_and_each_gets_its_own(voice):
    phrases = ["Oh", "Hi you", "Oh, hi"]
    wanted = {phrase: len(spoken(voice, phrase)[0]) for phrase in phrases}
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(lambda p: (p, spoken(voice, p)), phrases * 2))
    for phrase, (samples, words) in made:
        assert len(samples) == wanted[phrase]
        assert " ".join(word.text for word in words) == phrase


def test_who_has_a_reader_does_not_wait_for_anothers_to_be_built(voice, monkeypatch):
    """Killed: a word of French, and all other calls were silent for 0.7 s."""
    asked, go_on, built = threading.Event(), threading.Event(), []

    def build(code):
        asked.set()
        assert go_on.wait(5), "nobody else could speak"
        built.append(code)
        return reader("a")

    monkeypatch.setattr("agent.voices.kokoro.voice.reader", build)
    monkeypatch.setattr(voice, "_readers", {"a": voice._reader("a")})
    french = Style("", "fr-FR")
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(spoken, voice, "Oh", french) for _ in range(2)]
        assert asked.wait(5)
        assert len(spoken(voice, "Oh")[0])
        go_on.set()
        assert all(len(each.result()[0]) for each in waiting)
    assert built == ["f"], "once, though two wanted it"


class Recorder:
    """Stands before the batcher and keeps the futures."""

    def __init__(self, batcher):
        self._batcher, self.futures = batcher, []

    def submit(self, job):
        self.futures.append(self._batcher.submit(job))
        return self.futures[-1]


def test_a_long_phrase_comes_in_takes_and_closing_it_drops_the_rest(voice, monkeypatch):
    monkeypatch.setattr("agent.voices.kokoro.script._MOST", 24)
    recorder = Recorder(voice._batcher)
    monkeypatch.setattr(voice, "_batcher", recorder)
    phrase = "Here you are again, and here am I, and there they go."
    speaking = voice.speak(phrase, STYLE)
    first, second = islice(speaking, 2)
    assert len(recorder.futures) == 3  # the next is asked for, those behind it not
    speaking.close()
    assert all(future.done() or future.running() for future in recorder.futures)
    words = [*first.words, *second.words]
    assert phrase.startswith(" ".join(word.text for word in words))
    assert all(word.start >= len(first.samples) for word in second.words)


REPLIES = [
    "It is seven fifty two in the morning.",
    "Your order has been shipped and should arrive on Tuesday.",
    "I can help you with that, just tell me your booking number.",
    "The weather in Paris is sunny with a high of 20°C.",
    "There are three flights to Berlin tomorrow, the first at 7:15.",
    "You can reach our support team at any time of the day.",
    "That would be $12.50 including delivery.",
    "Our office is open from nine to five.",
    "Yes, I can do that for you.",
    "Sure! What is your name?",
]


def test_first_phrases_are_mostly_long_enough_to_be_spoken_well():
    """About 20 phonemes; what ends at once, such as "Sure!", is said again, unheard."""
    american = reader("a")
    long_enough = []
    for reply in REPLIES:
        phrases = Phrases()
        first = [*phrases.feed(reply), *phrases.finish()][0]
        phonemes = " ".join(american.read(first.split()))
        long_enough.append(len(phonemes) >= 19)
    assert long_enough == [True] * 8 + [False] * 2


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(
        st.sampled_from("forty two, is the answer. 1984 \U0001f600 well-known".split()),
        min_size=1,
        max_size=6,
    )
)
def test_a_ledger_of_it_accounts_for_each_word_once_and_in_time(voice, words):
    text = " ".join(words)
    phrases = Phrases()
    ledger, samples = Ledger(), 0
    texts = [*phrases.feed(text), *phrases.finish()]
    for phrase in texts:
        ledger.promise(phrase)
    for phrase in texts:
        ledger.begin()
        for speech in voice.speak(phrase, STYLE):
            ledger.add(speech)
            samples += len(speech.samples)
        ledger.finish()
    ledger.end()
    splits = [ledger.split(n) for n in range(0, samples + 1, 600)]
    assert all(heard + unheard == text for heard, unheard in splits)
    counts = [len(heard) for heard, _ in splits]
    assert counts == sorted(counts)
    if samples:
        assert ledger.split(samples) == (text, "")
