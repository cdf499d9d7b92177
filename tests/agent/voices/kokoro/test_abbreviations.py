"""The tables: every entry can be said, and found the way it is looked up."""

import re

import pytest

from agent.voices.kokoro.abbreviations import (
    BARE,
    DOTTED,
    HALF_DAYS,
    MONTHS,
    NUMBERED,
    SCALES,
    UNITS,
)

SAID = [
    *(DOTTED | NUMBERED | BARE | SCALES).values(),
    *MONTHS,
    *(name for pair in UNITS.values() for name in pair),
]


@pytest.mark.parametrize("said", SAID)
def test_what_is_said_is_plain_words(said):
    assert re.fullmatch(r"[a-z]+( [a-z]+)*", said)


def test_what_is_looked_up_in_lower_case_is_in_lower_case():
    for table in (DOTTED, NUMBERED, HALF_DAYS, SCALES):
        assert all(key == key.lower() for key in table)


def test_what_is_looked_up_with_its_dot_has_one():
    assert all(key.endswith(".") for key in DOTTED | NUMBERED)


def test_no_word_has_two_meanings():
    assert not DOTTED.keys() & NUMBERED.keys()
    assert not HALF_DAYS.keys() & (DOTTED.keys() | UNITS.keys())


def test_there_are_twelve_months_and_their_short_forms_mean_them():
    assert len(MONTHS) == 12
    for short in ("jan.", "feb.", "mar.", "apr.", "aug.", "sept.", "oct.", "nov.", "dec."):
        assert DOTTED[short] in MONTHS
        assert DOTTED[short].startswith(short[:3])
