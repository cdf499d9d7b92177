"""English abbreviations with a dot: what they stand for, and what has to follow.

Whoever cuts a text into sentences asks `keeps_dot`, a voice what is said. Keys are in lower
case and without the dot; those with dots inside ("e.g.") are known by them. Pure.
"""

from typing import Final

# Hardly anything else, whatever follows.
ALWAYS: Final = {
    "dr": "doctor",
    "mr": "mister",
    "mrs": "missus",
    "prof": "professor",
    "sr": "senior",
    "jr": "junior",
    "sgt": "sergeant",
    "capt": "captain",
    "lt": "lieutenant",
    "gov": "governor",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "dept": "department",
    "approx": "approximately",
    "etc": "et cetera",
    "ext": "extension",
    "tel": "telephone",
    "vol": "volume",
    "vs": "versus",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "co": "company",
    "feb": "february",
    "apr": "april",
    "jun": "june",
    "jul": "july",
    "aug": "august",
    "sept": "september",
    "sep": "september",
    "oct": "october",
    "nov": "november",
    "dec": "december",
    "tue": "tuesday",
    "tues": "tuesday",
    "thu": "thursday",
    "thurs": "thursday",
    "fri": "friday",
}
# A word, a unit or somebody's name, unless a name follows: "Mt. Everest".
BEFORE_NAMES: Final = {
    "ms": "miz",
    "gen": "general",
    "col": "colonel",
    "rev": "reverend",
    "hon": "honorable",
    "sen": "senator",
    "mt": "mount",
    "ft": "fort",
}
# The same, unless a number follows or the sentence goes on: "Fig. 3", "max. three".
BEFORE_NUMBERS: Final = {
    "apt": "apartment",
    "ch": "chapter",
    "est": "established",
    "fig": "figure",
    "max": "maximum",
    "min": "minimum",
    "sec": "section",
    "jan": "january",
    "mar": "march",
    "mon": "monday",
    "wed": "wednesday",
    "sat": "saturday",
    "sun": "sunday",
}
# Only where a number follows: "No. 5", and not "No."
NUMBERED: Final = {"no": "number", "nos": "numbers", "p": "page", "pp": "pages"}
DOTTED_INSIDE: Final = {"e.g": "for example", "i.e": "that is", "a.k.a": "also known as"}

_KEEP: Final = frozenset(ALWAYS) | {"est", "st"}
_KEEP_AS_NAMES: Final = frozenset(BEFORE_NAMES | BEFORE_NUMBERS)  # "fig." is a fruit


def keeps_dot(word: str) -> bool:
    """Whether a dot behind the word is in doubt its own, and the sentence goes on."""
    lower = word.lower()
    if len(word) > 1 and word.isupper():
        return False  # EST, MAX
    return lower in _KEEP or (lower in _KEEP_AS_NAMES and word[0].isupper())
