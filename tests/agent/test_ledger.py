"""What was heard of a reply, word by word."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.engines import Speech, Word
from agent.ledger import Ledger


def speech(length, *words):
    return Speech(np.zeros(length, np.float32), words)


def ledger_of(*phrases):
    """A ledger with phrases whose every word is 100 samples long."""
    ledger = Ledger()
    for phrase in phrases:
        ledger.promise(phrase)
    for phrase in phrases:
        ledger.begin()
        words = phrase.split()
        ledger.add(speech(100 * len(words), *(Word(w, 100 * n) for n, w in enumerate(words))))
        ledger.finish()
    return ledger


def test_nothing_left_is_nothing_heard() -> None:
    assert ledger_of("one two").split(0) == ("", "one two")


def test_a_word_counts_once_half_of_it_was_heard() -> None:
    ledger = ledger_of("one two three", "four.")
    assert ledger.split(149) == ("one", " two three four.")
    assert ledger.split(150) == ("one two", " three four.")
    assert ledger.split(349) == ("one two three", " four.")
    assert ledger.split(400) == ("one two three four.", "")


def test_phrases_without_audio_are_unheard() -> None:
    ledger = ledger_of("one")
    ledger.promise("two three")
    assert ledger.split(100) == ("one", " two three")


def test_a_phrase_in_the_making_counts_as_far_as_it_has_come() -> None:
    ledger = Ledger()
    ledger.promise("one two three")
    ledger.begin()
    ledger.add(speech(150, Word("one", 0), Word("two", 100)))
    assert ledger.split(150) == ("one two", " three")
    ledger.add(speech(150, Word("three", 200)))
    assert ledger.split(150) == ("one two", " three")
    assert ledger.split(300) == ("one two three", "")


def test_a_voice_without_word_times_is_heard_by_the_phrase() -> None:
    ledger = Ledger()
    ledger.promise("one two")
    ledger.begin()
    ledger.add(speech(200))
    ledger.finish()
    assert ledger.split(99) == ("", "one two")
    assert ledger.split(100) == ("one two", "")


def test_what_a_dead_voice_owed_was_never_said() -> None:
    ledger = Ledger()
    ledger.promise("one two")
    ledger.promise("three")
    ledger.begin()
    ledger.add(speech(100, Word("one", 0)))
    ledger.abandon()
    ledger.promise("Sorry.")
    ledger.begin()
    ledger.add(speech(100, Word("Sorry.", 0)))
    ledger.finish()
    assert ledger.split(200) == ("one Sorry.", "")


PHRASES = st.lists(st.lists(st.sampled_from(["a", "bb", "c."]), min_size=1), max_size=6)


@given(PHRASES, st.integers(0, 5000))
def test_heard_and_unheard_are_the_whole_text(phrases, left) -> None:
    texts = [" ".join(words) for words in phrases]
    heard, unheard = ledger_of(*texts).split(left)
    assert heard + unheard == " ".join(texts)


@given(PHRASES)
def test_more_audio_is_never_fewer_words(phrases) -> None:
    ledger = ledger_of(*(" ".join(words) for words in phrases))
    counts = [len(ledger.split(left)[0].split()) for left in range(0, 3000, 50)]
    assert counts == sorted(counts)
