"""Replies that are over, and may be cut all the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frame import SPEAK_HZ
from agent.engines import Speech, Word
from agent.ledger import Ledger
from agent.notices import CutRefused, ReplyCut
from agent.spoken import Spoken, milliseconds, shortened

WORD = SPEAK_HZ // 10  # samples of a word: 100 ms


def ledger_of(text):
    words = text.split()
    ledger = Ledger()
    ledger.promise(text)
    ledger.begin()
    sound = np.zeros(WORD * len(words), np.float32)
    ledger.add(Speech(sound, tuple(Word(word, n * WORD) for n, word in enumerate(words))))
    ledger.finish()
    return ledger


def spoken(text="one two three four", turn=1, heard=4 * WORD):
    kept = Spoken()
    kept.add(turn, ledger_of(text), heard)
    return kept


@pytest.mark.parametrize(
    ("end_ms", "heard"),
    [
        (0, ""),
        (49, ""),
        (50, "one"),
        (149, "one"),
        (150, "one two"),
        (400, "one two three four"),
    ],
)
def test_a_word_of_which_half_was_heard_counts(end_ms, heard) -> None:
    cut = spoken().cut(1, end_ms)
    assert cut == ReplyCut(1, heard, "one two three four"[len(heard) :], end_ms)


def test_no_more_than_was_heard_before() -> None:
    kept = spoken(heard=3 * WORD)
    assert kept.cut(1, 301) == CutRefused(1, 301, 300)
    assert kept.cut(1, 200) == ReplyCut(1, "one two", " three four", 200)
    assert kept.cut(1, 300) == CutRefused(1, 300, 200)


def test_nothing_is_known_of_a_reply_never_given() -> None:
    assert spoken().cut(2, 0) == CutRefused(2, 0, None)


def test_the_oldest_go() -> None:
    kept = Spoken(replies=2)
    for turn in (1, 2, 3):
        kept.add(turn, ledger_of("hello"), WORD)
    assert kept.cut(1, 0) == CutRefused(1, 0, None)
    assert isinstance(kept.cut(2, 0), ReplyCut)


@given(st.integers(0, 10**6), st.integers(-5, 50_000))
def test_what_is_shortened_to_some_milliseconds_has_so_many(left, end_ms) -> None:
    """Killed: a cut behind the millisecond that was asked for."""
    rest = shortened(left, end_ms)
    assert (rest is None) == (not 0 <= end_ms <= milliseconds(left))
    if rest is not None:
        assert rest <= left
        assert milliseconds(rest) == end_ms
        assert shortened(rest, end_ms) == rest


@given(st.integers(0, 10**6))
def test_what_is_shortened_to_its_own_length_loses_no_sample(left) -> None:
    """Kills a cut that is rounded to milliseconds where there is nothing to cut."""
    assert shortened(left, milliseconds(left)) == left


@given(st.integers(0, 4 * WORD), st.lists(st.integers(0, 450), min_size=1, max_size=6))
def test_cutting_never_brings_words_back(heard, cuts) -> None:
    """Kills a cut that is counted from the whole, and not from what was cut before."""
    kept = spoken(heard=heard)
    length = len("one two three four")
    for end_ms in cuts:
        match kept.cut(1, end_ms):
            case ReplyCut(_, words, rest, audio_ms):
                assert words + rest == "one two three four"
                assert len(words) <= length
                assert audio_ms == end_ms
                length = len(words)
            case CutRefused(_, asked_ms, audio_ms):
                assert asked_ms > audio_ms


@given(st.integers(0, 4 * WORD), st.integers(0, 400))
def test_cutting_twice_is_cutting_once(heard, end_ms) -> None:
    """Killed: a cut where it was cut already is refused."""
    kept = spoken(heard=heard)
    first = kept.cut(1, end_ms)
    assert kept.cut(1, end_ms) == first


@given(st.integers(0, 4 * WORD))
def test_to_cut_where_it_was_cut_already_changes_nothing(heard) -> None:
    """A client that sends back the `audio_end_ms` it was told; rounding must lose no word."""
    kept = spoken(heard=heard)
    cut = kept.cut(1, milliseconds(heard))
    assert cut == ReplyCut(
        1, *ledger_of("one two three four").split(heard), milliseconds(heard)
    )
