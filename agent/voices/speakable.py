"""What of written words is said aloud: not the markup, not the emoji.

Word by word, so that a voice can say when each word of the phrase begins; a word of which
nothing is said becomes "". Where a sign of arithmetic is typed as one of markup or punctuation
("2 * 3"), it becomes the sign that is meant. Pure: knows no voice and no language.
"""

import re
from collections.abc import Sequence
from typing import Final

_LINK: Final = re.compile(r"\]\([^)\s]*\)")  # [text](address): the address is not read out
_AUTOLINK: Final = re.compile(r"<([A-Za-z][\w+.-]*:[^<>\s]+|[^<>@\s]+@[^<>@\s]+)>")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>")
# What only looks like markup, for a number stands behind it.
_MEANT: Final = (
    (re.compile(r"(?<=[\d)])\*(?=[\d(.]|[a-z]\b)"), "\u00d7"),
    (re.compile(r"(?<=[\d)])\*\*(?=[\d(.])|(?<=\b[a-z])\*\*(?=\d)"), "^"),
    (re.compile(r"(?<![\w~])~(?=[$€£]?\.?\d)"), "≈"),
    (re.compile(r"(?<=[=<>\u00d7÷*^])-(?=\.?\d)"), "\u2212"),
)
# A hyphen that does not break, and the like.
_PLAIN: Final = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2044": "/"})
# Emphasis, code, headings, tables. An underscore or a hash inside a word may mean something,
# as does what stands before a number: "#1", ">5".
_MARKUP: Final = re.compile(
    r"[*`~|\\]|^(?:[_\[(]|#(?!\d)|>(?![\d=$€£]))+|[_\]]+(?=\W*$)|(?<=\W)_+"
)
# Pictures, dingbats, arrows, box drawing, flags, skin tones, private and control characters.
# Not the marks of prose (dashes, quotes, currency, degrees) nor the joiners that Hindi writes.
_PICTURE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00a9\u00ae\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u20e3\u2122"
    "\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297"
    "\u3299\ud800-\uf8ff\ufe00-\ufe0f\ufeff\ufff9-\uffff\U0001f000-\U0001faff"
    "\U000e0000-\U0010ffff]"
)
_SAID_ALONE: Final = "%&+=$€£¥@°\u00d7÷≈≤≥≠±"
# Signs of their own that count only between two numbers, or letters that stand for some.
_BETWEEN: Final = {"*": "\u00d7", "·": "\u00d7", "**": "^", "<": "<", ">": ">", "/": "÷"}
_MINUS: Final = frozenset("-\u2212\u2013")
_TERM: Final = re.compile(r"[(\[*_`$€£-]*(?:\d[\w.,%°]*|[A-Za-z])[)\]*_`.,;:!?]*")


def speakable(word: str) -> str:
    """The word as a voice should get it; "" when nothing of it can be said."""
    said = _PICTURE.sub("", word).translate(_PLAIN)
    said = _TAG.sub("", _LINK.sub("]", _AUTOLINK.sub(r"\1", said)))
    for typed, meant in _MEANT:
        said = typed.sub(meant, said)
    said = _MARKUP.sub("", said)
    return said if any(letter.isalnum() or letter in _SAID_ALONE for letter in said) else ""


def speakables(words: Sequence[str]) -> list[str]:
    """Each word of a phrase so, and the signs between its numbers."""
    equation = "=" in words
    said: list[str] = []
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        sign = _BETWEEN.get(word) or ("\u2212" if equation and word in _MINUS else "")
        between = sign and _TERM.fullmatch(before) and _TERM.fullmatch(after)
        said.append(sign if between else speakable(word))
    return said
