"""How long this caller's pauses are, learnt within the call.

A silence that lasts longer than this caller's longer pauses is likely to be the end. Pauses
are taken to be log-logistic: P(longer than t) = 1 / (1 + (t / usual) ** shape). `usual` begins
with a prior and follows the caller's pauses, up quickly, down slowly. Knows durations only.
"""

from math import expm1, log1p

_PRIOR_MS = 180.0  # of readers and talkers, pauses over 100 ms within a sentence
_UP, _DOWN = 0.5, 0.1
_SHAPE = 3.5
_LEAST_MS = 100  # shorter ones are consonants


class Hazard:
    """One caller's pauses."""

    def __init__(self) -> None:
        self.usual_ms = _PRIOR_MS

    def note(self, pause_ms: float) -> None:
        """The caller went on after a silence of `pause_ms`."""
        if pause_ms < _LEAST_MS:
            return
        share = _UP if pause_ms > self.usual_ms else _DOWN
        self.usual_ms += (pause_ms - self.usual_ms) * share


def surprise(silent_ms: float, usual_ms: float) -> float:
    """Return -log P(a pause lasts longer than `silent_ms`), from 0 up."""
    return log1p((max(0.0, silent_ms) / usual_ms) ** _SHAPE)


def silence_ms(surprise_: float, usual_ms: float) -> float:
    """Return the silence that is so surprising: the inverse of `surprise`."""
    return float(usual_ms * expm1(max(0.0, surprise_)) ** (1 / _SHAPE))
