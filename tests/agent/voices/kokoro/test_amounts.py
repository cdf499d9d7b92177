"""One number, and what belongs to it."""

import pytest

from agent.voices.kokoro.spoken_text import spoken_text
from agent.voices.kokoro.spot import English


def said(text):
    return " ".join(filter(None, spoken_text(text.split(), English.AMERICAN)))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("$-5", "minus five dollars"),
        ("-$5", "minus five dollars"),
        ("CA$20 and A$1", "twenty canadian dollars and one australian dollar"),
        ("US$20", "twenty dollars"),
        ("$1.5M", "one point five million dollars"),
        ("₹500", "five hundred rupees"),
        ("50¢", "fifty cents"),
        ("-5 or \u22125", "minus five or minus five"),
        ("20k users", "twenty thousand users"),
        ("a 10k", "a ten k"),
        ("my 401k", "my four oh one k"),
        ("5M people in flat 3B", "five million people in flat three B"),
        ("1½ cups", "one and one half cups"),
        ("½ tsp salt", "one half teaspoon salt"),
        ("¾", "three quarters"),
        ("2 1/2 or 2-1/2 cups", "two and one half or two and one half cups"),
        ("1/4 cup, 3/16 inch", "one quarter cup, three sixteenths inch"),
        ("rated 8/10", "rated eight out of ten"),
        ("4.5/5 and 95/100", "four point five out of five and ninety five out of one hundred"),
        ("120/80", "one hundred twenty over eighty"),
        ("80/20, 24/7 and 9/11", "eighty twenty, twenty four seven and nine eleven"),
        ("1.5e-5", "one point five times ten to the power of minus five"),
        ("20/20", "twenty twenty"),
        ("6 ft. 2 in. tall", "six feet two inches tall"),
        ("7/8 in. and 2 in all", "seven eighths inch and two in all"),
        ("#1 choice", "number one choice"),
        ("issue #42.", "issue number forty two."),
        ("5'10\" tall", "five foot ten tall"),
        ("6\u20322″", "six foot two"),
        ("6\u2032", "six feet"),
        ('a 12" pizza, 12" wide', "a twelve inch pizza, twelve inches wide"),
        ('"It has 12" he said', '"It has twelve" he said'),
        ("25 December 2025", "the twenty fifth of December twenty twenty five"),
        ("Springfield, IL 62704", "Springfield, IL six two seven zero four"),
        ("98.6°F", "ninety eight point six degrees fahrenheit"),
    ],
)
def test_an_amount_is_said_as_a_whole(text, spoken):
    assert said(text) == spoken


@pytest.mark.parametrize("around", ["{}", "${}", "{}kg", "{}th", "{}%"])
def test_more_digits_than_a_number_may_have_are_survived(around):
    assert said(around.format("1" * 5000)).startswith("one one one")
