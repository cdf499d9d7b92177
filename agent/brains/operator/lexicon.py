"""How the words of the grammar sound: from the recogniser's bundled dictionary, which is CMU's.

Only our few hundred words are given to a decoder: its whole dictionary of 134,000 costs 12 MB
and 100 ms in each.
"""

from functools import cache
from pathlib import Path
from typing import Final

from pocketsphinx import get_model_path

from agent.errors import EngineError

DICTIONARY: Final = Path(get_model_path("en-us/cmudict-en-us.dict"))
# CMU's dictionary is American; a caller from Britain says these with the vowel of "father".
_BRITISH: Final = {
    "after": ("AA F T ER",),
    "can't": ("K AA N T",),
    "fast": ("F AA S T",),
    "faster": ("F AA S T ER",),
    "afternoon": ("AA F T ER N UW N",),
}


def words_known() -> frozenset[str]:
    """Every word of the dictionary."""
    return frozenset(_dictionary())


@cache
def pronunciations(words: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """(word, phones) of each word; further ways to say one are named "word(2)", after it.

    Raises EngineError for a word that is not in the dictionary.
    """
    dictionary = _dictionary()
    if missing := words - dictionary.keys():
        raise EngineError(f"not in the recogniser's dictionary: {', '.join(sorted(missing))}")
    return tuple(
        (word if number == 1 else f"{word}({number})", phones)
        for word in sorted(words)
        for number, phones in enumerate((*dictionary[word], *_BRITISH.get(word, ())), 1)
    )


def _dictionary() -> dict[str, list[str]]:
    # not kept: it is 40 MB as Python objects, and wanted only at the start
    try:
        lines = DICTIONARY.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise EngineError(f"the recogniser's dictionary cannot be read: {error}") from error
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, phones = line.partition(" ")
        found.setdefault(name.partition("(")[0], []).append(phones.strip())
    return found
