"""How long this caller's pauses are, learnt within the call.

A pause that lasts longer than most of them is likely to be the end. Pauses are taken to be
log-logistic: P(longer than t) = 1 / (1 + (t / median) ** shape), whose median is learnt from a
prior of a few pauses and those that were heard. Knows durations only.
"""

from math import exp, log, log1p

_PRIOR_MS = 180.0  # median of the pauses over 100 ms inside the sentences of readers and talkers
_PRIOR_PAUSES = 3.0  # so many pauses is that worth
_SHAPE = 3.5  # a tenth of the pauses is longer than 1.9 medians
LEAST_MS = 100  # shorter ones are consonants


class Hazard:
    """One caller's pauses."""

    def __init__(self) -> None:
        self._weight = _PRIOR_PAUSES
        self._mean = log(_PRIOR_MS)
        self.longest_ms = 0.0
        self.pauses = 0

    @property
    def median_ms(self) -> float:
        return exp(self._mean)

    def note(self, pause_ms: float, weight: float = 1.0) -> None:
        """The caller went on after `pause_ms`. `weight`: so many pauses is it worth."""
        if pause_ms < LEAST_MS:
            return
        self._weight += weight
        self._mean += (log(pause_ms) - self._mean) * weight / self._weight
        self.longest_ms = max(self.longest_ms, pause_ms)
        self.pauses += 1

    def surprise(self, silent_ms: float) -> float:
        """Return -log P(a pause of this caller lasts longer than `silent_ms`), from 0 up."""
        return log1p((max(0.0, silent_ms) / self.median_ms) ** _SHAPE)
