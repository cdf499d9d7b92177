"""Smart Turn v3, a published model of the end of a turn, through pipecat's own analyzer.

From the extra `smart-turn`, which brings the weights. It looks at the sound of 8 s.
"""

from collections.abc import Callable
from typing import Any

from agent.audio.frame import HEAR_HZ, Samples
from agent.errors import ConfigError, installs

Analyze = Callable[[Samples], float]  # [n] at HEAR_HZ -> odds that the turn is over

HEARD_S = 8  # all it looks at


def load() -> Analyze:
    """Return the published analyzer. Raises ConfigError where it is not installed."""
    try:
        from loguru import logger

        logger.disable("pipecat")  # it would greet the operator
        from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
    except ImportError as error:
        raise ConfigError(
            f"turns.smart_turn: Smart Turn is not installed ({error}); "
            f"run: {installs('smart-turn')}"
        ) from error
    published: Any = LocalSmartTurnAnalyzerV3(sample_rate=HEAR_HZ)

    def analyze(samples: Samples) -> float:
        return float(published._predict_endpoint(samples)["probability"])

    return analyze
