"""Pieces of text in, phrases worth speaking out: the first one short, so that it sounds soon.

Decides at the end of each word, from the words so far and never from those to come: a phrase
leaves as early as it can, and how the text was cut into pieces cannot matter. Knows no model
and no language but the marks of Latin punctuation and Hindi's; the lists below are English and
only make the breaks better. A script without spaces (Chinese, Thai) comes as one phrase a line.
"""

import re

from agent.abbreviations import keeps_dot

_FIRST_CHARS = 16  # from here the first phrase ends before a word that leans on the next one
_FIRST_MAX_CHARS = 36  # about seven words: two seconds of speech hide the making of the rest
_CLAUSE_CHARS = 40  # a later phrase this long may end at a comma
_LEAN_CHARS = 120  # from here a later phrase ends before a word that leans on the next one
MAX_CHARS = 200  # about 13 s of speech. Only a single longer word exceeds it

_CLOSERS = "\"'”’»)]}*_`~"  # noqa: RUF001 - may follow the mark that ends a sentence
_SENTENCE_END = frozenset(".!?…।॥")  # the last two are Hindi's
_CLAUSE_END = frozenset(",;:–—")  # noqa: RUF001 - dashes as people type them
_DOTTED = re.compile(r"\W*(?:[^\W\d_]\.)+$")  # J.  U.S.  e.g.  a.m.
_LIST_NUMBER = re.compile(r"\W*\d{1,3}\.$")
_NUMBER = re.compile(r"\W*\d[\d.,:/-]*$")  # what follows is its unit: "5 min."
_LEANING = frozenset(
    "about after and as at because before but by for from if in into of on or since so that "
    "than then though to under until when where which while who with without".split()
)


class Phrases:
    """The phrases of one reply. Joined by " " they are its text, white space normalised."""

    def __init__(self) -> None:
        self._letters: list[str] = []  # of the word under way
        self._words: list[str] = []  # of the phrase under way
        self._chars = 0  # of those words, spaces between them included
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Take the next piece of text; return the phrases that are certain by now."""
        phrases: list[str] = []
        for letter in text:
            if not letter.isspace():
                self._letters.append(letter)
                continue
            phrases += self._end_word()
            if letter == "\n":  # an item of a list, a heading, a paragraph
                phrases += self._end_phrase()
        return phrases

    def finish(self) -> list[str]:
        """The text is over: return what was held back."""
        return [*self._end_word(), *self._end_phrase()]

    def _end_word(self) -> list[str]:
        if not self._letters:
            return []
        word = "".join(self._letters)
        self._letters.clear()
        phrases = self._end_phrase() if self._breaks_before(word) else []
        self._words.append(word)
        self._chars += len(word) + (len(self._words) > 1)
        if self._breaks_after(word):
            phrases += self._end_phrase()
        return phrases

    def _end_phrase(self) -> list[str]:
        if not self._words:
            return []
        phrase = " ".join(self._words)
        self._words.clear()
        self._chars = 0
        self._first = False
        return [phrase]

    def _breaks_before(self, word: str) -> bool:
        limit = _FIRST_MAX_CHARS if self._first else MAX_CHARS
        if self._chars + 1 + len(word) > limit:
            return True
        lean_chars = _FIRST_CHARS if self._first else _LEAN_CHARS
        return self._chars >= lean_chars and word.lower() in _LEANING

    def _breaks_after(self, word: str) -> bool:
        bare = word.rstrip(_CLOSERS)
        mark = bare[-1:]
        if mark in _SENTENCE_END:
            return not self._is_abbreviated(bare)
        return mark in _CLAUSE_END and (self._first or self._chars >= _CLAUSE_CHARS)

    def _is_abbreviated(self, word: str) -> bool:
        """Whether the dot belongs to the word. In doubt it does: better late than wrong."""
        if not word.endswith(".") or word.endswith(".."):
            return False
        bare = word[:-1].lstrip("\"'\u201c\u2018([*_")
        before = self._words[-2] if len(self._words) > 1 else ""
        if _DOTTED.match(word):
            return True
        if keeps_dot(bare):
            return not _NUMBER.match(before)
        if before:
            return bare == "No"  # "No. 5"; "no." is a word, and "No." an answer
        return bool(_LIST_NUMBER.match(word))
