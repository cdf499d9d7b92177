"""Words of several parts: ranges, rates, and other joints."""

import pytest

from agent.voices.kokoro.spoken_text import spoken_text
from agent.voices.kokoro.spot import English


def said(text):
    return " ".join(filter(None, spoken_text(text.split(), English.AMERICAN)))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("10-20k users", "ten to twenty thousand users"),
        ("1-2B parameters", "one to two billion parameters"),
        ("3-4pm", "three to four PM"),
        ("9-11am", "nine to eleven AM"),
        ("2-3x faster", "two to three times faster"),
        ("$1,000-$2,000", "one thousand dollars to two thousand dollars"),
        ("$10-$20", "ten dollars to twenty dollars"),
        ("$10-20", "ten to twenty dollars"),
        ("$10k-20k", "ten thousand dollars to twenty thousand dollars"),
        ("$1.5-2M", "one point five to two million dollars"),
        ("10-20€", "ten to twenty euros"),
        ("1.5-2 hours", "one point five to two hours"),
        ("2.5-3%", "two point five to three percent"),
        ("50%-60%", "fifty percent to sixty percent"),
        ("5%-10", "five percent to ten percent"),
        ("1½-2 cups", "one and one half to two cups"),
        ("9am-5pm", "nine AM to five PM"),
        ("9:00-17:00", "nine o'clock to seventeen hundred"),
        ("10:00-11:00am", "ten to eleven AM"),
        ("2\u20133 hrs", "two to three hours"),
        ("5-6 ft.", "five to six feet."),
        ("-5\u201310°C", "minus five to ten degrees celsius"),
        ("June 5-7", "June fifth to seventh"),
        ("1500-2000 km", "one thousand five hundred to two thousand kilometers"),
        ("2024-2025", "twenty twenty four to twenty twenty five"),
        ("1990s-2000s", "nineteen nineties to two thousands"),
        ("1st-3rd", "first to third"),
        ("50-50", "fifty fifty"),
        ("500-1000 people", "five hundred to one thousand people"),
        ("3-foo4", "three foo four"),
        ("$9.99/month", "nine dollars and ninety nine cents per month"),
        ("$5-10/mo", "five to ten dollars per month"),
        ("$20/hr", "twenty dollars per hour"),
        ("90km/h", "ninety kilometers per hour"),
        ("3x/week", "three times per week"),
        ("2/day", "two per day"),
        ("3/blue", "three blue"),
        ("the 21st-century", "the twenty first century"),
        ("1st-class", "first class"),
        ("a 1/4-inch hole", "a one quarter inch hole"),
        ("a 5-star, 2-in-1", "a five star, two in one"),
        ("mid-1990s", "mid nineteen nineties"),
        ("GPT-4 and COVID-19", "GPT four and COVID nineteen"),
        ("$100+ and 10+", "one hundred dollars plus and ten plus"),
        ('5/8" thick, 1" by 2" deep', "five eighths inch thick, one inch by two inches deep"),
        ("10:30 AM\u201311:00 AM", "ten thirty AM to eleven AM"),
        ("10 a.m.\u20132 p.m.", "ten AM to two PM."),
        ("3am.>2", "three AM greater than two"),
        ("3\u20114 pm", "three to four PM"),
        ("y=-2x+3", "y equals minus two x plus three"),
        (
            "4x4, 1920\u00d71080, 5\u00d73",
            "four by four, nineteen twenty by one thousand eighty, five times three",
        ),
        ("Mon-Fri, Jan\u2013Mar, A-Z", "monday to friday, january to march, A to Z"),
        ("Paris-London", "Paris-London"),
        ("5*3=15", "five times three equals fifteen"),
        ("2**3", "two cubed"),
        ("$5\u00d73", "five dollars times three"),
    ],
)
def test_each_part_by_its_own_rule(text, spoken):
    assert said(text) == spoken


def test_a_long_word_of_joints_is_survived():
    for joint in "-+/:=^":
        assert said(f"1{joint}" * 3000)
