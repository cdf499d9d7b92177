"""Roman numerals behind what they count: "Chapter IV", "Henry VIII", "World War II". Pure."""

import re
from typing import Final

from agent.voices.kokoro import numerals
from agent.voices.kokoro.abbreviations import PARTS, RULERS

_NUMERAL: Final = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_WORTH: Final = {"I": 1, "V": 5, "X": 10}
_CLEAR: Final = 2  # letters of one that is no word of its own: "II", not "I", "V" or "X"
_UNCLEAR: Final = ("IV", "IX", "XI")  # a drip, and names


def roman(core: str, before: str) -> str:
    """What is said for it behind `before`, "" when it is no numeral there."""
    if not core or not _NUMERAL.fullmatch(core):
        return ""
    digits = str(_value(core))
    if before.lower() in RULERS and before[:1].isupper():
        return f"the {numerals.ordinal(digits)}" if core != "I" else ""
    if before.lower() in PARTS and before[:1].isupper():
        return numerals.cardinal(digits)
    clear = len(core) >= _CLEAR and core not in _UNCLEAR
    return numerals.cardinal(digits) if clear and before[:1].isupper() else ""


def _value(numeral: str) -> int:
    worth = [_WORTH[letter] for letter in numeral]
    behind = zip(worth, [*worth[1:], 0], strict=True)
    return sum(-this if this < after else this for this, after in behind)
