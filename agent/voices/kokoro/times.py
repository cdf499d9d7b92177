"""Times of day, ratios and dates of one word each. Pure."""

import re
from typing import Final

from agent.voices.kokoro import numerals
from agent.voices.kokoro.abbreviations import HALF_DAYS, MONTHS
from agent.voices.kokoro.spot import HALF, English, Rule, Spot


def _clock(match: re.Match[str], spot: Spot) -> str:
    hour, minute, half = match["hour"], match["minute"] or "00", match["half"]
    if int(hour) > 24 or int(minute) > 59:
        return f"{numerals.number(hour)} {numerals.number(minute)}"  # a score, a ratio
    said = numerals.clock(hour, minute)
    if half or spot.after.lower() in HALF_DAYS:
        said = said.removesuffix(" o'clock")
    if match["second"]:
        said += f" and {numerals.number(str(int(match['second'])))} seconds"
    return f"{said} {HALF_DAYS[half.lower().rstrip('.')]}" if half else said


def _ratio(match: re.Match[str], spot: Spot) -> str:
    """ "3:1", "1:100"."""
    return f"{numerals.number(match['one'])} to {numerals.number(match['other'])}"


def _date(match: re.Match[str], spot: Spot) -> str:
    """ "2025-03-04" and "3/4/2025"."""
    parts = match.groupdict()
    year, first, second = parts["year"], int(parts["first"]), int(parts["second"])
    day_first = spot.english is English.BRITISH and len(parts["head"] or "") == 0
    month, day = (second, first) if day_first else (first, second)
    if month > 12 >= day:
        month, day = day, month
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ""
    name, ordinal = MONTHS[month - 1], numerals.ordinal(str(day))
    said = (
        f"the {ordinal} of {name}" if spot.english is English.BRITISH else f"{name} {ordinal}"
    )
    return f"{said}, {numerals.year(year)}"


RULES: Final[tuple[tuple[str, Rule], ...]] = (
    (
        rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?P<half>{HALF})?",
        _clock,
    ),
    (rf"(?P<hour>\d{{1,2}})(?P<minute>)(?P<second>)(?P<half>{HALF})", _clock),
    (r"(?P<one>\d{1,6}):(?P<other>\d|\d{3,6})", _ratio),
    (r"(?P<head>(?P<year>\d{4})[-/])(?P<first>\d\d?)[-/](?P<second>\d\d?)", _date),
    (r"(?P<head>)(?P<first>\d\d?)[-/.](?P<second>\d\d?)[-/.](?P<year>\d{4})", _date),
)
