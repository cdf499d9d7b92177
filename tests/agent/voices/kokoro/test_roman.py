"""Roman numerals are numbers only behind what is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.roman import roman


@pytest.mark.parametrize(
    ("before", "numeral", "said"),
    [
        ("Chapter", "IV", "four"),
        ("Part", "V", "five"),
        ("Act", "I", "one"),
        ("War", "II", "two"),
        ("Phase", "III", "three"),
        ("Section", "XXXIX", "thirty nine"),
        ("Henry", "VIII", "the eighth"),
        ("Louis", "XIV", "the fourteenth"),
        ("Apple", "II", "two"),
    ],
)
def test_a_numeral_is_said(before, numeral, said):
    assert roman(numeral, before) == said


@pytest.mark.parametrize(
    ("before", "word"),
    [
        *(("", "IV"), ("an", "IV"), ("Start", "IV"), ("and", "I"), ("Henry", "I")),
        *(("Malcolm", "X"), ("Chapter", "IIII"), ("Chapter", ""), ("part", "I"), ("the", "II")),
    ],
)
def test_what_may_be_letters_is_left_alone(before, word):
    assert roman(word, before) == ""


@given(st.text("IVX", min_size=1, max_size=6))
def test_any_letters_are_survived(word):
    assert isinstance(roman(word, "Chapter"), str)
