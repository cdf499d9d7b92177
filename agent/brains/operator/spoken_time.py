"""The clock and the calendar as people say them. Pure: the moment is passed in."""

from datetime import date, time
from typing import Final

from agent.brains.operator.numbers import cardinal, ordinal

# By name here and not by strftime: what is spoken must not depend on the server's locale.
_DAYS: Final = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS: Final = (
    "January February March April May June July August September October November December"
).split()


def spoken_time(moment: time) -> str:
    """19:52 -> "seven fifty-two in the evening"."""
    if moment.minute == 0 and moment.hour in (0, 12):
        return "noon" if moment.hour else "midnight"
    hour = cardinal((moment.hour - 1) % 12 + 1)
    return f"{hour} {_minute(moment.minute)} {_part_of_day(moment.hour)}"


def spoken_date(day: date) -> str:
    """2026-11-23 -> "Monday, the twenty-third of November"."""
    return f"{spoken_day(day)}, the {ordinal(day.day)} of {_MONTHS[day.month - 1]}"


def spoken_day(day: date) -> str:
    """2026-11-23 -> "Monday"."""
    return _DAYS[day.weekday()]


def _minute(minute: int) -> str:
    if minute == 0:
        return "o'clock"
    return f"oh {cardinal(minute)}" if minute < 10 else cardinal(minute)


def _part_of_day(hour: int) -> str:
    match hour:
        case _ if 5 <= hour < 12:
            return "in the morning"
        case _ if 12 <= hour < 17:
            return "in the afternoon"
        case _ if 17 <= hour < 22:
            return "in the evening"
        case _:
            return "at night"
