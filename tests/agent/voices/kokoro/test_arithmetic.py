"""Sums and comparisons, and what only looks like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.arithmetic import expression


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("5\u00d73=15", "5 times 3 equals 15"),
        ("10÷2", "10 divided by 2"),
        ("x=-5", "x equals minus 5"),
        ("5-3=2", "5 minus 3 equals 2"),
        ("10/2=5", "10 divided by 2 equals 5"),
        ("(2+3)\u00d74", "2 plus 3 times 4"),
        ("x>=5", "x greater than or equal to 5"),
        ("x!=y", "x is not equal to y"),
        ("a≤b", "a less than or equal to b"),
        ("≤5", "at most 5"),
        ("<5%", "less than 5%"),
        ("≈20", "about 20"),
        ("π≈3.14", "π approximately 3.14"),
        ("x^2", "x squared"),
        ("2^3+1", "2 cubed plus 1"),
        ("10^-3", "10 to the power of minus 3"),
        ("well-known=yes", "well-known equals yes"),
    ],
)
def test_signs_become_words(written, said):
    assert expression(written, str) == said


@pytest.mark.parametrize("word", ["a->b", "a=>b", "5-3", "and/or", "C++", "=", "2+2", "wow!=!"])
def test_what_is_none_is_left_to_others(word):
    assert expression(word, str) == ""


@given(st.text("12x=<>-+/^()", max_size=12))
def test_no_term_is_lost(written):
    said = expression(written, str)
    if said and "^" not in written:
        terms = [[letter for letter in text if letter in "12x"] for text in (written, said)]
        assert terms[0] == terms[1]
