"""Words of several parts, each said by a rule of its own: ranges, rates, "mid-1990s". Pure."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.voices.kokoro import numerals
from agent.voices.kokoro.abbreviations import CALENDAR, HALF_DAYS
from agent.voices.kokoro.arithmetic import expression
from agent.voices.kokoro.letters import letters
from agent.voices.kokoro.spot import HALF, LAND, SIGN, Spot
from agent.voices.kokoro.units import PERIODS, SCALES, UNITS

# Says a part by the rules of numbers, "" where none applies.
By = Callable[[Spot], str]
_SIDE: Final = rf"(?:{LAND})?{SIGN}?\.?\d[^-\u2013—]*"
_HEAD: Final = re.compile(rf"(?:{LAND})?{SIGN}")
_TAIL: Final = re.compile(rf"[^\d{numerals.VULGAR}]*$")
_MEASURED: Final = ("across", "by", "deep", "high", "in", "long", "of", "tall", "thick", "wide")
_SIZE: Final = 3  # digits of a picture's side: "by", where less are a product


def _range(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "10-20k", "$5-$10", "9am-5pm": what one side lacks it has from the other."""
    low, high = match["low"], match["high"]
    head, tail = _HEAD.match(low), _tail(low)
    if head and not _HEAD.match(high):
        high = head[0] + high
        low = low if tail else low.removeprefix(head[0])  # "$10-20": "ten to twenty dollars"
    if tail and not _tail(high) and tail in UNITS:
        high += tail
    after = _tail(high) if _tail(high).lower() in HALF_DAYS and not tail else spot.after
    first = by(replace(spot, core=low, after=after))
    second = by(replace(spot, core=high, before=spot.before if not tail else ""))
    if not second and _tail(high).lower() in SCALES:  # "1-2B"
        number = high.removesuffix(_tail(high))
        second = f"{numerals.number(number)} {SCALES[_tail(high).lower()]}"
    if not first or not second:
        return ""
    return f"{first} {second}" if low == high else f"{first} to {second}"


def _tail(side: str) -> str:
    found = _TAIL.search(side)
    return found[0] if found else ""


def _rate(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "$9.99/month", "90km/h", "2/day"."""
    said, per = by(replace(spot, core=match["amount"])), period(match["per"])
    return f"{said} per {per}" if said and per else ""


def period(written: str) -> str:
    """ "hr" -> "hour", "" for what nothing is counted per."""
    key = written if len(written) == 1 else written.lower()  # "A/D"
    return PERIODS.get(key) or UNITS.get(written, ("",))[0]


def _joined(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "21st-century", "1/4-inch", "$5-off"."""
    said = by(replace(spot, core=match["head"], before="", after=""))
    return f"{said} {_name(match['tail'])}" if said else ""


def _name(tail: str) -> str:
    return UNITS[tail][0] if tail in UNITS else letters(tail)


def _prefixed(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "mid-1990s", "GPT-4"."""
    said = by(replace(spot, core=match["tail"], before="", after=""))
    return f"{letters(match['head'])} {said}" if said else ""


def _more(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "$100+"."""
    said = by(replace(spot, core=match["head"], after=""))
    return f"{said} plus" if said else ""


def _inches(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "12\" wide", a "12\" pizza", "5/8\""."""
    said = by(replace(spot, core=match["number"]))
    single = re.fullmatch(r"1|\d/\d+", match["number"])
    one = single or not (spot.ends or spot.after in _MEASURED)
    return f"{said} inch{'' if one else 'es'}" if said else ""


def _until(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "AM-11:00", the middle of "10:30 AM-11:00 AM"."""
    said = by(replace(spot, core=match["high"], before=""))
    return f"{HALF_DAYS[match['half'].lower().rstrip('.')]} to {said}" if said else ""


def _size(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "4x4", "1920x1080"; of few digits a cross is a product's."""
    one, other = match["one"], match["other"]
    if match["sign"] == "x" or min(len(one), len(other)) >= _SIZE:
        return f"{numerals.year(one)} by {numerals.year(other)}"
    return ""


def _from_to(match: re.Match[str], spot: Spot, by: By) -> str:
    """ "Mon-Fri", "Jan-Mar", "A-Z"."""
    first, last = match["first"], match["last"]
    if first.lower() in CALENDAR and last.lower() in CALENDAR:
        return f"{CALENDAR[first.lower()]} to {CALENDAR[last.lower()]}"
    return f"{first} to {last}" if (first, last) == ("A", "Z") else ""


def _expression(match: re.Match[str], spot: Spot, by: By) -> str:
    def term(written: str) -> str:
        if re.fullmatch(r"\d+x", written):
            return letters(written)  # "2x+3" has no unit
        return by(replace(spot, core=written, before="", after="")) or letters(written)

    return expression(match[0], term)


# The first that matches a whole word and has something to say; behind the rules of one number.
RULES: Final[tuple[tuple[str, Callable[[re.Match[str], Spot, By], str]], ...]] = (
    (rf"(?P<low>[-\u2212]?{_SIDE})[-\u2013—](?P<high>{_SIDE})", _range),
    (rf"(?P<amount>[-\u2212]?{SIGN}?\.?\d[^/]*)/(?P<per>[A-Za-z]+)", _rate),
    (r"(?P<one>\d+)(?P<sign>[x\u00d7])(?P<other>\d+)", _size),
    (r"(?P<number>[\d.,/-]+)\"", _inches),
    (rf"(?P<half>{HALF})[-\u2013](?P<high>\d.*)", _until),
    (r".*", _expression),
    (rf"(?P<head>{_SIDE})-(?P<tail>[A-Za-z].*)", _joined),
    (rf"(?P<head>[A-Za-z]+)-(?P<tail>{SIGN}?\d.*)", _prefixed),
    (rf"(?P<head>{SIGN}?\d[^+]*)\+", _more),
    (r"(?P<first>[A-Z][a-z]*)[-\u2013](?P<last>[A-Z][a-z]*)", _from_to),
)
