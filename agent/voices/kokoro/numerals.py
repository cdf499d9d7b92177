"""Numbers as an English speaker says them. Pure; the words themselves come from num2words.

Every function takes digits as they are written and returns words with single spaces between
them and no hyphens: Kokoro's phonemes have none. American: "one hundred five", without "and".
"""

import re
import unicodedata
from typing import Final

from num2words import num2words

_MOST_DIGITS: Final = 15  # quadrillions; longer ones are read digit by digit
_YEARS: Final = range(1100, 2100)
_MONEY: Final = {  # symbol: one, many, a hundredth, hundredths
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won", "", ""),
}
_FRACTIONS: Final = {2: "half", 4: "quarter"}
MONEY_SIGNS: Final = "".join(_MONEY)
VULGAR: Final = "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"


def cardinal(digits: str) -> str:
    """ "1,234" -> "one thousand two hundred thirty four"; too many digits are read singly."""
    plain = digits.replace(",", "")
    if len(plain) > _MOST_DIGITS or (len(plain) > 1 and plain[0] == "0"):
        return each_digit(plain)
    return _words(num2words(int(plain)))


def ordinal(digits: str) -> str:
    """ "21" -> "twenty first"."""
    plain = digits.replace(",", "")
    if len(plain) > _MOST_DIGITS:
        return each_digit(plain)
    return _words(num2words(int(plain), to="ordinal"))


def year(digits: str) -> str:
    """ "1984" -> "nineteen eighty four"; a number that is hardly a year is a cardinal."""
    if len(digits) != 4 or int(digits) not in _YEARS:
        return cardinal(digits)
    return _words(num2words(int(digits), to="year"))


def each_digit(digits: str) -> str:
    """ "007" -> "zero zero seven"; everything but digits is passed over."""
    return " ".join(num2words(int(digit)) for digit in digits if digit.isdecimal())


def number(digits: str) -> str:
    """An integer, a decimal, a version, "1½": "3.14" -> "three point one four"."""
    if digits and digits[-1] in VULGAR:
        return _mixed(digits[:-1], digits[-1])
    whole, *rest = digits.split(".")
    said = [cardinal(whole)] if whole else []
    if len(rest) > 1:  # 2.13.0
        parts = [cardinal(part) for part in rest if part]
        return " point ".join([*said, *parts])
    if rest and rest[0]:
        said += ["point", each_digit(rest[0])]
    return " ".join(said)


def _mixed(whole: str, vulgar: str) -> str:
    above, below = unicodedata.normalize("NFKC", vulgar).split("\u2044")
    said = fraction(above, below)
    return f"{cardinal(whole)} and {said}" if whole else said


def money(sign: str, digits: str) -> str:
    """("$", "12.50") -> "twelve dollars and fifty cents"."""
    one, many, hundredth, hundredths = _MONEY[sign]
    whole, _, rest = digits.replace(",", "").partition(".")
    odd = len(rest) not in (0, 2) or digits[-1] in VULGAR or len(whole) > _MOST_DIGITS
    if odd or not hundredth:
        return f"{number(digits)} {many}"
    said = []
    if int(whole or "0") or not int(rest or "0"):
        units = int(whole or "0")
        said.append(f"{cardinal(str(units))} {one if units == 1 else many}")
    if rest and int(rest):
        cents = int(rest)
        name = hundredth if cents == 1 else hundredths
        said.append(f"{cardinal(str(cents))} {name}")
    return " and ".join(said)


def currency(sign: str) -> str:
    """ "€" -> "euros"."""
    return _MONEY[sign][1]


def clock(hour: str, minute: str) -> str:
    """("10", "30") -> "ten thirty"; ("10", "00") -> "ten o'clock"."""
    said = cardinal(str(int(hour)))
    if int(minute):
        return f"{said} {'oh ' if int(minute) < 10 else ''}{cardinal(str(int(minute)))}"
    return f"{said} o'clock" if 1 <= int(hour) <= 12 else f"{said} hundred"


def fraction(above: str, below: str) -> str:
    """("3", "4") -> "three quarters"."""
    count, parts = int(above), int(below)
    name = _FRACTIONS.get(parts) or _words(num2words(parts, to="ordinal"))
    if count != 1:
        name = "halves" if parts == 2 else f"{name}s"
    return f"{cardinal(above)} {name}"


def decade(digits: str) -> str:
    """ "1990" -> "nineteen nineties", as in "the 1990s"."""
    said = year(digits)
    return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"


def _words(text: str) -> str:
    return re.sub(r"[-,\s]+", " ", text).replace(" and ", " ")
