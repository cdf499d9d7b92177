"""Letters as they are, the numbers and signs among them in words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.letters import letters


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("MP3", "MP three"),
        ("AT&T", "A T and T"),
        ("C++", "C plus plus"),
        ("C#", "C sharp"),
        ("#tag", "tag"),
        ("H₂O", "H two O"),
        ("B-", "B minus"),
        ("√2", "square root of two"),
        ("CO₂", "C O two"),
        ("mc²", "mc squared"),
        ("10⁶", "ten to the power of six"),
        ("10⁻³", "ten to the power of minus three"),
        ("x²³", "x to the power of twenty three"),
        ("$5/$10", "five dollars ten dollars"),
        ("1-800-FLOWERS", "one eight hundred FLOWERS"),
        ("state-of-the-art", "state-of-the-art"),
        ("a=>b", "a b"),
        ("1:2:3", "one two three"),
    ],
)
def test_a_word_without_a_rule(word, said):
    assert letters(word) == said


@given(st.text(max_size=20))
def test_no_digit_and_no_markup_is_left(word):
    assert not re.search(r"[0-9_#|<>=~^]", letters(word))
