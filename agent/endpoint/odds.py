"""From what is known of a pause to the odds that the turn is over.

A logistic model of three cues, and of what a small network makes of the VAD's memory of the
speech. weights.py reads what benchmarks/endpoint_fit.py fitted. Knows values only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any

import numpy as np

from agent.audio.frame import Samples
from agent.endpoint.hazard import silence_ms, surprise
from agent.endpoint.prosody import Cues
from agent.perceptron import Perceptron

LOGIT_MAX = 12.0
# What others say of the same silence: what the logit of each counts beside the cues.
# "meaning" is the brain's, chosen by benchmarks/meaning.py: with less a caller who broke off is
# cut into oftener, and more gains little; that of ADVISER is fitted to be added as it is
ADVISER = "smart_turn"
OPINIONS = {"meaning": 1.3, ADVISER: 1.0}
FEATURES = ("low", "soft", "quiet")
_RECALLED_MAX = 6.0  # logit: what a VAD remembers may be like nothing that was learnt from
_SURE = 0.003  # odds nearer to 0 or 1 than that say no more


@dataclass(frozen=True, slots=True)
class Pause:
    """A silence under way: what is known of it, and of the speech before it."""

    silent_ms: int
    cues: Cues
    breath_db: float  # of the line above its room, just now
    clear: bool  # level tells speech from silence
    usual_ms: float  # of this caller's pauses
    mistaken_ms: float = 0.0  # the longest pause that was taken for the end so far
    opinion: float = 0.0  # of others, weighed: a logit; 0 where nobody has spoken
    memory: Samples | None = field(default=None, compare=False)  # the VAD's, [MEMORY]


def features(pause: Pause) -> dict[str, float]:
    """Return FEATURES, each of the order of 1, more being more of an end."""
    cues = pause.cues
    return {
        "low": -min(12.0, max(-6.0, cues.low_st)) / 5,
        "soft": (min(20.0, max(-5.0, cues.soft_db)) - 4) / 4,
        "quiet": 1 - min(20.0, pause.breath_db) / 10,
    }


def remembered(memory: Samples) -> Samples:
    """Return what a VAD remembers, [..., MEMORY], between -1 and 1: some of it grows large."""
    bounded: Samples = memory / (1 + np.abs(memory))
    return bounded


def weighed(opinions: Mapping[str, float]) -> float:
    """Return the logit of what others say, odds by their name."""
    return sum(OPINIONS[name] * logit(odds) for name, odds in opinions.items())


def logit(odds: float) -> float:
    """Return the logit of odds that somebody gives, who is never quite sure."""
    sure = min(1 - _SURE, max(_SURE, odds))
    return log(sure / (1 - sure))


@dataclass(frozen=True, slots=True)
class Weights:
    """A model. All but `silence` add up to the logit before any silence."""

    silence: float  # of its surprise
    of: Mapping[str, float]
    memory: Perceptron  # [..., MEMORY] of what the VAD remembers
    without: float  # what it says on average: where nothing is remembered

    def before_silence(self, pause: Pause) -> float:
        """Return the logit that the turn was over as the pause began."""
        known = features(pause)
        cues = sum(weight * known[name] for name, weight in self.of.items())
        memory = self.without
        if pause.memory is not None:
            memory = float(self.recalled(pause.memory))
        return cues + memory + pause.opinion

    def recalled(self, memory: Samples) -> Any:  # as numpy: a number of [MEMORY]
        """Return the logits of what a VAD remembers, [..., MEMORY]."""
        return np.clip(self.memory(remembered(memory)), -_RECALLED_MAX, _RECALLED_MAX)

    def odds(self, before: float, silent_ms: float, usual_ms: float) -> float:
        """Return P(the turn is over) if nothing is heard until `silent_ms`; of what is known
        `before`, the logit.
        """
        logit = before + self.silence * surprise(silent_ms, usual_ms)
        return 1 / (1 + exp(-min(LOGIT_MAX, max(-LOGIT_MAX, logit))))

    def silence_until(self, wanted: float, before: float, usual_ms: float) -> float:
        """Return the silence in ms that lifts the logit from `before` it to the one wanted."""
        return silence_ms(min(LOGIT_MAX, (wanted - before) / self.silence), usual_ms)
