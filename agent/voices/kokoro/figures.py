"""Numbers and titles of languages that espeak reads, written as it reads them right. Pure.

On its way to espeak a text is cut at its marks, those inside a number too: of "1.500 euros" it
would say one, and then five hundred euros. Knows words as they are written, no phonemes.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

# What is said for the mark before a fraction.
_MARKS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "e": {",": "coma", ".": "punto"},
        "f": {",": "virgule", ".": "point"},
        "h": {",": "दशमलव", ".": "दशमलव"},
        "i": {",": "virgola", ".": "punto"},
        "p": {",": "vírgula", ".": "ponto"},
    }
)
_HOURS: Final[Mapping[str, str]] = MappingProxyType({"f": "heures", "p": "horas e"})  # 14h30
_TITLES: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "e": {
            **{"Dr.": "doctor", "Dra.": "doctora", "Sr.": "señor", "Sra.": "señora"},
            "Srta.": "señorita",
        },
        "f": {"M.": "monsieur", "Mme.": "madame", "Dr.": "docteur"},
        "i": {"Sig.": "signor", "Dott.": "dottor", "Prof.": "professor"},
        "p": {"Dr.": "doutor", "Dra.": "doutora", "Sr.": "senhor", "Sra.": "senhora"},
    }
)
_REAIS: Final = "R$"
_FIGURE: Final = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)+(?![\w]|[.,]\d)")
_HOUR: Final = re.compile(r"(?<!\w)(\d{1,2})h(\d\d)?(?!\w)")
_GROUPED: Final = re.compile(r"[1-9]\d{0,2}(?:([.,])\d{3}(?:\1\d{3})*|(?:,\d\d)+,\d{3})")


def readable(words: Sequence[str], code: str) -> list[str]:
    """The same words, as espeak should get them; `code` is one of Kokoro's languages."""
    titles, said = _TITLES.get(code, {}), []
    reais = False  # they are written before a number and said behind it
    for word, after in zip(words, [*words, ""][1:], strict=True):
        price = word.removeprefix(_REAIS) if code == "p" else word
        if price != word and (price or after)[:1].isdigit():
            reais, word = True, price
        text = _figures(word, code)
        if reais and text:
            text, reais = _reais(text), False
        said.append(titles.get(text, text) if after else text)
    return said


def _figures(word: str, code: str) -> str:
    if code not in _MARKS:
        return word
    word = word.replace("।", ".").replace("॥", ".")  # espeak's phonemes have no such marks
    word = _FIGURE.sub(lambda figure: _figure(figure[0], code), word)
    if hours := _HOURS.get(code):
        word = _HOUR.sub(lambda hour: f"{hour[1]} {_hour(hours, hour[2])}", word)
    return word


def _figure(figure: str, code: str) -> str:
    """ "1.500" -> "1500", "3,5" -> "3 coma 5"; a date or a version stays as it is."""
    if _GROUPED.fullmatch(figure):
        return re.sub("[.,]", "", figure)
    if code == "i" and re.fullmatch(r"\d\d?\.\d\d", figure):
        return figure  # a time: the mark before a fraction is a comma
    whole, mark, fraction = re.split(r"([.,])(?=\d+$)", figure)
    if _GROUPED.fullmatch(whole) and mark not in whole:
        whole = re.sub("[.,]", "", whole)
    return f"{whole} {_MARKS[code][mark]} {fraction}" if whole.isdigit() else figure


def _hour(hours: str, minutes: str | None) -> str:
    return f"{hours} {minutes}" if minutes else hours.removesuffix(" e")


def _reais(price: str) -> str:
    """ "12 vírgula 50," -> "12 vírgula 50 reais,"."""
    bare = price.rstrip(".,;:!?…")
    return f"{bare} reais{price[len(bare) :]}"
