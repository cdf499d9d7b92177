"""Parts of speech for English tokens, as far as they change a sound.

misaki asks for Penn Treebank tags to tell "a record" from "to record", a dash from a hyphen and
"I am" from "10 AM". spaCy's tagger answers better and is a download; these rules answer the
common cases from the neighbouring words. Whatever they do not know is a noun. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_CLOSED: Final = {
    **dict.fromkeys("the a an this these those every each some any no".split(), "DT"),
    **dict.fromkeys(
        "in on at by for from with of about into over after before under than as if because "
        "while until since through between without".split(),
        "IN",
    ),
    **dict.fromkeys("i you he she it we they me him us them who".split(), "PRP"),
    **dict.fromkeys("my your his her its our their".split(), "PRP$"),
    **dict.fromkeys("will would can could shall should may might must 'll 'd".split(), "MD"),
    **dict.fromkeys("ca wo do did does".split(), "MD"),  # of don't, can't: the verb follows
    **dict.fromkeys("and or but".split(), "CC"),
    **dict.fromkeys("is are was were be been being am 's 're 'm".split(), "VBP"),
    **dict.fromkeys("have has had having 've".split(), "VBP"),
    **dict.fromkeys(
        "not n't also always never just still often usually really only already now then here "
        "there very so too both please".split(),
        "RB",
    ),
    "to": "TO",
    "used": "VBD",
}
_MARKS: Final = {
    **dict.fromkeys([".", "!", "?", "…", "..."], "."),
    **dict.fromkeys([";", ":", "—", "–", "--"], ":"),  # noqa: RUF001 - dashes as people type them
    **dict.fromkeys("“‘", "``"),  # noqa: RUF001
    **dict.fromkeys("”", "''"),
    ",": ",",
}
_SUBJECTS: Final = frozenset("i you he she it we they who".split())
_BE: Final = frozenset("is are was were be been being am 's 're 'm".split())
_HAVE: Final = frozenset("have has had having 've".split())
_FOLLOWS_A_VERB: Final = frozenset({"DT", "PRP", "PRP$"})
# Sounding otherwise as a verb, and followed by a place: "she lives in", "the lives of".
_PLACED: Final = frozenset("live lives".split())
_NOT_NOUNS: Final = frozenset(
    "close closer content covert deliberate designate diffuse elaborate invalid learned live "
    "nearby overall overweight separate".split()
)


def tags(tokens: Sequence[str], spaced: Sequence[bool]) -> list[str]:
    """A tag for each token; `spaced` says behind which of them there is a space."""
    found: list[str] = []
    quoted = False
    for i, token in enumerate(tokens):
        if token == '"':
            found.append("''" if quoted else "``")
            quoted = not quoted
        elif token == "-":
            between = 0 < i < len(tokens) - 1 and not spaced[i - 1] and not spaced[i]
            found.append("HYPH" if between else ":")
        elif token in _MARKS:
            found.append(_MARKS[token])
        else:
            found.append(_tag(i, tokens, found))
    return found


def _tag(i: int, tokens: Sequence[str], found: Sequence[str]) -> str:
    """Of a word; `found` are the tags before it."""
    token = tokens[i]
    lower = token.lower()
    after = tokens[i + 1].lower() if i + 1 < len(tokens) else ""
    if token == "AM" or (token == "A" and _is_letter(i, tokens, found)):
        return "NNP"
    if lower == "that":
        return "IN" if _CLOSED.get(after) in _FOLLOWS_A_VERB else "DT"
    if lower in _CLOSED:
        return _CLOSED[lower]
    if re.fullmatch(r"\d[\d.,]*", token):
        return "CD"
    if lower.endswith("ly"):
        return "RB"
    before, tag_before = next(_leaders(i, tokens, found), ("", "."))
    if before in _HAVE or (before in _BE and lower not in _NOT_NOUNS):
        return "VBN" if lower in ("read", "wound", "reread") else "NN"
    if tag_before in ("TO", "MD"):
        return "VB"
    if before in _SUBJECTS:
        return "VBD" if lower.endswith("ed") else "VBZ" if lower.endswith("s") else "VBP"
    follows = _CLOSED.get(after, "") if tokens[i + 1 : i + 2] != ["A"] else ""
    if tag_before == ".":  # an imperative: "Record the call."
        return "VB" if follows in _FOLLOWS_A_VERB else "NN"
    noun_before = tag_before.startswith("NN")
    if noun_before and (follows in _FOLLOWS_A_VERB or (lower in _PLACED and follows)):
        return "VBZ" if lower.endswith("s") else "VBP"
    return "JJ" if lower in _NOT_NOUNS else "NN"


def _is_letter(i: int, tokens: Sequence[str], found: Sequence[str]) -> bool:
    """Whether an "A" is the letter: in mid-sentence, or before another letter."""
    inside = i > 0 and found[i - 1] not in (".", ":", ",", "``")
    return inside or bool(re.fullmatch("[A-Z]", "".join(tokens[i + 1 : i + 2])))


def _leaders(i: int, tokens: Sequence[str], found: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What stands before token `i`, adverbs and marks of quotation passed over."""
    for j in reversed(range(i)):
        if found[j] in ("RB", "``", "''", "HYPH"):
            continue
        yield tokens[j].lower(), "." if found[j] in (",", ":") else found[j]
