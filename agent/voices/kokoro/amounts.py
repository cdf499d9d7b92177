"""Counts, measures, money and fractions of one number each. Pure."""

import re
from typing import Final

from agent.voices.kokoro import numerals
from agent.voices.kokoro.abbreviations import HALF_DAYS, MONTH_NAMES
from agent.voices.kokoro.spot import DECIMAL, LAND, MINUS, PLAIN, SIGN, Rule, Spot
from agent.voices.kokoro.units import LANDS, LARGE, NAMED_BY_LETTER, SCALES, UNITS

_PARTS: Final = (16, 32, 64)  # of an inch
_PAIRS: Final = ("24/7", "9/11", "20/20")
_OUT_OF: Final = (5, 10, 100)  # what marks are given out of


def signed(sign: str | None, said: str) -> str:
    match sign:
        case None | "":
            return said
        case "+":
            return f"plus {said}"
        case "±":
            return f"plus or minus {said}"
        case _:
            return f"minus {said}"


def _integer(match: re.Match[str], spot: Spot) -> str:
    digits = match[0]
    if len(digits) <= 2 and 1 <= int(digits) <= 31:
        if spot.before.rstrip(".").lower() in MONTH_NAMES:
            return numerals.ordinal(digits)
        if spot.after[:1].isupper() and spot.after.rstrip(".").lower() in MONTH_NAMES:
            of = f"{numerals.ordinal(digits)} of"
            return of if spot.before.lower() == "the" else f"the {of}"
    if len(digits) > 6 and not digits.endswith("000"):
        return numerals.each_digit(digits)  # a booking number, not a quantity
    state = re.fullmatch("[A-Z]{2}", spot.before) and spot.before.lower() not in HALF_DAYS
    if len(digits) == 5 and state:
        return numerals.each_digit(digits)  # a postal code
    if spot.after in UNITS or spot.after.lower() in SCALES:
        return numerals.cardinal(digits)
    return numerals.year(digits)


def _decimal(match: re.Match[str], spot: Spot) -> str:
    return signed(match["sign"], numerals.number(match["number"]))


def _quantity(match: re.Match[str], spot: Spot) -> str:
    """ "5kg", "-3°C", "99.9%", "20k"."""
    digits, unit = match["number"], match["unit"]
    if unit in UNITS:
        one = digits == "1" or (digits[0] in numerals.VULGAR)
        name = UNITS[unit][not one]
    elif unit in LARGE and f"{digits}{unit}" not in NAMED_BY_LETTER:
        name = LARGE[unit]
    else:
        return ""
    return signed(match["sign"], f"{numerals.number(digits)} {name}")


def _money(match: re.Match[str], spot: Spot) -> str:
    """ "$12.50", "3€", "$5M", "CA$20"; of "$5 million" only the five: the rest follows."""
    groups = match.groupdict("")
    digits, scale, land = groups["number"], groups["scale"], LANDS.get(groups["land"], "")
    sign = groups["before"] or groups["after"]
    if scale:
        said = f"{numerals.number(digits)} {SCALES[scale.lower()]} {numerals.currency(sign)}"
    elif spot.after.lower() in SCALES:
        said = numerals.number(digits)
    else:
        said = numerals.money(sign, digits)
    if land:
        said = re.sub(r"\b(?=dollars?\b)", f"{land} ", said)
    return signed(groups["sign"] or groups["inner"], said)


def _fraction(match: re.Match[str], spot: Spot) -> str:
    """ "3/4", "2-1/2", "7/10", "120/80"."""
    whole, above, below = match["whole"], int(match["above"]), int(match["below"])
    said = numerals.number(match["above"])
    if 0 < above < below and (below < max(_OUT_OF[:2]) or below in _PARTS or above == 1):
        said = numerals.fraction(match["above"], match["below"])
        if whole:
            return f"{numerals.number(whole)} and {said}"
        return f"and {said}" if spot.counted else said  # 2 1/2
    if match[0] in _PAIRS or above + below == 100:
        return f"{said} {numerals.number(match['below'])}"  # shares: 80/20
    over = "out of" if below in _OUT_OF and above <= below else "over"
    return f"{said} {over} {numerals.number(match['below'])}"


def _out_of(match: re.Match[str], spot: Spot) -> str:
    """ "4.5/5"."""
    return f"{numerals.number(match['above'])} out of {numerals.number(match['below'])}"


def _feet(match: re.Match[str], spot: Spot) -> str:
    """ "5'10\""."""
    inches = f" {numerals.number(match['inches'])}" if match["inches"] else ""
    feet = match["feet"]
    name = "foot" if inches or feet == "1" else "feet"
    return f"{numerals.number(feet)} {name}{inches}"


def _scientific(match: re.Match[str], spot: Spot) -> str:
    """ "1.5e-5"."""
    power = signed(match["sign"], numerals.number(match["power"]))
    return f"{numerals.number(match['number'])} times ten to the power of {power}"


RULES: Final[tuple[tuple[str, Rule], ...]] = (
    (r"(?P<feet>\d{1,3})['\u2019\u2032](?P<inches>\d{1,2})?[\"\u201d\u2033]?", _feet),
    (r"(?P<number>\d+(?:\.\d+)?)[eE](?P<sign>[-+])?(?P<power>\d{1,3})", _scientific),
    (
        rf"(?P<sign>[+±{MINUS}])?(?P<land>{LAND})?(?P<before>{SIGN})(?P<inner>[{MINUS}])?"
        rf"(?P<number>{DECIMAL})(?P<after>)(?P<scale>(?i:k|m|mm|b|bn|t))?",
        _money,
    ),
    (
        rf"(?P<sign>[+{MINUS}])?(?P<land>)(?P<before>)(?P<inner>)"
        rf"(?P<number>{DECIMAL})(?P<after>{SIGN})(?P<scale>)",
        _money,
    ),
    (r"(?:(?P<whole>\d{1,4})-)?(?P<above>\d{1,4})/(?P<below>\d{1,4})", _fraction),
    (r"(?P<above>\d+\.\d+)/(?P<below>\d{1,4})", _out_of),
    (r"\d+", _integer),
    (
        rf"(?P<number>{PLAIN})(?:st|nd|rd|th)",
        lambda match, _: numerals.ordinal(match["number"]),
    ),
    (r"'?(?P<number>\d{2}|\d{3}0)'?s", lambda match, _: numerals.decade(match["number"])),
    (r"#(?P<number>\d+)", lambda match, _: f"number {numerals.year(match['number'])}"),
    (rf"(?P<sign>[+±{MINUS}])?(?P<number>{DECIMAL}|\d+(?:\.\d+)+)", _decimal),
    (rf"(?P<sign>[+±{MINUS}])?(?P<number>{DECIMAL})-?(?P<unit>\D+)", _quantity),
)
