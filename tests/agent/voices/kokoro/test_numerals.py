"""Digits become what a person would say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.numerals import (
    cardinal,
    clock,
    decade,
    each_digit,
    fraction,
    money,
    number,
    ordinal,
    year,
)


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("0", "zero"),
        ("21", "twenty one"),
        ("105", "one hundred five"),
        ("1,234", "one thousand two hundred thirty four"),
        ("007", "zero zero seven"),
        ("1" * 16, " ".join(["one"] * 16)),
    ],
)
def test_a_cardinal_is_american_without_and(digits, said):
    assert cardinal(digits) == said


@pytest.mark.parametrize(
    ("digits", "said"),
    [("1", "first"), ("22", "twenty second"), ("103", "one hundred third")],
)
def test_an_ordinal(digits, said):
    assert ordinal(digits) == said


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("1984", "nineteen eighty four"),
        ("2000", "two thousand"),
        ("2007", "two thousand seven"),
        ("2025", "twenty twenty five"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("3456", "three thousand four hundred fifty six"),
        ("12", "twelve"),
    ],
)
def test_a_year_is_said_in_pairs(digits, said):
    assert year(digits) == said


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("3.14", "three point one four"),
        (".5", "point five"),
        ("2.13.0", "two point thirteen point zero"),
        ("7", "seven"),
        ("1½", "one and one half"),
        ("¾", "three quarters"),
    ],
)
def test_a_number_with_dots(digits, said):
    assert number(digits) == said


@pytest.mark.parametrize(
    ("sign", "digits", "said"),
    [
        ("$", "12.50", "twelve dollars and fifty cents"),
        ("$", "1", "one dollar"),
        ("$", "0.99", "ninety nine cents"),
        ("$", "0.01", "one cent"),
        ("$", "0", "zero dollars"),
        ("€", "3", "three euros"),
        ("£", "1.05", "one pound and five pence"),
        ("£", "2.00", "two pounds"),
        ("¥", "1,500", "one thousand five hundred yen"),
        ("$", "1.5", "one point five dollars"),
        ("$", "1½", "one and one half dollars"),
        ("₹", "500.50", "five hundred rupees and fifty paise"),
    ],
)
def test_money(sign, digits, said):
    assert money(sign, digits) == said


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        ("10", "30", "ten thirty"),
        ("9", "05", "nine oh five"),
        ("7", "00", "seven o'clock"),
        ("14", "00", "fourteen hundred"),
        ("00", "15", "zero fifteen"),
    ],
)
def test_the_clock(hour, minute, said):
    assert clock(hour, minute) == said


@pytest.mark.parametrize(
    ("above", "below", "said"),
    [
        ("1", "2", "one half"),
        ("3", "2", "three halves"),
        ("3", "4", "three quarters"),
        ("2", "3", "two thirds"),
        ("1", "10", "one tenth"),
    ],
)
def test_a_fraction(above, below, said):
    assert fraction(above, below) == said


def test_decades():
    assert decade("1990") == "nineteen nineties"
    assert decade("20") == "twenties"
    assert decade("1900") == "nineteen hundreds"


@given(st.integers(0, 10**20))
def test_any_number_is_words_and_nothing_but_words(value):
    said = cardinal(str(value))
    assert re.fullmatch(r"[a-z]+( [a-z]+)*", said)


@given(st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,4})?", fullmatch=True), st.sampled_from("$€£¥"))
def test_any_amount_ends_in_its_currency(digits, sign):
    assert re.fullmatch(
        r"[a-z' ]+ (dollars?|euros?|pounds?|yen|cents?|penny|pence)", money(sign, digits)
    )


@given(st.text(max_size=20))
def test_digits_are_read_one_by_one(text):
    assert len(each_digit(text).split()) == sum(letter.isdecimal() for letter in text)
