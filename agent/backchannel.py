"""Did the caller only show that they listen? By the words alone, in English and German.

Knows no sound and no call; how long such words may be is a rule of the turns.
"""

import re

_SIGNS = (
    "a+h?a",
    "a+h",
    "oh",
    "h+m+",
    "m+",
    "m+ ?h+m+",
    "uh ?h[uh]+",
    "u+h|u+m",
    "yes|yeah|yep|yup",
    "ok|okay",
    "(that is |that's |all )?right",
    "alright|sure|exactly|indeed|true",
    "i see|got it|of course|go on|carry on|continue|really|wow",
    "(that is |that's |very )?(good|great|nice|fine|cool|interesting)",
    "ja|jo|genau|klar|gut|stimmt|richtig|ach so|verstehe|weiter",
)
_ONLY = re.compile(rf"((^| )({'|'.join(_SIGNS)})(?= |$))+")
_NO_WORDS = re.compile(r"\(.*?\)|\[.*?\]")  # "(laughter)"


def only_listens(transcript: str) -> bool | None:
    """Whether all of it is "mm-hm", "okay" and the like. None: there is no word in it."""
    spoken = _NO_WORDS.sub(" ", transcript.lower().replace("\u2019", "'"))
    words = " ".join(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", spoken))
    return _ONLY.fullmatch(words) is not None if words else None
