"""Pronunciations are the bundled dictionary's, and a few British ones."""

import pytest

from agent.brains.operator.lexicon import pronunciations, words_known
from agent.errors import EngineError


def test_a_word_comes_with_its_phones() -> None:
    assert pronunciations(frozenset({"operator"})) == (("operator", "AA P ER EY T ER"),)


def test_further_ways_to_say_it_are_numbered_after_it() -> None:
    names = [name for name, _ in pronunciations(frozenset({"the"}))]
    assert names == ["the", "the(2)", "the(3)"][: len(names)]
    assert len(names) > 1


def test_british_vowels_are_added() -> None:
    assert ("can't(2)", "K AA N T") in pronunciations(frozenset({"can't"}))


def test_an_unknown_word_is_named() -> None:
    with pytest.raises(EngineError, match="voxline"):
        pronunciations(frozenset({"hello", "voxline"}))


def test_the_dictionary_is_that_of_american_english() -> None:
    assert len(words_known()) > 100_000
    assert "hello" in words_known()
    assert not any("(" in word for word in words_known())
