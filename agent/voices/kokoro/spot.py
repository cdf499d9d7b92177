"""A word and what stands around it: what the rules of `spoken_text` are asked about. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from agent.voices.kokoro.numerals import MONEY_SIGNS, VULGAR
from agent.voices.kokoro.units import LANDS

PLAIN: Final = r"\d{1,3}(?:,\d{3})+|\d+"
DECIMAL: Final = rf"(?:(?:{PLAIN})(?:\.\d+)?|\.\d+|\d*[{VULGAR}])"
SIGN: Final = f"[{MONEY_SIGNS}]"
LAND: Final = "|".join(LANDS)
MINUS: Final = "\u2212\u2013-"
HALF: Final = r"(?i:[ap]\.?m\.?)"
_MIXED: Final = r"(?:\d+-)?\d+/\d+"
_COUNT: Final = rf"[+±≈<>{MINUS}]?{SIGN}?(?:{DECIMAL}|{_MIXED})"
_COUNTED: Final = re.compile(
    rf"{_COUNT}(?:[-\u2013]{_COUNT})?|(?i:sq|cu|fl|[mb]illion|thousand)"
)
_ONE: Final = re.compile(rf"[+{MINUS}]?1|[{VULGAR}]|\d/\d+")


class English(StrEnum):
    """Whose. They differ in dates: 3/4 is March the fourth or the third of April."""

    AMERICAN = "a"
    BRITISH = "b"


@dataclass(frozen=True, slots=True)
class Spot:
    """A word's core and what stands around it."""

    core: str
    before: str  # the core of the word before, "" at the beginning and where a mark is between
    after: str  # that of the word behind, in the same way
    ends: bool  # it is the last word, or a mark follows
    english: English = English.AMERICAN

    @property
    def counted(self) -> bool:
        """A number stands before."""
        return bool(_COUNTED.fullmatch(self.before))

    @property
    def many(self) -> bool:
        """Of a counted thing there is more than one, or less."""
        return not _ONE.fullmatch(self.before)


# What is said of a match, "" where the rule has nothing to say.
Rule = Callable[[re.Match[str], Spot], str]
