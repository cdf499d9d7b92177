"""A phrase as the model reads it: tokens, and which written word each belongs to. Pure.

Knows what the model bears: at most 510 tokens, and better not so many (it rushes over 400);
nor too few (it mumbles under ten or so). A long phrase becomes several takes, a very short one
is said several times and heard once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MOST: Final = 400  # phonemes in a take
_FEW: Final = 15  # phonemes: the model is weak below "10 to 20" (its makers' VOICES.md)
_COPIES: Final = 3  # of a short phrase at most
_SENTENCE: Final = ".!?…"
_CLAUSE: Final = ",;:—"
MARKS: Final = frozenset(_SENTENCE + _CLAUSE + '"“”() ')
_STRESS: Final = frozenset("ˈˌ")


@dataclass(frozen=True, slots=True)
class Take:
    """What the model says in one go. Numbers of tokens are indices into `ids`."""

    ids: tuple[int, ...]  # with the silent token before and behind
    words: tuple[int, ...]  # those of the phrase that begin in it
    starts: tuple[int, ...]  # the token each begins with
    sounded: int  # the last sound of the text ends before this token
    again: int  # here a repetition begins, or the silent token at the end stands
    mark: str  # the last mark of it, "" if it ends in a sound

    @property
    def phonemes(self) -> int:
        """By whose number Kokoro chooses among the styles of a voice."""
        return len(self.ids) - 2


def takes(phonemes: Sequence[str], vocabulary: Mapping[str, int]) -> list[Take]:
    """Cut a phrase's words into takes. What the vocabulary lacks is passed over."""
    parts: list[tuple[int, str]] = []  # word, phonemes; a very long word has several
    for i, word in enumerate(phonemes):
        known = "".join(phoneme for phoneme in word if phoneme in vocabulary).strip()
        sounds = set(known) - MARKS - _STRESS
        parts += [(i, part) for part in (_chop(known) if sounds else [""])]
    made = []
    for some in _cut([part for _, part in parts]):
        here = parts[some.start : some.stop]
        first = {i for i, _ in here}
        if some.start and parts[some.start - 1][0] in first:
            first.remove(parts[some.start - 1][0])  # goes on from the take before
        if any(part for _, part in here):
            made.append(_take(sorted(first), here, vocabulary))
    return made


def _chop(word: str) -> list[str]:
    """A word that is too long for the model, such as sixty digits, in pieces at its spaces."""
    pieces = [""]
    for spoken in word.split(" "):
        if pieces[-1] and len(pieces[-1]) + 1 + len(spoken) > _MOST:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]} {spoken}".lstrip()
    return [piece[i : i + _MOST] for piece in pieces for i in range(0, len(piece), _MOST)]


def _cut(words: Sequence[str]) -> Iterator[range]:
    """Ranges of words, each as long as is good, ending where a speaker would pause."""
    first = 0
    while first < len(words):
        last, length = first, len(words[first])
        while last + 1 < len(words) and length + 1 + len(words[last + 1]) <= _MOST:
            last += 1
            length += 1 + len(words[last])
        if last + 1 < len(words):
            last = _pause(words, first, last)
        yield range(first, last + 1)
        first = last + 1


def _pause(words: Sequence[str], first: int, last: int) -> int:
    """The last word before a pause in the later half, a sentence's rather than a clause's."""
    for marks in (_SENTENCE, _CLAUSE):
        for i in range(last, (first + last) // 2, -1):
            if words[i][-1:] in marks and words[i]:
                return i
    return last


def _take(
    words: Sequence[int], parts: Sequence[tuple[int, str]], vocabulary: Mapping[str, int]
) -> Take:
    text = ""
    places: dict[int, int] = {}  # word -> its first token, which stands behind the silent one
    for i, part in parts:
        if part:
            text += " " if text else ""
            places.setdefault(i, len(text) + 1)
            text += part
    starts: list[int] = []
    for i in reversed(words):  # a silent word begins with the one behind it
        starts.append(places.get(i, starts[-1] if starts else len(text) + 1))
    bare = text.rstrip("".join(MARKS))
    closing = text.rstrip('"”) ')[-1:]
    mark = closing if closing in _SENTENCE + _CLAUSE else ""
    again = _again(text, mark)
    ids = (0, *(vocabulary[phoneme] for phoneme in text + again), 0)
    gap = len(again) - len(again.lstrip(", "))
    return Take(
        ids,
        tuple(words),
        tuple(reversed(starts)),
        len(bare) + 1,
        len(text) + 1 + gap,
        mark,
    )


def _again(text: str, mark: str) -> str:
    """What to say behind a short text so that the model has enough to speak well."""
    if len(text) >= _FEW:
        return ""
    copies = min(_COPIES, -(-_FEW // (len(text) + 1)))
    return f"{'' if mark else ','} {text}" * (copies - 1)
