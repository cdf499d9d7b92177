"""When to answer, from the odds that the turn is over and what a mistake costs.

The operator says in plain words which mistake is worse: to wait, or to cut in. Knows values
only.
"""

from dataclasses import dataclass
from math import log

from agent.endpoint.odds import Pause, Weights

# Logit of the odds that are enough; a step is a factor of 2.5. `medium` is what the weights
# were fitted for; what the others cost is seen with benchmarks/endpoint.py.
_ENOUGH = {"low": 0.9, "medium": 0.0, "auto": 0.0, "high": -0.9}
EAGERNESS = tuple(_ENOUGH)
# After the longest wait: with odds below these the sentence is taken to be unfinished.
UNFINISHED = log(0.22 / 0.78)
OWN_PAUSES = 1.08  # times this caller's longest pause


@dataclass(frozen=True, slots=True)
class Patience:
    """What an operator or a session sets."""

    eagerness: str  # one of EAGERNESS
    least_ms: int  # however sure
    longest_ms: int  # however doubtful
    unfinished_ms: int  # where the sentence is not over, as far as can be told

    def wait_ms(self, weights: Weights, pause: Pause) -> float:
        """Return the silence after which to answer, if nothing more is heard.

        A caller who has paused for long once is given as much again.
        """
        enough = _ENOUGH[self.eagerness]
        wait_ms = weights.silence_until(enough, pause)
        ceiling_ms = float(self.longest_ms)
        if weights.silence_until(UNFINISHED, pause) > self.longest_ms:
            ceiling_ms = max(ceiling_ms, self.unfinished_ms)
        own_ms = min(OWN_PAUSES * pause.longest_ms, self.longest_ms)
        return max(self.least_ms, min(ceiling_ms, max(wait_ms, own_ms)))
