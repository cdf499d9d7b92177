"""The tables: every entry can be said, and found the way it is looked up."""

import re

import pytest

from agent.voices.kokoro.abbreviations import HALF_DAYS
from agent.voices.kokoro.units import LANDS, LARGE, NAMED_BY_LETTER, PERIODS, SCALES, UNITS

SAID = [
    *(SCALES | LARGE | PERIODS).values(),
    *filter(None, LANDS.values()),
    *(name for pair in UNITS.values() for name in pair),
]


@pytest.mark.parametrize("said", SAID)
def test_what_is_said_is_plain_words(said):
    assert re.fullmatch(r"[a-z]+( [a-z]+)*", said)


def test_what_is_looked_up_in_lower_case_is_in_lower_case():
    for table in (PERIODS, SCALES):
        assert all(key == key.lower() for key in table)


def test_no_word_has_two_meanings():
    assert not UNITS.keys() & (HALF_DAYS.keys() | LARGE.keys())


def test_a_scale_is_the_same_behind_money_and_behind_a_number():
    assert all(SCALES[key.lower()] == said for key, said in LARGE.items())
    assert {name[-1] for name in NAMED_BY_LETTER} <= LARGE.keys()
