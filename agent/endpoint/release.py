"""When to answer, from the odds that the turn is over and what a mistake costs.

The operator says in plain words which mistake is worse: to wait, or to cut in. Knows values
only.
"""

from dataclasses import dataclass

from agent.endpoint.odds import Pause, Weights

# Logit of the odds that are enough: the longest wait catches the rest. What each costs is seen
# with benchmarks/endpoint.py.
ENOUGH = {"low": 1.25, "medium": 0.75, "auto": 0.75, "high": 0.25}
EAGERNESS = tuple(ENOUGH)
UNFINISHED = -1.8  # enough after the longest wait; with less the sentence is not over
_AGAIN = 1.08  # times the pause that was taken for an end


@dataclass(frozen=True, slots=True)
class Patience:
    """What an operator or a session sets."""

    eagerness: str  # one of EAGERNESS
    least_ms: int  # however sure
    longest_ms: int  # however doubtful
    unfinished_ms: int  # where the sentence is not over, as far as can be told

    def wait_ms(self, weights: Weights, pause: Pause, before: float) -> float:
        """Return the silence after which to answer, if nothing more is heard.

        `before` is what the weights say before any. A caller who was answered too early once is
        given as much again.
        """
        wait_ms = weights.silence_until(ENOUGH[self.eagerness], before, pause.usual_ms)
        doubtful_ms = weights.silence_until(UNFINISHED, before, pause.usual_ms)
        ceiling_ms = min(self.unfinished_ms, max(self.longest_ms, doubtful_ms))
        again_ms = min(_AGAIN * pause.mistaken_ms, self.longest_ms)
        return max(self.least_ms, min(ceiling_ms, max(wait_ms, again_ms)))
