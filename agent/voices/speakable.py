"""What of a written word is said aloud: not the markup, not the emoji.

Word by word, so that a voice can say when each word of the phrase begins; a word of which
nothing is said becomes "". Pure: knows no voice and no language.
"""

import re

_LINK = re.compile(r"\]\([^)\s]*\)")  # [text](address): the address is not read out
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
# Emphasis, code, headings, tables. An underscore or a hash inside a word may mean something.
_MARKUP = re.compile(r"[*`~|\\]|^[#>_\[(]+|[_\]]+(?=\W*$)|(?<=\W)_+")
# Pictures, dingbats, arrows, box drawing, flags, skin tones, private and control characters.
# Not the marks of prose (dashes, quotes, currency, degrees) nor the joiners that Hindi writes.
_PICTURE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00a9\u00ae\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u20e3\u2122"
    "\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297"
    "\u3299\ud800-\uf8ff\ufe00-\ufe0f\ufeff\ufff9-\uffff\U0001f000-\U0001faff"
    "\U000e0000-\U0010ffff]"
)


def speakable(word: str) -> str:
    """The word as a voice should get it; "" when nothing of it can be said."""
    said = _PICTURE.sub("", word)
    said = _TAG.sub("", _LINK.sub("]", said))
    said = _MARKUP.sub("", said)
    return said if any(letter.isalnum() or letter in "%&+=$€£¥@°" for letter in said) else ""
