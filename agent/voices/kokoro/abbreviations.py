"""Short English forms without a dot, names of days, months and streets. Tables only."""

from typing import Final

from agent.abbreviations import ALWAYS, BEFORE_NUMBERS

BARE: Final = {
    "w/": "with",
    "w/o": "without",
    "vs": "versus",
    "etc": "et cetera",
    "eg": "for example",
    "&": "and",
    "@": "at",
    "%": "percent",
    "°": "degrees",
    "\u2013": "to",  # a dash of its own between two numbers
    "+/-": "plus or minus",
    "hwy": "highway",
    "401k": "four oh one k",
    "401(k": "four oh one k",
}
HALF_DAYS: Final = {
    "am": "AM",
    "a.m.": "AM",
    "a.m": "AM",
    "pm": "PM",
    "p.m.": "PM",
    "p.m": "PM",
}
MONTHS: Final = (
    "january february march april may june july august september october november december"
).split()
DAYS: Final = "monday tuesday wednesday thursday friday saturday sunday".split()
# Short and long, without a dot.
MONTH_NAMES: Final = {
    **{short: long for short, long in (ALWAYS | BEFORE_NUMBERS).items() if long in MONTHS},
    **{month: month for month in MONTHS},
}
DAY_NAMES: Final = {
    **{short: long for short, long in (ALWAYS | BEFORE_NUMBERS).items() if long in DAYS},
    **{day: day for day in DAYS},
}
CALENDAR: Final = MONTH_NAMES | DAY_NAMES
# In an address, where the name of the street stands before.
STREETS: Final = {
    "st": "street",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "dr": "drive",
    "ln": "lane",
    "ct": "court",
    "pl": "place",
    "hwy": "highway",
}
# What a Roman numeral counts.
PARTS: Final = frozenset(
    "act appendix article battlefield book chapter class episode fantasy figure grade league "
    "level mark module page part phase rocky scene season section stage step table title type "
    "unit volume war wars".split()
)
# Whose Roman numeral is "the eighth".
RULERS: Final = frozenset(
    "alexander benedict catherine charles edward elizabeth francis frederick george gregory "
    "henry ivan james john leo louis mary napoleon nicholas paul peter philip pius ramses "
    "richard robert wilhelm william".split()
)
