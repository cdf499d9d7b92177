"""From what is known of a pause to the odds that the turn is over.

A logistic model of few cues. The weights stand in weights.py and were fitted by
benchmarks/endpoint_fit.py. Knows values only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp

from agent.endpoint.hazard import silence_ms, surprise
from agent.endpoint.prosody import Cues

LOGIT_MAX = 12.0


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence under way: what is known of it, and of the speech before it."""

    silent_ms: int
    cues: Cues
    probability: float  # the VAD's, of speech, just now
    clear: bool  # level tells speech from silence
    usual_ms: float  # of this caller's pauses
    longest_ms: float  # of this caller's latest pauses


def features(pause: Pause) -> dict[str, float]:
    """Return what the weights are for, each of the order of 1, more being more of an end."""
    cues = pause.cues
    return {
        "fall": -min(6.0, max(-12.0, cues.fall_st)) / 5,
        "creak": -5 * cues.clarity,
        "sink": -min(3.0, max(-3.0, cues.slope_st)) / 3,
        "hiss": (min(120.0, cues.voiceless_ms) - 30) / 60,
        "doubt": 1 - 2 * pause.probability,
        "noisy": 0.0 if pause.clear else 1.0,
    }


@dataclass(frozen=True, slots=True)
class Weights:
    """A model. `bias` and `of` add up to the logit before any silence."""

    bias: float
    of: Mapping[str, float]

    def before_silence(self, pause: Pause) -> float:
        """Return the logit that the turn was over as the pause began."""
        known = features(pause)
        return self.bias + sum(weight * known[name] for name, weight in self.of.items())

    def odds(self, pause: Pause, silent_ms: float) -> float:
        """Return P(the turn is over) if nothing is heard until `silent_ms`."""
        logit = self.before_silence(pause) + surprise(silent_ms, pause.usual_ms)
        return 1 / (1 + exp(-min(LOGIT_MAX, max(-LOGIT_MAX, logit))))

    def silence_until(self, logit: float, pause: Pause) -> float:
        """Return the silence in ms after which the logit is that much."""
        needed = logit - self.before_silence(pause)
        return silence_ms(min(LOGIT_MAX, needed), pause.usual_ms)
