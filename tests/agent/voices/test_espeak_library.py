"""The binding: what the library says reaches us, unshortened and one job after the other."""

import threading

import numpy as np
import pytest

from agent.errors import EngineError
from agent.voices.espeak_library import ESPEAK_HZ, espeak_library

library = espeak_library()
EN = library.languages["en-us"]


def say(text, pace=175):
    return list(library.say(text, EN, pace))


def test_there_is_one_library_in_a_process():
    assert espeak_library() is library


def test_audio_comes_in_stretches_of_at_most_60_ms():
    stretches = say("Hello, this is a test.")
    assert len(stretches) > 10
    assert all(s.samples.dtype == np.int16 for s in stretches)
    assert max(len(s.samples) for s in stretches) <= ESPEAK_HZ * 61 // 1000


def test_a_word_event_names_the_place_in_the_text_in_characters():
    text = "naïve café über"
    marks = [place for stretch in say(text) for place, _ in stretch.words]
    assert marks == [text.index("n"), text.index("c"), text.index("ü")]


def test_a_word_event_comes_with_the_stretch_that_holds_its_sample():
    begin = 0
    for stretch in say("one two three four"):
        end = begin + len(stretch.samples)
        assert all(begin <= sample <= end for _, sample in stretch.words)
        begin = end


def test_nothing_in_a_text_is_a_command():
    """SSML and [[phonemes]] are read out, not obeyed."""
    plain = sum(len(s.samples) for s in say("one"))
    assert sum(len(s.samples) for s in say("one <break time='9s'/> [[h@'loU]]")) > 2 * plain
    assert sum(len(s.samples) for s in say("<break time='9s'/>")) < 9 * ESPEAK_HZ


def test_languages_are_tags_and_each_has_its_words():
    assert {"en", "en-us", "en-gb", "de", "fr", "nb", "zh"} <= library.languages.keys()
    assert all(tag == tag.lower() for tag in library.languages)
    assert (
        "fo" not in library.languages
    )  # listed by the library, but the wheel has no dictionary
    assert {"f3", "m1", "whisper"} <= set(library.variants)


def test_a_voice_that_does_not_load_is_an_engine_error_and_the_next_job_is_done():
    with pytest.raises(EngineError, match="nowhere/xx"):
        list(library.say("hello", "nowhere/xx", 175))
    assert say("hello")


def test_a_closed_generator_frees_the_library_in_mid_text():
    long = library.say("and so on " * 50_000, EN, 175)  # a minute of work if not stopped
    next(long)
    waiting = threading.Thread(target=say, args=("hello",))
    waiting.start()
    long.close()
    waiting.join(timeout=20)
    assert not waiting.is_alive()
