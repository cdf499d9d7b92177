"""The tables: every entry can be said, and found the way it is looked up."""

import re

import pytest

from agent.voices.kokoro.abbreviations import (
    BARE,
    DAY_NAMES,
    DAYS,
    HALF_DAYS,
    MONTH_NAMES,
    MONTHS,
    PARTS,
    RULERS,
    STREETS,
)


@pytest.mark.parametrize("said", [*(BARE | STREETS).values(), *MONTHS, *DAYS])
def test_what_is_said_is_plain_words(said):
    assert re.fullmatch(r"[a-z]+( [a-z]+)*", said)


def test_what_is_looked_up_in_lower_case_is_in_lower_case():
    for table in (BARE, DAY_NAMES, HALF_DAYS, MONTH_NAMES, PARTS, RULERS, STREETS):
        assert all(key == key.lower() for key in table)


def test_no_word_has_two_meanings():
    assert not HALF_DAYS.keys() & (BARE.keys() | STREETS.keys())
    assert not MONTH_NAMES.keys() & DAY_NAMES.keys()
    assert not PARTS & RULERS


@pytest.mark.parametrize(("names", "wanted"), [(MONTH_NAMES, MONTHS), (DAY_NAMES, DAYS)])
def test_short_forms_mean_the_name_that_they_begin(names, wanted):
    assert set(names.values()) == set(wanted)
    assert all(long.startswith(short) for short, long in names.items())
    assert {long[:3] for long in wanted} - {"may"} <= names.keys()
