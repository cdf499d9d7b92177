# ruff: noqa: RUF001 - dashes as people type them
"""What is written becomes what is said, each in its place."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.spoken_text import marked, spoken_text
from agent.voices.kokoro.spot import English


def said(text, english=English.AMERICAN):
    return spoken_text(text.split(), english)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # money
        ("$12.50, please", ["twelve dollars and fifty cents,", "please"]),
        ("€3 or 3€", ["three euros", "or", "three euros"]),
        ("$5 million", ["five", "million dollars"]),
        ("$1.5M and £2bn", ["one point five million dollars", "and", "two billion pounds"]),
        ("-$5", ["minus five dollars"]),
        # numbers
        ("1,234 times", ["one thousand two hundred thirty four", "times"]),
        ("in 1984", ["in", "nineteen eighty four"]),
        ("2025 km", ["two thousand twenty five", "kilometers"]),
        ("the 1990s, the 80s", ["the", "nineteen nineties,", "the", "eighties"]),
        ("the 22nd.", ["the", "twenty second."]),
        (
            "3.14 and v2.13.0",
            ["three point one four", "and", "v two point thirteen point zero"],
        ),
        (
            "007 and 123456789",
            ["zero zero seven", "and", "one two three four five six seven eight nine"],
        ),
        ("1000000 people", ["one million", "people"]),
        ("2 1/2 cups", ["two", "and one half", "cups"]),
        ("pages 10-20", ["pages", "ten to twenty"]),
        ("-5 or +3", ["minus five", "or", "plus three"]),
        # percent and units
        ("5.5% off", ["five point five percent", "off"]),
        ("5kg, 1 kg", ["five kilograms,", "one", "kilogram"]),
        ("20°C", ["twenty degrees celsius"]),
        ("100km/h", ["one hundred kilometers per hour"]),
        # times
        ("at 10:30 am", ["at", "ten thirty", "AM"]),
        ("10am 7:00 p.m.", ["ten AM", "seven", "PM."]),
        ("at 9:05", ["at", "nine oh five"]),
        ("at 7:00.", ["at", "seven o'clock."]),
        ("I am 24/7", ["I", "am", "twenty four seven"]),
        # dates
        ("March 3, 2025", ["March", "third,", "twenty twenty five"]),
        ("3/4/2025", ["march fourth, twenty twenty five"]),
        ("2025-03-04", ["march fourth, twenty twenty five"]),
        ("on Feb. 1", ["on", "february", "first"]),
        # abbreviations
        ("Dr. Smith on Main St. now", ["doctor", "Smith", "on", "Main", "street", "now"]),
        ("St. James", ["saint", "James"]),
        ("No. 5? No.", ["number", "five?", "No."]),
        ("e.g. this, etc.", ["for example", "this,", "et cetera."]),
        ("the U.S. is", ["the", "U.S.", "is"]),
        ("the U.S.", ["the", "U S."]),
        ("John F. Kennedy", ["John", "F.", "Kennedy"]),
        # telephone
        ("555-1234", ["five five five, one two three four"]),
        ("(555) 123-4567", ["five five five", "one two three, four five six seven"]),
        (
            "+1 555 123 4567.",
            ["plus one", "five five five", "one two three", "four five six seven."],
        ),
        (
            "800 555 0199",
            ["eight zero zero", "five five five", "zero one nine nine"],
        ),
        # addresses
        ("mail jo@example.com!", ["mail", "jo at example dot com!"]),
        ("see <https://example.com>", ["see", "example dot com"]),
        (
            "run main.py at 10.0.0.1:80",
            ["run", "main dot PY", "at", "ten dot zero dot zero dot one colon eighty"],
        ),
        # arithmetic
        ("5 \u00d7 3", ["five", "times", "three"]),
        ("10 ÷ 2", ["ten", "divided by", "two"]),
        ("2 * 3 > 5", ["two", "times", "three", "greater than", "five"]),
        ("5 - 3 = 2", ["five", "minus", "three", "equals", "two"]),
        # ranges of several words
        ("9 AM – 5 PM", ["nine", "AM", "to", "five", "PM"]),
        ("$10 - $20", ["ten dollars", "to", "twenty dollars"]),
        ("Mon – Fri", ["monday", "to", "friday"]),
        ("Jan 1 - Feb 5", ["january", "first", "to", "february", "fifth"]),
        ("1 - Feb", ["one—", "", "Feb"]),
        ("in 2020 – 3 years ago", ["in", "twenty twenty—", "", "three", "years", "ago"]),
        # letters and signs
        ("MP3 AT&T C++ C#", ["MP three", "A T and T", "C plus plus", "C sharp"]),
        ("and/or TCP/IP snake_case", ["and or", "TCP IP", "snake case"]),
        ("you & me", ["you", "and", "me"]),
        # pauses and silence
        ("so – maybe", ["so—", "", "maybe"]),
        ("well, - maybe", ["well,", "", "maybe"]),
        ("hm ... yes", ["hm…", "", "yes"]),
        ("Wait... what", ["Wait…", "what"]),
        ("😀 **bold** `x` # (or not).", ["", "bold", "x", "", "or", "not."]),
    ],
)
def test_each_word_is_said_in_its_place(text, words):
    assert said(text) == words


def test_a_british_date_begins_with_the_day():
    assert said("3/4/2025", English.BRITISH) == ["the third of april, twenty twenty five"]
    assert said("2025-03-04", English.BRITISH) == ["the fourth of march, twenty twenty five"]


def test_a_date_that_can_only_be_the_other_way_round_is_read_so():
    assert said("25/12/2025") == ["december twenty fifth, twenty twenty five"]


def test_plain_prose_is_left_alone():
    text = "It's the state-of-the-art café, isn't it? “Yes,” she said; 'perhaps'."
    assert " ".join(said(text)) == text


def test_another_language_loses_its_markup_only():
    assert marked("**Das** kostet – etwa – 12,50 € 😀".split()) == [
        *("Das", "kostet—", "", "etwa—", "", "12,50", "€", "")
    ]


WRITTEN = st.text(
    st.characters(categories=["L", "N", "P", "S"], max_codepoint=0x2FFF), min_size=1
)
TYPICAL = st.sampled_from(
    "$12.50 10:30 am p.m. 3/4/2025 No. 5 +1 555 (555) 123-4567 - – ... **b** a_b x@y.de 1/0 "
    "0/0 99:99 24:00 13/13/2025 $ % 1,2,3 1. .5 5. -- 1e5 ½ ٣ II °C 5° 5' 10%, 3rd 0th 1,000th "
    '10-20k $5-10/mo 5*3=15 x=-5 2^3 1½ 5\'10" 12" EST. min. Max. Mon * × < IV #1 ~5 <x@y> '
    "000s 'n' [x](y) <b> U.S.A. St. st. $1,000,000 million k 7m 2024-2025 v1.2 #1 &c".split()
)


@given(st.lists(WRITTEN | TYPICAL, max_size=12), st.sampled_from(English))
def test_no_digit_and_no_markup_is_left_and_no_word_moves(words, english):
    texts = spoken_text(words, english)
    assert len(texts) == len(words)
    for text in texts:
        assert not re.search(r"[0-9*`_#|\\<>~]", text)
        assert text == " ".join(text.split())


@given(st.lists(TYPICAL, min_size=1))
def test_what_has_letters_or_digits_is_said(words):
    for word, text in zip(words, said(" ".join(words)), strict=True):
        if re.search(r"[a-zA-Z0-9]", word) and not word.startswith("<"):
            assert text
