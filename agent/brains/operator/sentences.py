"""A "stop" and a request in one utterance: where it divides, what is heard of each. Pure.

"No, please stop. Tell me a joke." is one utterance where the first made no turn of its own. No
single request is so long, or has such a pause in it, and the weights were fitted on those.
"""

import math
from collections.abc import Sequence
from typing import Final

from agent.brains.operator.grammar import understand
from agent.brains.operator.opinions import Opinions, Span, pauses, words
from agent.brains.operator.requests import Intent

_PAUSE: Final = 15  # frames between two sentences, at least


def sentences(opinions: Opinions) -> tuple[Opinions, ...]:
    """Return the two on either side of the longest pause, if they are just that; else none."""
    pause = max(pauses(opinions.request), key=lambda each: each.frames, default=None)
    if pause is None or pause.frames < _PAUSE:
        return ()
    middle = (pause.first + pause.last) // 2
    parts = tuple(
        Opinions(_between(opinions.request, *ends), _between(opinions.anything, *ends))
        for ends in ((-1, middle), (middle, math.inf))
    )
    first, second = (understand(words(part.request)) for part in parts)
    return parts if first and first.intent is Intent.STOP and second else ()


def _between(spans: Sequence[Span], after: float, until: float) -> tuple[Span, ...]:
    """Those whose middle lies there: a word that one opinion has across the pause is one's."""
    return tuple(s for s in spans if after < (s.first + s.last) / 2 <= until)
