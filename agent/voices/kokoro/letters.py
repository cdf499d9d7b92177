"""A word that no rule is about: its letters, and the numbers and signs inside it. Pure."""

import re
from typing import Final

from agent.voices.kokoro import numerals
from agent.voices.kokoro.spot import DECIMAL, SIGN

_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_LOWERED: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_SIGNS: Final = {
    "&": "and",
    "+": "plus",
    "@": "at",
    "%": "percent",
    "°": "degrees",
    "±": "plus or minus",
    "√": "square root of",
    "π": "pi",
}
_MARKS: Final = frozenset(",:;.'\u2019")  # between two numbers
_SILENT: Final = re.compile(
    r"[_/#^~|\\{}\[\]()=<>≤≥≈≠\u00d7÷]+|(?<!\w)[-\u2013]|[-\u2013](?!\w)"
)


def letters(core: str) -> str:
    """ "MP3" -> "MP three", "and/or" -> "and or", "snake_case" -> "snake case", "AT&T"."""
    if re.fullmatch("[A-F]-", core):
        return f"{core[0]} minus"  # a mark
    if re.fullmatch("[A-Z]+&[A-Z]+", core):
        core = " ".join(core)
    text = re.sub(r"\bCO(?=2\b)", "C O", core.translate(_LOWERED))  # no syllable
    text = re.sub(f"([⁺⁻]?)([{_RAISED}]+)", lambda raised: _power(raised[1], raised[2]), text)
    text = re.sub(f"({SIGN})({DECIMAL})", lambda price: _price(price[1], price[2]), text)
    text = re.sub(SIGN, lambda sign: f" {numerals.currency(sign[0])} ", text)
    for sign, said in _SIGNS.items():
        text = text.replace(sign, f" {said} ")
    text = re.sub(r"(?<=\w)#", " sharp", text)
    text = re.sub(
        rf"\d+(?:\.\d+)*|[{numerals.VULGAR}]",
        lambda digits: f" {numerals.number(digits[0])} ",
        text,
    )
    return " ".join(word for word in _SILENT.sub(" ", text).split() if word not in _MARKS)


def _price(sign: str, digits: str) -> str:
    return f" {numerals.money(sign, digits)} "


def _power(sign: str, raised: str) -> str:
    if raised in ("²", "³") and sign != "⁻":
        return " squared " if raised == "²" else " cubed "
    digits = "".join(str(_RAISED.index(digit)) for digit in raised)
    minus = "minus " if sign == "⁻" else ""
    return f" to the power of {minus}{digits} "
