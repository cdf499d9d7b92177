"""The table of abbreviations, and behind which of them a sentence goes on."""

import re

import pytest

from agent.abbreviations import (
    ALWAYS,
    BEFORE_NAMES,
    BEFORE_NUMBERS,
    DOTTED_INSIDE,
    NUMBERED,
    keeps_dot,
)

TABLES = [ALWAYS, BEFORE_NAMES, BEFORE_NUMBERS, NUMBERED, DOTTED_INSIDE]


@pytest.mark.parametrize("said", [said for table in TABLES for said in table.values()])
def test_what_is_said_is_plain_words(said):
    assert re.fullmatch(r"[a-z]+( [a-z]+)*", said)


def test_keys_are_in_lower_case_and_without_their_dot():
    for table in TABLES:
        assert all(key == key.lower() and not key.endswith(".") for key in table)


def test_no_word_stands_in_two_tables():
    assert len({key for table in TABLES for key in table}) == sum(map(len, TABLES))


@pytest.mark.parametrize("word", ["Dr", "dr", "etc", "St", "Ms", "Fig", "Max", "est", "vol"])
def test_a_dot_behind_it_is_in_doubt_its_own(word):
    assert keeps_dot(word)


@pytest.mark.parametrize("word", ["fig", "sun", "max", "EST", "MAX", "ms", "No", "no", "", "x"])
def test_a_dot_behind_it_ends_the_sentence(word):
    assert not keeps_dot(word)
