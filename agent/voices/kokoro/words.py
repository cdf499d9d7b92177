"""Words by their neighbours: short forms, units behind a number, Roman numerals. Pure."""

import re
from typing import Final

from agent.abbreviations import ALWAYS, BEFORE_NAMES, BEFORE_NUMBERS, DOTTED_INSIDE, NUMBERED
from agent.voices.kokoro import numerals
from agent.voices.kokoro.abbreviations import (
    BARE,
    CALENDAR,
    DAY_NAMES,
    HALF_DAYS,
    MONTH_NAMES,
    STREETS,
)
from agent.voices.kokoro.arithmetic import OPERATORS
from agent.voices.kokoro.compounds import period
from agent.voices.kokoro.letters import letters
from agent.voices.kokoro.roman import roman
from agent.voices.kokoro.spot import Spot
from agent.voices.kokoro.units import SCALES, UNITS

_DOTTED: Final = ALWAYS | BEFORE_NAMES | BEFORE_NUMBERS | NUMBERED | DOTTED_INSIDE
_NUMBER: Final = re.compile(r"[#A-Z]?\d.*")  # that of a flat may begin with a letter
_NAMES: Final = {short: long for short, long in CALENDAR.items() if short != long}
_TO: Final = "\u2013"  # a dash of its own that means so
_PLACES: Final = BEFORE_NUMBERS | {key: ALWAYS[key] for key in ("ext", "vol")}
_DEGREES: Final = {"c": "celsius", "f": "fahrenheit"}
_CROSSES: Final = ("x", "\u00d7")
_INITIALS: Final = re.compile(r"(?:[A-Za-z]\.)*[A-Z]")


def has_dot(core: str, before: str, after: str) -> bool:
    """Whether a dot behind the word is its own; `after` is "" at the end of the text."""
    lower = core.lower()
    spot = Spot(core, before, after, ends=False)
    if spot.counted and core in UNITS:
        return after[:1].islower() or after[:1].isdigit()  # "5 min. later"; else a full stop
    if spot.counted and core == "in":
        return True
    if lower in ALWAYS or lower in DOTTED_INSIDE or f"{lower}." in HALF_DAYS or core == "St":
        return True
    shouted = len(core) > 1 and core.isupper()
    if lower in BEFORE_NAMES:
        return core[0].isupper() and after[:1].isupper() and not shouted
    if lower in NUMBERED:
        return bool(_NUMBER.fullmatch(after))
    if lower in BEFORE_NUMBERS and not shouted:
        goes_on = after[:1].islower() or bool(_NUMBER.fullmatch(after))
        if lower in DAY_NAMES and after.lower() in MONTH_NAMES:
            return True
        return goes_on and (core[0].isupper() or lower not in CALENDAR)
    return bool(_INITIALS.fullmatch(core))


def word(spot: Spot) -> str:
    """What is said for a word that no rule of numbers is about."""
    core, lower = spot.core, spot.core.lower()
    bare = lower.removesuffix(".")
    if lower in HALF_DAYS and spot.before and spot.before[-1].isdigit():
        return HALF_DAYS[lower]
    if core in _CROSSES and _measured(spot):
        return "by"
    if unit := _unit(core, spot) or _unit(core.removesuffix("."), spot):
        return unit
    if spot.before.endswith("°") and bare in _DEGREES:
        return _DEGREES[bare]
    if core == "St." and spot.after[:1].isupper():
        return "saint"
    if bare in STREETS and (core == "St." or _in_street(spot)):
        return STREETS[bare]
    if core[:1].isupper() and bare in _NAMES and _named(bare, spot):
        return _NAMES[bare]
    if _numbered(lower, spot):
        return _PLACES[lower]
    if lower in BARE:
        return BARE[lower]
    if core in OPERATORS:
        return OPERATORS[core]
    if lower.endswith(".") and bare in _DOTTED:
        return _DOTTED[bare]
    if spot.after == "" and re.fullmatch(r"[A-Z]\.", core):
        return core[0]
    if lower in SCALES and spot.before[:1] in numerals.MONEY_SIGNS and spot.before:
        return f"{SCALES[lower]} {numerals.currency(spot.before[0])}"
    return roman(core, spot.before) or letters(core)


def _unit(core: str, spot: Spot) -> str:
    """ "kg", "km/h", "requests/s"."""
    if core in UNITS:
        return UNITS[core][spot.many] if spot.counted else ""
    counted, slash, per = core.partition("/")
    if not slash or not counted or not (per := period(per)):
        return ""
    if not spot.counted and counted not in UNITS:
        return ""
    name = UNITS[counted][spot.many] if counted in UNITS else letters(counted)
    return f"{name} per {per}" if name else ""


def _measured(spot: Spot) -> bool:
    """ "10cm x 20cm", "10 ft x 12 ft"; of mere numbers it is a product."""
    unit = spot.before in UNITS or re.fullmatch(r"\d.*[^\d.]", spot.before)
    return bool(unit) and spot.after[:1].isdigit()


def _in_street(spot: Spot) -> bool:
    """ "221 Baker St, London", "5th Ave"."""
    named = spot.before[:1].isupper() or spot.before[-2:] in ("st", "nd", "rd", "th")
    return spot.ends and named and spot.core.istitle()  # CT is Connecticut


def _named(short: str, spot: Spot) -> bool:
    """Of a month or a day: "Dec 25", "25 Dec", "Mon \u2013 Fri"; "Tue" is nothing else."""
    if short in DAY_NAMES and short in ALWAYS:
        return True
    dated = re.fullmatch(r"\d{1,2}(?:st|nd|rd|th)?|\d{4}", spot.after)
    after_day = short in MONTH_NAMES and re.fullmatch(r"\d\d?(?:st|nd|rd|th)?", spot.before)
    joined = _TO in (spot.before, spot.after)
    return bool(dated or after_day or joined) or spot.after.lower() in MONTH_NAMES


def _numbered(lower: str, spot: Spot) -> bool:
    """ "Apt 4B"; not the "Max" of a product's name."""
    named = spot.before[:1].isupper() or not spot.core[:1].isupper()
    return lower in _PLACES and not named and bool(_NUMBER.fullmatch(spot.after))
