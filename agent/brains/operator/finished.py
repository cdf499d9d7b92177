"""Has the caller finished, by what they said? Pure: opinions in, odds out.

The odds are as if nothing else were known: how much oftener such words stand at the end of what
a caller says than at a pause within it. `python -m benchmarks.meaning` counts, of requests
broken off after every word: COMPLETE at 70 % of the ends and 0.4 % of the pauses within,
BEGINNING at 1 and 55 %; of other speech COMPLETE at 0 and 1 %, BEGINNING at 6 and 14 % (`tune`
voices).
"""

from typing import Final

from agent.brains.operator.certainty import score
from agent.brains.operator.grammar import may_follow, settled, understand
from agent.brains.operator.opinions import Opinions, words
from agent.brains.operator.requests import Request

COMPLETE: Final = 0.93
BEGINNING: Final = 0.04
_CERTAIN: Final = 2.0  # log odds that the words so far are those that were said


def finished(opinions: Opinions, request: Request | None) -> float | None:
    """The odds that all was said; None where the words tell nothing. `request`: if certain.

    They tell nothing where it may become another one ("count to twenty"), where it is one word,
    which is soon mistaken, where only its end was guessed from what it must be, and where it
    is no request: other speech may end anywhere.
    """
    said = words(opinions.so_far)
    after = may_follow(said)
    if after is None or not said:
        return None
    if request is not None:
        whole = said == request.words and settled(said) and " " in said
        return COMPLETE if whole else None
    if understand(said) is not None or not after:
        return None
    certain = score(Opinions(opinions.so_far, opinions.anything)) >= _CERTAIN
    return BEGINNING if certain else None
