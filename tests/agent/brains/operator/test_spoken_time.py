"""The clock and the calendar as people say them."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.operator.spoken_time import spoken_date, spoken_day, spoken_time


@pytest.mark.parametrize(
    ("clock", "words"),
    [
        ("19:52", "seven fifty-two in the evening"),
        ("09:05", "nine oh five in the morning"),
        ("08:00", "eight o'clock in the morning"),
        ("12:30", "twelve thirty in the afternoon"),
        ("13:00", "one o'clock in the afternoon"),
        ("00:10", "twelve ten at night"),
        ("23:59", "eleven fifty-nine at night"),
        ("04:59", "four fifty-nine at night"),
        ("05:00", "five o'clock in the morning"),
        ("17:00", "five o'clock in the evening"),
        ("12:00", "noon"),
        ("00:00", "midnight"),
    ],
)
def test_the_clock(clock, words) -> None:
    assert spoken_time(time.fromisoformat(clock)) == words


@given(st.integers(0, 23), st.integers(0, 59))
def test_two_minutes_of_a_day_never_sound_the_same(hour, minute) -> None:
    others = {spoken_time(time(h, minute)) for h in range(24) if h != hour}
    assert spoken_time(time(hour, minute)) not in others


def test_the_calendar() -> None:
    assert spoken_date(date(2026, 11, 23)) == "Monday, the twenty-third of November"
    assert spoken_date(date(2027, 1, 1)) == "Friday, the first of January"
    assert spoken_day(date(2026, 11, 22)) == "Sunday"
