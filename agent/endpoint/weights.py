"""The weights of odds.py, as `python -m benchmarks.endpoint_fit` wrote them."""

from agent.endpoint.odds import Weights

FITTED = Weights(
    bias=-2.016,
    silence=0.159,
    of={
        "low": 0.416,
        "soft": 0.605,
        "fade": 0.247,
        "doubt": 0.596,
        "quiet": 0.573,
    },
)
