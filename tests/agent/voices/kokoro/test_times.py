"""Times of day, ratios, dates."""

import pytest

from agent.voices.kokoro.spoken_text import spoken_text
from agent.voices.kokoro.spot import English


def said(text):
    return " ".join(filter(None, spoken_text(text.split(), English.AMERICAN)))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("at 9:05", "at nine oh five"),
        ("10:30am EST", "ten thirty AM EST"),
        ("1:23:45", "one twenty three and forty five seconds"),
        ("3:1 and 1:100", "three to one and one to one hundred"),
        ("16:9", "sixteen to nine"),
        ("12/25/2024", "december twenty fifth, twenty twenty four"),
    ],
)
def test_a_time_a_ratio_or_a_date(text, spoken):
    assert said(text) == spoken
