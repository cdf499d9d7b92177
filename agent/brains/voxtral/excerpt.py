"""A function's result as the model is told it where there is no room for all of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.brains.voxtral.tekken import Tekken

_MARK: Final = " ... [cut here: the rest is too long]"


@dataclass(frozen=True, slots=True)
class Cut:
    """Of a result of so many positions so many are told, the mark included."""

    call: str  # its id
    name: str
    positions: int
    told: int


def excerpt(tekken: Tekken, output: str, most: int) -> str:
    """All of it, or as much of its beginning as takes `most` positions with a mark behind it.

    Where there is no room for the mark, the mark.
    """
    ids = tekken.encode(output)
    if len(ids) <= most:
        return output
    kept = most - len(tekken.encode(_MARK))
    while kept > 0:
        spelt = b"".join(tekken.spell(token) for token in ids[:kept])
        text = spelt.decode(errors="ignore") + _MARK  # it may end inside a letter
        over = len(tekken.encode(text)) - most
        if over <= 0:
            return text
        kept -= over  # together they are written with other tokens
    return _MARK


def level(sizes: Sequence[int], most: int) -> int:
    """So much each may have, that together they have `most`; what is less stays whole."""
    left = max(0, most)
    for others, size in enumerate(sorted(sizes)):
        share = left // (len(sizes) - others)
        if size > share:
            return share
        left -= size
    return max(0, most)
